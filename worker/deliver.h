/*
 * From the logs to the sockets.
 *
 *	deliver_log    new lines of one log: read once into one prepared frame, which is written to
 *	               every subscriber whose cursor stands right before it
 *	deliver_conn   one connection: its outbox in order, then what its cursors are behind
 *
 * No queue: a client that takes nothing keeps its cursors, and when its socket is free
 * again the logs are read from there. If they have gone on too far meanwhile, it gets a `gap`.
 */
#ifndef WORKER_DELIVER_H
#define WORKER_DELIVER_H

#include "worker/subscribe.h"

/* New lines of a log to all who keep up; the others are left to deliver_conn. */
void deliver_log(struct worker *worker, struct local_log *local);
/* All logs whose dirty bit is set. */
void deliver_dirty(struct worker *worker);
/* What a connection is owed, until it is done or its socket is full. */
void deliver_conn(struct conn *conn);
/* Those on worker->flush. */
void deliver_flush(struct worker *worker);
/*
 * What was appended here and not delivered fills so much of a small log that waiting any longer
 * would cost even the sender's own lines their place in it: deliver now.
 */
bool deliver_is_urgent(const struct worker *worker);
/* A frame of news (one or more lines) for all subscribers of a log but user `except`. */
void deliver_news(struct worker *worker, struct local_log *local, const struct buf *lines,
		  uint32_t except);

#endif
