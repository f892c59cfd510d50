#include "worker/control.h"
#include "worker/enter.h"
#include "worker/handlers.h"
#include "worker/judge.h"
#include "worker/metrics.h"
#include "worker/receive.h"
#include "worker/stranger.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/event.h"
#include "shm/counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_AGAIN_MS 50u /* too many claims are under way: ask again then */
#define CLAIM_TRIES_MS 5000u

/* ---- challenges ------------------------------------------------------------------- */

void login_challenge(struct conn *conn)
{
	static const char *const all[] = {BINDING_TLS_EXPORTER, BINDING_NONE, NULL};
	struct conn_login *login = conn->login;
	/* The first is the one we would rather see. */
	const char *const *bindings = login->exporter[0] != '\0' ? all : all + 1;
	int64_t timeout_s = conn->worker->config->login_timeout;
	int64_t lifetime_s = timeout_s > CHALLENGE_LIFETIME_S || timeout_s == 0
				     ? timeout_s
				     : CHALLENGE_LIFETIME_S;

	/* Without a deadline for the login a nonce still has one. */
	if (lifetime_s == 0)
		lifetime_s = INT64_C(10) * CHALLENGE_LIFETIME_S;
	challenge_nonce(login->nonce);
	login->expires_s = clock_wall_ms() / 1000 + lifetime_s;
	conn->state = CONN_CHALLENGED;
	conn->login->verdict_at_ms = 0;
	buf_reset(&conn->worker->line);
	event_challenge(&conn->worker->line,
			&(struct event_challenge){.nonce = login->nonce,
						  .expires_s = login->expires_s,
						  .bindings = bindings});
	conn_tell(conn, &conn->worker->line);
}

/* ---- refusals ----------------------------------------------------------------------- */

static enum metrics_login login_result_of(enum proto_error error)
{
	if (error == ERR_wrong_server)
		return METRICS_LOGIN_WRONG_SERVER;
	return error == ERR_name_taken ? METRICS_LOGIN_NAME_TAKEN : METRICS_LOGIN_AUTH_FAILED;
}

/* Strangers make these: a bounded number a second, the rest is counted. */
static void log_refusal(struct conn *conn, const char *user, enum proto_error error,
			const char *why)
{
	struct worker *worker = conn->worker;
	char address[ADDRESS_TEXT_SIZE];

	metrics_count_login(&worker->shm, login_result_of(error), &conn->login->result.identity);
	if (!stranger_may_log(worker))
		return;
	address_format(&conn->identity.peer, address);
	log_info("login refused", "conn=%" PRIu64 " user=%s address=%s error=%s why=%s",
		 conn->number, user, address, error_code(error), why);
}

static void refuse_now(struct conn *conn, const char *id, enum proto_error error, const char *text)
{
	conn->login->failed++;
	if (conn->login->failed >= LOGIN_ATTEMPTS_MAX) {
		conn_fail(conn, id, ERR_too_many_attempts, NULL, CLOSE_AUTH);
		return;
	}
	conn_tell_error(conn, id, error, text, -1);
	if (conn_is_open(conn))
		login_challenge(conn);
}

/* What depends on a key or a user is told at the same time after receipt, whatever it was. */
static void refuse_later(struct conn *conn, enum proto_error error, const char *text)
{
	struct conn_login *login = conn->login;

	login->refusal = error;
	memcpy(login->refusal_text, text, strnlen(text, sizeof(login->refusal_text) - 1) + 1);
	conn->state = CONN_JUDGING;
	conn->login->verdict_at_ms = login->received_ms + LOGIN_FAIL_DELAY_MS;
	conn_schedule(conn);
}

/* The server's own trouble: no failed attempt, but the nonce is used. */
static void refuse_unjudged(struct conn *conn, enum proto_error error)
{
	conn_tell_error(conn, conn->login->wish.id, error, NULL,
			error == ERR_busy ? (int64_t)LOGIN_FAIL_DELAY_MS : -1);
	if (conn_is_open(conn))
		login_challenge(conn);
}

