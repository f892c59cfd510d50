#include "worker/conn.h"

#include "worker/judge.h"
#include "worker/login_state.h"
#include "worker/subscribe.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/event.h"
#include "shm/counters.h"
#include "shm/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#define PINGS_UNANSWERED_MAX 2u

/* ---- telling ------------------------------------------------------------------ */

void conn_want_flush(struct conn *conn)
{
	if (conn->flushing)
		return;
	subscribe_hold(conn);
	conn->flushing = true;
	conn->flush_next = conn->worker->flush;
	conn->worker->flush = conn;
}

/* What it was told and never took is thrown away: it couldn't read the reason behind all that. */
static void overflow(struct conn *conn, int err)
{
	struct buf line = BUF_INIT;

	if (conn->outbox != NULL)
		outbox_finish(conn->outbox);
	counter_add(&conn->worker->shm, COUNTER_slow_closed_total, 1);
	event_error(&line, NULL, err == -ENOBUFS ? ERR_too_slow : ERR_internal, NULL, -1, true);
	if (!line.failed && conn->outbox != NULL)
		outbox_add(conn->outbox, line.data, line.len, SHM_NONE, 0, 0);
	buf_finish(&line);
	conn_close(conn, CLOSE_LIMITS, "too_slow");
}

/* One that was emptied elsewhere serves before new memory does. False: out of memory. */
static bool has_outbox(struct conn *conn)
{
	struct worker *worker = conn->worker;

	if (conn->outbox == NULL)
		conn->outbox = worker->spare_count > 0 ? worker->spare[--worker->spare_count]
						       : outbox_create();
	return conn->outbox != NULL;
}

void conn_spare_outbox(struct conn *conn)
{
	struct worker *worker = conn->worker;

	if (conn->outbox == NULL || !outbox_is_empty(conn->outbox))
		return;
	if (worker->spare_count < WORKER_SPARE_OUTBOXES &&
	    conn->outbox->bytes.cap <= OUTBOX_SPARE_BYTES_MAX)
		worker->spare[worker->spare_count++] = conn->outbox;
	else
		outbox_destroy(conn->outbox);
	conn->outbox = NULL;
}

static void tell(struct conn *conn, const struct buf *lines, uint32_t log, uint64_t epoch,
		 uint64_t seq)
{
	int err = -ENOMEM;

	if (conn->close_sent)
		return;
	if (!lines->failed && has_outbox(conn))
		err = outbox_add(conn->outbox, lines->data, lines->len, log, epoch, seq);
	if (err < 0) {
		overflow(conn, err);
		return;
	}
	conn->lines_out++;
	counter_add(&conn->worker->shm, COUNTER_lines_out_total, 1);
	conn_want_flush(conn);
}

void conn_tell(struct conn *conn, const struct buf *lines)
{
	tell(conn, lines, SHM_NONE, 0, 0);
}

void conn_tell_after(struct conn *conn, const struct buf *lines, uint32_t log, uint64_t epoch,
		     uint64_t seq)
{
	tell(conn, lines, log, epoch, seq);
}

void conn_tell_news(struct conn *conn, const struct buf *lines)
{
	const struct outbox *outbox = conn->outbox;

	if (outbox_is_empty(outbox) ||
	    (outbox->bytes.len - outbox->sent + lines->len <= OUTBOX_BYTES_MAX / 2 &&
	     outbox->count < OUTBOX_ITEMS_MAX / 2))
		conn_tell(conn, lines);
}

void conn_tell_lines(struct conn *conn, uint32_t log, uint64_t epoch, uint64_t after, uint64_t to,
		     bool live)
{
	int err = -ENOMEM;

	if (conn->close_sent)
		return;
	if (has_outbox(conn))
		err = outbox_add_lines(conn->outbox, log, epoch, after, to, live);
	if (err < 0)
		overflow(conn, err);
	else
		conn_want_flush(conn);
}

static void tell_error(struct conn *conn, const char *id, enum proto_error error, const char *text,
		       int64_t retry_after_ms, bool fatal)
{
	struct buf *line = &conn->worker->line;

	counter_add(&conn->worker->shm, COUNTER_errors + (unsigned)error, 1);
	buf_reset(line);
	event_error(line, id, error, text, retry_after_ms, fatal);
	conn_tell(conn, line);
}

void conn_tell_error(struct conn *conn, const char *id, enum proto_error error, const char *text,
		     int64_t retry_after_ms)
{
	if (!conn_is_open(conn))
		return;
	tell_error(conn, id, error, text, retry_after_ms, false);
	if (error_is_fatal(error))
		conn_close(conn, error_close(error), error_code(error));
}

bool conn_write(struct conn *conn, char *frame, size_t len)
{
	counter_add(&conn->worker->shm, COUNTER_bytes_out_total, len);
	return conn_wrote(conn, ws_write(conn->ws, frame, len, false));
}

bool conn_wrote(struct conn *conn, enum ws_result result)
{
	switch (result) {
	case WS_WRITTEN:
		return true;
	case WS_BLOCKED:
		conn->blocked = true;
		subscribe_hold(conn);
		/* Watched already: the timer is set. */
		if (conn->progress == NULL) {
			progress_watch(conn, clock_mono_ms());
			conn_schedule(conn);
		}
		return false;
	case WS_FAILED:
		/* `closed` will come; until then nobody writes to it. */
		subscribe_hold(conn);
		conn->close_sent = true;
		if (conn->close_reason == NULL)
			conn->close_reason = "broken";
		conn->state = CONN_CLOSING;
		return false;
	}
	return false;
}

