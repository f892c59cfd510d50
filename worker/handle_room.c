#include "worker/announce.h"
#include "worker/answer.h"
#include "worker/deliver.h"
#include "worker/handlers.h"
#include "worker/peers.h"

#include "base/log.h"
#include "proto/name.h"
#include "shm/counters.h"
#include "shm/member.h"
#include "shm/room_log.h"

#include <stdlib.h>
#include <string.h>

/* A room may be given back, or get another life, between a look-up and its use. */
#define STALE_TRIES 4u

/* ---- join ------------------------------------------------------------------------ */

/* A connection that takes only some rooms takes this one, too, from now on. */
static void add_only(struct conn *conn, const char *room)
{
	char(*only)[ROOM_SIZE];

	if (conn->only == NULL)
		return;
	for (unsigned i = 0; i < conn->only_count; i++)
		if (strcmp(conn->only[i], room) == 0)
			return;
	only = realloc(conn->only, (conn->only_count + 1) * sizeof(*only));
	if (only == NULL)
		return; /* it is subscribed now; only a join from elsewhere would pass it by */
	memset(only[conn->only_count], 0, ROOM_SIZE);
	memcpy(only[conn->only_count], room, strnlen(room, ROOM_LEN_MAX));
	conn->only = only;
	conn->only_count++;
}

static enum proto_error make_error(enum room_result result)
{
	switch (result) {
	case ROOM_OK:
		return PROTO_OK;
	case ROOM_FULL_TABLE:
	case ROOM_NO_MEMORY:
		return ERR_server_full;
	case ROOM_NONE:
	case ROOM_BUSY:
		return ERR_busy;
	}
	return ERR_internal;
}

static enum proto_error join_error(enum member_result result)
{
	switch (result) {
	case MEMBER_OK:
	case MEMBER_ALREADY:
		return PROTO_OK;
	case MEMBER_ROOM_FULL:
		return ERR_room_full;
	case MEMBER_TOO_MANY:
		return ERR_too_many_rooms;
	case MEMBER_STALE:
	case MEMBER_BUSY:
		return ERR_busy;
	case MEMBER_NOT:
	case MEMBER_LAST:
		return ERR_internal;
	}
	return ERR_internal;
}

/* A room that he could not be a member of is not made for him. */
static bool has_place(struct conn *conn, const char *name)
{
	struct shm *shm = &conn->worker->shm;
	uint32_t max = conn->worker->config->max_rooms_per_user;
	struct room_ref ref;

	if (max == 0 || room_find(shm, name, &ref) != ROOM_NONE)
		return true;
	return member_rooms(shm, conn->user, NULL, 0) < max;
}

static enum proto_error join_once(struct conn *conn, const struct message *message,
				  struct joined *ret_joined)
{
	struct worker *worker = conn->worker;
	const struct message_join *join = &message->join;
	struct announce_answer answer = {.id = message->id.str};
	enum member_result member;
	enum room_result result;
	enum proto_error error;
	struct room_ref ref;

	result = room_make(&worker->shm, join->room.str, &ref, &answer.created);
	if (result == ROOM_NO_MEMORY)
		counter_add(&worker->shm, COUNTER_full_refused_total, 1);
	error = make_error(result);
	if (error != PROTO_OK)
		return error;
	if (answer.created)
		log_info("room created", "room=%s user=%s", join->room.str, conn->identity.user);
	member = member_join(&worker->shm, conn->user, ref, worker->config->room_capacity,
			     worker->config->max_rooms_per_user);
	if (member == MEMBER_OK)
		*ret_joined = (struct joined){.ref = ref,
					      .after = room_log_next(&worker->shm, ref.log) - 1};
	error = join_error(member);
	if (error != PROTO_OK)
		return error;
	return announce_room(conn, ref, &join->cursor, join->limit, &answer);
}

static void join_inbox(struct conn *conn, const struct message *message)
{
	struct announce_answer answer = {.id = message->id.str};
	enum proto_error error = ERR_forbidden;

	if (strcmp(message->join.room.str + 1, conn->identity.user) == 0)
		error = announce_room(conn, announce_inbox(&conn->worker->shm, conn->user),
				      &message->join.cursor, message->join.limit, &answer);
	if (error != PROTO_OK)
		answer_error(conn, message, error);
}

void handle_join(struct conn *conn, const struct message *message)
{
	const char *name = message->join.room.str;
	enum proto_error error = ERR_too_many_rooms;
	struct joined joined = {.after = 0};

	if (name_is_inbox(name)) {
		join_inbox(conn, message);
		return;
	}
	if (has_place(conn, name)) {
		error = ERR_busy;
		for (unsigned i = 0; i < STALE_TRIES && error == ERR_busy; i++)
			error = join_once(conn, message, &joined);
	}
	if (error == PROTO_OK) {
		add_only(conn, name);
		memset(conn->room, 0, sizeof(conn->room));
		memcpy(conn->room, name, strnlen(name, ROOM_LEN_MAX));
	} else {
		answer_error(conn, message, error);
	}
	if (joined.ref.epoch != 0)
		peers_list_changed(conn->worker, conn->user, &joined);
}

/* ---- leave ----------------------------------------------------------------------- */

static enum proto_error leave_error(enum member_result result)
{
	switch (result) {
	case MEMBER_OK:
		return PROTO_OK;
	case MEMBER_NOT:
		return ERR_not_member;
	case MEMBER_LAST:
		return ERR_last_room;
	case MEMBER_STALE:
	case MEMBER_BUSY:
		return ERR_busy;
	case MEMBER_ALREADY:
	case MEMBER_ROOM_FULL:
	case MEMBER_TOO_MANY:
		return ERR_internal;
	}
	return ERR_internal;
}

static enum proto_error leave_once(struct conn *conn, const struct message *message,
				   struct target *ret_target)
{
	enum proto_error error = answer_target(conn, message->leave.room, ret_target);

	if (error != PROTO_OK)
		return error;
	if (ret_target->inbox)
		return ERR_forbidden;
	return leave_error(member_leave(&conn->worker->shm, conn->user, ret_target->ref, false));
}

void handle_leave(struct conn *conn, const struct message *message)
{
	enum proto_error error = ERR_busy;
	struct target target;

	for (unsigned i = 0; i < STALE_TRIES && error == ERR_busy; i++)
		error = leave_once(conn, message, &target);
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	/* What was said before comes before: an `ok` may be waiting for its line. */
	if (!conn->blocked)
		deliver_conn(conn);
	subscribe_remove(conn, target.ref.log, target.ref.epoch);
	answer_ok(conn, message);
	peers_list_changed(conn->worker, conn->user, NULL);
}
