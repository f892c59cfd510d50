#include "auth/login.h"
#include "worker/announce.h"
#include "worker/answer.h"
#include "worker/ask.h"
#include "worker/dispatch.h"
#include "worker/handlers.h"

#include "auth/keyring.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "proto/event.h"
#include "shm/append.h"
#include "shm/counters.h"
#include "shm/user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An answer starts over as often as somebody else says something meanwhile. */
#define STALE_TRIES 16u

/* A line that asks to be appended, as it is worked on. */
struct request {
	struct conn *conn;
	const struct message *message;
	char target[ROOM_SIZE]; /* "ops", or "@bob" for a direct message */
	char answer[ROOM_SIZE]; /* what the `ok` calls it: "ops", or the sender's own inbox */
	uint64_t id_hash, content_hash;
	struct append append;
	uint64_t same_seq; /* an answer that stands there already: the number it got */
};

/* ---- ids ------------------------------------------------------------------------- */

/* Type, target and content: what must be the same for the same id. */
static void hash(struct request *request, struct text content)
{
	struct shm *shm = &request->conn->worker->shm;
	struct buf *bytes = &request->conn->worker->line_tail;
	const char *type = message_type_name(request->message->type);

	buf_reset(bytes);
	buf_append(bytes, type, strlen(type) + 1);
	buf_append(bytes, request->target, strlen(request->target) + 1);
	buf_append(bytes, content.str, content.len);
	request->content_hash = shm_hash(shm, bytes->data, bytes->len);
	request->id_hash = shm_hash(shm, request->message->id.str, request->message->id.len);
}

static void tell_ok(struct request *request, uint64_t seq, unsigned flags)
{
	struct conn *conn = request->conn;
	struct buf *line = &conn->worker->line;

	if (request->message->id.len == 0)
		return;
	buf_reset(line);
	event_ok(line, request->message->id.str, request->answer, seq, flags);
	/* The line itself comes before its ok, where this connection reads that log. */
	conn_tell_after(conn, line, request->append.copy[0].log, request->append.copy[0].epoch,
			seq);
}

static void tell_duplicate(struct request *request, uint64_t seq)
{
	counter_add(&request->conn->worker->shm, COUNTER_duplicates_total, 1);
	request->append.copy[0].log = SHM_NONE;
	tell_ok(request, seq, OK_DUPLICATE);
}

/* An id that is known is answered here, whatever the rate or the membership says by now. */
static bool answer_known(struct request *request)
{
	struct conn *conn = request->conn;
	struct shm *shm = &conn->worker->shm;
	const char *id = request->message->id.str;
	uint32_t window;
	uint64_t seq;
	bool busy = false;

	if (request->message->id.len == 0)
		return false;
	window = window_find(shm, conn->user, conn->device, &busy);
	if (busy) {
		answer_error(conn, request->message, ERR_busy);
		return true;
	}
	if (window == SHM_NONE)
		return false;
	switch (window_lookup(shm, window, request->id_hash, request->content_hash, &seq)) {
	case APPEND_DUPLICATE:
		if (dispatch_spend(conn, BUCKET_OTHER, id))
			tell_duplicate(request, seq);
		return true;
	case APPEND_ID_CONFLICT:
		if (dispatch_spend(conn, BUCKET_APPEND, id))
			answer_error(conn, request->message, ERR_id_conflict);
		return true;
	case APPEND_BUSY:
		answer_error(conn, request->message, ERR_busy);
		return true;
	case APPEND_OK:
	case APPEND_STALE:
	case APPEND_INBOX_FULL_OWN:
	case APPEND_INBOX_FULL_THEIRS:
	case APPEND_TOO_LONG:
	case APPEND_MOVED:
	case APPEND_NO_MEMORY:
	case APPEND_BROKEN:
		break;
	}
	return false;
}

/* ---- where to ---------------------------------------------------------------------- */

static enum proto_error find_recipient(struct conn *conn, const char *name, uint32_t *ret_user)
{
	struct worker *worker = conn->worker;

