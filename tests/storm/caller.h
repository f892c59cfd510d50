/*
 * A process that connects to the server all the time, and counts who answers: a connect that is
 * refused is one that a person would have seen.
 */
#ifndef TESTS_STORM_CALLER_H
#define TESTS_STORM_CALLER_H

#include <stdint.h>
#include <sys/types.h>

struct calls {
	uint64_t connected, refused, other; /* other: no port left on our side, and the like */
};

struct caller {
	pid_t pid;                          /* 0: none */
	const volatile struct calls *calls; /* shared with it */
};

/* Exits on failure. */
void caller_start(struct caller *caller, unsigned port);
/* Its count; it is gone then. */
struct calls caller_stop(struct caller *caller);

#endif
