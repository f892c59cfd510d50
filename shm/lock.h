/*
 * Robust process-shared mutexes, and the order in which they are taken:
 *
 *	tables (room_table, user_table, window_table, address_table, penalty_table:
 *	  never two at once)
 *	  > user > window > logs by number (rooms stand before inboxes)
 *
 * A worker has an event loop to run, so it waits at most 2 ms. After a timeout everybody
 * only tries that lock, for some µs, until somebody has got it or 250 ms are over. Nothing is
 * logged, allocated, read or written (files, sockets) and no library is called while one is
 * held.
 *
 *	switch (lock_acquire(&x->lock)) {
 *	case LOCK_OK:    break;
 *	case LOCK_DIED:  repair x; lock_made_consistent(&x->lock); break;
 *	case LOCK_BUSY:  return BUSY;    (ETIMEDOUT, or EBUSY while it is hot)
 *	case LOCK_BROKEN: quarantine x;  (ENOTRECOVERABLE, EINVAL, …)
 *	}
 */
#ifndef SHM_LOCK_H
#define SHM_LOCK_H

#include "shm/layout.h"

enum lock_result { LOCK_OK, LOCK_DIED, LOCK_BUSY, LOCK_BROKEN };

#define LOCK_WAIT_MS 2u
#define LOCK_HOT_MS 250u

/* What this thread met since it began: for /metrics. */
struct lock_counts {
	uint64_t waits;    /* the process slept for it */
	uint64_t timeouts; /* not got: LOCK_BUSY of lock_acquire */
	uint64_t repairs;  /* LOCK_DIED */
};

/* In fresh memory only (or memory nobody else can reach): 0 or -errno. */
int lock_init(struct shm_lock *lock);
enum lock_result lock_acquire(struct shm_lock *lock);
enum lock_result lock_try(struct shm_lock *lock);
void lock_made_consistent(struct shm_lock *lock);
void lock_release(struct shm_lock *lock);
struct lock_counts lock_counts(void);

#endif