	switch (user_find(&worker->shm, name, ret_user)) {
	case USER_OK:
		return PROTO_OK;
	case USER_BUSY:
		return ERR_busy;
	case USER_NONE:
	case USER_FULL_TABLE:
		break;
	}
	if (!keyring_knows_name(keyring_view(worker->keyring), name))
		return ERR_no_such_user;
	switch (user_make(&worker->shm, name, ret_user)) {
	case USER_OK:
		return PROTO_OK;
	case USER_FULL_TABLE:
		return ERR_server_full;
	case USER_BUSY:
	case USER_NONE:
		return ERR_busy;
	}
	return ERR_internal;
}

static void set_copy(struct append *append, unsigned copy, struct room_ref ref)
{
	append->copy[copy].log = ref.log;
	append->copy[copy].epoch = ref.epoch;
}

/* Nobody has answered: the answer is appended as the very next line, or the log is looked at again.
 */
static enum proto_error aim_answer(struct request *request, struct room_ref ref)
{
	struct ask_look look;
	enum proto_error error = ask_look(request->conn, ref, request->message, &look);

	if (error != PROTO_OK)
		return error;
	request->append.only_at = look.next;
	request->same_seq = look.same ? look.same_seq : 0;
	return PROTO_OK;
}

static enum proto_error aim(struct request *request)
{
	struct conn *conn = request->conn;
	struct append *append = &request->append;
	struct target target;
	enum proto_error error;
	uint32_t recipient;

	append->copies = 1;
	if (request->target[0] != '@') {
		error = answer_target(conn, text_from(request->target), &target);
		if (error == PROTO_OK)
			set_copy(append, 0, target.ref);
		if (error == PROTO_OK && request->message->type == MSG_answer)
			error = aim_answer(request, target.ref);
		return error;
	}
	error = find_recipient(conn, request->target + 1, &recipient);
	if (error != PROTO_OK)
		return error;
	set_copy(append, 0, announce_inbox(&conn->worker->shm, conn->user));
	if (recipient != conn->user) {
		append->copies = 2;
		set_copy(append, 1, announce_inbox(&conn->worker->shm, recipient));
	}
	return PROTO_OK;
}

/* ---- appending --------------------------------------------------------------------- */

static void tell_full(struct request *request, bool own)
{
	char text[128];

	if (own)
		snprintf(text, sizeof(text),
			 "your own inbox is full of unread lines: read them, then send it again");
	else
		snprintf(text, sizeof(text),
			 "the inbox of %s is full of unread lines: try again when they have been "
			 "read",
			 request->target + 1);
	answer_error_text(request->conn, request->message, ERR_inbox_full, text);
}

static void appended(struct request *request, bool local)
{
	struct conn *conn = request->conn;
	struct worker *worker = conn->worker;
	uint64_t seq = request->append.copy[0].ret_seq;
	/* An inbox holds a quarter of what a room does. */
	uint64_t part = request->target[0] == '@' ? 4 : 1;

	worker->dirty |= local;
	worker->gathered_lines += part;
	worker->gathered_bytes += part * request->append.tail_len;
	counter_add(&worker->shm, COUNTER_appends_total, 1);
	if (request->target[0] == '@')
		counter_add(&worker->shm, COUNTER_direct_total, 1);
	tell_ok(request, seq, 0);
	/* Even without an id: his own line goes out in this turn. */
	conn_want_flush(conn);
}

static enum proto_error take_window(struct request *request)
{
	struct conn *conn = request->conn;

	request->append.window = SHM_NONE;
	if (request->message->id.len == 0)
		return PROTO_OK;
	switch (window_take(&conn->worker->shm, conn->user, conn->device,
			    &request->append.window)) {
	case 0:
		return PROTO_OK;
	case -ENOSPC:
		return ERR_server_full;
	default:
		return ERR_busy;
	}
}

