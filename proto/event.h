/*
 * The lines a server sends, one function for each type: they append the ready
 * line with its final '\n' to `out`. Out of memory shows in out->failed.
 *
 * Strings are NUL-terminated UTF-8. An `id` that is NULL or "" is left out, and so
 * is whatever is said to be optional.
 *
 * Sequenced lines are put together by the log, which alone knows the number:
 *
 *	event_message_head   {"type":"message","room":"
 *	the log              ops","seq":42
 *	event_message_tail   ,"timestamp":"...","sender":"alice","content":"hi","id":"k3"}\n
 */
#ifndef PROTO_EVENT_H
#define PROTO_EVENT_H

#include "base/buf.h"
#include "base/limits.h"
#include "proto/error.h"
#include "proto/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- sequenced lines ---- */

/* The constant start of a message's and of a topic's line, up to and with `"room":"`. */
struct text event_message_head(void);
struct text event_topic_head(void);
struct text event_answer_head(void);

struct event_message {
	int64_t wall_ms; /* the timestamp */
	const char *sender;
	const char *recipient; /* direct: "bob"; NULL in a room */
	const char *ref;       /* direct: 16 hex digits; NULL in a room */
	struct text content;
	const char *format, *kind; /* as the client sent them; NULL or "": absent */
	uint64_t reply_to;         /* 0: none */
	const char *reply_ref;     /* direct; NULL or "": none */
	const char *id;
	/* kind "ask" */
	const struct text *options, *approve;
	size_t option_count, approve_count;
	bool has_approve;
	uint64_t expires_s; /* 0: never */
};
/* From `,"timestamp"` to the '\n'. Both copies of a direct message have the same. */
void event_message_tail(struct buf *out, const struct event_message *message);
void event_topic_tail(struct buf *out, int64_t wall_ms, const char *sender, struct text content,
		      const char *id);

struct event_answer {
	int64_t wall_ms;
	const char *sender;
	uint64_t target;
	struct text option;
	const char *signature; /* "": none */
	const char *id;
};
void event_answer_tail(struct buf *out, const struct event_answer *answer);

/* ---- login ---- */

struct event_challenge {
	const char *nonce;
	int64_t expires_s;           /* Unix seconds */
	const char *const *bindings; /* NULL ends it */
};
void event_challenge(struct buf *out, const struct event_challenge *challenge);

/* Section "Limits"; 0 in an option that "0 means none" is told as 0. */
struct event_limits {
	unsigned line, frame; /* bytes */
	unsigned content;     /* characters */
	unsigned rooms;       /* per user */
	unsigned rate, burst; /* messages a second */
	unsigned connections; /* per user */
	unsigned address;  /* connections from one address */
	unsigned server;   /* connections in all */
	unsigned capacity; /* members of a room */
	unsigned presence;
	unsigned idle; /* seconds */
	unsigned ping; /* seconds */
};

struct event_welcome {
	const char *id; /* the login line's; NULL or "": none */
	const char *user;
	const char *session;
	const char *const *roles; /* NULL ends it */
	const char *last_id;      /* NULL or "": none, left out */
	struct event_limits limits;
	const char *const *capabilities; /* NULL ends it */
	int64_t wall_ms;
};
struct event_welcome_room {
	const char *room; /* "lobby" or "@alice" */
	uint64_t epoch, first, head;
	unsigned members;
	const char *topic; /* NULL or "": none, told as "" */
	uint64_t read;
};
/* `rooms`: the user's, the inbox among them. */
void event_welcome(struct buf *out, const struct event_welcome *welcome,
		   const struct event_welcome_room *rooms, size_t count);

/* ---- answers ---- */

/* Flags of event_ok. */
#define OK_DUPLICATE 1u
#define OK_DURABLE 2u
/* room NULL: no room; seq 0: none. */
void event_ok(struct buf *out, const char *id, const char *room, uint64_t seq, unsigned flags);
/*
 * message NULL or "": the error's own. retry_after_ms < 0: left out. fatal: the connection is
 * closed behind it, though the error alone would not close one.
 */
void event_error(struct buf *out, const char *id, enum proto_error error, const char *message,
		 int64_t retry_after_ms, bool fatal);
void event_pong(struct buf *out, const char *id, int64_t wall_ms);

struct event_room {
	const char *id;
	const char *room;
	uint64_t epoch, first, head;
	uint64_t after; /* where the announced lines go on from */
	unsigned count; /* stored lines that follow at once */
	unsigned members;
	const char *topic; /* NULL: none, told as "" */
	bool created;
};
void event_room(struct buf *out, const struct event_room *room);

struct event_history {
	const char *id;
	const char *room;
	uint64_t first, last; /* seqs of the lines that follow; 0 and 0 where count is 0 */
	unsigned count;
	bool more; /* there are more that way, in memory */
};
void event_history(struct buf *out, const struct event_history *history);

struct event_rooms_row {
	const char *room;
	unsigned members;
	const char *topic;
	uint64_t head;
};
/* cursor NULL or "": that was all. */
void event_rooms(struct buf *out, const char *id, const struct event_rooms_row *rows, size_t count,
		 const char *cursor);

struct event_users_row {
	const char *user;
	unsigned connections;
	const char *away;  /* the text; NULL: not away, told as null */
	const char *role;  /* "op", "agent" or "member" */
	const char *state; /* of an agent; NULL: none */
};
void event_users(struct buf *out, const char *id, const char *room,
		 const struct event_users_row *rows, size_t count, const char *cursor);

struct event_agent_row {
	const char *agent;
	const char *state;
	const char *rooms; /* separated by blanks */
	uint64_t queue;    /* turns that wait */
	uint64_t turns, failures, restarts;
	uint64_t busy_s;
	uint64_t cost_microusd; /* 0: not known */
};
/* The answer to an `agent` line with action "status". */
void event_agents(struct buf *out, const char *id, const struct event_agent_row *rows,
		  size_t count);

struct event_who {
	const char *id;
	const char *user;
	const char *const *keys; /* fingerprints; NULL ends it */
	unsigned connections;
	int64_t idle_s;   /* < 0: unknown, told as null */
	const char *away; /* NULL: not away, told as null */
};
void event_who(struct buf *out, const struct event_who *who);

/* ---- news ---- */

/* Lines after+1 .. next-1 are not in memory any more. */
void event_gap(struct buf *out, const char *room, uint64_t after, uint64_t next, uint64_t head);
void event_reset(struct buf *out, const char *room, uint64_t epoch, uint64_t head);

struct event_presence {
	const char *room;
	const char *const *joined; /* users */
	size_t joined_count;
	const char *const *left;
	size_t left_count;
	unsigned members;
	bool count_only; /* a big room: neither list is told */
};
void event_presence(struct buf *out, const struct event_presence *presence);

void event_left(struct buf *out, const char *room);
void event_typing(struct buf *out, const char *room, const char *sender);
/* What an agent has written so far: the text, or its end. */
void event_partial(struct buf *out, const char *room, const char *sender, struct text content);
/* An agent's state has changed. */
void event_agent(struct buf *out, const char *room, const char *agent, const char *state);
void event_read(struct buf *out, const char *room, uint64_t seq);
void event_notice(struct buf *out, const char *code, const char *message);
/* retry_after_ms < 0: left out. The close frame is the caller's. */
void event_bye(struct buf *out, const char *code, const char *message, int64_t retry_after_ms);

#endif
