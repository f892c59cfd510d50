/*
 * The lines a client writes, each appended to a buffer with its final LF.
 *
 * Strings are NUL-terminated UTF-8; a NULL string (or a negative number) is a field left out.
 * Nothing is checked against the server's limits here: the server says what it refuses. A buffer
 * out of memory is `out->failed`, as everywhere with struct buf.
 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cursor of `login.resume`. */
struct request_cursor {
	const char *room;
	const char *epoch;
	int64_t after;
};

struct request_login {
	const char *user;
	const char *server;  /* what was dialled, canonical: the text that was signed */
	const char *binding; /* NULL: "none" */
	const char *signature;
	const char *device;
	const struct request_cursor *resume;
	size_t resume_count;
	const char *const *only; /* rooms */
	size_t only_count;
	bool has_only; /* an empty list still means "no room but the inbox" */
};

void request_login(struct buf *out, const struct request_login *login);

struct request_message {
	const char *id;
	const char *room;      /* one of room ... */
	const char *recipient; /* ... and recipient */
	const char *content;
	const char *kind;
	const char *format;
	int64_t reply_to;
	const char *const *options, *const *approve; /* NULL ends each */
	int64_t expires_s;
};

void request_message(struct buf *out, const struct request_message *message);

void request_join(struct buf *out, const char *id, const char *room, const char *epoch,
		  int64_t after, int64_t limit);
void request_leave(struct buf *out, const char *id, const char *room);
void request_rooms(struct buf *out, const char *id, const char *match, const char *cursor);
void request_users(struct buf *out, const char *id, const char *room, const char *cursor);
void request_who(struct buf *out, const char *id, const char *user);
struct request_history {
	const char *id;
	const char *room;
	const char *at; /* one of these: a timestamp; ... */
	int64_t before; /* ... or a seq whose own line is not among them; -1: not this one */
	int64_t after;
	int64_t limit;
};

void request_history(struct buf *out, const struct request_history *history);
void request_topic(struct buf *out, const char *id, const char *room, const char *content);
/* Without content: back. */
void request_away(struct buf *out, const char *id, const char *content);
void request_answer(struct buf *out, const char *id, const char *room, int64_t target,
		    const char *option);
/* agent NULL: all of them. */
void request_agent(struct buf *out, const char *id, const char *agent, const char *action);
void request_partial(struct buf *out, const char *room, const char *content);
void request_read(struct buf *out, const char *room, int64_t seq);
void request_typing(struct buf *out, const char *room);
void request_ping(struct buf *out, const char *id);
void request_bye(struct buf *out, const char *reason);

#endif
