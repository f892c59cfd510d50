#include "worker/follow.h"

#include "worker/announce.h"

#include "proto/event.h"
#include "proto/name.h"
#include "shm/counters.h"
#include "shm/member.h"

#include <stdlib.h>
#include <string.h>

static uint64_t epoch_now(const struct worker *worker, const struct local_log *local)
{
	return atomic_load_explicit(&segment_log(&worker->shm, local->log)->epoch,
				    memory_order_acquire);
}

/* ---- another epoch ------------------------------------------------------------ */

static void tell_left(struct conn *conn, const char *room)
{
	struct buf *line = &conn->worker->line;

	buf_reset(line);
	event_left(line, room);
	conn_tell(conn, line);
}

/* The room or inbox of that name now: false if there is none, or it isn't the user's. */
static bool look_up(struct worker *worker, uint32_t user, const char *name,
		    struct room_ref *ret_ref)
{
	if (name_is_inbox(name)) {
		*ret_ref = announce_inbox(&worker->shm, user);
		return ret_ref->epoch != 0;
	}
	return room_find(&worker->shm, name, ret_ref) == ROOM_OK &&
	       member_is(&worker->shm, user, *ret_ref);
}

static void move_subscriber(struct worker *worker, struct conn *conn, const char *name,
			    uint32_t old_log, uint64_t old_epoch)
{
	/* A cursor of the old epoch: the announcement begins with the reset. */
	struct cursor cursor = {
		.has_epoch = true, .epoch = old_epoch, .has_after = true, .after = 0};
	struct room_ref ref;

	subscribe_remove(conn, old_log, old_epoch);
	if (conn->state != CONN_LOGGED_IN)
		return;
	if (!look_up(worker, conn->user, name, &ref) ||
	    announce_room(conn, ref, &cursor, 0, NULL) != PROTO_OK)
		tell_left(conn, name);
}

void follow_reset(struct worker *worker, struct local_log *local)
{
	unsigned left = local->count;
	uint32_t log = local->log;
	uint64_t epoch = local->epoch;
	char name[ROOM_SIZE];

	memcpy(name, local->name, strlen(local->name) + 1);
	subscribe_detach_log(worker, local);
	/* From the end on, so that a removal moves nobody; the last one takes `local` with it. */
	while (left > 0) {
		left--;
		move_subscriber(worker, local->subs[left].conn, name, log, epoch);
	}
}

/* ---- another list --------------------------------------------------------------- */

static bool only_names(const struct conn *conn, const char *room)
{
	for (unsigned i = 0; i < conn->only_count; i++)
		if (strcmp(conn->only[i], room) == 0)
			return true;
	return false;
}

static bool list_has(const struct room_ref *rooms, unsigned count, const struct local_log *local)
{
	for (unsigned i = 0; i < count; i++)
		if (rooms[i].log == local->log && rooms[i].epoch == local->epoch)
			return true;
	return false;
}

static void follow_conn(struct worker *worker, struct conn *conn, const struct room_ref *rooms,
			unsigned count, const struct joined *joined)
{
	for (unsigned i = conn->sub_count; i > 0; i--) {
		struct local_log *local = conn->subs[i - 1].local;
		char name[ROOM_SIZE];

		if (log_is_inbox(&worker->shm, local->log) || list_has(rooms, count, local))
			continue;
		/* Another life of the room: that is follow_reset's to tell. */
		if (epoch_now(worker, local) != local->epoch)
			continue;
		memcpy(name, local->name, strlen(local->name) + 1);
		subscribe_remove(conn, local->log, local->epoch);
		tell_left(conn, name);
	}
	for (unsigned i = 0; i < count; i++) {
		struct room_info info;

		if (subscribe_has(conn, rooms[i].log, rooms[i].epoch) ||
		    !room_info(&worker->shm, rooms[i], &info))
			continue;
		if (conn->only == NULL || only_names(conn, info.name))
			announce_joined(conn, rooms[i], joined);
	}
}

void follow_list(struct worker *worker, uint32_t user, const struct joined *joined)
{
	struct local_user *local = &worker->user_at[user];
	uint64_t change = member_list_change(&worker->shm, user);
	unsigned max = worker->shm.sizes->rooms_per_user, count;
	struct room_ref *rooms;

	if (local->conns == NULL || change == local->list_change)
		return;
	rooms = malloc(max * sizeof(*rooms));
	if (rooms == NULL)
		return; /* the next look tries again */
	local->list_change = change;
	count = member_rooms(&worker->shm, user, rooms, max);
	if (count > max)
		count = max;
	for (struct conn *conn = local->conns; conn != NULL; conn = conn->user_next)
		if (conn->state == CONN_LOGGED_IN)
			follow_conn(worker, conn, rooms, count, joined);
	free(rooms);
}
