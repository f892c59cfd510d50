#include "worker/receive.h"

#include "worker/deliver.h"
#include "worker/dispatch.h"
#include "worker/judge.h"
#include "worker/login_state.h"
#include "worker/stranger.h"

#include "auth/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "proto/event.h"
#include "shm/counters.h"
#include "shm/limit.h"
#include "shm/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_PORT 80u
#define HTTPS_PORT 443u
#define BURST_MS 10u /* who has sent a message so short a while ago is likely to send more */

/* ---- a client came ------------------------------------------------------------- */

static struct conn *conn_create(struct worker *worker, struct ws *ws)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->worker = worker;
	conn->ws = ws;
	conn->state = CONN_CHALLENGED;
	conn->number = ++worker->conn_last_number;
	conn->user = SHM_NONE;
	conn->session = SHM_NONE;
	conn->address = SHM_NONE;
	conn->opened_ms = clock_mono_ms();
	conn->heard_ms = conn->opened_ms;
	conn->next = worker->conns;
	conn->prev = &worker->conns;
	if (worker->conns != NULL)
		worker->conns->prev = &conn->next;
	worker->conns = conn;
	worker->conn_count++;
	return conn;
}

/* False: turned away. */
static bool admit(struct conn *conn)
{
	struct worker *worker = conn->worker;
	const struct config *config = worker->config;
	uint8_t ip[16];

	if (stranger_must_wait(conn, NULL))
		return false;
	stranger_ip(conn, ip);
	switch (limit_connect(&worker->shm, ip, config->max_connections_per_address,
			      config->max_pending_logins, &conn->address)) {
	case LIMIT_OK:
		conn->was_pending = true;
		return true;
	case LIMIT_TOO_MANY_CONNECTIONS:
		conn_fail(conn, NULL, ERR_too_many_connections,
			  "too many connections from your address: close one first", CLOSE_LIMITS);
		break;
	case LIMIT_TOO_MANY_PENDING:
		conn_fail(conn, NULL, ERR_too_many_connections,
			  "too many connections from your address that have not logged in yet",
			  CLOSE_LIMITS);
		break;
	}
	conn->address = SHM_NONE;
	return false;
}

static void *on_open(void *server_data, struct ws *ws, const struct ws_peer *peer)
{
	struct worker *worker = server_data;
	const struct config *config = worker->config;
	struct conn *conn = conn_create(worker, ws);

	if (conn == NULL)
		return NULL;
	conn->login = login_state_create(peer);
	conn->identity.peer = peer->address;
	counter_add(&worker->shm, COUNTER_connections_total, 1);
	if (peer->tls)
		counter_add(&worker->shm, COUNTER_tls_connections_total, 1);
	counter_add(&worker->shm, COUNTER_connections, 1);
	if (stranger_may_log_connect(worker)) {
		char address[ADDRESS_TEXT_SIZE];

		address_format(&peer->address, address);
		log_info("connect", "conn=%" PRIu64 " address=%s tls=%d", conn->number, address,
			 peer->tls);
	}
	if (conn->login == NULL) {
		conn_fail(conn, NULL, ERR_internal, NULL, CLOSE_LIMITS);
		return conn;
	}
	if (worker->draining) {
		worker_say_bye(conn);
		return conn;
	}
	if (!admit(conn))
		return conn;
	if (config->login_timeout > 0)
		conn->login->by_ms = conn->opened_ms + (uint64_t)config->login_timeout * 1000;
	if (config->ping_interval > 0)
		conn->ping_at_ms = conn->opened_ms + (uint64_t)config->ping_interval * 1000;
	conn_schedule(conn);
	login_challenge(conn);
	return conn;
}

/* ---- lines ----------------------------------------------------------------------- */

/* Keeps lines for after the verdict. */
static void hold(struct conn *conn, const char *text, size_t len)
{
	struct buf *held = &conn->login->held;

	if (held->len + len + 1 > CONN_HELD_BYTES_MAX) {
		conn_tell_error(conn, NULL, ERR_too_large, "too much was sent before the login",
				-1);
		return;
	}
	buf_append(held, text, len);
	buf_append_char(held, '\n');
	if (held->failed)
		conn_fail(conn, NULL, ERR_internal, NULL, CLOSE_LIMITS);
}

/* Nothing, or blanks and the '\r' of a sender who ends lines so: skipped. */
static bool is_empty(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	return len == 0;
}

static void take_lines(struct conn *conn, const char *text, size_t len)
{
	while (len > 0 && conn_is_open(conn)) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end != NULL ? (size_t)(end - text) : len;
		size_t taken = end != NULL ? line_len + 1 : len;

		if (conn->state == CONN_JUDGING) {
			hold(conn, text, len);
			return;
		}
		if (!is_empty(text, line_len))
			dispatch_line(conn, text, line_len);
		text += taken;
		len -= taken;
		if (deliver_is_urgent(conn->worker))
			deliver_turn(conn->worker);
		/* Many answers to one frame: some go out now, so that the outbox stays small. */
		if (conn->outbox != NULL && conn->outbox->bytes.len > CONN_FLUSH_BYTES &&
		    !conn->blocked)
			deliver_conn(conn);
	}
}

