/*
 * The lines of a program that speaks stream-json, as Claude Code does (`claude -p --input-format
 * stream-json --output-format stream-json --permission-prompt-tool stdio`): JSON, one object a
 *line.
 *
 *	to it     user               a message for it: a turn begins
 *	          control_response   the answer to a request for permission
 *	          control_request    subtype interrupt: stop what you do
 *	from it   system/init        each turn: session_id
 *	          stream_event       text as it is written
 *	          assistant          one content block each: text, tool_use, thinking
 *	          control_request    subtype can_use_tool: may I?
 *	          result             the turn is over
 *
 * What it is to read must be right: one bad line, and it ends. What it writes may hold anything;
 * types and fields that we don't know are STREAM_OTHER, what is no JSON is -EBADMSG.
 */
#ifndef PROTO_STREAM_JSON_H
#define PROTO_STREAM_JSON_H

#include "base/buf.h"
#include "proto/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_UUID_SIZE 37 /* 8-4-4-4-12 hex digits */
#define STREAM_ID_LEN_MAX 128u

enum stream_type {
	STREAM_OTHER,      /* nothing that we know; to be counted */
	STREAM_NOTHING,    /* known, and of no interest */
	STREAM_INIT,       /* session */
	STREAM_DELTA,      /* text */
	STREAM_BLOCKS,     /* an assistant's: see blocks */
	STREAM_PERMISSION, /* request_id, tool, input */
	STREAM_CANCEL,     /* request_id: it doesn't want to know any more */
	STREAM_RESULT      /* subtype, is_error, text, uuid, cost_microusd */
};

enum stream_block_kind { STREAM_BLOCK_TEXT, STREAM_BLOCK_TOOL, STREAM_BLOCK_OTHER };

struct stream_block {
	enum stream_block_kind kind;
	const char *text; /* TEXT; TOOL: its name. Never NULL */
	char *input;      /* TOOL: compact JSON in ASCII; owned, may be NULL */
};

/* Strings belong to the line; those that are not there are "". */
struct stream_line {
	enum stream_type type;
	const char *session;
	const char *text;
	const char *request_id;
	const char *tool;
	/*
	 * The whole input as ASCII text, in several lines: nothing can hide in it. What the program
	 * is told to do when it is allowed is this, and not what it wrote.
	 */
	char *input;
	const char *subtype;
	bool is_error;
	const char *uuid;
	uint64_t cost_microusd;
	struct stream_block *blocks;
	size_t block_count;
	void *json; /* private */
};

/* One line without its LF: 0, -EBADMSG or -ENOMEM. On failure it is empty. */
int stream_line_parse(const char *bytes, size_t len, struct stream_line *ret_line);
/* May be called again. */
void stream_line_finish(struct stream_line *line);

/* A version 4 UUID. */
void stream_uuid(char ret_uuid[STREAM_UUID_SIZE]);
/*
 * "[alice] text". A later line of the text that begins with "[" gets a blank before it, so that
 * nobody speaks as somebody else.
 */
void stream_user(struct buf *out, const char *sender, struct text text, const char *uuid);
/* `input`: of the line. */
void stream_allow(struct buf *out, const char *request_id, const char *input);
void stream_deny(struct buf *out, const char *request_id, const char *message);
void stream_interrupt(struct buf *out, const char *request_id);

/* May this stand in a command behind --resume? Letters, digits, "-", "_" and ".". */
bool stream_session_is_sound(const char *session);

#endif
