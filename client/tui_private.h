/*
 * What the files that make the full screen share. tui.c: its life and what several need;
 * tui_receive.c, tui_keys.c, tui_prompt.c, tui_draw.c, tui_lists.c: see client/tui.h.
 */
#ifndef CLIENT_TUI_PRIVATE_H
#define CLIENT_TUI_PRIVATE_H

#include "client/tui.h"

/* Shows this room, and talks there. */
void tui_go(struct tui *tui, struct tui_room *room);
/* The room became the one that is shown. */
void tui_enter(struct tui *tui, struct tui_room *room);
/* A line of our own in a room. `text` is cleaned. */
void tui_put(struct tui *tui, struct tui_room *room, enum entry_kind kind, const char *text);
/* The same in the one that is shown, or that will be in a moment. */
void tui_tell(struct tui *tui, enum entry_kind kind, const char *text);
/* Are we in it? With people one always is. */
bool tui_is_ours(const struct tui *tui, const struct tui_room *room);
/* Asks for what is older than the room's first line, if there may be any. */
void tui_want_history(struct tui *tui, struct tui_room *room);

/* Asks who is in the room, unless that is known and not older than this. */
void tui_want_members(struct tui *tui, struct tui_room *room, int64_t age_ms);
/* All lines of a history answer came, or no more of them will. */
void tui_history_came(struct tui *tui);
/* Tells the server how far the room is read. */
void tui_tell_read(struct tui *tui, const struct tui_room *room);
/* Replaces the hint on the status line; printf. */
void tui_hint(struct tui *tui, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The colours in use: the settings', or none. */
enum theme tui_theme(const struct tui *tui);

/* ---- the prompts (tui_prompt.c) */
void tui_begin_paste(struct tui *tui, const char *text, size_t len);
void tui_begin_switch(struct tui *tui);
void tui_begin_search(struct tui *tui);
/* Older lines came: a search that waits for them goes on in those before this seq. */
void tui_search_on(struct tui *tui, int64_t older_than);
void tui_close_prompt(struct tui *tui);
/* A key while one is open. */
void tui_prompt_key(struct tui *tui, const char *name, const char *bytes, size_t len);
/* The rooms that fit what is typed into the switcher, the best first; the count. */
size_t tui_switch_matches(const struct tui *tui, struct tui_room **rooms, size_t max);

/* ---- the lists at the sides (tui_lists.c) */
#define TUI_RULE "\u2500"
#define TUI_BAR "\u2502"

size_t tui_longest_room(const struct tui *tui);
size_t tui_longest_member(const struct tui *tui);
void tui_draw_rooms(const struct tui *tui, struct canvas *canvas);
void tui_draw_members(const struct tui *tui, struct canvas *canvas);
/* "!2" for mentions, "3" for what is unread; a direct line is for us, so its number is enough. */
void tui_counter(const struct tui_room *room, char out[16]);
unsigned tui_counter_style(const struct tui *tui, const struct tui_room *room);

/* How well a name fits the letters typed: 0 not at all. They must all come, in their order. */
unsigned fuzzy_score(const char *name, const char *typed);
/* Where `word` stands in `text`, case aside; NULL nowhere. */
const char *text_find(const char *text, const char *word);

#endif
