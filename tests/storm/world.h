/* What all programs of one run share: who is who, the clock, chance, the history, the figures. */
#ifndef TESTS_STORM_WORLD_H
#define TESTS_STORM_WORLD_H

#include "tests/storm/history.h"

#include <stdbool.h>
#include <stdint.h>

#define ROOMS 8u
#define USERS_MAX 128u
#define CODES_MAX 16u

/* Durations in microseconds. */
struct samples {
	uint32_t *us; /* owned */
	size_t count, cap;
};

void samples_add(struct samples *samples, uint64_t us);
/* 0 if there are none; sorts them. */
uint32_t samples_percentile(struct samples *samples, double percent);
uint32_t samples_max(const struct samples *samples);
void samples_finish(struct samples *samples);

enum outage { OUTAGE_DIED, OUTAGE_CUT, OUTAGE_STALLED, OUTAGE_SENT_AWAY, OUTAGES };

struct world {
	struct history history;
	unsigned port;
	int epoll_fd;
	uint64_t now_us;
	uint64_t random;         /* state, never 0 */
	bool recording;          /* what happens belongs to the history */
	bool sending;            /* new lines */
	bool ending;             /* who is back reads up to the head and notes its END */
	unsigned mean_gap_ms;    /* between the lines of a program */
	unsigned direct_percent; /* of the lines go to a person */
	struct samples outages[OUTAGES];
	struct samples answers;  /* from the first sending of a line to its ok */
	struct samples straight; /* of those that were neither refused nor sent again */
	struct samples busy;     /* from a line to `busy` */
	/* When a master was killed or stopped, and the first login on a connection made since. */
	uint64_t down_us, up_us;
	struct {
		char code[32];
		uint64_t count;
	} codes[CODES_MAX];           /* errors the server told */
	uint16_t inbox_of[USERS_MAX]; /* of programs */
};

uint64_t world_draw(struct world *world, uint64_t below);
void world_note_code(struct world *world, const char *code);
/* "room3" or "@u07", and back (-1: none of ours). */
void world_log_name(unsigned log, char out[16]);
int world_log_number(const char *name);

#endif
