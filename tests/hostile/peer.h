/*
 * Peers that break the rules, and what the process they talk to looks like before and after.
 * Everything random here comes from one seed (CHAT_TEST_SEED), so that a failure comes back.
 */
#ifndef TESTS_HOSTILE_PEER_H
#define TESTS_HOSTILE_PEER_H

#include "base/buf.h"
#include "tests/integration/program.h"
#include "tests/integration/ws.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The rounds of a storm: HOSTILE_ROUNDS times as many in the long form (default 1). */
unsigned rounds_of(unsigned rounds);

/* A line for the record. */
void told(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void dice_start(void);
unsigned dice(unsigned below);
/* Some bytes of the text changed, cut out, doubled or swapped: its new length, at most size. */
size_t mutate(char *text, size_t len, size_t size);

/* The echo server on a port of its own; killed at the end of the test. */
struct echo {
	struct program *program;
	unsigned port;
};

struct echo echo_start(void);
/* An upgraded connection to it; the test ends if that fails. */
struct ws echo_connect(const struct echo *echo);
/* Lives, and a message comes back. */
bool echo_serves(const struct echo *echo);

struct health {
	unsigned descriptors;
	long memory_kb; /* resident */
};

struct health health_of(pid_t pid);
/* Waits until the process has no more descriptors than that; false if it keeps them. */
bool descriptors_return(pid_t pid, unsigned descriptors, unsigned patience_ms);

#endif
