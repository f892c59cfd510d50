/* Logs what a worker left in its slot when it died of a fault (worker/panic.h). */
#ifndef MASTER_PANIC_LOG_H
#define MASTER_PANIC_LOG_H

#include "shm/segment.h"

/* At the reap, before the slot's next birth. Nothing if this life of the worker left no word. */
void panic_log(const struct shm *shm, unsigned slot, int pid);

#endif
