/*
 * Each worker adds to its own slot with relaxed stores; anyone sums. They survive the worker.
 *
 *	counters.def's numbers | errors by code | logins by result and key | the latency histogram
 *
 * What the last three are numbered by is their writer's business (worker/metrics.h).
 */
#ifndef SHM_COUNTERS_H
#define SHM_COUNTERS_H

#include "shm/segment.h"

#define COUNTER_ERRORS_MAX 80u
#define COUNTER_LOGINS_MAX 36u
/* Upper bounds in µs of the time from an append to its last write here; one more is for the rest.
 */
#define COUNTER_LATENCY_BOUNDS                                                                     \
	{                                                                                          \
		25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,      \
			1000000, 5000000                                                           \
	}
#define COUNTER_LATENCY_BUCKETS 16u

enum counter {
#define COUNTER(name, shape, help) COUNTER_##name,
#include "shm/counters.def"
#undef COUNTER
	COUNTER_COUNT,
	/* Arrays: the first of each. */
	COUNTER_errors = COUNTER_COUNT,
	COUNTER_logins = COUNTER_errors + COUNTER_ERRORS_MAX,
	COUNTER_latency = COUNTER_logins + COUNTER_LOGINS_MAX,
	COUNTER_latency_us = COUNTER_latency + COUNTER_LATENCY_BUCKETS, /* their sum */
	COUNTER_END
};
_Static_assert(COUNTER_END <= COUNTERS_MAX, "a slot has COUNTERS_MAX counters");

enum counter_shape { COUNTER_TOTAL, COUNTER_GAUGE, COUNTER_EACH, COUNTER_BIRTHS };

/* Only the slot's own process writes, so load + store needs no locked instruction. */
static inline void counter_add_at(struct shm *shm, unsigned slot, unsigned counter, uint64_t amount)
{
	_Atomic uint64_t *at = &shm->workers[slot].counters[counter];

	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + amount,
			      memory_order_relaxed);
}
static inline void counter_add(struct shm *shm, unsigned counter, uint64_t amount)
{
	counter_add_at(shm, shm->slot, counter, amount);
}
/* A gauge. */
static inline void counter_set(struct shm *shm, unsigned counter, uint64_t value)
{
	atomic_store_explicit(&shm->workers[shm->slot].counters[counter], value,
			      memory_order_relaxed);
}
/* One delivery: appended at mono_us (its low half), written to everyone here now. */
void counter_latency(struct shm *shm, uint32_t mono_us);
/* A worker's start: its gauges are its predecessor's. */
void counter_clear_gauges(struct shm *shm, unsigned slot);

uint64_t counter_sum(const struct shm *shm, unsigned counter);
uint64_t counter_of(const struct shm *shm, unsigned slot, unsigned counter);
/* Of counters.def's rows. */
const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);
enum counter_shape counter_shape(enum counter counter);

#endif
