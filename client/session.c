#include "client/session_private.h"

#include "base/random.h"
#include "proto/name.h"
#include "proto/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 10000
#define STEADY_MS 2000    /* a session that lasted so long starts the back-off afresh */
#define READ_DELAY_MS 300 /* read marks are gathered for so long */
#define ASK_MS 30000      /* silence: the server pings every 25 s, so ask whether it is there */
#define SILENT_MS 45000   /* and no answer: the connection is dead */
#define GREET_MS 10000    /* for the challenge */
#define LOGIN_MS 25000    /* for the welcome; the server gives a login 20 s */
#define LEAVE_MS 1000     /* for its answer to `bye` */

void session_set_state(struct session *session, enum session_state state, int64_t now_ms)
{
	session->state = state;
	session->state_since = now_ms;
}

int session_create(const struct session_config *config, session_event_fn *on_event, void *owner,
		   struct session **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	int rc = -ENOMEM;

	if (!session)
		return -ENOMEM;
	session->on_event = on_event;
	session->owner = owner;
	session->measured_at = -1;
	session->latency_ms = -1;
	session->only = config->only;
	session->no_backlog = config->no_backlog;
	session->since = config->since;
	requests_init(&session->requests, config->id_prefix, config->window);
	session->user = strdup(config->user);
	session->server = strdup(config->server);
	session->device = strdup(config->device);
	session->wanted = calloc(config->room_count + 1, sizeof(char *));
	if (!session->user || !session->server || !session->device || !session->wanted)
		goto out;
	for (size_t i = 0; i < config->room_count; i++) {
		if (name_is_inbox(config->rooms[i]))
			continue; /* one's own is always there, others' cannot be joined */
		session->wanted[session->wanted_count] = strdup(config->rooms[i]);
		if (!session->wanted[session->wanted_count])
			goto out;
		session->wanted_count++;
	}
	*ret_session = session;
	session = NULL;
	rc = 0;
out:
	session_destroy(session);
	return rc;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	for (size_t i = 0; session->wanted && i < session->wanted_count; i++)
		free(session->wanted[i]);
	free(session->wanted);
	free(session->user);
	free(session->server);
	free(session->device);
	rooms_finish(&session->rooms);
	requests_finish(&session->requests);
	buf_finish(&session->out);
	free(session);
}

void session_pump(struct session *session, int64_t now_ms)
{
	if (session->state == SESSION_READY)
		requests_pump(&session->requests, &session->out, now_ms);
}

void session_connected(struct session *session, int64_t now_ms)
{
	buf_reset(&session->out);
	session->code[0] = '\0';
	session->message[0] = '\0';
	session->retry_after_ms = 0;
	session->heard = now_ms;
	session->asked = false;
	session->told_silent = false;
	session->announced = 0;
	session->measured_at = -1;
	session->latency_ms = -1;
	session_set_state(session, SESSION_CONNECTED, now_ms);
}

/* ---- logging in */

const char *session_nonce(const struct session *session)
{
	return session->nonce;
}

int64_t session_expires(const struct session *session)
{
	return session->expires;
}

int session_login(struct session *session, const char *binding, const char *signature,
		  int64_t now_ms)
{
	struct request_login login = {
		.user = session->user,
		.server = session->server,
		.binding = binding,
		.signature = signature,
		.device = session->device,
		.only = (const char *const *)session->wanted,
		.only_count = session->wanted_count,
		.has_only = session->only,
	};
	struct request_cursor *resume;

	if (session->state != SESSION_CHALLENGED)
		return -EPROTO;
	resume = calloc(session->rooms.count + 1, sizeof(*resume));
	if (!resume)
		return -ENOMEM;
	for (size_t i = 0; i < session->rooms.count; i++) {
		const struct room *room = session->rooms.items[i];

		if (room->epoch[0] == '\0' || room->after < 0 || room->catching)
			continue;
		resume[login.resume_count++] = (struct request_cursor){
			.room = room->name, .epoch = room->epoch, .after = room->after};
	}
	login.resume = resume;
	request_login(&session->out, &login);
	free(resume);
	if (session->out.failed)
		return -ENOMEM;
	session_set_state(session, SESSION_LOGGING_IN, now_ms);
	return 0;
}

struct buf *session_output(struct session *session)
{
	return &session->out;
}

/* ---- the end of a connection */

static enum session_verdict verdict_of(const struct session *session, unsigned close_code)
{
	if (session->state == SESSION_LEAVING)
		return SESSION_DONE;
	switch (close_code) {
	case 0:
	case 1001: /* going away */
	case 1005: /* a close frame without a code */
	case 1006: /* no close frame */
	case 1012: /* restart */
	case 4002: /* limits */
		return SESSION_COME_BACK;
	case 1002:
		/* libwebsockets knows no 1012 and takes it for a broken frame; the `bye` said more.
		 */
		return strcmp(session->code, "restart") == 0 ? SESSION_COME_BACK : SESSION_GIVE_UP;
	default:
		return SESSION_GIVE_UP;
	}
}

struct session_loss session_lost(struct session *session, unsigned close_code, int64_t now_ms)
{
	struct session_loss loss = {.verdict = verdict_of(session, close_code)};
	int64_t cap = RETRY_FIRST_MS;

