/*
 * The inside of a session, for the two files that make it: session.c (its life: connecting,
 * logging in, asking, time) and session_receive.c (what the server's lines mean).
 */
#ifndef CLIENT_SESSION_PRIVATE_H
#define CLIENT_SESSION_PRIVATE_H

#include "client/session.h"

#define NONCE_TEXT_MAX 128u
#define MEASURE_ID "way" /* of the pings that measure */

struct session {
	session_event_fn *on_event;
	void *owner;

	char *user;
	char *server;
	char *device;
	char **wanted;
	size_t wanted_count;
	bool only;
	bool no_backlog;
	int64_t since;

	enum session_state state;
	int64_t state_since;
	bool was_ready;
	int64_t heard;    /* when the last frame came */
	bool asked;       /* a ping is out */
	bool told_silent; /* that nothing comes was told; the connection is being closed */
	unsigned attempts;

	char nonce[NONCE_TEXT_MAX + 1];
	int64_t expires;

	struct rooms rooms;
	struct requests requests;
	struct buf out;

	/* `count` lines of this room follow (docs/protocol.md, "Rooms are logs") */
	char announced_room[ROOM_SIZE];
	int64_t announced;
	bool announced_history;
	bool announced_since; /* that we asked for ourselves, to catch up */

	int64_t measured_at; /* when a ping of session_measure() went out; -1: none is out */
	int64_t latency_ms;  /* -1: not measured */

	int64_t read_due; /* when read marks are told; 0: none waits */

	char code[40]; /* of the last fatal error or bye of this connection */
	char message[1024];
	int64_t retry_after_ms;
};

void session_set_state(struct session *session, enum session_state state, int64_t now_ms);
/* Sends what may be sent now. */
void session_pump(struct session *session, int64_t now_ms);

/* Finds us in the room again, in front of all else that waits; resumes where its cursor is. */
void session_join_again(struct session *session, const char *name);

/* ---- session_since.c: what was said since some time, then what is said now, in order
 *
 *	room          its lines are not taken: first what was before them
 *	history at    200 lines from that time on; after them, while there are more
 *	join after    the last of these: the lines that came meanwhile, then live ones
 */
/* A `room` line came: is there something to fetch first? */
void since_room(struct session *session, struct room *room, const struct server_line *line,
		const struct request *request);
/* The answer to our own `history`. */
void since_history(struct session *session, const struct request *request,
		   const struct server_line *line);
/* It was refused: go on from now. */
void since_refused(struct session *session, const struct request *request);

#endif
