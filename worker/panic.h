/*
 * A worker's last words: when it dies of SEGV, BUS, ABRT, ILL or FPE it leaves in its slot of the
 * shared memory which signal it was, where in which build, and which log it worked at last. The
 * master reads that when it reaps it (master/panic_log.h), and the slot keeps it.
 *
 * There are no core files (walls.h): they would hold what people said.
 */
#ifndef WORKER_PANIC_H
#define WORKER_PANIC_H

#include "shm/segment.h"

/* In a worker, before its walls. `shm` is borrowed for good. 0 or -errno. */
int panic_arm(struct shm *shm);

#endif
