#include "worker/subscribe.h"

#include "worker/broadcast.h"
#include "worker/follow.h"
#include "worker/presence.h"

#include "shm/member.h"
#include "shm/room_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- logs ------------------------------------------------------------------- */

struct local_log *subscribe_log(const struct worker *worker, uint32_t log, uint64_t epoch)
{
	struct local_log *local = worker->log_at[log];

	return local != NULL && local->epoch == epoch ? local : NULL;
}

/* Doubles an array of `size`-byte elements that is full. 0 or -ENOMEM. */
static int grow(void **array, unsigned *cap, unsigned start, size_t size)
{
	unsigned more = *cap > 0 ? *cap * 2 : start;
	void *grown = realloc(*array, more * size);

	if (grown == NULL)
		return -ENOMEM;
	*array = grown;
	*cap = more;
	return 0;
}

static bool log_is_listed(const struct worker *worker, const struct local_log *local)
{
	return worker->log_at[local->log] == local;
}

void subscribe_detach_log(struct worker *worker, struct local_log *local)
{
	struct local_log *last = worker->logs[worker->log_count - 1];

	worker->log_at[local->log] = NULL;
	worker->logs[local->at] = last;
	last->at = local->at;
	worker->log_count--;
}

static void log_free(struct local_log *local)
{
	if (local->present != NULL)
		free(local->present->users);
	free(local->present);
	free(local->subs);
	free(local);
}

static void log_destroy(struct worker *worker, struct local_log *local)
{
	if (log_is_listed(worker, local))
		subscribe_detach_log(worker, local);
	/* A detached log's slot may have subscribers of its new life: the bit is theirs then. */
	if (worker->log_at[local->log] == NULL)
		room_log_unsubscribe(&worker->shm, local->log);
	log_free(local);
}

static int log_create(struct worker *worker, struct room_ref ref, const char *name,
		      struct local_log **ret_local)
{
	bool is_inbox = log_is_inbox(&worker->shm, ref.log);
	size_t name_size = strnlen(name, ROOM_LEN_MAX) + 1;
	struct local_log *local;

	if (worker->log_count == worker->log_cap &&
	    grow((void **)&worker->logs, &worker->log_cap, 64, sizeof(struct local_log *)) < 0)
		return -ENOMEM;
	local = calloc(1, sizeof(*local) + name_size);
	if (local == NULL)
		return -ENOMEM;
	if (!is_inbox) {
		local->present = calloc(1, sizeof(*local->present));
		if (local->present == NULL) {
			log_free(local);
			return -ENOMEM;
		}
	}
	local->log = ref.log;
	local->epoch = ref.epoch;
	memcpy(local->name, name, name_size - 1);
	local->at = worker->log_count;
	worker->logs[worker->log_count++] = local;
	worker->log_at[ref.log] = local;
	/* The bit first, then `next`: a line in between rings, one before is counted. */
	room_log_subscribe(&worker->shm, ref.log);
	local->until = room_log_next(&worker->shm, ref.log) - 1;
	if (!is_inbox)
		presence_start(worker, local);
	*ret_local = local;
	return 0;
}

/* ---- subscribers -------------------------------------------------------------- */

static struct subscription *find(const struct conn *conn, uint32_t log, uint64_t epoch)
{
	for (unsigned i = 0; i < conn->sub_count; i++) {
		if (conn->subs[i].log == log && conn->subs[i].local->epoch == epoch)
			return &conn->subs[i];
	}
	return NULL;
}

struct subscriber *subscribe_find(const struct conn *conn, uint32_t log, uint64_t epoch)
{
	struct subscription *sub = find(conn, log, epoch);

	return sub != NULL ? &sub->local->subs[sub->at] : NULL;
}

bool subscribe_has(const struct conn *conn, uint32_t log, uint64_t epoch)
{
	return find(conn, log, epoch) != NULL;
}

void subscribe_hold(const struct conn *conn)
{
	for (unsigned i = 0; i < conn->sub_count; i++)
		conn->subs[i].local->subs[conn->subs[i].at].waits = true;
}

