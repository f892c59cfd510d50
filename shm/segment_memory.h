/*
 * The segment's memory is reserved before it is used, so that a full /dev/shm is an answer and
 * never a SIGBUS: the tables at start, a body when it is made (segment_make_body).
 *
 *	/dev/shm | tables: at most a quarter | rooms | an eighth of the rest: for inboxes alone |
 */
#ifndef SHM_SEGMENT_MEMORY_H
#define SHM_SEGMENT_MEMORY_H

#include "shm/segment.h"

#include <stdbool.h>

/* fallocate, over EINTR: 0 or -errno. */
int segment_reserve(int fd, uint64_t offset, uint64_t bytes);
/* The tables of such a header in an empty file: 0, -ENOSPC with the option to lower, or -errno. */
int segment_reserve_tables(int fd, const struct segment_header *header, struct buf *error);
/* What bodies may take in all: what is free now, and what they have. Stores a number, that is all.
 */
void segment_measure(struct shm *shm);
/*
 * True while a new room is refused: the next one would take what rooms may have over nine
 * tenths, and not all of them fit anyway (then --max-rooms is the limit).
 */
bool segment_rooms_full(const struct shm *shm);

#endif