void receive_held(struct conn *conn, struct buf *held)
{
	if (held->len > 0)
		take_lines(conn, held->data, held->len);
	buf_finish(held);
}

static void on_receive(void *data, const char *text, size_t len, bool binary)
{
	struct conn *conn = data;
	uint64_t now;

	(void)binary;
	counter_add(&conn->worker->shm, COUNTER_bytes_in_total, len);
	now = clock_mono_ms();
	conn->worker->burst = now - conn->heard_ms < BURST_MS;
	conn->heard_ms = now;
	take_lines(conn, text, len);
}

static void on_refused(void *data, enum ws_refusal why)
{
	struct conn *conn = data;

	switch (why) {
	case WS_TOO_BIG:
		conn_tell_error(conn, NULL, ERR_too_large, NULL, -1);
		break;
	case WS_BINARY:
		conn_tell_error(conn, NULL, ERR_binary, NULL, -1);
		break;
	}
}

static size_t message_max(void *data)
{
	const struct conn *conn = data;

	uint32_t frame = conn->worker->config->max_frame;

	return conn->state == CONN_LOGGED_IN || frame < LOGIN_MAX_BYTES ? frame : LOGIN_MAX_BYTES;
}

static void on_writable(void *data)
{
	struct conn *conn = data;

	conn->blocked = false;
	deliver_conn(conn);
}

static void on_pong(void *data)
{
	struct conn *conn = data;

	conn->unanswered_pings = 0;
}

/* ---- it is gone --------------------------------------------------------------------- */

static const char *close_word(unsigned code)
{
	switch (code) {
	case CLOSE_NORMAL:
		return "closed by the client";
	case CLOSE_GOING_AWAY:
		return "the client went away";
	case 1005:
		return "closed by the client without a code";
	case 1006:
		return "connection lost";
	default:
		return "closed";
	}
}

static void log_disconnect(const struct conn *conn, unsigned code)
{
	const char *why = conn->close_reason != NULL ? conn->close_reason : close_word(code);
	char address[ADDRESS_TEXT_SIZE];

	address_format(&conn->identity.peer, address);
	log_info("disconnect",
		 "conn=%" PRIu64 " user=%s address=%s why=%s code=%u duration_ms=%" PRIu64
		 " lines_in=%" PRIu64 " lines_out=%" PRIu64,
		 conn->number, conn->identity.user[0] != '\0' ? conn->identity.user : NULL, address,
		 why, code, clock_mono_ms() - conn->opened_ms, conn->lines_in, conn->lines_out);
}

static void remove_from_flush(struct conn *conn)
{
	struct conn **at = &conn->worker->flush;

	if (!conn->flushing)
		return;
	while (*at != conn)
		at = &(*at)->flush_next;
	*at = conn->flush_next;
}

static void on_closed(void *data, unsigned code)
{
	struct conn *conn = data;
	struct worker *worker = conn->worker;

	conn->state = CONN_CLOSING;
	conn->close_sent = true;
	timer_cancel(&conn->timer);
	remove_from_flush(conn);
	subscribe_remove_all(conn);
	if (conn->identity.user[0] != '\0' || stranger_may_log_connect(worker))
		log_disconnect(conn, code);
	subscribe_leave_user(conn);
	if (conn->session != SHM_NONE)
		session_lose(&worker->shm, conn->session, PRESENCE_GRACE_MS);
	if (conn->address != SHM_NONE)
		limit_disconnect(&worker->shm, conn->address, conn->was_pending);
	counter_add(&worker->shm, COUNTER_connections, (uint64_t)-1);
	login_state_destroy(worker, conn->login);
	free(conn->only);
	free(conn->progress);
	outbox_destroy(conn->outbox);
	*conn->prev = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	worker->conn_count--;
	free(conn);
}

/* ---- browsers --------------------------------------------------------------------- */

/* A page of another site may not speak for its visitor (docs/protocol.md, "Frames and lines"). */
static bool origin_is_ours(void *server_data, const char *origin)
{
	struct worker *worker = server_data;
	char dialled[SERVER_NAME_SIZE], canonical[SERVER_NAME_SIZE];
	unsigned port;

	if (strncmp(origin, "http://", 7) == 0) {
		origin += 7;
		port = HTTP_PORT;
	} else if (strncmp(origin, "https://", 8) == 0) {
		origin += 8;
		port = HTTPS_PORT;
	} else {
		return false;
	}
	judge_all(worker);
	return server_name_canonical(origin, port, dialled) == 0 &&
	       login_server_is_ours(keyring_view(worker->keyring), dialled, true, NULL, canonical);
}

const struct ws_handler worker_ws_handler = {
	.open = on_open,
	.receive = on_receive,
	.refused = on_refused,
	.writable = on_writable,
	.pong = on_pong,
	.closed = on_closed,
	.message_max = message_max,
	.origin_is_ours = origin_is_ours,
};
