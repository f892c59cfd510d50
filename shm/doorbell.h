/*
 * Wakes another worker: "look at your dirty logs".
 * A ring carries no message: it may be lost, doubled or late without losing a line.
 *
 *	sender:    set the log's dirty bit; if (!exchange(pending, 1)) send(16 bytes)
 *	receiver:  drain the socket; pending = 0; then take the dirty words
 *
 * What may be lost (typing, read marks, "look at this user's list") travels inside a
 * datagram of its own: doorbell_send().
 */
#ifndef SHM_DOORBELL_H
#define SHM_DOORBELL_H

#include "shm/segment.h"

#include <stddef.h>

#define DOORBELL_DATAGRAM_MAX 4096u

/* The master, before its first fork: one nonblocking, close-on-exec datagram pair a slot. 0 or
 * -errno. */
int doorbell_create(int bells[SLOTS_MAX][2]);
/* The same for some slots only (bits); the others get -1 and can't be rung. */
int doorbell_create_for(int bells[SLOTS_MAX][2], uint64_t slots);
/* A child: the ends at which others listen are none of its business. */
void doorbell_enter(int bells[SLOTS_MAX][2], unsigned slot);
/* Where slot `slot` listens. */
int doorbell_fd(const struct shm *shm, unsigned slot);

/* Dirty bits of `log` for all workers in its `workers` word, and a ring to each but us. True: we
 * are among them. Fences itself. */
bool doorbell_ring_log(struct shm *shm, uint32_t log);
/* The dirty bit of `log` for us alone: it will be taken again. */
void doorbell_mark(struct shm *shm, uint32_t log);
/* A ring that is sent in any case: for the master at each reap (a ringer may have died between the
 * flag and the send). */
void doorbell_ring(struct shm *shm, unsigned to_slot);
/* A datagram of the workers' own (first byte not 0). False: not sent. */
bool doorbell_send(struct shm *shm, unsigned to_slot, const void *bytes, size_t len);

/*
 * The receiver: reads all datagrams, hands the workers' own to `handle`, clears `pending`.
 * Then call doorbell_take until it returns SHM_NONE.
 */
void doorbell_drain(struct shm *shm, void (*handle)(void *data, const void *bytes, size_t len),
		    void *data);
/* The next dirty log (its bit is cleared), from *cursor on (start with 0), or SHM_NONE. */
uint32_t doorbell_take(struct shm *shm, uint32_t *cursor);

#endif
