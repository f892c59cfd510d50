/* Each worker adds to its own slot with relaxed stores; anyone sums. They survive the worker. */
#ifndef SHM_COUNTERS_H
#define SHM_COUNTERS_H

#include "shm/segment.h"

enum counter {
#define COUNTER(name, help) COUNTER_##name,
#include "shm/counters.def"
#undef COUNTER
	COUNTER_COUNT
};
_Static_assert(COUNTER_COUNT <= COUNTERS_MAX, "a slot has COUNTERS_MAX counters");

/* Only the slot's own process writes, so load + store needs no locked instruction. */
static inline void counter_add(struct shm *shm, enum counter counter, uint64_t amount)
{
	_Atomic uint64_t *at = &shm->workers[shm->slot].counters[counter];

	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + amount,
			      memory_order_relaxed);
}
uint64_t counter_sum(const struct shm *shm, enum counter counter);
uint64_t counter_of(const struct shm *shm, unsigned slot, enum counter counter);
const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);

#endif
