/*
 * When a program that ended is started again: after 1 s, doubling with each death up to 60 s, with
 * jitter; one that lived for 60 s begins anew. Five deaths in two minutes open the circuit: it
 * isn't started any more until somebody says so.
 */
#ifndef AGENTS_RESTART_H
#define AGENTS_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define RESTART_MIN_MS 1000u
#define RESTART_MAX_MS 60000u
#define RESTART_HEALTHY_MS 60000u
#define RESTART_DEATHS 5u
#define RESTART_WINDOW_MS 120000u

/* Zero-initialise. */
struct restart {
	uint32_t delay_ms;                /* of the last death, without jitter; 0: none */
	uint64_t died_ms[RESTART_DEATHS]; /* a ring; 0: no death */
	unsigned at;                      /* the oldest of them, overwritten next */
	bool open;
};

/*
 * A death at `now` of one that was started at `born`. True: start it again in *ret_wait_ms; false:
 * the circuit is open. `chance` is a random number: the wait is 3/4 to 5/4 of the delay.
 */
bool restart_after_death(struct restart *restart, uint64_t born_ms, uint64_t now_ms,
			 uint64_t chance, uint32_t *ret_wait_ms);
/* Somebody wants it to run: nothing is held against it any more. */
void restart_forgive(struct restart *restart);

#endif
