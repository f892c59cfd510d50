/*
 * Keeps subscriptions where the segment is: a log with another epoch, a user's list that has
 * changed in this or another process.
 */
#ifndef WORKER_FOLLOW_H
#define WORKER_FOLLOW_H

#include "worker/announce.h"
#include "worker/subscribe.h"

/*
 * The local log's epoch is not the segment's any more. Looks the name up again for each
 * subscriber: still a member: `reset`, the `room` line and what is in memory; else `left`.
 * `local` is gone afterwards.
 */
void follow_reset(struct worker *worker, struct local_log *local);

/*
 * Compares the user's list with what his connections here are subscribed to: rooms that came
 * are announced to those that take all rooms, rooms that went are told as `left`. Nothing
 * happens where list_change is as it was, or where he has none. joined: the join that is behind it,
 * or NULL.
 */
void follow_list(struct worker *worker, uint32_t user, const struct joined *joined);

#endif
