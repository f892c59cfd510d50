/*
 * The inside of a log, for those who write it (append.c, intent.c) and read it (room_log.c).
 *
 *	index  entry `seq & index_mask`, bytes at `offset & bytes_mask`; both rings hold at least
 *	       what is readable: `lines` lines and `limit` bytes, the logical, exact limits
 *
 *	tail            next-1   next
 *	  v               v       v
 *	| line | line | line |  written, not committed  |      each starts where the last one ends
 *
 * A new line's place comes from entry next-1, which nobody overwrites before the commit.
 */
#ifndef SHM_LOG_RING_H
#define SHM_LOG_RING_H

#include "shm/room_log.h"

struct log_ring {
	struct log_head *head;
	struct log_entry *index;
	unsigned char *bytes;
	uint64_t index_mask, bytes_mask;
	uint64_t lines, limit; /* readable at the most: lines, bytes */
	uint64_t reserve;      /* of `limit`, kept for owed copies beside one line; 0 in a room */
};

/* A line before it has a number: head, the log's name, LINE_NAME_END, seq, tail. */
struct log_line {
	const char *head, *tail;
	size_t head_len, tail_len;
	uint32_t tail_crc; /* crc32c of tail, made before any lock is taken */
	uint32_t sender;
	uint32_t window; /* or SHM_NONE */
	int64_t wall_ms;
	uint32_t mono_us; /* low half, for the latency histogram */
	uint64_t id_hash, content_hash;
	const char *topic; /* or NULL */
};

enum log_room {
	LOG_FITS,
	LOG_FULL,
	LOG_OWED, /* full, until an open intent is finished: shm->owed_window tells which */
	LOG_NEVER_FITS
};

static inline struct log_entry *log_entry_at(const struct log_ring *ring, uint64_t seq)
{
	return &ring->index[seq & ring->index_mask];
}

/* The rings of a log whose body is made. */
struct log_ring log_ring_of(const struct shm *shm, uint32_t log);
void log_ring_out(const struct log_ring *ring, char *out, uint64_t offset, size_t len);

/* Bytes the line will have as the log's next one. */
size_t log_line_len(const struct log_ring *ring, const struct log_line *line);
/*
 * May the line be appended? Under the log's lock. In an inbox: no unread line goes and none that
 * an owed copy is to be made from, a line and `reserve` bytes stay free for an owed copy (unless
 * this is one), and nobody but the owner has more than a quarter unread.
 */
enum log_room log_has_room(struct shm *shm, uint32_t log, const struct log_ring *ring,
			   const struct log_line *line, bool owed);
/* Writes and commits the line as number `next`. Under the log's lock, room was checked. */
void log_write(struct shm *shm, uint32_t log, const struct log_ring *ring,
	       const struct log_line *line);
/* The CRC of a stored line. */
uint32_t log_stored_crc(const struct log_ring *ring, uint64_t seq);

#endif