void login_timed_out(struct conn *conn)
{
	conn->login->by_ms = 0;
	stranger_timed_out(conn);
	conn_fail(conn, NULL, ERR_auth_timeout, NULL, CLOSE_AUTH);
}

/* The verdict is there: what came meanwhile is read now. */
static void go_on(struct conn *conn, struct buf *held)
{
	if (conn->state == CONN_LOGGED_IN) {
		login_state_destroy(conn->worker, conn->login);
		conn->login = NULL;
	}
	receive_held(conn, held);
}

/* Whatever the key: the configuration's agents are the only ones of their names. */
static void refuse_agent(struct conn *conn)
{
	const char *user = conn->login->result.identity.user;
	char text[160];

	snprintf(text, sizeof(text),
		 "%s is an agent of this server ([agent.%s] in its configuration): log in under "
		 "another name",
		 user, user);
	log_refusal(conn, user, ERR_name_taken, "an agent's name");
	refuse_later(conn, ERR_name_taken, text);
}

/* ---- a good signature ------------------------------------------------------------------ */

static void enter(struct conn *conn)
{
	struct conn_login *login = conn->login;
	enum proto_error error = enter_session(conn, &login->result.identity, &login->wish);

	if (error != PROTO_OK)
		refuse_unjudged(conn, error);
	else
		stranger_entered(conn);
}

static void refuse_taken(struct conn *conn)
{
	struct login_result *result = &conn->login->result;

	login_name_taken_message(keyring_view(conn->worker->keyring), &result->identity,
				 result->message);
	log_refusal(conn, result->identity.user, ERR_name_taken, "claimed by another key");
	refuse_later(conn, ERR_name_taken, result->message);
}

static void granted(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct login_identity *identity = &conn->login->result.identity;

	judge_all(worker);
	/* The keyring says by now whose the name is; the file may have changed meanwhile. */
	switch (login_rejudge(keyring_view(worker->keyring), clock_wall_ms() / 1000, identity)) {
	case VERDICT_OK:
		enter(conn);
		return;
	case VERDICT_KEY_MISMATCH:
		refuse_taken(conn);
		return;
	default: /* auth's table of reasons: all others are one to a client */
		log_refusal(conn, identity->user, ERR_auth_failed, "keys changed meanwhile");
		refuse_later(conn, ERR_auth_failed, error_message(ERR_auth_failed));
		return;
	}
}

static void claimed(void *data, enum control_verdict verdict)
{
	struct conn *conn = data;
	struct conn_login *login = conn->login;
	struct buf held;

	login->claim = 0;
	if (conn->state != CONN_JUDGING)
		return;
	held = login->held;
	login->held = BUF_INIT;
	switch (verdict) {
	case CONTROL_GRANTED:
		granted(conn);
		break;
	case CONTROL_TAKEN:
	case CONTROL_LIMIT:
		judge_all(conn->worker);
		refuse_taken(conn);
		break;
	case CONTROL_UNAVAILABLE:
		refuse_unjudged(conn, ERR_unavailable);
		break;
	}
	go_on(conn, &held);
}

static void claim(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct conn_login *login = conn->login;
	uint64_t now = clock_mono_ms();
	int err = -EPIPE;

	login->refusal = PROTO_OK;
	conn->state = CONN_JUDGING;
	conn->login->verdict_at_ms = 0;
	if (worker->control != NULL)
		err = control_claim(worker->control, &login->result.claim, claimed, conn,
				    &login->claim);
	if (err == -EAGAIN && now < login->received_ms + CLAIM_TRIES_MS)
		conn->login->verdict_at_ms = now + CLAIM_AGAIN_MS;
	else if (err < 0)
		refuse_unjudged(conn, ERR_unavailable);
	conn_schedule(conn);
}

