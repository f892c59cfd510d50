#include "worker/enter.h"

#include "worker/announce.h"
#include "worker/answer.h"
#include "worker/judge.h"
#include "worker/metrics.h"
#include "worker/peers.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "proto/event.h"
#include "shm/append.h"
#include "shm/counters.h"
#include "shm/limit.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STALE_TRIES 8u

static const char *const capabilities[] = {"history", "direct", "topic",  "presence", "typing",
					   "read",    "away",   "rooms",  "users",    "who",
					   "resume",  "answer", "agents", NULL};

/* ---- the user and his session ------------------------------------------------------- */

static enum proto_error user_error(enum user_result result)
{
	switch (result) {
	case USER_OK:
		return PROTO_OK;
	case USER_FULL_TABLE:
		return ERR_server_full;
	case USER_NONE:
	case USER_BUSY:
		return ERR_busy;
	}
	return ERR_internal;
}

static enum proto_error attach(struct conn *conn, const struct login_identity *identity,
			       const char *device)
{
	struct shm *shm = &conn->worker->shm;
	enum proto_error error;

	error = user_error(user_make(shm, identity->user, &conn->user));
	if (error == PROTO_OK)
		error = user_error(user_own(shm, conn->user, identity->name_serial));
	if (error != PROTO_OK) {
		conn->user = SHM_NONE;
		return error;
	}
	switch (session_attach(shm, conn->user, device,
			       conn->worker->config->max_connections_per_user, &conn->session)) {
	case SESSION_OK:
		return PROTO_OK;
	case SESSION_BUSY:
		error = ERR_busy;
		break;
	case SESSION_FULL_TABLE:
		error = ERR_server_full;
		break;
	case SESSION_TOO_MANY:
		error = ERR_too_many_connections;
		break;
	}
	conn->user = SHM_NONE;
	conn->session = SHM_NONE;
	return error;
}

static bool wants(const struct login_wish *wish, const char *room)
{
	if (!wish->has_only)
		return true;
	for (size_t i = 0; i < wish->only_count; i++)
		if (strcmp(wish->only[i], room) == 0)
			return true;
	return false;
}

/* Everyone comes into the lobby; a full one or a full list is no reason to turn him away. */
static void join_lobby(struct conn *conn, struct joined *ret_joined)
{
	struct worker *worker = conn->worker;
	const struct config *config = worker->config;

	for (unsigned i = 0; i < STALE_TRIES; i++) {
		struct room_ref ref;
		bool created;

		if (room_make(&worker->shm, ROOM_LOBBY, &ref, &created) != ROOM_OK)
			continue;
		if (created)
			log_info("room created", "room=%s user=%s", ROOM_LOBBY,
				 conn->identity.user);
		switch (member_join(&worker->shm, conn->user, ref, config->room_capacity,
				    config->max_rooms_per_user)) {
		case MEMBER_OK:
			*ret_joined = (struct joined){
				.ref = ref, .after = room_log_next(&worker->shm, ref.log) - 1};
			return;
		case MEMBER_ALREADY:
		case MEMBER_ROOM_FULL:
		case MEMBER_TOO_MANY:
		case MEMBER_NOT:
		case MEMBER_LAST:
			return;
		case MEMBER_STALE:
		case MEMBER_BUSY:
			break;
		}
	}
	log_warn("lobby", "user=%s error=%s", conn->identity.user, "busy");
}

static int keep_only(struct conn *conn, struct login_wish const *wish)
{
	if (!wish->has_only)
		return 0;
	conn->only = calloc(wish->only_count + 1, sizeof(*conn->only));
	if (conn->only == NULL)
		return -ENOMEM;
	memcpy(conn->only, wish->only, wish->only_count * sizeof(*conn->only));
	conn->only_count = (unsigned)wish->only_count;
	return 0;
}

/* ---- the rooms he is told about -------------------------------------------------------- */

struct entry {
	struct room_info info;
	uint64_t read;
};

struct entries {
	struct entry *entry; /* owned */
	unsigned count;
};

