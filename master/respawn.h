/*
 * When a worker slot is started again after a death: at once; after more than
 * RESPAWN_DEATHS deaths in RESPAWN_WINDOW_MS with a delay that doubles with each
 * further death, until a worker has lived as long as the window.
 */
#ifndef MASTER_RESPAWN_H
#define MASTER_RESPAWN_H

#include <stdint.h>

#define RESPAWN_DEATHS 5u
#define RESPAWN_WINDOW_MS 10000u
#define RESPAWN_DELAY_MIN_MS 100u
#define RESPAWN_DELAY_MAX_MS 10000u
/* Killed from outside after so long, a worker that had served is replaced at once, uncounted. */
#define RESPAWN_YOUNG_MS 250u

/* Zero-initialise. */
struct respawn {
	uint64_t died_mono_ms[RESPAWN_DEATHS]; /* a ring; 0: no death */
	unsigned at;                           /* the oldest of them, overwritten next */
	uint32_t delay_ms;                     /* of the last death; 0: none */
};

/* Notes a death of a worker born at `born`: how long to wait before the next start. */
uint32_t respawn_after_death(struct respawn *respawn, uint64_t born_mono_ms, uint64_t now_mono_ms);
/* A worker of this slot has served: the deaths before it are another story. */
void respawn_forgive(struct respawn *respawn);

#endif
