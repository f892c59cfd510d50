#include "worker/dispatch.h"

#include "worker/answer.h"
#include "worker/handlers.h"
#include "worker/judge.h"
#include "worker/login_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/token_bucket.h"
#include "shm/counters.h"
#include "shm/limit.h"

#include <inttypes.h>

#define OTHER_TIMES 10u /* the size of the bucket for lines that don't append */

typedef void handler_fn(struct conn *conn, const struct message *message);

static const struct row {
	handler_fn *handler;
	enum conn_state state; /* the least that is needed */
	enum dispatch_bucket bucket;
} rows[] = {
#define MESSAGE(type, handle, least, spends)                                                       \
	[MSG_##type] = {.handler = (handle), .state = CONN_##least, .bucket = BUCKET_##spends},
#include "proto/messages.def"
#undef MESSAGE
};

bool dispatch_is_allowed(enum message_type type, enum conn_state state)
{
	if (type >= MSG_UNKNOWN)
		return state == CONN_LOGGED_IN;
	return state != CONN_CLOSING && state >= rows[type].state;
}

/* ---- rates ----------------------------------------------------------------------- */

static struct token_rate rate_of(const struct config *config, enum dispatch_bucket bucket)
{
	struct token_rate rate = {.per_s = config->rate, .burst = config->burst};

	/* As many as one likes at once: what the rate is makes no difference then. */
	if (rate.burst == 0)
		rate.per_s = 0;
	switch (bucket) {
	case BUCKET_APPEND:
		break;
	case BUCKET_OTHER:
		rate.per_s *= OTHER_TIMES;
		rate.burst *= OTHER_TIMES;
		break;
	}
	return rate;
}

/* Before the login there is no user to share a bucket with: the connection has its own. */
static bool take_own(struct conn *conn, struct token_rate rate, uint64_t *ret_wait_ms)
{
	uint64_t *bucket = &conn->login->bucket;
	uint64_t wait_us = 0;

	if (token_bucket_take(rate, *bucket, clock_mono_us(), bucket, &wait_us))
		return true;
	*ret_wait_ms = wait_us / 1000 + 1;
	return false;
}

static bool take_shared(struct conn *conn, enum dispatch_bucket bucket, struct token_rate rate,
			uint64_t *ret_wait_ms)
{
	struct user *user = segment_user(&conn->worker->shm, conn->user);
	_Atomic uint64_t *word =
		bucket == BUCKET_APPEND ? &user->append_bucket : &user->other_bucket;

	return limit_take(word, rate, clock_mono_us(), ret_wait_ms);
}

bool dispatch_spend(struct conn *conn, enum dispatch_bucket bucket, const char *id)
{
	struct token_rate rate = rate_of(conn->worker->config, bucket);
	uint64_t wait_ms = 0;

	if (conn->user == SHM_NONE ? take_own(conn, rate, &wait_ms)
				   : take_shared(conn, bucket, rate, &wait_ms))
		return true;
	counter_add(&conn->worker->shm, COUNTER_rate_limited_total, 1);
	conn_tell_error(conn, id, ERR_rate_limited, NULL, wait_ms > 0 ? (int64_t)wait_ms : 1);
	return false;
}

/* ---- lines ------------------------------------------------------------------------ */

static void note_activity(struct conn *conn, enum message_type type)
{
	if (conn->user == SHM_NONE || type == MSG_ping)
		return;
	atomic_store_explicit(&segment_user(&conn->worker->shm, conn->user)->active_mono_ms,
			      conn->heard_ms, memory_order_relaxed);
}

void dispatch_line(struct conn *conn, const char *line, size_t len)
{
	struct worker *worker = conn->worker;
	enum dispatch_bucket bucket = BUCKET_OTHER;
	enum proto_error error;
	struct message message;
	struct problem why;

	judge_all(worker);
	if (!conn_is_open(conn))
		return;
	conn->lines_in++;
	counter_add(&worker->shm, COUNTER_lines_in_total, 1);
	error = message_parse(worker->parser, line, len, &message, &why);
	if (message.type < MSG_UNKNOWN && conn->state == CONN_LOGGED_IN)
		bucket = rows[message.type].bucket;
	note_activity(conn, message.type);
	if (error == PROTO_OK && bucket == BUCKET_APPEND) {
		rows[message.type].handler(conn, &message);
		return;
	}
	if (!dispatch_spend(conn, bucket, message.id.str))
		return;
	/* What can't be read at all is told as that; all else has to wait for the login. */
	if (error != ERR_bad_json && error != ERR_too_large &&
	    !dispatch_is_allowed(message.type, conn->state)) {
		conn_tell_error(conn, message.id.str, ERR_auth_required, NULL, -1);
		return;
	}
	if (error == PROTO_OK)
		rows[message.type].handler(conn, &message);
	else if (message.type == MSG_login && conn->state == CONN_CHALLENGED)
		handle_bad_login(conn, &message, error, why.text);
	else
		conn_tell_error(conn, message.id.str, error, why.text, -1);
}

void handle_not_supported(struct conn *conn, const struct message *message)
{
	if (rows[message->type].bucket == BUCKET_APPEND &&
	    !dispatch_spend(conn, BUCKET_APPEND, message->id.str))
		return;
	answer_error(conn, message, ERR_not_supported);
}
