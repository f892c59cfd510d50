/*
 * Killing processes at crash points (shm/crash_point.h), and counting what came of it.
 *
 *	for each point of crash_points(...):
 *		for each of crash_rounds():
 *			crash_child("append_committed", 2, act, data)   a child dies there
 *			... somebody mends it, and the test looks: crash_check(...)
 *	return crash_report();                                          "N passed, N failed"
 */
#ifndef TESTS_CRASH_HARNESS_H
#define TESTS_CRASH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

/* First of all: from here on this process and its children count together. */
void crash_start(void);
/* All points of this build whose names begin with one of `prefixes` (NULL ends them), each once.
 * Returns how many. */
unsigned crash_points(const char *const *prefixes, const char **ret_names, unsigned max);
/* Kills at each point: $CRASH_ROUNDS, else 1000. */
unsigned crash_rounds(void);

/*
 * Runs act(data) in a child that is killed when it comes to `point` for the pass-th time.
 * True: it was. False: it never came there and ended well. What else may happen to it (a
 * signal, an exit code) is counted as a failure. point NULL: not to be killed.
 */
bool crash_child(const char *point, unsigned pass, void (*act)(void *data), void *data);
/* The same in two steps, for children that live side by side: in the child, first the one, then the
 * other. */
void crash_die_with_parent(void);
void crash_arm(const char *point, unsigned pass);
/* From now on `act` runs at each pass of `point` in this process; point NULL: no more. */
void crash_hook(const char *point, void (*act)(void *data), void *data);

/* Names what is tested now, for the messages of failures. */
void crash_context(const char *point, unsigned round);
/* Counts one check. A failure is printed; after 20 in all the process ends with exit code 1. */
void crash_check(bool passed, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the closing line and returns the exit code. */
int crash_report(void);

/* The same sequence in each run (xorshift); in 0 .. below-1. */
uint32_t crash_random(uint32_t below);
void crash_seed(uint32_t seed);

#endif