	loss.in_login = session->state != SESSION_READY && session->state != SESSION_LEAVING;
	snprintf(loss.code, sizeof(loss.code), "%s", session->code);
	snprintf(loss.message, sizeof(loss.message), "%s", session->message);
	if (!loss.in_login && now_ms - session->state_since >= STEADY_MS)
		session->attempts = 0;
	for (unsigned i = 0; i < session->attempts && cap < RETRY_MAX_MS; i++)
		cap *= 2;
	session->attempts++;
	if (cap > RETRY_MAX_MS)
		cap = RETRY_MAX_MS;
	loss.delay_ms = (int64_t)random_below((uint64_t)cap + 1);
	if (loss.delay_ms < session->retry_after_ms)
		loss.delay_ms = session->retry_after_ms;

	for (size_t i = 0; i < session->rooms.count; i++) {
		session->rooms.items[i]->rejoining = false;
		session->rooms.items[i]->after_gap = false;
	}
	session->announced = 0;
	session->retry_after_ms = 0;
	buf_reset(&session->out);
	session_set_state(session, SESSION_OFFLINE, now_ms);
	return loss;
}

/* ---- asking */

int session_send(struct session *session, const struct request_ask *ask, int64_t now_ms)
{
	struct request_ask full = *ask;
	int rc;

	if (ask->kind == REQUEST_JOIN && ask->target) {
		const struct room *room = rooms_find(&session->rooms, ask->target);

		if (room && room->epoch[0] && room->after >= 0) {
			full.epoch = room->epoch;
			full.after = room->after;
		}
	}
	rc = requests_add(&session->requests, &full, false);
	if (rc < 0)
		return rc;
	session_pump(session, now_ms);
	return 0;
}

void session_mark_read(struct session *session, const char *name, int64_t seq, int64_t now_ms)
{
	struct room *room = rooms_find(&session->rooms, name);

	if (!room || seq <= room->read_wanted)
		return;
	room->read_wanted = seq;
	if (session->read_due == 0)
		session->read_due = now_ms + READ_DELAY_MS;
}

static void tell_read(struct session *session)
{
	if (session->state != SESSION_READY)
		return;
	for (size_t i = 0; i < session->rooms.count; i++) {
		struct room *room = session->rooms.items[i];

		if (room->read_wanted <= room->read_sent)
			continue;
		request_read(&session->out, room->name, room->read_wanted);
		room->read_sent = room->read_wanted;
	}
	session->read_due = 0;
}

void session_typing(struct session *session, const char *room)
{
	if (session->state == SESSION_READY)
		request_typing(&session->out, room);
}

void session_partial(struct session *session, const char *room, const char *content)
{
	if (session->state == SESSION_READY)
		request_partial(&session->out, room, content);
}

void session_measure(struct session *session, int64_t now_ms)
{
	if (session->state != SESSION_READY || session->measured_at >= 0)
		return;
	session->measured_at = now_ms;
	request_ping(&session->out, MEASURE_ID);
}

int64_t session_latency(const struct session *session)
{
	return session->latency_ms;
}

void session_leave(struct session *session, int64_t now_ms)
{
	if (session->state == SESSION_LEAVING)
		return;
	tell_read(session);
	request_bye(&session->out, NULL);
	session_set_state(session, SESSION_LEAVING, now_ms);
}

/* ---- time */

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

int64_t session_deadline(const struct session *session)
{
	int64_t at = -1;

	if (session->told_silent)
		return -1;
	switch (session->state) {
	case SESSION_OFFLINE:
	case SESSION_CHALLENGED:
		break;
	case SESSION_CONNECTED:
		at = session->state_since + GREET_MS;
		break;
	case SESSION_LOGGING_IN:
		at = session->state_since + LOGIN_MS;
		break;
	case SESSION_LEAVING:
		at = session->state_since + LEAVE_MS;
		break;
	case SESSION_READY:
		at = session->heard + (session->asked ? SILENT_MS : ASK_MS);
		if (session->read_due > 0)
			at = earlier(at, session->read_due);
		at = earlier(at, requests_deadline(&session->requests));
		break;
	}
	return at;
}

/* Once a connection: closing it takes a moment, in which nothing else is due. */
static void tell_silent(struct session *session)
{
	struct session_event event = {.type = SESSION_EVENT_SILENT};

	session->told_silent = true;
	session->on_event(session->owner, &event);
}

static void tick_ready(struct session *session, int64_t now_ms)
{
	if (now_ms - session->heard >= SILENT_MS) {
		tell_silent(session);
		return;
	}
	if (now_ms - session->heard >= ASK_MS && !session->asked) {
		session->asked = true;
		request_ping(&session->out, NULL);
	}
	if (session->read_due > 0 && now_ms >= session->read_due)
		tell_read(session);
	session_pump(session, now_ms);
}

void session_tick(struct session *session, int64_t now_ms)
{
	int64_t since = now_ms - session->state_since;

	if (session->told_silent)
		return;
	switch (session->state) {
	case SESSION_OFFLINE:
	case SESSION_CHALLENGED:
		break;
	case SESSION_CONNECTED:
		if (since >= GREET_MS)
			tell_silent(session);
		break;
	case SESSION_LOGGING_IN:
		if (since >= LOGIN_MS)
			tell_silent(session);
		break;
	case SESSION_LEAVING:
		if (since >= LEAVE_MS)
			tell_silent(session);
		break;
	case SESSION_READY:
		tick_ready(session, now_ms);
		break;
	}
}

/* ---- what it knows */

enum session_state session_state(const struct session *session)
{
	return session->state;
}

const struct rooms *session_rooms(const struct session *session)
{
	return &session->rooms;
}

const char *session_user(const struct session *session)
{
	return session->user;
}

struct server_limits session_limits(const struct session *session)
{
	return session->requests.limits;
}

size_t session_unanswered(const struct session *session)
{
	return session->requests.count;
}

bool session_was_ready(const struct session *session)
{
	return session->was_ready;
}
