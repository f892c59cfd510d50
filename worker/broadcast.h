/*
 * News for everyone in a room that no log keeps: who came and went, who is typing. They are written
 * little by little, behind the rooms' lines: when a thousand people come back at once, what the
 * rooms have to say about it must not hold up their first words.
 */
#ifndef WORKER_BROADCAST_H
#define WORKER_BROADCAST_H

#include "worker/subscribe.h"

#define BROADCAST_WRITES_A_TURN 16u

/*
 * A frame of one or more lines for all subscribers of a log but user `except` (SHM_NONE: for all).
 * It goes out in the next turns of the loop. False: out of memory, or too long for a frame.
 */
bool broadcast(struct worker *worker, struct local_log *local, const struct buf *lines,
	       uint32_t except);
/* A turn's share; worker->broadcasts is NULL when there is no more. */
void broadcast_go_on(struct worker *worker);
/* What a log has under way, now: its subscribers are about to change. */
void broadcast_end(struct local_log *local);
/* The end of the worker. */
void broadcast_finish(struct worker *worker);

#endif
