/*
 * One WebSocket connection: where it stands, its deadlines, what it is told.
 *
 *	CHALLENGED ──login──> JUDGING ──verdict──> LOGGED_IN ──┐
 *	     ^                   │                     │       │
 *	     └──refused, again───┘                     v       v
 *	                └────────── too often ──>   CLOSING ──> closed
 *
 * Lines that come while a login is judged wait for the verdict. In CLOSING nothing is read any
 * more; what is in the outbox still goes out, then the close frame.
 */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include "worker/outbox.h"
#include "worker/progress.h"
#include "worker/timers.h"
#include "worker/worker.h"
#include "worker/ws.h"

#include "auth/login.h"
#include "base/limits.h"
#include "proto/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conn_state { CONN_CHALLENGED, CONN_JUDGING, CONN_LOGGED_IN, CONN_CLOSING };

#define CONN_CLOSE_WAIT_MS 2000u   /* for the outbox of a connection that closes */
#define CONN_FLUSH_BYTES 16384u    /* replies within one frame go out when they are this many */
#define CONN_HELD_BYTES_MAX 65536u /* lines that wait for a verdict */

struct subscription {
	struct local_log *local;
	uint32_t at;  /* in local->subs */
	uint32_t log; /* = local->log */
};

struct conn_login; /* login_state.h: what is needed until the login is done */

struct conn {
	/* What a line of its own looks at, close together; others' lines: struct subscriber. */
	struct ws *ws;
	struct worker *worker;
	enum conn_state state;
	bool blocked;  /* write nothing until `writable` */
	bool flushing; /* is on worker->flush */
	bool close_sent;
	bool was_pending;      /* counts as not logged in at its address */
	struct outbox *outbox; /* owned; NULL: empty */
	struct conn *flush_next;
	uint64_t lines_in, lines_out;
	uint64_t heard_ms;         /* the last line */
	struct subscription *subs; /* owned; the inbox among them */
	unsigned sub_count, sub_cap;
	uint32_t user;    /* index */
	uint32_t session; /* SHM_NONE: none, or ended already */
	char device[DEVICE_SIZE];
	char room[ROOM_SIZE]; /* of the last join here; "": the lobby */
	/* To be judged again. Until logged in there is only its peer, and the user is "". */
	struct login_identity identity;

	struct conn *next, **prev; /* worker->conns */
	uint64_t number;

	/* The one timer, and all that may be due while it is open (ms, monotonic; 0: never). */
	struct timer timer;
	uint64_t opened_ms;
	uint64_t ping_at_ms;
	uint64_t expires_ms;       /* the earliest moment at which the key may stop being good */
	struct progress *progress; /* owned; NULL: nothing waits, as far as we know */

	unsigned unanswered_pings;
	unsigned close_code;      /* CLOSING */
	const char *close_reason; /* static: why, for the log and the close frame */

	struct conn_login *login; /* owned; NULL once logged in */

	/* After the login. */
	struct conn *user_next, **user_prev; /* local_user's; prev NULL: not in it */
	uint32_t address;                    /* shm/limit.h */
	unsigned only_count;
	char (*only)[ROOM_SIZE]; /* login.only and what was joined since; owned, NULL: all */
};

static inline bool conn_is_open(const struct conn *conn)
{
	return conn->state != CONN_CLOSING;
}
/* Live lines may be written straight away. */
static inline bool conn_is_ready(const struct conn *conn)
{
	return conn->state == CONN_LOGGED_IN && !conn->blocked && outbox_is_empty(conn->outbox);
}

/* ---- telling it something; a client that doesn't read is closed with too_slow ---- */

/* Puts ready lines into its outbox. */
void conn_tell(struct conn *conn, const struct buf *lines);
/* The same, but not before it has been sent that log up to seq. */
void conn_tell_after(struct conn *conn, const struct buf *lines, uint32_t log, uint64_t epoch,
		     uint64_t seq);
/* News that may be lost: dropped where the outbox is half full already. */
void conn_tell_news(struct conn *conn, const struct buf *lines);
/* Announced lines: see outbox_add_lines. */
void conn_tell_lines(struct conn *conn, uint32_t log, uint64_t epoch, uint64_t after, uint64_t to,
		     bool live);
/* An error line; a fatal error closes. text NULL: the error's own. retry_after_ms < 0: none. */
void conn_tell_error(struct conn *conn, const char *id, enum proto_error error, const char *text,
		     int64_t retry_after_ms);
/* One frame that was prepared; keeps the books. False: stop writing to it. */
bool conn_write(struct conn *conn, char *frame, size_t len);
/* For who writes by itself and keeps the books: how it went. */
bool conn_wrote(struct conn *conn, enum ws_result result);
/* An empty outbox goes to the next one that needs some. */
void conn_spare_outbox(struct conn *conn);
/* It has something to write at the end of this turn. */
void conn_want_flush(struct conn *conn);

/* ---- its end ---- */

/* No more reading; closes once the outbox is out. reason is static. */
void conn_close(struct conn *conn, unsigned code, const char *reason);
/* The error line, then the close: error_close, or `code` for one that isn't fatal of itself. */
void conn_fail(struct conn *conn, const char *id, enum proto_error error, const char *text,
	       unsigned code);
/* The same with the time to wait before the next try; < 0: none. */
void conn_fail_after(struct conn *conn, const char *id, enum proto_error error, const char *text,
		     unsigned code, int64_t retry_after_ms);
/* CLOSING with an empty outbox: the close frame. Called by deliver. */
void conn_close_now(struct conn *conn);
/* Its session is over at once (bye, revoked), no grace. */
void conn_end_session(struct conn *conn);

/* After a change of any deadline. */
void conn_schedule(struct conn *conn);
/* The wheel's: one of its deadlines is over. */
void conn_due(struct timer *timer);

#endif
