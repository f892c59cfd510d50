/*
 * A long text as several messages: cut where a paragraph ends, else a line, else a word. A code
 * fence that is cut is closed, and opened again in the next part.
 *
 *	struct split split;
 *	split_begin(&split, text);
 *	while (split_next(&split, &part))
 *		... part.data is one message
 */
#ifndef AGENTS_SPLIT_H
#define AGENTS_SPLIT_H

#include "base/buf.h"
#include "proto/text.h"

struct split {
	struct text rest;
	char fence[64]; /* the line that opened the fence we are in; "": in none */
};

void split_begin(struct split *split, struct text text);
/* `part` is emptied first. False: that was all, or no memory (part->failed). */
bool split_next(struct split *split, struct buf *part);

#endif
