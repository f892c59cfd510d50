#include "shm/table.h"

#include "shm/lock.h"

#include <errno.h>

int table_lock(struct shm *shm, struct shm_lock *lock, void (*rebuild)(struct shm *shm))
{
	switch (lock_acquire(lock)) {
	case LOCK_OK:
		return 0;
	case LOCK_DIED:
		rebuild(shm);
		lock_made_consistent(lock);
		return 0;
	case LOCK_BUSY:
	case LOCK_BROKEN:
		break;
	}
	return -EBUSY;
}

static _Atomic uint32_t *link_of(const struct table *table, uint32_t slot)
{
	return (_Atomic uint32_t *)(void *)(table->links + slot * table->stride);
}

static uint32_t valid(const struct table *table, uint32_t slot)
{
	return slot < table->slots ? slot : SHM_NONE;
}

void table_clear(struct table *table)
{
	for (uint32_t i = 0; i <= table->mask; i++)
		atomic_store_explicit(&table->buckets[i], SHM_NONE, memory_order_release);
	atomic_store_explicit(table->free_first, SHM_NONE, memory_order_relaxed);
}

void table_insert(struct table *table, uint64_t hash, uint32_t slot)
{
	_Atomic uint32_t *bucket = &table->buckets[hash & table->mask];

	atomic_store_explicit(link_of(table, slot),
			      atomic_load_explicit(bucket, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(bucket, slot, memory_order_release);
}

void table_remove(struct table *table, uint64_t hash, uint32_t slot)
{
	_Atomic uint32_t *at = &table->buckets[hash & table->mask];

	for (uint32_t steps = 0; steps <= table->slots; steps++) {
		uint32_t here = valid(table, atomic_load_explicit(at, memory_order_relaxed));

		if (here == SHM_NONE)
			return;
		if (here == slot) {
			uint32_t behind =
				atomic_load_explicit(link_of(table, slot), memory_order_relaxed);

			atomic_store_explicit(at, behind, memory_order_release);
			return;
		}
		at = link_of(table, here);
	}
}

uint32_t table_first(const struct table *table, uint64_t hash)
{
	return valid(table, atomic_load_explicit(&table->buckets[hash & table->mask],
						 memory_order_acquire));
}

uint32_t table_next(const struct table *table, uint32_t slot)
{
	return valid(table, atomic_load_explicit(link_of(table, slot), memory_order_acquire));
}

void table_push_free(struct table *table, uint32_t slot)
{
	atomic_store_explicit(link_of(table, slot),
			      atomic_load_explicit(table->free_first, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(table->free_first, slot, memory_order_relaxed);
}

uint32_t table_pop_free(struct table *table)
{
	uint32_t slot = valid(table, atomic_load_explicit(table->free_first, memory_order_relaxed));

	if (slot != SHM_NONE)
		atomic_store_explicit(
			table->free_first,
			atomic_load_explicit(link_of(table, slot), memory_order_relaxed),
			memory_order_relaxed);
	return slot;
}
