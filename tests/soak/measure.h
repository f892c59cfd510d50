/*
 * What a process holds: anonymous memory (what it has written, shared with nobody or copied at a
 * fork; the segment doesn't count) and descriptors. And whether it grows.
 *
 *	while it lives: growth_add() once a second
 *	growth_of()     kilobytes from the first half to the end of a life, warming up left out
 */
#ifndef TESTS_SOAK_MEASURE_H
#define TESTS_SOAK_MEASURE_H

#include <stdint.h>
#include <sys/types.h>

/* -1: the process isn't there. */
long measure_kb(pid_t pid);
/* Proportional set size in kB, as people quote it; -1. */
long measure_pss_kb(pid_t pid);
int measure_fds(pid_t pid);

#define GROWTH_SAMPLES_MAX 4096u

struct growth {
	long kb[GROWTH_SAMPLES_MAX];
	unsigned count;
};

void growth_add(struct growth *growth, long kb);
/*
 * The median of the last fifth less that of the fifth before the middle. The first part of a life
 * is no leak: buffers find their size.
 */
long growth_of(const struct growth *growth);

#endif