/* His rooms that this connection takes, and last his inbox. 0 or -ENOMEM. */
static int gather(struct conn *conn, const struct login_wish *wish, struct entries *ret_entries)
{
	struct shm *shm = &conn->worker->shm;
	unsigned max = shm->sizes->rooms_per_user, count;
	struct entries entries = {0};
	struct room_ref *refs = malloc(max * sizeof(*refs));
	int err = -ENOMEM;

	if (refs == NULL)
		goto out;
	count = member_rooms(shm, conn->user, refs, max);
	count = count < max ? count : max;
	entries.entry = malloc((count + 1) * sizeof(*entries.entry));
	if (entries.entry == NULL)
		goto out;
	for (unsigned i = 0; i < count; i++) {
		struct entry *entry = &entries.entry[entries.count];

		if (!room_info(shm, refs[i], &entry->info) || !wants(wish, entry->info.name))
			continue;
		entry->read = member_read(shm, conn->user, refs[i]);
		entries.count++;
	}
	if (room_info(shm, announce_inbox(shm, conn->user), &entries.entry[entries.count].info)) {
		struct user *user = segment_user(shm, conn->user);

		entries.entry[entries.count].read =
			atomic_load_explicit(&user->inbox_read, memory_order_relaxed);
		entries.count++;
	}
	*ret_entries = entries;
	entries.entry = NULL;
	err = 0;
out:
	free(entries.entry);
	free(refs);
	return err;
}

static const struct cursor *resume_of(const struct login_wish *wish, const char *room)
{
	static const struct cursor none = {.has_after = false};

	for (size_t i = 0; i < wish->resume_count; i++)
		if (strcmp(wish->resume[i].room.str, room) == 0)
			return &wish->resume[i].cursor;
	return &none;
}

static struct event_limits limits_of(const struct config *config)
{
	return (struct event_limits){.line = config->max_line,
				     .frame = config->max_frame,
				     .content = config->max_content,
				     .address = config->max_connections_per_address,
				     .server = config->max_connections,
				     .capacity = config->room_capacity,
				     .idle = config->idle_timeout,
				     .rooms = config->max_rooms_per_user,
				     .rate = config->rate,
				     .burst = config->burst,
				     .connections = config->max_connections_per_user,
				     .presence = config->presence_limit,
				     .ping = config->ping_interval};
}

