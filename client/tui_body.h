/*
 * What of a room's lines is in view: the rows of the body from its lowest one up, and how it
 * scrolls. Pure: rooms and numbers in, rows out.
 *
 *	──────────── Friday 20 November ────────────      BODY_DAY
 *	12:39 bob      build is green                     BODY_ENTRY, first
 *	               and stays so                       BODY_ENTRY
 *	───────────────── 3 new ─────────────────         BODY_NEW
 */
#ifndef CLIENT_TUI_BODY_H
#define CLIENT_TUI_BODY_H

#include "client/tui_layout.h"
#include "client/tui_rooms.h"
#include "client/tui_wrap.h"

enum body_row_kind { BODY_ENTRY, BODY_DAY, BODY_NEW };

struct body_row {
	enum body_row_kind kind;
	bool first;   /* of its entry: with time and name */
	size_t index; /* of the entry it belongs to, or stands above of */
	struct tui_wrap_row span;
	size_t column; /* where the text stands */
};

/* What stands in the column of the names: the sender, or a sign. */
const char *entry_label(const struct entry *entry);

/*
 * Fills rows[0..height) from below; returns how many at the end of it are used (the others are
 * above the first line).
 */
size_t body_fill(const struct tui_room *room, const struct tui_columns *columns, size_t height,
		 struct body_row *rows);
/* The lines that are below the view. */
size_t body_below(const struct tui_room *room);
/* The lowest entry that is wholly in view; false where there is none. */
bool body_lowest(const struct tui_room *room, size_t *ret_index);

/* `rows` up; true where the top was in the way. */
bool body_scroll_up(struct tui_room *room, const struct tui_columns *columns, size_t height,
		    size_t rows);
void body_scroll_down(struct tui_room *room, const struct tui_columns *columns, size_t rows);
void body_scroll_end(struct tui_room *room);
void body_scroll_start(struct tui_room *room, const struct tui_columns *columns, size_t height);
/* Puts the entry at the top of the view (or in its middle), as far as there are lines below. */
void body_scroll_show(struct tui_room *room, const struct tui_columns *columns, size_t height,
		      size_t index, bool middle);

#endif
