/*
 * Breaks a clean text into the rows of a column of the screen: at a newline, else behind the last
 * blank that fits, else inside the word.
 *
 *	size_t at = 0;
 *	struct tui_wrap_row row;
 *
 *	while (tui_wrap_next(text, len, width, &at, &row))
 *		draw(text + row.from, row.len);
 */
#ifndef CLIENT_TUI_WRAP_H
#define CLIENT_TUI_WRAP_H

#include <stdbool.h>
#include <stddef.h>

struct tui_wrap_row {
	size_t from, len; /* bytes */
};

/* The row that begins at `*at`, which moves on; false at the end. An empty text is one row. */
bool tui_wrap_next(const char *text, size_t len, size_t width, size_t *at,
		   struct tui_wrap_row *ret_row);
/* How many rows there are; at least 1. */
size_t tui_wrap_count(const char *text, size_t len, size_t width);

#endif