/* One attempt: false when what was looked up is not true any more. */
static bool append(struct request *request)
{
	struct conn *conn = request->conn;
	struct append *append = &request->append;
	enum proto_error error = aim(request);
	bool local = false;

	if (error == PROTO_OK && request->same_seq > 0) {
		tell_duplicate(request, request->same_seq);
		return true;
	}
	if (error == PROTO_OK)
		error = take_window(request);
	if (error != PROTO_OK) {
		answer_error(conn, request->message, error);
		return true;
	}
	switch (append_line(&conn->worker->shm, append, &local)) {
	case APPEND_OK:
		appended(request, local);
		return true;
	case APPEND_DUPLICATE:
		tell_duplicate(request, append->copy[0].ret_seq);
		return true;
	case APPEND_STALE:
	case APPEND_MOVED:
		return false;
	case APPEND_ID_CONFLICT:
		answer_error(conn, request->message, ERR_id_conflict);
		return true;
	case APPEND_BUSY:
	case APPEND_BROKEN:
		answer_error(conn, request->message, ERR_busy);
		return true;
	case APPEND_INBOX_FULL_OWN:
		tell_full(request, true);
		return true;
	case APPEND_INBOX_FULL_THEIRS:
		tell_full(request, false);
		return true;
	case APPEND_TOO_LONG:
		answer_error_text(conn, request->message, ERR_too_long,
				  "the line is longer than all that the room keeps: split it");
		return true;
	case APPEND_NO_MEMORY:
		answer_error(conn, request->message, ERR_server_full);
		return true;
	}
	return true;
}

/*
 * We stood still, and the client has gone meanwhile. A line with an id it sends again on its
 * next connection; or it has done so long ago, and so many since that the id is forgotten.
 */
static bool is_given_up(struct request *request)
{
	struct worker *worker = request->conn->worker;
	uint64_t now = clock_mono_ms();
	bool late = worker->woke_late ||
		    (worker->awake_ms != 0 && now - worker->awake_ms >= WORKER_STALL_MS);

	request->append.by_mono_ms = now + WORKER_LOCK_BY_MS;
	return request->append.id != NULL && late && ws_peer_is_gone(request->conn->ws);
}

/* The tail of the line is in worker->line_tail. */
static void append_rendered(struct request *request, struct text head, int64_t wall_ms,
			    const char *topic)
{
	struct conn *conn = request->conn;
	struct buf *tail = &conn->worker->line_tail;

	if (tail->failed) {
		answer_error(conn, request->message, ERR_internal);
		return;
	}
	request->append.head = head.str;
	request->append.head_len = head.len;
	request->append.tail = tail->data;
	request->append.tail_len = tail->len;
	request->append.sender = conn->user;
	request->append.wall_ms = wall_ms;
	request->append.id = request->message->id.len > 0 ? request->message->id.str : NULL;
	request->append.id_hash = request->id_hash;
	request->append.content_hash = request->content_hash;
	request->append.topic = topic;
	if (is_given_up(request)) {
		conn_close(conn, CLOSE_GOING_AWAY, "gone while this process stood still");
		return;
	}
	for (unsigned i = 0; i < STALE_TRIES; i++)
		if (append(request))
			return;
	answer_error(conn, request->message, ERR_busy);
}

/* ---- the handlers ---------------------------------------------------------------------- */

static void set_name(char out[ROOM_SIZE], const char *mark, const char *name)
{
	snprintf(out, ROOM_SIZE, "%s%s", mark, name);
}

