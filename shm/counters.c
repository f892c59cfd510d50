#include "shm/counters.h"

static const struct {
	const char *name, *help;
} texts[] = {
#define COUNTER(name, help) {#name, help},
#include "shm/counters.def"
#undef COUNTER
};

uint64_t counter_of(const struct shm *shm, unsigned slot, enum counter counter)
{
	return atomic_load_explicit(&shm->workers[slot].counters[counter], memory_order_relaxed);
}

uint64_t counter_sum(const struct shm *shm, enum counter counter)
{
	uint64_t sum = 0;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
		sum += counter_of(shm, slot, counter);
	return sum;
}

const char *counter_name(enum counter counter)
{
	return texts[counter].name;
}

const char *counter_help(enum counter counter)
{
	return texts[counter].help;
}
