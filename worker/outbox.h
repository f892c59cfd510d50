/*
 * What one connection alone is told: answers, announcements, news about its user. Lines of
 * rooms are not in here: the log keeps them, and a cursor is the queue.
 *
 *	bytes   ready lines; they may wait for a log: "the line itself, then its ok"
 *	lines   announced by a room or history line: read from the log when their turn comes,
 *	        with nothing between
 *
 * Bounded: whoever asks and does not read is told so (too_slow).
 */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_BYTES_MAX ((size_t)256 * 1024)
#define OUTBOX_ITEMS_MAX 1024u
#define OUTBOX_SPARE_BYTES_MAX ((size_t)16 * 1024) /* a bigger one isn't kept for others */

enum outbox_kind { OUTBOX_BYTES, OUTBOX_LINES };

struct outbox_item {
	enum outbox_kind kind;
	bool live;    /* lines: the subscriber's cursor goes with them */
	uint32_t log; /* lines: of this one. bytes: not before it is read up to `to`; or SHM_NONE */
	uint64_t epoch;
	uint64_t after, to; /* lines after+1 .. to; `after` moves as they go */
	size_t len;         /* bytes: that many are left */
};

struct outbox {
	struct buf bytes;
	size_t sent;               /* of `bytes`, by outbox_sent */
	struct outbox_item *items; /* a ring of `cap`, a power of two; owned */
	unsigned head, count, cap;
};

/* NULL: out of memory. */
struct outbox *outbox_create(void);
/* Accepts NULL. */
void outbox_destroy(struct outbox *outbox);

/* NULL is an empty one, here and for outbox_first and outbox_not_live. */
static inline bool outbox_is_empty(const struct outbox *outbox)
{
	return outbox == NULL || outbox->count == 0;
}

/* Ready lines. log SHM_NONE: they wait for nothing. 0, -ENOBUFS (too much unread) or -ENOMEM. */
int outbox_add(struct outbox *outbox, const char *lines, size_t len, uint32_t log, uint64_t epoch,
	       uint64_t seq);
/* Lines after+1 .. to of a log, none where to = after: then it only puts a live cursor there. */
int outbox_add_lines(struct outbox *outbox, uint32_t log, uint64_t epoch, uint64_t after,
		     uint64_t to, bool live);

/* The next item, or NULL. An item of bytes starts at outbox_bytes(). */
struct outbox_item *outbox_first(struct outbox *outbox);
static inline const char *outbox_bytes(const struct outbox *outbox)
{
	return outbox->bytes.data + outbox->sent;
}
/* `len` bytes of the first item are written; at its end it is gone. */
void outbox_sent(struct outbox *outbox, size_t len);
/* Whoever reads that log next is not the one whose cursor the lines in here were to move. */
void outbox_not_live(struct outbox *outbox, uint32_t log, uint64_t epoch);
/* An item of lines is done. */
void outbox_drop_lines(struct outbox *outbox);

/* Throws away what is in it, and gives back its memory. */
void outbox_finish(struct outbox *outbox);

#endif