static void tell_welcome(struct conn *conn, const struct login_wish *wish,
			 const struct entries *entries)
{
	struct worker *worker = conn->worker;
	struct event_welcome_room *rooms = calloc(entries->count + 1, sizeof(*rooms));
	const char *roles[3] = {NULL};
	unsigned role_count = 0;
	char session[SESSION_TEXT_SIZE], last_id[ID_SIZE] = "";
	uint32_t window;
	bool busy = false;

	if (rooms == NULL) {
		conn_fail(conn, NULL, ERR_internal, NULL, CLOSE_LIMITS);
		return;
	}
	for (unsigned i = 0; i < entries->count; i++) {
		const struct entry *entry = &entries->entry[i];

		rooms[i] = (struct event_welcome_room){
			.room = entry->info.name,
			.epoch = entry->info.ref.epoch,
			.first = entry->info.first,
			.head = entry->info.head,
			.members = announce_members(&worker->shm, &entry->info),
			.topic = entry->info.topic,
			.read = entry->read};
	}
	if ((conn->identity.roles & ROLE_OP) != 0)
		roles[role_count++] = "op";
	if ((conn->identity.roles & ROLE_AGENT) != 0)
		roles[role_count++] = "agent";
	snprintf(session, sizeof(session), "%016" PRIx64 "%016" PRIx64, random_u64(), random_u64());
	/* Without it a client resends what it is unsure of, and the ids settle that. */
	window = window_find(&worker->shm, conn->user, conn->device, &busy);
	if (window == SHM_NONE || window_last_id(&worker->shm, window, last_id) < 0)
		last_id[0] = '\0';
	buf_reset(&worker->line);
	event_welcome(&worker->line,
		      &(struct event_welcome){.id = wish->id,
					      .user = conn->identity.user,
					      .session = session,
					      .roles = roles,
					      .last_id = last_id,
					      .limits = limits_of(worker->config),
					      .capabilities = capabilities,
					      .wall_ms = clock_wall_ms()},
		      rooms, entries->count);
	conn_tell(conn, &worker->line);
	free(rooms);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void log_login(const struct conn *conn)
{
	char fingerprint[FINGERPRINT_SIZE], address[ADDRESS_TEXT_SIZE];

	fingerprint_format(conn->identity.key_hash, fingerprint);
	address_format(&conn->identity.peer, address);
	log_info("login",
		 "user=%s fingerprint=%s address=%s conn=%" PRIu64 " device=%s line=%u "
		 "took_ms=%" PRIu64,
		 conn->identity.user, fingerprint, address, conn->number,
		 conn->device[0] != '\0' ? conn->device : NULL, conn->identity.line,
		 clock_mono_ms() - conn->opened_ms);
}

static void become(struct conn *conn, const struct login_identity *identity, const char *device)
{
	struct worker *worker = conn->worker;

	conn->identity = *identity;
	memcpy(conn->device, device, strnlen(device, DEVICE_LEN_MAX));
	conn->state = CONN_LOGGED_IN;
	if (conn->address != SHM_NONE)
		limit_logged_in(&worker->shm, conn->address);
	conn->was_pending = false;
	ws_known(conn->ws);
	atomic_store_explicit(&segment_user(&worker->shm, conn->user)->last_login_wall_ms,
			      clock_wall_ms(), memory_order_relaxed);
	atomic_store_explicit(&segment_user(&worker->shm, conn->user)->active_mono_ms,
			      conn->heard_ms, memory_order_relaxed);
	metrics_count_login(&worker->shm, METRICS_LOGIN_OK, identity);
	conn_schedule(conn);
	log_login(conn);
}

enum proto_error enter_session(struct conn *conn, const struct login_identity *identity,
			       const struct login_wish *wish)
{
	struct worker *worker = conn->worker;
	struct entries entries = {0};
	struct joined joined = {.after = 0};
	enum proto_error error;

	if (watch_is_full(&worker->watch)) {
		counter_add(&worker->shm, COUNTER_full_refused_total, 1);
		conn_fail(conn, wish->id, ERR_server_full, watch_full_text(&worker->watch),
			  CLOSE_LIMITS);
		return PROTO_OK;
	}
	error = attach(conn, identity, wish->device);
	if (error == ERR_server_full || error == ERR_too_many_connections) {
		conn_fail(conn, wish->id, error, NULL, CLOSE_LIMITS);
		return PROTO_OK;
	}
	if (error != PROTO_OK)
		return error;
	if (keep_only(conn, wish) < 0) {
		conn_fail(conn, wish->id, ERR_internal, NULL, CLOSE_LIMITS);
		return PROTO_OK;
	}
	subscribe_enter_user(conn);
	become(conn, identity, wish->device);
	/* Keys may have changed since the signature was looked at; from here on changes find us. */
	judge_all(worker);
	if (!conn_is_open(conn) || !judge_conn(conn))
		return PROTO_OK;
	if (wants(wish, ROOM_LOBBY))
		join_lobby(conn, &joined);
	if (gather(conn, wish, &entries) < 0) {
		conn_fail(conn, wish->id, ERR_internal, NULL, CLOSE_LIMITS);
		return PROTO_OK;
	}
	tell_welcome(conn, wish, &entries);
	for (unsigned i = 0; i < entries.count && conn_is_open(conn); i++) {
		const struct room_info *info = &entries.entry[i].info;

		announce_room(conn, info->ref, resume_of(wish, info->name), JOIN_LINES_DEFAULT,
			      NULL);
	}
	free(entries.entry);
	/* His other connections may not know the lobby yet. */
	if (joined.ref.epoch != 0)
		peers_list_changed(worker, conn->user, &joined);
	return PROTO_OK;
}
