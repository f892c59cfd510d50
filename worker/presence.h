/*
 * Who is present in the rooms that are read here. Presence is state, not events: once a second
 * each worker compares a room's member_change with what it saw last, scans the user table for the
 * rooms that changed, and tells its own subscribers the difference.
 */
#ifndef WORKER_PRESENCE_H
#define WORKER_PRESENCE_H

#include "worker/subscribe.h"

/* A log has just got its first subscriber here: from now on changes are told. */
void presence_start(struct worker *worker, struct local_log *local);
/* Once a second. */
void presence_look(struct worker *worker);

/* What is in one ascending list and not in the other; both outputs have room for their list. */
void presence_compare(const uint32_t *before, unsigned before_count, const uint32_t *now,
		      unsigned now_count, uint32_t *ret_joined, unsigned *ret_joined_count,
		      uint32_t *ret_left, unsigned *ret_left_count);

#endif
