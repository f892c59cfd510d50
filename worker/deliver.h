/*
 * From the logs to the sockets.
 *
 *	deliver_turn   new lines of the dirty logs: read once into a prepared frame, which is
 *	               written to every subscriber whose cursor stands right before it
 *	deliver_conn   one connection: its outbox in order, then what its cursors are behind
 *
 * No queue: a client that takes nothing keeps its cursors, and when its socket is free
 * again the logs are read from there. If they have gone on too far meanwhile, it gets a `gap`.
 */
#ifndef WORKER_DELIVER_H
#define WORKER_DELIVER_H

#include "worker/subscribe.h"

/*
 * A turn of the loop writes so many frames of rooms and then looks at its clients again: they don't
 * wait for a room of ten thousand, and who is written to later gets in one frame what has come
 * meanwhile.
 */
#define DELIVER_WRITES_A_TURN 256u

/* What a connection is owed, until it is done or its socket is full. */
void deliver_conn(struct conn *conn);
/* Whatever this worker's own clients have caused in this turn of the loop. */
void deliver_turn(struct worker *worker);
/*
 * What was appended here and not delivered fills so much of a small log that waiting any longer
 * would cost even the sender's own lines their place in it: deliver now.
 */
bool deliver_is_urgent(const struct worker *worker);

#endif
