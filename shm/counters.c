#include "shm/counters.h"

#include "base/clock.h"

static const struct {
	const char *name, *help;
	enum counter_shape shape;
} rows[] = {
#define COUNTER(name, shape, help) {#name, help, COUNTER_##shape},
#include "shm/counters.def"
#undef COUNTER
};

static const uint32_t latency_bounds[] = COUNTER_LATENCY_BOUNDS;
_Static_assert(sizeof(latency_bounds) / sizeof(latency_bounds[0]) == COUNTER_LATENCY_BUCKETS - 1,
	       "one bucket more than bounds");

void counter_latency(struct shm *shm, uint32_t mono_us)
{
	uint32_t took_us = (uint32_t)clock_mono_us() - mono_us;
	unsigned bucket = 0;

	while (bucket < COUNTER_LATENCY_BUCKETS - 1 && took_us > latency_bounds[bucket])
		bucket++;
	counter_add(shm, COUNTER_latency + bucket, 1);
	counter_add(shm, COUNTER_latency_us, took_us);
}

void counter_clear_gauges(struct shm *shm, unsigned slot)
{
	for (unsigned c = 0; c < COUNTER_COUNT; c++) {
		if (rows[c].shape == COUNTER_GAUGE || rows[c].shape == COUNTER_EACH)
			atomic_store_explicit(&shm->workers[slot].counters[c], 0,
					      memory_order_relaxed);
	}
}

uint64_t counter_of(const struct shm *shm, unsigned slot, unsigned counter)
{
	return atomic_load_explicit(&shm->workers[slot].counters[counter], memory_order_relaxed);
}

uint64_t counter_sum(const struct shm *shm, unsigned counter)
{
	uint64_t sum = 0;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
		sum += counter_of(shm, slot, counter);
	return sum;
}

const char *counter_name(enum counter counter)
{
	return rows[counter].name;
}

const char *counter_help(enum counter counter)
{
	return rows[counter].help;
}

enum counter_shape counter_shape(enum counter counter)
{
	return rows[counter].shape;
}
