/*
 * Who holds a room's lock? Looks into the server's shared memory, and only looks: a worker that
 * is stopped with a lock in its hands can't be had from outside by chance, for it holds one
 * for a tenth of a microsecond.
 */
#ifndef TESTS_STORM_HOLDER_H
#define TESTS_STORM_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

struct holder {
	void *memory; /* NULL: not open */
	size_t size;
};

bool holder_open(struct holder *holder, const char *shm_path);
void holder_close(struct holder *holder);
/* The process holds the lock of some room just now. */
bool holder_is(const struct holder *holder, pid_t pid);

#endif
