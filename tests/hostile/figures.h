/*
 * What the long form (HOSTILE_LONG=1: `make hostile-slow`, `make hostile-crowd`) measures and the
 * short form only does: `make hostile` judges what gets in and what is closed, never a time.
 */
#ifndef TESTS_HOSTILE_FIGURES_H
#define TESTS_HOSTILE_FIGURES_H

#include "tests/integration/chat.h"

#include <stdbool.h>
#include <stdint.h>

bool figures_wanted(void);
/* Numbers of the two forms. */
unsigned figure(unsigned in_short, unsigned in_long);

/* Latencies in µs; in memory that a forked child shares with its test. */
#define LATENCIES_MAX 4000000u
struct latencies {
	_Atomic uint32_t count;
	uint32_t us[LATENCIES_MAX];
};

struct latencies *latencies_create(void);
void latencies_add(struct latencies *latencies, uint64_t us);
/* In ms; per_mille 500: the median, 990: p99, 1000: the longest. 0 where there are none. */
double latencies_ms(struct latencies *latencies, unsigned per_mille);

uint64_t now_us(void);

/* A person logs in from there and leaves: true, and how long it took from the dial on. */
bool person_logs_in(struct server *s, const char *user, const char *source,
		    struct latencies *latencies);

/* act(data) in a child that dies with the test; its exit code is what it returns. */
pid_t figures_fork(int (*act)(void *data), void *data);

#endif
