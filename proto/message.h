/*
 * One line from a client, as a plain checked struct. JSON ends here: who reads a
 * struct message needs to check no type, no range, no length and no name again.
 *
 *	struct message_parser *parser;          one per event loop
 *	message_parser_create(&parser);
 *	error = message_parse(parser, line, len, &message, &why);
 *	if (error != PROTO_OK)
 *		answer with message.id, error, why.text
 *
 * All strings are NUL-terminated, live in the parser and stay until the next
 * message_parse. Absent strings are "" with length 0; where absent and empty differ
 * there is a has_ flag. Names are folded; rooms have lost their '#', and an inbox
 * keeps its '@'.
 *
 * Even where it fails, message.id is set if it could be read, and message.type if
 * it is known (else MSG_UNKNOWN): a failed login is a failed attempt.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include "base/config_agent.h"
#include "base/limits.h"
#include "proto/error.h"
#include "proto/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESUME_MAX 1024u /* entries in login.resume and in login.only */
#define CURSOR_LEN_MAX 64u
#define MATCH_LEN_MAX 64u
#define ASK_OPTIONS_MAX 8u
#define ASK_APPROVE_MAX AGENT_APPROVE_MAX

enum message_type {
#define MESSAGE(type, handler, state, bucket) MSG_##type,
#include "proto/messages.def"
#undef MESSAGE
	MSG_UNKNOWN
};
#define MESSAGE_TYPES ((unsigned)MSG_UNKNOWN)

enum message_format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_CODE };
enum message_kind { KIND_MESSAGE, KIND_ME, KIND_NOTICE, KIND_ALERT, KIND_ASK };

/* A client's place in a log. */
struct cursor {
	bool has_epoch;
	uint64_t epoch; /* 0: not one of ours, so "another epoch" */
	bool has_after;
	uint64_t after;
};

struct resume_entry {
	struct text room;     /* "ops" or "@alice" */
	struct cursor cursor; /* has_after is always true */
};

struct message_login {
	struct text user;      /* folded, valid */
	struct text server;    /* as sent: judged by the list of server names */
	struct text binding;   /* as sent */
	struct text signature; /* as sent; may be empty */
	struct text device;    /* "": the shared default */
	const struct resume_entry *resume;
	size_t resume_count; /* entries that can't name a room are left out */
	bool has_only;
	const struct text *only;
	size_t only_count;
};

struct message_message {
	struct text room;      /* never an inbox. "": recipient is set, or the current room */
	struct text recipient; /* "": to a room. `"room":"@bob"` arrives here as bob */
	struct text sender;    /* "": left out. Folded, not checked: compare it with the user's */
	struct text content;
	struct text format_text, kind_text; /* as sent, "" where absent: stored as they came */
	enum message_format format;
	enum message_kind kind;
	uint64_t reply_to;     /* a seq; 0: none. In a direct message always 0 */
	struct text reply_ref; /* in a direct message: 16 hex digits, lower case; "": none */
	/* KIND_ASK alone, and never in a direct message. */
	const struct text *options; /* at least one, no two the same */
	size_t option_count;
	uint64_t expires_s; /* Unix seconds; 0: never */
	bool has_approve;
	const struct text *approve; /* who may answer: names, and "ops" for every operator */
	size_t approve_count;
};

struct message_answer {
	struct text room;
	uint64_t target;
	struct text option;
	struct text signature; /* as sent, not judged; "": none */
};

enum agent_action { AGENT_STATUS, AGENT_RESTART, AGENT_STOP, AGENT_INTERRUPT };

struct message_agent {
	struct text agent; /* "": all of them, AGENT_STATUS only */
	enum agent_action action;
};

struct message_partial {
	struct text room;
	struct text content; /* the text so far, or its end */
};

struct message_join {
	struct text room;
	struct cursor cursor;
	bool has_limit;
	unsigned limit; /* 0 .. HISTORY_LINES_MAX; JOIN_LINES_DEFAULT where absent */
};

struct message_rooms {
	struct text match; /* "": all. ASCII folded */
	struct text cursor;
};

struct message_users {
	struct text room; /* "": the current room */
	struct text cursor;
};

enum history_from { HISTORY_BEFORE, HISTORY_AFTER, HISTORY_AROUND, HISTORY_AT };

struct message_history {
	struct text room;
	enum history_from from;
	uint64_t seq;       /* before, after, around */
	int64_t at_wall_ms; /* at */
	unsigned limit;     /* 1 .. HISTORY_LINES_MAX */
};

struct message_topic {
	struct text room;
	struct text content; /* may be empty: no topic */
};

struct message_read {
	struct text room;
	uint64_t seq;
};

struct message {
	enum message_type type;
	struct text id; /* "": none, so no `ok` */
	union {
		struct message_login login;
		struct message_message message;
		struct message_topic topic;
		struct message_join join;
		struct {
			struct text room; /* "": the current room */
		} leave;
		struct message_rooms rooms;
		struct message_users users;
		struct {
			struct text user;
		} who;
		struct message_history history;
		struct message_read read;
		struct message_answer answer;
		struct message_agent agent;
		struct message_partial partial;
		struct {
			struct text room;
		} typing;
		struct {
			bool has_content; /* false: back */
			struct text content;
		} away;
		struct {
			struct text reason;
		} bye;
	};
};

/* Why a line was refused, for people: names the field and says what it should be. */
struct problem {
	const char *field; /* static name of the field at fault; "" where it isn't one's */
	char text[200];
};

struct message_parser;

/* 0 or -ENOMEM. About 200 kB; no memory is taken per message but jansson's own. */
int message_parser_create(struct message_parser **ret_parser);
/* Instead of LINE_MAX_BYTES and CONTENT_MAX_CHARS; at most that and CONTENT_CHARS_LIMIT. */
void message_parser_limit(struct message_parser *parser, size_t line_bytes, size_t content_chars);
/* Accepts NULL. */
void message_parser_destroy(struct message_parser *parser);

/*
 * Reads line[0..len), without its '\n'. PROTO_OK, or the error to answer, with
 * `why` filled. ERR_too_large where it is too long. The line is not kept.
 */
enum proto_error message_parse(struct message_parser *parser, const char *line, size_t len,
			       struct message *ret_message, struct problem *ret_why);
/* The same by jansson alone, for tests: what message_quick takes must read the same. */
enum proto_error message_parse_json(struct message_parser *parser, const char *line, size_t len,
				    struct message *ret_message, struct problem *ret_why);

/* "message", "join", ... Not for MSG_UNKNOWN. */
const char *message_type_name(enum message_type type);

/* Our own epochs: 16 lower-case hex digits of a number that is not 0. 0: not one of ours. */
uint64_t epoch_from_text(const char *text);
void epoch_to_text(uint64_t epoch, char ret_text[EPOCH_TEXT_SIZE]);

#endif