void login_verdict_due(struct conn *conn)
{
	struct conn_login *login = conn->login;
	struct buf held;

	conn->login->verdict_at_ms = 0;
	if (login->refusal == PROTO_OK) {
		claim(conn);
		if (conn->state == CONN_JUDGING)
			return;
	} else {
		refuse_now(conn, login->wish.id, login->refusal, login->refusal_text);
	}
	held = login->held;
	login->held = BUF_INIT;
	go_on(conn, &held);
}

/* ---- the line --------------------------------------------------------------------------- */

static const char *or_null(struct text text)
{
	return text.len > 0 ? text.str : NULL;
}

static void judge(struct conn *conn, const struct message_login *line)
{
	struct worker *worker = conn->worker;
	struct conn_login *login = conn->login;
	struct login_result *result = &login->result;
	bool is_dialled = worker->inherit->wildcard && !login->proxied;
	struct sockaddr_storage peer, local;
	struct login_request request = {
		.user = or_null(line->user),
		.server = line->server.str,
		.binding = line->binding.str,
		.signature = line->signature.str,
		.signature_len = line->signature.len,
		.nonce = login->nonce,
		.expires_s = login->expires_s,
		.exporter = login->exporter[0] != '\0' ? login->exporter : NULL,
		.now_s = clock_wall_ms() / 1000,
		.peer = (const struct sockaddr *)&peer,
		.proxied = login->proxied,
		/* Behind a proxy it is not what the client has dialled. */
		.local = is_dialled ? (const struct sockaddr *)&local : NULL,
	};

	address_to_sockaddr(&conn->identity.peer, &peer);
	if (is_dialled)
		ws_local_address(conn->ws, &local);
	switch (login_judge(keyring_view(worker->keyring), &request, result)) {
	case LOGIN_ACCEPT:
		if (agent_board_has(worker->inherit->agents, result->identity.user))
			refuse_agent(conn);
		else if (result->needs_claim)
			claim(conn);
		else
			enter(conn);
		return;
	case LOGIN_MISSING_FIELD:
		refuse_now(conn, login->wish.id, ERR_missing_field, result->message);
		return;
	case LOGIN_BAD_FIELD:
		refuse_now(conn, login->wish.id, ERR_bad_field, result->message);
		return;
	case LOGIN_BAD_NAME:
		refuse_now(conn, login->wish.id, ERR_bad_name, result->message);
		return;
	case LOGIN_WRONG_SERVER:
		log_refusal(conn, line->user.str, ERR_wrong_server, result->message);
		refuse_now(conn, login->wish.id, ERR_wrong_server, result->message);
		return;
	case LOGIN_AUTH_FAILED:
		log_refusal(conn, line->user.str, ERR_auth_failed, verdict_code(result->why));
		stranger_refused(conn);
		refuse_later(conn, ERR_auth_failed, result->message);
		return;
	case LOGIN_NAME_TAKEN:
		log_refusal(conn, line->user.str, ERR_name_taken, result->message);
		refuse_later(conn, ERR_name_taken, result->message);
		return;
	}
}

void handle_login(struct conn *conn, const struct message *message)
{
	struct buf none = BUF_INIT;

	if (conn->state == CONN_LOGGED_IN) {
		conn_tell_error(conn, message->id.str, ERR_forbidden,
				"you are logged in already on this connection", -1);
		return;
	}
	if (stranger_must_wait(conn, message->id.str))
		return;
	conn->login->received_ms = clock_mono_ms();
	if (login_wish_take(&conn->login->wish, message) < 0) {
		conn_fail(conn, message->id.str, ERR_internal, NULL, CLOSE_LIMITS);
		return;
	}
	judge(conn, &message->login);
	if (conn->state == CONN_LOGGED_IN)
		go_on(conn, &none);
}

void handle_bad_login(struct conn *conn, const struct message *message, enum proto_error error,
		      const char *text)
{
	refuse_now(conn, message->id.str, error, text);
}
