/*
 * What workers tell each other beside the logs, in datagrams of the doorbells: news that may be
 * lost (typing, read marks), and "look at this user's list", which the look once a second makes
 * sure of. Lines travel ready.
 */
#ifndef WORKER_PEERS_H
#define WORKER_PEERS_H

#include "worker/announce.h"
#include "worker/subscribe.h"

/* The user's list has changed, by `joined` or NULL: all his connections are brought up to date. */
void peers_list_changed(struct worker *worker, uint32_t user, const struct joined *joined);
/* A line for all connections of a user, here and elsewhere, but `except` (NULL: all). */
void peers_tell_user(struct worker *worker, uint32_t user, const struct buf *line,
		     const struct conn *except);
/*
 * A line for all subscribers of a room but the connections of user `except`. It goes out at once,
 * before the lines that come next: partial text must not come behind the message that ends it.
 */
void peers_tell_room(struct worker *worker, struct room_ref ref, const struct buf *line,
		     uint32_t except);
/* The same for what may come late: in the next turns of the loop. */
void peers_tell_typing(struct worker *worker, struct room_ref ref, const struct buf *line,
		       uint32_t except);

/* doorbell_drain's handler; data is the struct worker. */
void peers_handle(void *data, const void *bytes, size_t len);

#endif
