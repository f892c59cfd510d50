/* What lies in the shared memory of a server that is idle. */
#ifndef TESTS_SOAK_GROUND_H
#define TESTS_SOAK_GROUND_H

#include "base/buf.h"

#include <stdint.h>

struct ground {
	uint32_t sessions;    /* attached or lost */
	uint32_t members;     /* present in rooms, in all */
	uint32_t addresses;   /* with a connection, or one that waits for its login */
	uint32_t intents;     /* open */
	uint32_t subscribers; /* bits of workers that have members in a log */
	struct buf why;       /* what is not consistent; empty: nothing. Owned */
};

/* Looks at a copy of /dev/shm/chat-…: 0 or -errno. */
int ground_look(const char *path, struct ground *ret_ground);

#endif
