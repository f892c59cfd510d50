/*
 * A descriptor kept for the moment when no other is left. A connection that can't be accepted stays
 * in the backlog and wakes us for ever; so the reserve is given up for it, the client is told to
 * come again later, and hears at once.
 */
#ifndef WORKER_RESERVE_H
#define WORKER_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

struct reserve {
	int fd; /* -1: none could be had */
	int of; /* what it is a copy of: no file has to be opened for it */
	uint64_t logged_ms;
};

/* `of`: any descriptor that stays open. */
void reserve_open(struct reserve *reserve, int of);
void reserve_close(struct reserve *reserve);
/*
 * After accept() failed with `why` for want of a descriptor: takes one client and sends it away.
 * False: not even that was possible; listen again in a while, or the loop turns without end.
 */
bool reserve_turn_away(struct reserve *reserve, int listen_fd, int why);

#endif