/* The timers' own time, up to a tick behind the clock: what they call due is due here, too. */
static uint64_t wheel_ms(const struct conn *conn)
{
	return conn->worker->timers.now_tick * TIMERS_TICK_MS;
}

/* ---- the end ------------------------------------------------------------------- */

void conn_end_session(struct conn *conn)
{
	if (conn->session == SHM_NONE)
		return;
	session_end(&conn->worker->shm, conn->session);
	conn->session = SHM_NONE;
}

void conn_close(struct conn *conn, unsigned code, const char *reason)
{
	if (!conn_is_open(conn))
		return;
	conn->state = CONN_CLOSING;
	conn->close_code = code;
	conn->close_reason = reason;
	timer_set(&conn->worker->timers, &conn->timer, wheel_ms(conn) + CONN_CLOSE_WAIT_MS);
	/* It may be listed, and have been sent something since. */
	subscribe_hold(conn);
	conn_want_flush(conn);
}

void conn_fail(struct conn *conn, const char *id, enum proto_error error, const char *text,
	       unsigned code)
{
	conn_fail_after(conn, id, error, text, code, -1);
}

void conn_fail_after(struct conn *conn, const char *id, enum proto_error error, const char *text,
		     unsigned code, int64_t retry_after_ms)
{
	if (!conn_is_open(conn))
		return;
	tell_error(conn, id, error, text, retry_after_ms, true);
	conn_close(conn, error_is_fatal(error) ? error_close(error) : code, error_code(error));
}

void conn_close_now(struct conn *conn)
{
	if (conn->close_sent)
		return;
	conn->close_sent = true;
	ws_close(conn->ws, conn->close_code, conn->close_reason);
}

/* ---- deadlines ------------------------------------------------------------------- */

static uint64_t seconds_ms(uint32_t seconds)
{
	return (uint64_t)seconds * 1000;
}

static void earliest(uint64_t *due, uint64_t at)
{
	if (at > 0 && (*due == 0 || at < *due))
		*due = at;
}

static uint64_t idle_at(const struct conn *conn)
{
	uint32_t idle_s = conn->worker->config->idle_timeout;

	/* Pipes wait for what comes, or for what there is to send: they name their rooms. */
	return idle_s > 0 && conn->state == CONN_LOGGED_IN && conn->only == NULL
		       ? conn->heard_ms + seconds_ms(idle_s)
		       : 0;
}

/* Two pings without an answer, and one more interval to answer the second: it is gone. */
static void ping_due(struct conn *conn, uint64_t now)
{
	uint32_t interval_s = conn->worker->config->ping_interval;

	conn->ping_at_ms = interval_s > 0 ? now + seconds_ms(interval_s) : 0;
	/* It is judged by what it takes then; more pings would only stand behind that. */
	if (conn->blocked || progress_watch_waiting(conn, now))
		return;
	if (conn->unanswered_pings >= PINGS_UNANSWERED_MAX) {
		conn_close(conn, CLOSE_LIMITS, "no answer to pings");
		return;
	}
	if (interval_s == 0)
		return;
	conn->unanswered_pings++;
	conn_wrote(conn, ws_ping(conn->ws));
}

static bool is_due(uint64_t at, uint64_t now)
{
	return at > 0 && at <= now;
}

static bool is_logging_in(const struct conn *conn)
{
	return conn->state == CONN_CHALLENGED || conn->state == CONN_JUDGING;
}

void conn_due(struct timer *timer)
{
	struct conn *conn = (struct conn *)(void *)((char *)timer - offsetof(struct conn, timer));
	uint64_t now = wheel_ms(conn);

	if (!conn_is_open(conn)) {
		conn_close_now(conn);
		return;
	}
	if (is_logging_in(conn) && is_due(conn->login->by_ms, now))
		login_timed_out(conn);
	if (conn->state == CONN_JUDGING && is_due(conn->login->verdict_at_ms, now))
		login_verdict_due(conn);
	if (conn->state == CONN_LOGGED_IN && is_due(conn->expires_ms, now))
		judge_conn(conn);
	if (conn_is_open(conn) && conn->progress != NULL && is_due(conn->progress->look_ms, now))
		progress_due(conn, now);
	if (conn_is_open(conn) && is_due(idle_at(conn), now))
		conn_fail(conn, NULL, ERR_idle, NULL, CLOSE_LIMITS);
	if (conn_is_open(conn) && is_due(conn->ping_at_ms, now))
		ping_due(conn, now);
	conn_schedule(conn);
}

void conn_schedule(struct conn *conn)
{
	uint64_t due = 0;

	/* It has no deadline any more but conn_close's. */
	if (!conn_is_open(conn))
		return;
	if (is_logging_in(conn))
		earliest(&due, conn->login->by_ms);
	if (conn->state == CONN_JUDGING)
		earliest(&due, conn->login->verdict_at_ms);
	earliest(&due, conn->ping_at_ms);
	earliest(&due, idle_at(conn));
	earliest(&due, conn->expires_ms);
	if (conn->progress != NULL)
		earliest(&due, conn->progress->look_ms);
	if (due > 0)
		timer_set(&conn->worker->timers, &conn->timer, due);
	else
		timer_cancel(&conn->timer);
}
