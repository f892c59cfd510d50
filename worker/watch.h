/*
 * Is something nearly used up? Looked at once a second; at nine tenths new logins (this
 * process's file descriptors and memory) and new rooms (shared memory, shm/segment_memory.h) are
 * refused with `server_full`, before anything breaks. Below 17 twentieths it is over. One
 * log line at either moment; numbers for /metrics, /readyz and chat-top in the worker's counters.
 *
 *	watch_look      each second
 *	watch_file      each accepted socket: many may come between two looks
 *	watch_is_full   at a login
 */
#ifndef WORKER_WATCH_H
#define WORKER_WATCH_H

#include "base/config.h"
#include "shm/lock.h"
#include "shm/segment.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

struct watch {
	/* Opened at the start: a worker can open nothing later. -1 and NULL: not there. */
	int memory_fd; /* /proc/self/statm */
	DIR *files;    /* /proc/self/fd */
	bool files_full, memory_full;
	bool rooms_full; /* only the lowest worker that lives says so */
	uint64_t files_max, memory_max;
	uint64_t machine_memory; /* what workers without --max-worker-memory share */
	uint64_t files_due_ms;   /* counting them may take a while, so not each second */
	/* What is in the counters already. */
	struct lock_counts locks;
	uint64_t dropped;
};

void watch_init(struct watch *watch, struct shm *shm, const struct config *config);
void watch_finish(struct watch *watch);
void watch_look(struct watch *watch, struct shm *shm, const struct config *config);
/* Its number is the lowest that was free: all below it are taken. */
void watch_file(struct watch *watch, struct shm *shm, int fd);
/* What this process has counted elsewhere: locks, log lines. A few times a second. */
void watch_publish(struct watch *watch, struct shm *shm);

static inline bool watch_is_full(const struct watch *watch)
{
	return watch->files_full || watch->memory_full;
}
/* For the client that is refused. */
const char *watch_full_text(const struct watch *watch);

#endif
