/*
 * The rooms as the screen shows them: what was said, what of it is unread, who is there, what is
 * being typed there. A conversation with one person is a room here too ("@bob"), though its lines
 * lie in one's own inbox on the server. Pure bookkeeping.
 *
 *	read     up to here it was seen, on this screen or another device
 *	marker   "N new" stands above the lines behind it; stays while they are being read
 */
#ifndef CLIENT_TUI_ROOMS_H
#define CLIENT_TUI_ROOMS_H

#include "base/limits.h"
#include "client/edit.h"
#include "client/rooms.h"
#include "client/scrollback.h"
#include "proto/server_line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TUI_LINES_MAX 100000u /* of all rooms; the longest one forgets its oldest */

enum tui_history {
	TUI_HISTORY_MAYBE, /* there may be older lines */
	TUI_HISTORY_ASKED,
	TUI_HISTORY_END, /* the server has none */
};

/* What an agent does, as far as one who looks at it cares. */
enum tui_agent {
	TUI_NO_AGENT, /* a person */
	TUI_AGENT_IDLE,
	TUI_AGENT_BUSY,
	TUI_AGENT_DOWN, /* or starting again */
};

struct tui_member {
	char name[NAME_SIZE];
	bool away;
	enum tui_agent agent;
};

struct tui_room {
	char name[ROOM_SIZE]; /* "dev", or "@bob" */
	struct scrollback lines;
	struct edit edit; /* the line being typed there */

	int64_t read;
	int64_t newest;       /* the highest seq here */
	int64_t first_unread; /* 0: none */
	unsigned unread, mentions;
	int64_t marker; /* -1: none */
	unsigned marker_count;

	bool scrolled;      /* the end is not in view; then these two count: */
	size_t bottom;      /* the lowest entry in view */
	size_t bottom_skip; /* rows of it that are below the view */

	enum tui_history history;
	int64_t history_before; /* the next request asks for what is older than this; 0: the first
				   line */
	bool history_scroll;    /* PgUp waits for it */
	unsigned history_pages; /* asked for without a line for this room */

	struct tui_member *members; /* owned; sorted */
	size_t member_count;
	int64_t members_at; /* when they were asked for on this connection; -1: not yet */
	bool members_more;  /* and more of them are to come */

	char writing[NAME_SIZE]; /* the agent whose answer is under way; "" none */
	struct buf partial;      /* what of it is there; clean */
	int64_t partial_until;

	char typing[NAME_SIZE]; /* who is typing; "" nobody */
	int64_t typing_until;
};

struct tui_rooms {
	struct tui_room **items; /* owned; the lobby, rooms, then people, each by name */
	size_t count;
	size_t lines;            /* in all rooms */
	struct edit_kills kills; /* what is taken in one room can be put into another */
};

bool tui_room_is_direct(const struct tui_room *room);
void tui_rooms_finish(struct tui_rooms *rooms);
struct tui_room *tui_rooms_find(const struct tui_rooms *rooms, const char *name);
/* Finds or adds; NULL where memory is out. Pointers hold until the room is removed. */
struct tui_room *tui_rooms_add(struct tui_rooms *rooms, const char *name);
void tui_rooms_remove(struct tui_rooms *rooms, struct tui_room *room);
size_t tui_rooms_index(const struct tui_rooms *rooms, const struct tui_room *room);

/* A line in its place, the view on others unmoved; -EEXIST where it is there already. */
int tui_room_add_line(struct tui_rooms *rooms, struct tui_room *room,
		      const struct entry_parts *parts);
/* A line behind `read` that somebody else said. */
void tui_room_unread(struct tui_room *room, int64_t seq, bool mention);
/* Read up to here. True where that is news. */
bool tui_room_saw(struct tui_room *room, int64_t seq);
void tui_room_clear_marker(struct tui_room *room);
/*
 * How far one's own inbox is read, given that people's lines are read apart: up to the line before
 * the first unread one, whoever wrote it.
 */
int64_t tui_rooms_inbox_read(const struct tui_rooms *rooms);

/* Who is there, by a `users` answer (its first page begins afresh) or a `presence`. */
void tui_room_set_members(struct tui_room *room, const struct server_line *users, bool first_page);
void tui_room_presence(struct tui_room *room, const struct server_line *presence);
/* An agent there is busy now, or down. */
void tui_room_agent(struct tui_room *room, const char *agent, const char *state);

#endif
