/*
 * What was erased by C-u, C-k, C-w, M-d and the like, the latest first: C-y brings the latest back,
 * M-y behind it the one before. Erasing again and again gathers in one.
 */
#ifndef CLIENT_EDIT_KILLS_H
#define CLIENT_EDIT_KILLS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define EDIT_KILLS_MAX 16u

struct edit_kills {
	struct buf ring[EDIT_KILLS_MAX];
	size_t newest, count;
};

/* Overwrites all of it first: it may have been a secret. */
void edit_kills_finish(struct edit_kills *kills);
/* A new one; forgets the oldest where there are too many. */
void edit_kills_add(struct edit_kills *kills, const char *text, size_t len);
/* More for the latest: `before` or behind what it holds. */
void edit_kills_join(struct edit_kills *kills, const char *text, size_t len, bool before);
/* The latest is 0; goes round. NULL where nothing was erased yet. */
const struct buf *edit_kills_get(const struct edit_kills *kills, size_t back);

#endif
