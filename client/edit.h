/*
 * The line a person is typing: text, cursor, history; fed with the bytes of the keyboard. Pure: no
 * terminal, so that the full screen and the line mode share it and tests can type.
 *
 *	left right home end C-b C-f C-a C-e M-b M-f    move
 *	backspace delete C-d C-h                       one character
 *	C-u C-k C-w M-d M-backspace                    to the start, to the end, a word
 *	C-y M-y                                        what those took comes back; what they took
 *	                                               before it
 *	C-_                                            undoes, step by step
 *	C-t                                            changes the two characters over
 *	up down C-p C-n                                what was typed before
 *	paste (bracketed)                              as it is, newlines too
 */
#ifndef CLIENT_EDIT_H
#define CLIENT_EDIT_H

#include "base/buf.h"
#include "client/edit_kills.h"
#include "client/edit_undo.h"

#include <stdbool.h>
#include <stddef.h>

#define EDIT_HISTORY_MAX 200u
#define EDIT_BYTES_MAX 60000u /* longer than any server takes */

enum edit_result {
	EDIT_MORE,    /* go on */
	EDIT_LINE,    /* Enter: edit_take() has it */
	EDIT_CLEARED, /* C-c: the line is empty now (it may have been before) */
	EDIT_END,     /* C-d on an empty line */
	EDIT_TAB,     /* complete, please */
	EDIT_REDRAW,  /* C-l */
	EDIT_SUSPEND, /* C-z */
};

/* What a key did, as far as the next one goes on with it. */
enum edit_deed {
	EDIT_DID_OTHER,
	EDIT_DID_TYPE, /* letters in a row are undone as one */
	EDIT_DID_TAKE, /* what is taken in a row comes back as one */
	EDIT_DID_YANK, /* M-y has something to replace */
};

struct edit {
	struct buf text;                 /* UTF-8; newlines only from a paste */
	size_t cursor;                   /* a byte offset, always between two characters */
	char *history[EDIT_HISTORY_MAX]; /* owned; oldest first */
	size_t history_count;
	size_t at;         /* which of history is shown; history_count: the new line */
	struct buf unsent; /* the new line while older ones are shown */

	struct edit_kills own_kills;
	struct edit_kills *kills; /* shared with other lines, borrowed; NULL: own_kills */
	struct edit_undo undo;
	enum edit_deed did, doing; /* the last key, and this one */
	size_t yanked_from;        /* what C-y brought begins here ... */
	size_t yanked_back;        /* ... and was the one so far back */

	/* private: the keyboard's multi-byte sequences */
	char sequence[16];
	size_t sequence_len;
	bool in_paste;
};

void edit_finish(struct edit *edit);
/* One byte from the keyboard. */
enum edit_result edit_byte(struct edit *edit, unsigned char byte);
/* After EDIT_LINE: appends the line to `line`, puts it into the history, starts a new one. */
void edit_take(struct edit *edit, struct buf *line);
/* Replaces text[from..cursor) and puts the cursor behind it: for completion. */
void edit_replace(struct edit *edit, size_t from, const char *text);

/*
 * What fits into `columns` columns: appends it to `out` (a newline shows as U+23CE) and tells the
 * column of the cursor. The text scrolls sideways so that the cursor is seen.
 */
void edit_render(const struct edit *edit, size_t columns, struct buf *out,
		 size_t *ret_cursor_column);

#endif
