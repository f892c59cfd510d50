/*
 * A server and its people, from the first login to the last line read:
 *
 *	run_begin    everyone logs in and joins; from then on the history is written
 *	run_for      senders talk, readers read, the weather does what it does
 *	run_settle   no new lines; all are answered, and everyone comes back and reads to the head
 *	run_finish
 */
#ifndef TESTS_STORM_RUN_H
#define TESTS_STORM_RUN_H

#include "tests/storm/weather.h"

struct run_options {
	const char *build;
	uint64_t seed;
	unsigned senders, receivers;
	unsigned mean_gap_ms, direct_percent;
};

struct run {
	struct world world;
	struct server server;
	struct program *programs; /* owned */
	unsigned program_count, users;
	unsigned upgrades; /* seen in the server's log */
	long log_offset;   /* up to where it was looked for them */
	struct weather weather;
};

/* False (and a reason printed) if the server doesn't come up or someone gets in. */
bool run_begin(struct run *run, const struct run_options *options);
void run_for(struct run *run, unsigned ms);
/* Goes on until `done` says so: false after `patience_ms`. */
bool run_until(struct run *run, bool (*done)(struct run *run), unsigned patience_ms);
/* False if lines stay unanswered or readers don't come to the end: the checker says which. */
bool run_settle(struct run *run);
void run_finish(struct run *run, bool keep);

/* kill -9 of the master (or SIGTERM, `stop`), and the start of the next: false if one fails. */
bool run_restart(struct run *run, bool stop, uint64_t *ret_down_us);

#endif
