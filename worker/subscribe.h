/*
 * Which connections of this worker read which logs.
 *
 *	worker->log_at[log]   -> struct local_log      its subscribers, each with a cursor
 *	worker->user_at[user]    a struct local_user   the user's connections here
 *
 * The first subscriber of a log sets this worker's bit in the log's `workers` word, before
 * anyone reads `next`: from then on every append rings us. The last one clears it.
 */
#ifndef WORKER_SUBSCRIBE_H
#define WORKER_SUBSCRIBE_H

#include "worker/conn.h"

#include "shm/room.h"

/* All that a delivery looks at, in a row: a connection's own memory is seldom in a near cache. */
struct subscriber {
	struct conn *conn;
	struct ws *ws;  /* conn->ws */
	uint64_t after; /* the cursor: it has been sent everything up to here */
	/*
	 * Not conn_is_ready, or about to get a frame of its own: no frame that others get is
	 * written to it until its turn comes (deliver_conn), which each of these gets.
	 */
	bool waits;
	uint32_t lines; /* sent from here, and not yet in conn->lines_out */
};

/* Who was present in a room when we looked last (presence.h). */
struct present {
	uint32_t *users; /* ascending; owned */
	unsigned count;
	uint64_t change; /* member_change before that look */
};

struct local_log {
	uint32_t log;
	unsigned at; /* in worker->logs */
	uint64_t epoch;
	/*
	 * The delivery under way: lines up to `until`, the subscriber whose turn is next, how many
	 * have yet to be looked at. left 0: all who keep up have been sent everything up to until.
	 */
	uint64_t until;
	unsigned turn, left;
	struct broadcast *broadcast; /* news under way, or NULL */
	struct subscriber *subs;
	unsigned count, cap;
	struct present *present; /* owned; NULL: an inbox */
	char name[];
};

struct local_user {
	struct conn *conns;
	uint64_t list_change; /* where there are any: before the list was compared last */
};

/* The local log, or NULL when nobody here reads this life of it. */
struct local_log *subscribe_log(const struct worker *worker, uint32_t log, uint64_t epoch);
/* The cursor of a connection in a log, or NULL. Until the next add or remove. */
struct subscriber *subscribe_find(const struct conn *conn, uint32_t log, uint64_t epoch);
/* Until it has been sent something of its own, which has to come. */
void subscribe_hold(const struct conn *conn);
bool subscribe_has(const struct conn *conn, uint32_t log, uint64_t epoch);

/*
 * Subscribes a connection at the log's present end; one that is subscribed already stays where
 * it is. 0, or -ENOMEM.
 */
int subscribe_add(struct conn *conn, struct room_ref ref, const char *name);
void subscribe_remove(struct conn *conn, uint32_t log, uint64_t epoch);
void subscribe_remove_all(struct conn *conn);
/*
 * The log has another life. Takes the local log out of the tables, so that the new one can be
 * entered while its subscribers are moved one by one; it goes with the last of them.
 */
void subscribe_detach_log(struct worker *worker, struct local_log *local);

/* A connection logged in. */
void subscribe_enter_user(struct conn *conn);
void subscribe_leave_user(struct conn *conn);

#endif