void handle_message(struct conn *conn, const struct message *message)
{
	const struct message_message *line = &message->message;
	struct request request = {.conn = conn, .message = message};
	bool direct = line->recipient.len > 0;
	struct event_message event;
	char ref[REF_TEXT_SIZE] = "";

	if (direct) {
		snprintf(ref, sizeof(ref), "%016" PRIx64, random_u64());
		set_name(request.target, "@", line->recipient.str);
		set_name(request.answer, "@", conn->identity.user);
	} else {
		set_name(request.target, "", answer_room_name(conn, line->room));
		set_name(request.answer, "", request.target);
	}
	hash(&request, line->content);
	if (answer_known(&request) || !dispatch_spend(conn, BUCKET_APPEND, message->id.str))
		return;
	if (line->sender.len > 0 && !text_equals(line->sender, conn->identity.user)) {
		answer_error(conn, message, ERR_wrong_sender);
		return;
	}
	if (line->kind == KIND_ASK && (conn->identity.roles & ROLE_AGENT) == 0) {
		answer_error_text(conn, message, ERR_forbidden,
				  "only keys with the role agent ask questions");
		return;
	}
	if (direct && agent_board_has(conn->worker->inherit->agents, line->recipient.str)) {
		answer_error_text(conn, message, ERR_not_supported,
				  "an agent reads no direct messages: write to it in a room");
		return;
	}
	event = (struct event_message){.wall_ms = clock_wall_ms(),
				       .sender = conn->identity.user,
				       .recipient = direct ? line->recipient.str : NULL,
				       .ref = direct ? ref : NULL,
				       .content = line->content,
				       .format = line->format_text.str,
				       .kind = line->kind_text.str,
				       .reply_to = line->reply_to,
				       .reply_ref = line->reply_ref.str,
				       .options = line->options,
				       .option_count = line->option_count,
				       .has_approve = line->has_approve,
				       .approve = line->approve,
				       .approve_count = line->approve_count,
				       .expires_s = line->expires_s,
				       .id = message->id.str};
	buf_reset(&conn->worker->line_tail);
	event_message_tail(&conn->worker->line_tail, &event);
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("message", "user=%s to=%s content=%s", conn->identity.user,
			  request.target, line->content.str);
	append_rendered(&request, event_message_head(), event.wall_ms, NULL);
}

void handle_topic(struct conn *conn, const struct message *message)
{
	struct request request = {.conn = conn, .message = message};
	struct buf *tail = &conn->worker->line_tail;
	int64_t wall_ms = clock_wall_ms();

	set_name(request.target, "", answer_room_name(conn, message->topic.room));
	set_name(request.answer, "", request.target);
	hash(&request, message->topic.content);
	if (answer_known(&request) || !dispatch_spend(conn, BUCKET_APPEND, message->id.str))
		return;
	if (request.target[0] == '@') {
		answer_error_text(conn, message, ERR_forbidden, "an inbox has no topic");
		return;
	}
	buf_reset(tail);
	event_topic_tail(tail, wall_ms, conn->identity.user, message->topic.content,
			 message->id.str);
	append_rendered(&request, event_topic_head(), wall_ms, message->topic.content.str);
}

void handle_answer(struct conn *conn, const struct message *message)
{
	const struct message_answer *line = &message->answer;
	struct request request = {.conn = conn, .message = message};
	struct buf *tail = &conn->worker->line_tail, what = BUF_INIT;
	int64_t wall_ms = clock_wall_ms();

	set_name(request.target, "", line->room.str);
	set_name(request.answer, "", request.target);
	buf_append_u64(&what, line->target);
	buf_append_char(&what, ' ');
	buf_append_str(&what, line->option.str);
	hash(&request, (struct text){.str = what.data != NULL ? what.data : "", .len = what.len});
	buf_finish(&what);
	if (answer_known(&request) || !dispatch_spend(conn, BUCKET_APPEND, message->id.str))
		return;
	if (request.target[0] == '@') {
		answer_error_text(conn, message, ERR_forbidden, "nothing is asked in an inbox");
		return;
	}
	buf_reset(tail);
	event_answer_tail(tail, &(struct event_answer){.wall_ms = wall_ms,
						       .sender = conn->identity.user,
						       .target = line->target,
						       .option = line->option,
						       .signature = line->signature.str,
						       .id = message->id.str});
	append_rendered(&request, event_answer_head(), wall_ms, NULL);
}
