#include "client/session_private.h"

#include "proto/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_DEFAULT_MS 500 /* a refusal for now that names no time */

static void emit(struct session *session, const struct session_event *event)
{
	session->on_event(session->owner, event);
}

/* ---- logging in */

static void receive_challenge(struct session *session, const struct session_event *line,
			      int64_t now_ms)
{
	struct session_event event = *line;

	if (session->state == SESSION_READY || session->state == SESSION_LEAVING ||
	    !line->line->nonce || strlen(line->line->nonce) > NONCE_TEXT_MAX ||
	    line->line->expires < 0)
		return;
	snprintf(session->nonce, sizeof(session->nonce), "%s", line->line->nonce);
	session->expires = line->line->expires;
	session_set_state(session, SESSION_CHALLENGED, now_ms);
	event.type = SESSION_EVENT_CHALLENGE;
	emit(session, &event);
}

static bool is_listed(const struct server_line *welcome, const char *name)
{
	for (size_t i = 0; i < welcome->room_count; i++) {
		if (strcmp(welcome->rooms[i].room, name) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct session *session, const char *name)
{
	for (size_t i = 0; i < session->wanted_count; i++) {
		if (strcmp(session->wanted[i], name) == 0)
			return true;
	}
	return false;
}

void session_join_again(struct session *session, const char *name)
{
	struct request_ask ask = {.kind = REQUEST_JOIN, .target = name, .own = true, .limit = -1};
	struct room *room = rooms_find(&session->rooms, name);

	if (room && room->epoch[0] && room->after >= 0) {
		ask.epoch = room->epoch;
		ask.after = room->after;
	} else if (session->no_backlog) {
		ask.limit = 0;
	}
	if (requests_add(&session->requests, &ask, true) == 0 && room)
		room->rejoining = true;
}

/* The rooms that are ours no more: someone left them with another program. */
static void drop_missing_rooms(struct session *session, const struct server_line *welcome)
{
	for (size_t i = session->rooms.count; i-- > 0;) {
		const struct room *room = session->rooms.items[i];
		char name[ROOM_SIZE];
		struct session_event event = {.type = SESSION_EVENT_MISSING, .room = name};

		if (name_is_inbox(room->name) || is_listed(welcome, room->name) ||
		    (session->only && is_wanted(session, room->name)))
			continue;
		snprintf(name, sizeof(name), "%s", room->name);
		rooms_remove(&session->rooms, name);
		emit(session, &event);
	}
}

static void receive_welcome(struct session *session, const struct session_event *line,
			    int64_t now_ms)
{
	const struct server_line *welcome = line->line;
	struct session_event event = *line;

	if (session->state != SESSION_LOGGING_IN)
		return;
	if (welcome->user && strcmp(welcome->user, session->user) != 0) {
		char *user = strdup(welcome->user);

		if (user) {
			free(session->user);
			session->user = user;
		}
	}
	session_set_state(session, SESSION_READY, now_ms);
	requests_rewind(&session->requests);
	requests_set_limits(&session->requests, &welcome->limits);
	drop_missing_rooms(session, welcome);
	for (size_t i = session->wanted_count; i-- > 0;) {
		if (!is_listed(welcome, session->wanted[i]) &&
		    (session->only || !session->was_ready))
			session_join_again(session, session->wanted[i]);
	}
	event.type = SESSION_EVENT_READY;
	emit(session, &event);
	session->was_ready = true;
}

/* ---- lines of rooms */

static void receive_stored(struct session *session, struct session_event *event)
{
	const struct server_line *line = event->line;
	struct room *room = rooms_find(&session->rooms, line->room);

	event->freshness = SESSION_LIVE;
	if (session->announced > 0 && strcmp(session->announced_room, line->room) == 0) {
		session->announced--;
		event->freshness = SESSION_REPLAY;
		if (room && room->catching && session->announced_since) {
			room->caught = line->seq;
			room_saw(room, line->seq);
			emit(session, event);
			return;
		}
		if (session->announced_history) {
			if (room)
				room_saw(room, line->seq);
			event->freshness = SESSION_HISTORY;
			emit(session, event);
			return;
		}
	}
	if (!room)
		room = rooms_add(&session->rooms, line->room);
	if (!room || room->catching)
		return; /* a line that is missed so comes again with the join */
	switch (room_take(room, line->seq, line->prev)) {
	case ROOM_DROP:
		return;
	case ROOM_REJOIN:
		session_join_again(session, room->name);
		return;
	case ROOM_TAKE:
		room_saw(room, line->seq);
		break;
	}
	/* out of memory: an old topic is shown, nothing worse */
	if (line->type == SERVER_LINE_TOPIC)
		(void)room_set_topic(room, line->content);
	if (line->type == SERVER_LINE_MESSAGE && line->kind && strcmp(line->kind, "ask") == 0)
		room_asked(room, line->seq);
	if (line->type == SERVER_LINE_ANSWER)
		room_answered(room, line->target);
	emit(session, event);
}

static void announce(struct session *session, const struct server_line *line, bool history)
{
	snprintf(session->announced_room, sizeof(session->announced_room), "%s", line->room);
	session->announced = line->count > 0 ? line->count : 0;
	session->announced_history = history;
	session->announced_since = false;
}

static void receive_room(struct session *session, const struct server_line *line,
			 const struct request *request)
{
	struct room *room = line->room ? rooms_add(&session->rooms, line->room) : NULL;

	if (!room)
		return;
	room_announce(room, line->epoch, line->after >= 0 ? line->after : 0);
	room->members = line->members;
	(void)room_set_topic(room, line->topic); /* as above */
	since_room(session, room, line, request);
	announce(session, line, false);
}

static void receive_gap(struct session *session, const struct server_line *line)
{
	struct room *room = line->room ? rooms_find(&session->rooms, line->room) : NULL;

	if (!room)
		return;
	if (line->next > 0)
		room_gap(room, line->next);
	if (strcmp(session->announced_room, line->room) == 0)
		session->announced = 0;
}

static void receive_reset(struct session *session, const struct server_line *line)
{
	struct room *room = line->room ? rooms_add(&session->rooms, line->room) : NULL;

	if (!room)
		return;
	room_reset(room, line->epoch);
	room->caught = -1;
	if (strcmp(session->announced_room, line->room) == 0)
		session->announced = 0;
}

/* ---- answers */

static bool is_for_now(const char *code)
{
	return strcmp(code, "rate_limited") == 0 || strcmp(code, "busy") == 0 ||
	       strcmp(code, "unavailable") == 0;
}

static void remember_reason(struct session *session, const struct server_line *line)
{
	snprintf(session->code, sizeof(session->code), "%s", line->code ? line->code : "");
	snprintf(session->message, sizeof(session->message), "%s",
		 line->message ? line->message : "");
	if (line->retry_after_ms > 0)
		session->retry_after_ms = line->retry_after_ms;
}

static void receive_error(struct session *session, struct session_event *event, int64_t now_ms)
{
	const struct server_line *line = event->line;
	struct request *request = requests_find(&session->requests, line->id);
	const char *code = line->code ? line->code : "";

	if (line->fatal)
		remember_reason(session, line);
	if (session->state != SESSION_READY && session->state != SESSION_LEAVING) {
		if (!line->fatal && line->retry_after_ms > 0)
			session->retry_after_ms = line->retry_after_ms;
		session_set_state(session, SESSION_CONNECTED, now_ms);
		event->type = SESSION_EVENT_LOGIN_REFUSED;
		emit(session, event);
		return;
	}
	event->request = request;
	if (request && !line->fatal && is_for_now(code)) {
		event->type = SESSION_EVENT_HELD;
		event->delay_ms =
			line->retry_after_ms >= 0 ? line->retry_after_ms : HOLD_DEFAULT_MS;
		requests_hold(&session->requests, request, now_ms + event->delay_ms);
		emit(session, event);
		return;
	}
	if (request && request->own && request->kind == REQUEST_HISTORY)
		since_refused(session, request);
	else if (request && request->own && request->target)
		rooms_remove(&session->rooms, request->target);
	emit(session, event);
	if (request && !line->fatal)
		requests_settle(&session->requests, request);
}

static void receive_answer(struct session *session, struct session_event *event)
{
	struct request *request = requests_find(&session->requests, event->line->id);

	event->request = request;
	if (event->line->type == SERVER_LINE_HISTORY && event->line->room) {
		announce(session, event->line, true);
		session->announced_since = request && request->own;
		if (session->announced_since)
			since_history(session, request, event->line);
	}
	if (request && request->kind == REQUEST_LEAVE && request->target)
		rooms_remove(&session->rooms, request->target);
	emit(session, event);
	if (request)
		requests_settle(&session->requests, request);
}

static void receive_line(struct session *session, struct session_event *event, int64_t now_ms)
{
	const struct server_line *line = event->line;
	struct room *room;

	if (server_line_is_sequenced(line)) {
		receive_stored(session, event);
		return;
	}
	switch (line->type) {
	case SERVER_LINE_CHALLENGE:
		receive_challenge(session, event, now_ms);
		return;
	case SERVER_LINE_WELCOME:
		receive_welcome(session, event, now_ms);
		return;
	case SERVER_LINE_ERROR:
		receive_error(session, event, now_ms);
		return;
	case SERVER_LINE_ROOM:
		receive_room(session, line, requests_find(&session->requests, line->id));
		receive_answer(session, event);
		return;
	case SERVER_LINE_OK:
	case SERVER_LINE_ROOMS:
	case SERVER_LINE_USERS:
	case SERVER_LINE_WHO:
	case SERVER_LINE_HISTORY:
		receive_answer(session, event);
		return;
	case SERVER_LINE_GAP:
		receive_gap(session, line);
		break;
	case SERVER_LINE_RESET:
		receive_reset(session, line);
		break;
	case SERVER_LINE_LEFT:
		if (line->room)
			rooms_remove(&session->rooms, line->room);
		break;
	case SERVER_LINE_PRESENCE:
		room = line->room ? rooms_find(&session->rooms, line->room) : NULL;
		if (room && line->members >= 0)
			room->members = line->members;
		break;
	case SERVER_LINE_BYE:
		remember_reason(session, line);
		break;
	case SERVER_LINE_PONG:
		if (line->id && strcmp(line->id, MEASURE_ID) == 0 && session->measured_at >= 0) {
			session->latency_ms = now_ms - session->measured_at;
			session->measured_at = -1;
		}
		break;
	case SERVER_LINE_MESSAGE:
	case SERVER_LINE_EDIT:
	case SERVER_LINE_DELETE:
	case SERVER_LINE_REACTION:
	case SERVER_LINE_TOPIC:
	case SERVER_LINE_MODERATION:
	case SERVER_LINE_ANSWER:
	case SERVER_LINE_TYPING:
	case SERVER_LINE_READ:
	case SERVER_LINE_NOTICE:
	case SERVER_LINE_PARTIAL:
	case SERVER_LINE_AGENT:
	case SERVER_LINE_UNKNOWN:
		break;
	}
	emit(session, event);
}

void session_receive(struct session *session, const char *frame, size_t len, int64_t now_ms)
{
	const char *end = frame + len;

	session->heard = now_ms;
	session->asked = false;
	while (frame < end) {
		const char *lf = memchr(frame, '\n', (size_t)(end - frame));
		size_t line_len = (size_t)((lf ? lf : end) - frame);
		struct server_line line;
		struct session_event event = {.type = SESSION_EVENT_LINE,
					      .line = &line,
					      .text = frame,
					      .text_len = line_len};

		if (line_len > 0 && server_line_parse(frame, line_len, &line) == 0) {
			event.room = line.room;
			receive_line(session, &event, now_ms);
			server_line_finish(&line);
		}
		frame += line_len + 1;
	}
	session_pump(session, now_ms);
}
