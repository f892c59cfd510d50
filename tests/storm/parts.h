/* The parts of a storm test. Each starts a server of its own and prints its rows. */
#ifndef TESTS_STORM_PARTS_H
#define TESTS_STORM_PARTS_H

#include "tests/storm/run.h"

struct plan {
	struct run_options people;
	struct forecast forecast;
	unsigned seconds;
	unsigned kills, kill_gap_ms; /* of the master */
	unsigned stops, stop_gap_ms; /* and its clean stops */
	unsigned upgrades, upgrade_gap_ms;
	unsigned late;    /* workers that go on when all is over */
	bool hung;        /* try one that is stopped with a lock: the watchdog takes its time */
	bool judge_times; /* not in make check: a busy machine is no failure */
	const char *only;
};

/* Workers die, hang, sleep; connections break. */
void part_storm(const struct plan *plan);
/* The master is killed, or stopped cleanly, and started again. */
void part_restarts(const struct plan *plan, bool stop);
/* SIGUSR2: all of it goes on in another binary, and no connect is refused. */
void part_upgrades(const struct plan *plan);
/*
 * A worker sleeps with lines of a client in its socket. The client goes elsewhere, sends them
 * again and then more than the server remembers ids: what does the worker do with the old ones
 * when it wakes up?
 */
void part_late(const struct plan *plan);
/* A worker is stopped in the middle of an append. */
void part_hung(const struct plan *plan);

#endif