int subscribe_add(struct conn *conn, struct room_ref ref, const char *name)
{
	struct worker *worker = conn->worker;
	struct local_log *local = worker->log_at[ref.log];

	/* A former life whose end nobody here has noticed yet. */
	if (local != NULL && local->epoch != ref.epoch) {
		follow_reset(worker, local);
		local = worker->log_at[ref.log];
	}
	if (subscribe_has(conn, ref.log, ref.epoch))
		return 0;
	/* Most people are in the lobby and their inbox; most inboxes have one reader. */
	if (conn->sub_count == conn->sub_cap &&
	    grow((void **)&conn->subs, &conn->sub_cap, 2, sizeof(*conn->subs)) < 0)
		return -ENOMEM;
	if (local == NULL && log_create(worker, ref, name, &local) < 0)
		return -ENOMEM;
	if (local->count == local->cap &&
	    grow((void **)&local->subs, &local->cap, 1, sizeof(*local->subs)) < 0) {
		if (local->count == 0)
			log_destroy(worker, local);
		return -ENOMEM;
	}
	/* On the list of those with a turn of their own it is held already, and won't be again. */
	local->subs[local->count] =
		(struct subscriber){.conn = conn,
				    .ws = conn->ws,
				    .after = room_log_next(&worker->shm, ref.log) - 1,
				    .waits = conn->flushing || !conn_is_ready(conn)};
	conn->subs[conn->sub_count++] =
		(struct subscription){.local = local, .at = local->count, .log = ref.log};
	local->count++;
	/* Those who have yet to be looked at may lie around the end, where the new one is now. */
	if (local->left > 0)
		local->left = local->count;
	return 0;
}

/* The log's last subscriber takes the place of the one that goes. */
static void remove_subscription(struct conn *conn, struct subscription *sub)
{
	struct local_log *local = sub->local;
	unsigned at = sub->at, last = local->count - 1;

	/* Places are about to change; one who goes is told nothing any more. */
	broadcast_end(local);
	conn->lines_out += local->subs[at].lines;
	/* Of what it is still owed: it may come back before its socket is free. */
	outbox_not_live(conn->outbox, local->log, local->epoch);
	if (at != last) {
		struct conn *moved = local->subs[last].conn;

		local->subs[at] = local->subs[last];
		for (unsigned i = 0; i < moved->sub_count; i++)
			if (moved->subs[i].local == local)
				moved->subs[i].at = at;
	}
	local->count--;
	/* Somebody may have moved to a place that was passed already. */
	if (local->left > 0)
		local->left = local->count;
	if (local->turn >= local->count)
		local->turn = 0;
	*sub = conn->subs[--conn->sub_count];
	if (local->count == 0)
		log_destroy(conn->worker, local);
}

void subscribe_remove(struct conn *conn, uint32_t log, uint64_t epoch)
{
	struct subscription *sub = find(conn, log, epoch);

	if (sub != NULL)
		remove_subscription(conn, sub);
}

void subscribe_remove_all(struct conn *conn)
{
	while (conn->sub_count > 0)
		remove_subscription(conn, &conn->subs[conn->sub_count - 1]);
	free(conn->subs);
	conn->subs = NULL;
	conn->sub_cap = 0;
}

/* ---- users -------------------------------------------------------------------- */

void subscribe_enter_user(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct local_user *local = &worker->user_at[conn->user];

	if (local->conns == NULL)
		local->list_change = member_list_change(&worker->shm, conn->user);
	conn->user_next = local->conns;
	conn->user_prev = &local->conns;
	if (local->conns != NULL)
		local->conns->user_prev = &conn->user_next;
	local->conns = conn;
}

void subscribe_leave_user(struct conn *conn)
{
	if (conn->user_prev == NULL)
		return;
	*conn->user_prev = conn->user_next;
	if (conn->user_next != NULL)
		conn->user_next->user_prev = conn->user_prev;
	conn->user_prev = NULL;
}
