/*
 * What was asked of the server and has no final answer yet: one queue, in the order it was asked.
 *
 *	requests_add    at the end (or, for what a fresh log-in needs first, in front)
 *	requests_pump   writes what may go now: nothing overtakes what stands before it
 *	requests_settle the final answer came
 *	requests_hold   "not now": it, and so everything behind it, goes again later
 *	requests_rewind a new connection: everything goes again, in order, with the same ids
 *
 * Lines that append are limited twice: at most `window` unanswered, and no faster than the
 * server's own rate, so that it has no reason to refuse one and take the next.
 */
#ifndef CLIENT_REQUESTS_H
#define CLIENT_REQUESTS_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/token_bucket.h"
#include "proto/server_line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_kind {
	REQUEST_MESSAGE,
	REQUEST_TOPIC,
	REQUEST_JOIN,
	REQUEST_LEAVE,
	REQUEST_ROOMS,
	REQUEST_USERS,
	REQUEST_WHO,
	REQUEST_HISTORY,
	REQUEST_AWAY,
	REQUEST_ANSWER,
	REQUEST_AGENT,
};

/* What to ask; borrowed strings. */
struct request_ask {
	enum request_kind kind;
	const char *target;  /* a room or "@user": message, topic, join, leave, users, history;
				a user: who; a pattern, or NULL: rooms */
	const char *content; /* message, topic; away: NULL is back; answer: the option; agent: the
				action */
	const char *as;      /* message: its kind on the wire; NULL: an ordinary one */
	const char *format;  /* message: NULL: text */
	const char *cursor;  /* rooms, users: go on from there */
	const char *epoch;   /* join: resume from `after` in this epoch; NULL: the last lines */
	const char *id;      /* NULL: the next of our own */
	const char *at;      /* history: from this time on; NULL: before or after */
	int64_t reply_to;    /* message; 0: none */
	/* message of kind "ask": what may be answered, by whom (both end with NULL), until when */
	const char *const *options, *const *approve;
	int64_t expires_s;
	int64_t after;  /* join; history, where `before` is 0 */
	int64_t before; /* history: the lines in front of this seq; answer: the question */
	int64_t limit;  /* history, join; -1: the server's default */
	bool own;       /* the session's own need: not repeated on a new connection */
};

struct request {
	enum request_kind kind;
	char id[ID_SIZE];
	char *target;  /* owned; may be NULL */
	char *content; /* owned; may be NULL */
	bool own;

	/* private to requests.c */
	struct request *next;
	struct buf line;
	bool sent;
};

struct requests {
	struct request *first; /* owned list, oldest first */
	struct request *last;
	size_t count;
	size_t appends_unanswered; /* sent, no answer */
	unsigned window;
	struct server_limits limits;
	struct token_rate rate;
	uint64_t bucket;     /* token_bucket word, µs of the caller's clock */
	int64_t held_until;  /* ms; 0: nothing holds us */
	int64_t paced_until; /* ms; 0: the rate has room */
	char id_prefix[ID_LEN_MAX - 20];
	uint64_t next_append, next_question;
};

void requests_init(struct requests *requests, const char *id_prefix, unsigned window);
void requests_finish(struct requests *requests);
/* The limits of `welcome`; the window is kept below limits.dedupe. */
void requests_set_limits(struct requests *requests, const struct server_limits *limits);

/*
 * 0; -EMSGSIZE: longer than the server takes; -EINVAL: not UTF-8, or without what its kind needs;
 * -ENOMEM.
 */
int requests_add(struct requests *requests, const struct request_ask *ask, bool in_front);
/* NULL where no request waits under this id. */
struct request *requests_find(const struct requests *requests, const char *id);
/* Answered for good: forgets and frees it. */
void requests_settle(struct requests *requests, struct request *request);
void requests_hold(struct requests *requests, struct request *request, int64_t until_ms);
/* Drops our own ones, marks the others as not sent. */
void requests_rewind(struct requests *requests);
/* Appends to `out` what may be sent now. */
void requests_pump(struct requests *requests, struct buf *out, int64_t now_ms);
/* When pump has something to do again though nothing happens; -1: never. */
int64_t requests_deadline(const struct requests *requests);

#endif
