/*
 * One line from the server as a plain struct: what a client reads.
 *
 *	struct server_line line;
 *
 *	if (server_line_parse(text, len, &line) == 0) {
 *		... line.type, line.room, line.seq ...
 *	}
 *	server_line_finish(&line);
 *
 * Every string is NUL-terminated UTF-8 that belongs to the line and dies with it; a field the
 * server did not send is NULL (or -1 for an integer, false for a flag). Nothing is cleaned for a
 * terminal here. A field of an unexpected type counts as absent, and a type this client does not
 * know is SERVER_LINE_UNKNOWN: a newer server must not break an older client (docs/protocol.md).
 */
#ifndef PROTO_SERVER_LINE_H
#define PROTO_SERVER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum server_line_type {
	SERVER_LINE_UNKNOWN,
	SERVER_LINE_CHALLENGE,
	SERVER_LINE_WELCOME,
	SERVER_LINE_OK,
	SERVER_LINE_ERROR,
	SERVER_LINE_ROOM,
	SERVER_LINE_ROOMS,
	SERVER_LINE_USERS,
	SERVER_LINE_WHO,
	SERVER_LINE_HISTORY,
	SERVER_LINE_GAP,
	SERVER_LINE_RESET,
	SERVER_LINE_MESSAGE,
	SERVER_LINE_EDIT,
	SERVER_LINE_DELETE,
	SERVER_LINE_REACTION,
	SERVER_LINE_TOPIC,
	SERVER_LINE_MODERATION,
	SERVER_LINE_ANSWER,
	SERVER_LINE_PRESENCE,
	SERVER_LINE_LEFT,
	SERVER_LINE_TYPING,
	SERVER_LINE_READ,
	SERVER_LINE_NOTICE,
	SERVER_LINE_BYE,
	SERVER_LINE_PONG,
	SERVER_LINE_PARTIAL,
	SERVER_LINE_AGENT,
};

/* A room as `welcome` and `rooms` list it. */
struct server_room {
	const char *room;
	const char *epoch;
	const char *topic;
	int64_t first, head, members, read; /* -1: not told */
};

/* A person as `users` lists them. */
struct server_user {
	const char *user;
	const char *role;
	const char *state;     /* an agent's */
	const char *away_text; /* why, if they said */
	int64_t connections;
	bool away;
};

/* An agent as the answer to an `agent` line lists it; -1: not told. */
struct server_agent {
	const char *agent;
	const char *state;
	const char *rooms;
	int64_t queue, turns, failures, restarts, busy_s, cost_microusd;
};

/* The limits a client acts upon; a value the server did not tell is the contract's default. */
struct server_limits {
	int64_t line_bytes;
	int64_t content_chars;
	int64_t dedupe;
	int64_t rate_per_s, rate_burst; /* 0 a second: no limit */
	int64_t history_lines;
};

struct server_line {
	enum server_line_type type;
	const char *type_name;
	const char *id;

	/* where and when */
	const char *room;
	const char *epoch;
	const char *timestamp;
	const char *sender;
	const char *recipient;
	const char *ref;
	int64_t seq, prev;

	/* what */
	const char *content;
	const char *format;
	const char *kind;
	const char *topic;
	const char *action;
	const char *emoji;
	const char *reason;
	const char *user;
	const char *option; /* of an answer, and the line that it answers */
	int64_t target;
	const char *agent;
	const char *state;
	int64_t reply_to;
	bool duplicate;

	/* announcements and cursors */
	int64_t first, head, last, after, next, count, members;
	bool more;
	bool created;

	/* log in */
	const char *nonce;
	const char *name_space; /* "namespace" on the wire */
	const char *session;
	const char *server;
	const char *last_id;
	int64_t version, expires;
	bool binding_none, binding_exporter; /* "none", "tls-exporter" are among those offered */
	struct server_limits limits;

	/* errors, notices, bye */
	const char *code;
	const char *message;
	int64_t retry_after_ms;
	bool fatal;

	/* who */
	int64_t connections, idle_s, key_count;
	const char *away_text;
	bool away;
	bool remove;

	/* lists; each array and its strings belong to the line */
	struct server_room *rooms;
	size_t room_count;
	struct server_user *users;
	size_t user_count;
	const char **joined; /* presence */
	size_t joined_count;
	const char **left;
	size_t left_count;
	const char **keys; /* who: fingerprints */
	size_t keys_count;
	const char **options; /* kind "ask": what may be answered, and by whom */
	size_t option_count;
	const char **approve;
	size_t approve_count;
	bool has_approve;
	struct server_agent *agents;
	size_t agent_count;
	const char **capabilities;
	size_t capability_count;
	const char *cursor; /* of a list that goes on */

	void *json; /* the parsed text; private to server_line.c */
};

/*
 * Reads one line (without its LF). 0, -EBADMSG where it is not a JSON object with a string
 * `type`, or -ENOMEM. On failure the line is empty and needs no finish, but bears one.
 */
int server_line_parse(const char *text, size_t len, struct server_line *ret_line);
void server_line_finish(struct server_line *line);

/* Is it stored in a log and numbered? Such a line carries room and seq. */
bool server_line_is_sequenced(const struct server_line *line);

#endif
