/*
 * The first answer of somebody else to what a pipe sent: the first message in one of its rooms
 * behind its own last one there; to a direct message, the first of that person. Looks at the order
 * of the log, so it does not matter whether the answer comes before our `ok`, or after a lost
 * connection.
 */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "base/buf.h"
#include "base/limits.h"
#include "client/options.h"
#include "client/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	const char *user;         /* borrowed */
	const char *id_prefix;    /* borrowed: what our messages' ids begin with */
	const char *const *rooms; /* borrowed */
	size_t room_count;
	bool json;

	struct {
		bool sent;            /* a message of ours was seen in this room */
		struct buf text;      /* the answer, as it is printed, with LF; "" so far */
		char room[ROOM_SIZE]; /* where it lies, and its number: to be told as read */
		int64_t seq;
	} places[OPTION_ROOMS_MAX];
};

void reply_init(struct reply *reply, const char *user, const char *id_prefix,
		const char *const *rooms, size_t room_count, bool json);
void reply_finish(struct reply *reply);
/* A stored line came. */
void reply_event(struct reply *reply, const struct session_event *event);
/* The place of an answer, or -1: none so far. Not final before all of ours are answered. */
int reply_place(const struct reply *reply);

#endif
