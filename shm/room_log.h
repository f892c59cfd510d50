/*
 * Reading a log: takes no lock, from any process.
 *
 *	cursor {log, epoch, after}
 *	room_log_read(shm, log, epoch, after + 1, UINT64_MAX, buf, size, &slice)
 *	  ROOM_LOG_LINES   slice.first..slice.last were copied: after = slice.last
 *	  ROOM_LOG_NONE    nothing newer
 *	  ROOM_LOG_LAPPED  the line is not in memory any more: tell a gap, go on at the tail
 *	  ROOM_LOG_RESET   another epoch: look the name up again
 *
 * Lines come as they go on the wire, each ended by '\n', whole lines only.
 * Epoch (acquire), next (acquire), tail (acquire); copy; acquire fence; epoch and tail
 * again: a writer that lapped us while we copied is noticed and the copy discarded.
 *
 * Writing is in append.h.
 */
#ifndef SHM_ROOM_LOG_H
#define SHM_ROOM_LOG_H

#include "shm/segment.h"

/* The log this process locked, read or audited last; for its last words. Process-local. */
extern _Atomic uint32_t room_log_last;

enum room_log_result { ROOM_LOG_LINES, ROOM_LOG_NONE, ROOM_LOG_LAPPED, ROOM_LOG_RESET };

struct room_log_slice {
	uint64_t first, last; /* seq, inclusive */
	size_t len;           /* bytes */
	uint32_t mono_us;     /* when `first` was appended, low half */
};

/* The longest line a log takes: CONTENT_CHARS_LIMIT characters of content and all its fields,
 * escaped. */
#define ROOM_LOG_LINE_MAX 49152u

/*
 * Copies lines from seq `from` to at most `to` into out[0..size); as many whole ones as
 * fit, at least one (size is at least ROOM_LOG_LINE_MAX).
 */
enum room_log_result room_log_read(const struct shm *shm, uint32_t log, uint64_t epoch,
				   uint64_t from, uint64_t to, char *out, size_t size,
				   struct room_log_slice *ret_slice);

/*
 * The readable range now: `first` = head + 1 where nothing is. False: another epoch.
 */
bool room_log_bounds(const struct shm *shm, uint32_t log, uint64_t epoch, uint64_t *ret_first,
		     uint64_t *ret_head);

/* `next` alone, for the once-a-second look: acquire. */
uint64_t room_log_next(const struct shm *shm, uint32_t log);

/* The lowest readable seq whose timestamp is at or after wall_ms; head + 1 if none. False: another
 * epoch. */
bool room_log_at(const struct shm *shm, uint32_t log, uint64_t epoch, int64_t wall_ms,
		 uint64_t *ret_seq);

/*
 * Sets this worker's bit in `workers` (seq_cst): from now on every append rings us.
 * Read `next` after it. Clear it when the last local member is gone.
 */
void room_log_subscribe(struct shm *shm, uint32_t log);
void room_log_unsubscribe(struct shm *shm, uint32_t log);

/* The topic now ("" for an inbox and where there is none), no lock. False: another epoch. */
bool room_log_topic(const struct shm *shm, uint32_t log, uint64_t epoch,
		    char ret_topic[TOPIC_SIZE]);

/*
 * Compares every readable line with its CRC and the index with itself: true if all is well.
 * Under the log's lock, or where nobody writes (else a lapped line may look bad).
 */
bool room_log_audit(const struct shm *shm, uint32_t log);
/* No appends from now on; for whoever found it bad. The janitor calls room_log_reset. */
void room_log_quarantine(const struct shm *shm, uint32_t log);
/*
 * Empties a log under a new epoch; the topic stays, an inbox's read mark goes. Takes the log's
 * lock: 0, -EBUSY, or -ENOTRECOVERABLE.
 */
int room_log_reset(struct shm *shm, uint32_t log);
/* The same with the lock held. `epoch` 0: a fresh one. For a slot that gets a new life, too. */
void room_log_clear(struct shm *shm, uint32_t log, uint64_t epoch);
/*
 * The repair of a log whose lock's holder died: O(1), may be done twice. Called with the lock
 * held, before anything else is done with the log (also before a free or a reset).
 */
void room_log_repair(struct shm *shm, uint32_t log);

#endif
