/*
 * One line from a client: what it is, whether its time has come, what it costs, who does it.
 * The table is proto/messages.def; a row without a handler does not link.
 */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include "worker/conn.h"

#include "proto/message.h"

enum dispatch_bucket {
	BUCKET_APPEND, /* --rate, for lines that ask to append, refused ones included */
	BUCKET_OTHER   /* ten times that: other lines, and repeats of a known id */
};

/* line[0..len) without its '\n', not empty. The connection is not JUDGING. */
void dispatch_line(struct conn *conn, const char *line, size_t len);

/* Spends a token; without one answers rate_limited and returns false. */
bool dispatch_spend(struct conn *conn, enum dispatch_bucket bucket, const char *id);

/* What dispatch does with a type in a state; for tests and for nobody else. */
bool dispatch_is_allowed(enum message_type type, enum conn_state state);

#endif
