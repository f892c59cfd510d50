/*
 * Names to slots: chains of slot numbers from hash buckets, and the chain of free slots. Rooms
 * and users each have one; the windows' is their own (window.c).
 *
 *	struct table table = room_table(shm);         under the table's lock
 *	for (slot = table_first(&table, hash); slot != SHM_NONE; slot = table_next(&table, slot))
 *
 * Changes are made under the table's lock; a holder that died may leave any of it half done, so
 * nothing here is the truth: the slots are, and table_clear with an insert or a push for
 * each of them makes it anew. A reader without the lock may miss a slot, or be led in a
 * circle: it gives up after `slots` steps and never concludes from a miss.
 */
#ifndef SHM_TABLE_H
#define SHM_TABLE_H

#include "shm/layout.h"

#include <stddef.h>

struct shm;

struct table {
	_Atomic uint32_t *buckets;
	uint32_t mask;
	uint32_t slots;
	_Atomic uint32_t *free_first;
	unsigned char *links; /* the link of slot 0 */
	size_t stride;        /* from one slot's link to the next one's */
};

/*
 * A table's lock: 0 or -EBUSY. Where its holder died, `rebuild` makes the table anew first, again
 * and again until it has come to its end once.
 */
int table_lock(struct shm *shm, struct shm_lock *lock, void (*rebuild)(struct shm *shm));

void table_clear(struct table *table);
void table_insert(struct table *table, uint64_t hash, uint32_t slot);
/* Nothing if it isn't there. */
void table_remove(struct table *table, uint64_t hash, uint32_t slot);
uint32_t table_first(const struct table *table, uint64_t hash);
uint32_t table_next(const struct table *table, uint32_t slot);

void table_push_free(struct table *table, uint32_t slot);
/* SHM_NONE: none is free. */
uint32_t table_pop_free(struct table *table);

#endif
