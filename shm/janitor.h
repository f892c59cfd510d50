/*
 * Finishes what dead workers left. Called by every worker each 250 ms (JANITOR_MS); only the
 * lowest one that lives and has called in the last JANITOR_SILENT_MS works, so one that is stopped
 * stops nobody; any step may be taken over by another at any time.
 *
 *	locks they may have held: taken and released; open intents: finished;
 *	their sessions: lost, until now + grace; expired sessions: freed;
 *	logs after a fault (SEGV, BUS, ABRT, ILL, FPE): audited, failing ones get a new epoch;
 *	once a minute: rooms on nobody's list are given back.
 */
#ifndef SHM_JANITOR_H
#define SHM_JANITOR_H

#include "shm/segment.h"

#define JANITOR_MS 250u
#define JANITOR_SILENT_MS 2000u
#define JANITOR_COLLECT_MS 60000u
#define JANITOR_ROOM_IDLE_MS (INT64_C(24) * 3600 * 1000) /* a room is given back after this */

struct janitor {
	/* Process-local memory of the janitor; zero-initialise. */
	uint64_t seen[SLOTS_MAX]; /* each slot's generation and whether it lived */
	bool looked;              /* `seen` is of an earlier call */
	uint64_t collected_mono_ms;
	unsigned intents_open;   /* of the last call: tried again */
	uint32_t audit_at;       /* a full audit goes on over several calls */
	uint64_t audit_since_ns; /* deaths before it are covered */
	bool auditing;
};

struct janitor_report {
	unsigned sessions_lost_or_freed, intents_open, logs_reset, rooms_collected;
	uint32_t reset_log[8]; /* the first of those that got a new epoch */
};

/* A few ms of work at the most. True if this process was the one to work. */
bool janitor_run(struct shm *shm, struct janitor *janitor, struct janitor_report *ret_report);

/* The master: marks a slot at fork (returns its new generation) and at reap. Takes no lock. */
uint32_t janitor_worker_born(struct shm *shm, unsigned slot);
void janitor_worker_pid(struct shm *shm, unsigned slot, int pid);
void janitor_worker_died(struct shm *shm, unsigned slot, bool by_fault);
bool janitor_worker_alive(const struct shm *shm, unsigned slot);

#endif
