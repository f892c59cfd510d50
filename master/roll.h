/*
 * After an upgrade's exec: the workers of the old binary are replaced, one at a time.
 *
 *	ROLL_KEYRING   each gets the new keyring; nothing is published before all have it
 *	ROLL_NEXT      the next old one is told: bye to everyone, code 1012, then exit
 *	ROLL_LEAVING   until it is gone (one that is late is killed: nothing acknowledged is lost)
 *	ROLL_COMING    until its successor, on the same listening socket, says that it accepts
 *	ROLL_OVER
 *
 * So at any time all workers but one serve. If a successor can't start, the others go on
 * as they are. Time is bounded by ROLL_ALL_MS: with many slow workers each gets less of it.
 */
#ifndef MASTER_ROLL_H
#define MASTER_ROLL_H

#include "master/children.h"

#include <stdbool.h>
#include <stdint.h>

#define ROLL_ALL_MS 8000u
/* To take the keyring; a worker whose loop stands still is killed then. */
#define ROLL_KEYRING_MS 1500u
/* For the close frames of a worker's clients; who hasn't answered by then is cut. */
#define ROLL_LEAVE_MS 800u
/* From then until it is killed. */
#define ROLL_EXIT_MS 300u
/* Its successor is there by then, mostly; a client doesn't come earlier. */
#define ROLL_RETRY_AFTER_MS 100u

enum roll_step { ROLL_KEYRING, ROLL_NEXT, ROLL_LEAVING, ROLL_COMING, ROLL_OVER };

struct roll {
	enum roll_step step;
	unsigned slot; /* the one that is being replaced */
	uint64_t began_ms, by_ms, step_until_ms;
	unsigned replaced;
};

/* `keyring_fd` is borrowed for the call. */
void roll_begin(struct roll *roll, struct children *children, int keyring_fd, uint64_t now_mono_ms);
/*
 * After each turn of the loop: goes on as far as it can. It returns once where it stops being
 * silent; publish what was held back, and call it again.
 */
void roll_advance(struct roll *roll, struct children *children, uint64_t now_mono_ms);
/* Nothing may be published: not every old worker reads the new keyring. */
bool roll_is_silent(const struct roll *roll);
/* When to call again at the latest. */
uint64_t roll_due_ms(const struct roll *roll);

#endif
