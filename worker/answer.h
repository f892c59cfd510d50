/* What handlers share: which room a line means, and how it is answered. */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include "worker/conn.h"

#include "proto/message.h"
#include "shm/room.h"

/* Milliseconds after which a `busy` line may be sent again. */
#define ANSWER_BUSY_MS 250

struct target {
	struct room_ref ref;
	const char *name; /* lives as long as the message and the connection's room */
	bool inbox;       /* the user's own */
};

/* The room a line names, or the one of the connection's last join, or the lobby. */
const char *answer_room_name(const struct conn *conn, struct text room);
/*
 * Looks that room up: PROTO_OK for a member's room and the user's own inbox; else ERR_forbidden
 * (somebody's inbox), ERR_no_such_room, ERR_not_member, ERR_busy.
 */
enum proto_error answer_target(const struct conn *conn, struct text room,
			       struct target *ret_target);

/* `ok` without a room, if the line has an id. */
void answer_ok(struct conn *conn, const struct message *message);
/* The error, with the time to wait where it is busy. */
void answer_error(struct conn *conn, const struct message *message, enum proto_error error);
void answer_error_text(struct conn *conn, const struct message *message, enum proto_error error,
		       const char *text);

#endif
