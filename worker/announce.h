/*
 * The `room` line: where a connection's reading of a room begins (docs/protocol.md,
 * "Rooms are logs").
 */
#ifndef WORKER_ANNOUNCE_H
#define WORKER_ANNOUNCE_H

#include "worker/conn.h"

#include "proto/message.h"
#include "shm/room.h"

/* What a cursor, sent by the client or not, means for a log that holds first .. head. */
struct announcement {
	bool reset;     /* a `reset` goes first: another epoch, or the cursor is beyond the head */
	uint64_t after; /* the lines go on from here */
	uint64_t count; /* that many are announced */
};

/* `limit` counts only where there is no cursor. */
struct announcement announce_decide(const struct cursor *cursor, uint64_t epoch, uint64_t first,
				    uint64_t head, unsigned limit);

/* Answers of a join: NULL id and false for the others. */
struct announce_answer {
	const char *id;
	bool created;
};
/*
 * Subscribes the connection and puts the `room` line, a `reset` before it where that is due, and
 * the lines into its outbox. PROTO_OK, ERR_busy when the log has another epoch by now (look it up
 * again), or ERR_internal.
 */
enum proto_error announce_room(struct conn *conn, struct room_ref ref, const struct cursor *cursor,
			       unsigned limit, const struct announce_answer *answer);
/* Where another connection of the user joined a room: its reading began behind `after`. */
struct joined {
	struct room_ref ref; /* epoch 0: not known */
	uint64_t after;
};

/*
 * Another connection made the user a member. What was said since comes, too, so that all his
 * connections have the same; where it isn't known since when (`joined` NULL, or another room's),
 * the last lines.
 */
enum proto_error announce_joined(struct conn *conn, struct room_ref ref,
				 const struct joined *joined);

/* Who is present: in an inbox its owner, who asks. */
unsigned announce_members(const struct shm *shm, const struct room_info *info);
/* The inbox of a user. */
struct room_ref announce_inbox(const struct shm *shm, uint32_t user);

#endif
