/*
 * The full screen without a terminal: what happens and what is typed go in, a picture comes out.
 *
 *	session events, notes ──> tui_receive ─┐
 *	                                       ├─> rooms ──> tui_draw ──> canvas
 *	bytes of the keyboard ──> tui_keys ────┘
 *	                             └──> view_input: lines typed, rooms chosen, history wanted
 *
 * view_tui joins it to a terminal; tests play both sides.
 */
#ifndef CLIENT_TUI_H
#define CLIENT_TUI_H

#include "client/canvas.h"
#include "client/complete.h"
#include "client/keyboard.h"
#include "client/tui_body.h"
#include "client/tui_layout.h"
#include "client/tui_rooms.h"
#include "client/view.h"

#include <stdbool.h>
#include <stdint.h>

struct tui_config {
	struct view_person person;
	struct view_input input;
	bool colors;
};

/* What the last line of the screen is for. */
enum tui_prompt {
	TUI_TYPING,
	TUI_PASTE,  /* may this much be pasted? */
	TUI_SWITCH, /* to which room? */
	TUI_SEARCH, /* for what? */
};

struct tui {
	const struct rooms *session_rooms;
	const struct settings *settings;
	struct view_input input;
	bool colors; /* the terminal has them, and they are wanted */
	char user[NAME_SIZE];
	int64_t now; /* ms of the caller's clock, as told last */

	struct tui_rooms rooms;
	struct tui_room *current; /* never NULL */
	struct buf parting;       /* words for a room that is not ours: shown where we go from it */
	enum entry_kind parting_kind;
	struct people people;
	int64_t inbox_read; /* told to the server */

	int64_t history_left; /* lines of an answer that are still to come */
	int64_t history_at;   /* when the last of them came */
	int64_t history_first, history_had;
	bool history_more;

	bool connected;
	char state[80];      /* of the connection; "" while it stands */
	int64_t welcome_at;  /* seconds: what was said before it is no news */
	int64_t latency_ms;  /* -1: not known */
	int64_t measured_at; /* when it was asked for last; -1: never */
	bool news;           /* the line that came last may be told to who looks elsewhere */
	bool redraw;         /* the terminal may show something else: paint all */

	struct keyboard keyboard;
	int64_t escape_at; /* an ESC came alone then; -1: none */
	int64_t last_key;
	int64_t typing_told; /* when others were told that we type; -1: not yet */
	bool focused;        /* as far as the terminal tells */
	bool tells_focus;    /* it does */
	bool ended;
	bool leaving; /* C-c came on an empty line: once more quits */

	enum tui_prompt prompt;
	struct edit question; /* what is typed in the prompt */
	struct buf pasted;    /* waits for an answer */
	size_t chosen;        /* of the rooms that fit */
	size_t found;         /* the entry that was found ... */
	int64_t found_seq;    /* ... and its seq, for older lines move it; 0: has none */
	bool has_found;
	bool search_waits; /* for older lines, to go on in them */
	bool was_scrolled; /* where the room stood before the search */
	size_t was_bottom, was_skip;
	int64_t was_seq;
	struct buf hint; /* a word on the status line until the next key */

	struct tui_layout layout; /* of the last picture */
	struct tui_columns columns;
};

/* 0 or -ENOMEM. */
int tui_create(const struct tui_config *config, struct tui **ret_tui);
void tui_destroy(struct tui *tui);

/* ---- what happens (tui_receive.c) */
void tui_show(struct tui *tui, const struct session_event *event);
void tui_note(struct tui *tui, enum note_tone tone, const char *text);
void tui_target(struct tui *tui, const char *user, const char *target);
void tui_connection(struct tui *tui, const char *state);

/* ---- what is typed (tui_keys.c, tui_prompt.c) */
void tui_type(struct tui *tui, const char *bytes, size_t len);
/* When tui_tick() has something to do, or -1. */
int64_t tui_deadline(const struct tui *tui);
void tui_tick(struct tui *tui);

/* ---- the picture (tui_draw.c); also: what is in it now counts as read */
void tui_draw(struct tui *tui, struct canvas *canvas);

#endif
