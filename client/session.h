/*
 * What the protocol means to a client (docs/protocol.md): logging in, cursors, gaps and resets,
 * what was asked and not yet answered, resending and resuming, when to come back. Pure logic: no
 * socket, no terminal, no clock of its own.
 *
 *	transport                      session                       view, pipe, client
 *	 connected    ---------->  session_connected
 *	 frame        ---------->  session_receive     ---events-->  show, sign, count
 *	 to be sent   <----------  session_output
 *	 lost         ---------->  session_lost        ---event--->  come back in n ms, or give up
 *	 clock        <--------->  session_deadline, session_tick
 *	                           session_send        <-----------  what the person typed
 *
 * Everything sent with session_send() waits in one queue until it has its final answer, in order;
 * a new connection sends the queue again with the same ids, so the server takes each line once.
 * At most `window` lines that append are unanswered at a time. With a window of 1 the order holds
 * even where the server refuses one for now (`rate_limited`, `busy`): the others wait behind it.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "base/buf.h"
#include "base/limits.h"
#include "client/requests.h"
#include "client/rooms.h"
#include "proto/server_line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum session_state {
	SESSION_OFFLINE,
	SESSION_CONNECTED, /* waiting for the challenge */
	SESSION_CHALLENGED,
	SESSION_LOGGING_IN, /* waiting for `welcome` */
	SESSION_READY,
	SESSION_LEAVING, /* said `bye` */
};

enum session_event_type {
	SESSION_EVENT_CHALLENGE,     /* sign, then session_login() */
	SESSION_EVENT_LOGIN_REFUSED, /* line: the error; a new challenge may follow */
	SESSION_EVENT_READY,         /* line: welcome */
	SESSION_EVENT_LINE,          /* line: any other; those seen already never come */
	SESSION_EVENT_MISSING,       /* room: ours no more, as `welcome` shows */
	SESSION_EVENT_HELD,   /* the server wants us to wait delay_ms; the request goes again */
	SESSION_EVENT_SILENT, /* nothing heard for too long: close the connection */
};

/* How a stored line came. */
enum session_freshness {
	SESSION_LIVE,
	SESSION_REPLAY,  /* announced by a `room` line: missed, or from before we came */
	SESSION_HISTORY, /* asked for with `history` */
};

/* Pointers hold during the call. */
struct session_event {
	enum session_event_type type;
	const struct server_line *line;
	const char *text; /* the line as it came, without LF */
	size_t text_len;
	const struct request *request; /* that this line answers for good; or NULL */
	enum session_freshness freshness;
	const char *room;
	int64_t delay_ms;
};

/* What to do now that the connection is gone. */
enum session_verdict {
	SESSION_COME_BACK, /* after delay_ms */
	SESSION_DONE,      /* we said `bye` */
	SESSION_GIVE_UP,   /* the server does not want us: tell the person */
};

struct session_loss {
	enum session_verdict verdict;
	int64_t delay_ms;
	bool in_login;      /* before `welcome` */
	char code[40];      /* of the last fatal error or `bye`; or "" */
	char message[1024]; /* its message for people; or "" */
};

struct session_config {
	const char *user;
	const char *server; /* canonical, as it is signed */
	const char *device;
	const char *id_prefix;
	const char *const *rooms; /* to be in from the start; folded names */
	size_t room_count;
	bool only;       /* subscribe to these rooms and the inbox, nothing else */
	bool no_backlog; /* join them without stored lines */
	int64_t since;   /* or with all that was said since then (ms since 1970); 0: as the server
			    does */
	unsigned window; /* lines unanswered at a time; also kept below limits.dedupe */
};

typedef void session_event_fn(void *owner, const struct session_event *event);

struct session;

/* Copies the config. 0 or -ENOMEM. */
int session_create(const struct session_config *config, session_event_fn *on_event, void *owner,
		   struct session **ret_session);
void session_destroy(struct session *session);

/* ---- the connection */
void session_connected(struct session *session, int64_t now_ms);
/* A whole WebSocket message: one or more lines. */
void session_receive(struct session *session, const char *frame, size_t len, int64_t now_ms);
/* What is to be sent: whole lines. The transport consumes it from the front. */
struct buf *session_output(struct session *session);
/* close_code: 0 where no close frame came. */
struct session_loss session_lost(struct session *session, unsigned close_code, int64_t now_ms);

/* ---- logging in: between SESSION_EVENT_CHALLENGE and the answer */
const char *session_nonce(const struct session *session);
int64_t session_expires(const struct session *session);
/*
 * Sends `login` with the cursors of all rooms; `binding` is the kind that was signed. 0, -EPROTO in
 * another state, or -ENOMEM.
 */
int session_login(struct session *session, const char *binding, const char *signature,
		  int64_t now_ms);

/* ---- asking */
/* Queues it (client/requests.h says with which errors); a join resumes where the room's cursor is.
 */
int session_send(struct session *session, const struct request_ask *ask, int64_t now_ms);
/* Lines up to seq were shown to the person; told to the server now and then. */
void session_mark_read(struct session *session, const char *room, int64_t seq, int64_t now_ms);
/* Others may know that something is typed there; lost where there is no connection. */
void session_typing(struct session *session, const char *room);
/* What a program has written so far; the same. */
void session_partial(struct session *session, const char *room, const char *content);
/* Asks the server for a sign of life; when it comes, session_latency() tells how long it took. */
void session_measure(struct session *session, int64_t now_ms);
/* ms; -1: not measured on this connection. */
int64_t session_latency(const struct session *session);
/* Tells what is read and says `bye`; the server closes. */
void session_leave(struct session *session, int64_t now_ms);

/* ---- time */
/* When session_tick() has something to do (ms of the caller's clock), or -1. */
int64_t session_deadline(const struct session *session);
void session_tick(struct session *session, int64_t now_ms);

/* ---- what it knows */
enum session_state session_state(const struct session *session);
const struct rooms *session_rooms(const struct session *session);
const char *session_user(const struct session *session);
/* What the server told at the last log-in; before that, the contract's. */
struct server_limits session_limits(const struct session *session);
/* Requests without a final answer, those of the session itself included. */
size_t session_unanswered(const struct session *session);
/* Has there ever been a `welcome`? */
bool session_was_ready(const struct session *session);

#endif
