/*
 * What a server does, read from its segment at one moment; the difference of two tells rates.
 *
 *	sample_take(&now, &shm)
 *	sample_rates(&now, &before)         NULL: none yet
 *	...
 *	sample_finish(&before)
 */
#ifndef TOP_SAMPLE_H
#define TOP_SAMPLE_H

#include "shm/segment.h"

#include <stdbool.h>
#include <stdint.h>

#define RATE_UNKNOWN (-1.0)

struct sample_worker {
	unsigned slot;
	int pid; /* 0: none at the moment */
	uint64_t starts, deaths;
	uint64_t silent_ms; /* since its last sign of life */
	unsigned connections, sessions;
	uint64_t lines_in, lines_out, bytes_out, appends;
	uint64_t memory, files;
	bool draining, full;
	double lines_in_rate, lines_out_rate, bytes_out_rate;
};

struct sample_room {
	uint32_t log;
	uint64_t epoch;
	char name[ROOM_SIZE];
	unsigned members;
	uint64_t head, first;
	uint64_t idle_ms; /* since the last line, join or leave */
	double rate;      /* lines a second */
};

struct sample_user {
	uint32_t user;
	uint64_t life;
	char name[NAME_SIZE];
	unsigned sessions; /* lost a moment ago included */
	bool away;
	uint64_t idle_ms; /* since his last line; UINT64_MAX: none since this boot */
	unsigned rooms;
	uint64_t unread; /* in his inbox */
};

struct sample {
	uint64_t mono_ms;
	int64_t wall_ms;
	int master;
	struct sample_worker worker[SLOTS_MAX];
	unsigned worker_count;
	struct sample_room *room; /* owned */
	unsigned room_count;
	struct sample_user *user; /* owned; everyone the server knows */
	unsigned user_count, present;
	/* In all. */
	uint64_t connections, sessions, lines_in, lines_out, bytes_out, appends, logins, errors;
	uint64_t shared_bytes, shared_max_bytes;
	uint64_t latency[16], latency_count; /* counters.h */
	double lines_in_rate, lines_out_rate, bytes_out_rate, append_rate, login_rate, error_rate;
	/* Half and 99 of 100 deliveries take at most so long, s; since `before`. */
	double latency_50, latency_99;
};

/* 0 or -ENOMEM. */
int sample_take(struct sample *ret_sample, const struct shm *shm);
void sample_rates(struct sample *now, const struct sample *before);
/* Accepts a zeroed one. */
void sample_finish(struct sample *sample);

#endif
