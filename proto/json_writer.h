/*
 * Writes one line of JSON onto a buf. It keeps the commas; the caller keeps the
 * braces in order:
 *
 *	struct json_writer json;
 *	json_begin(&json, out);                     {
 *	json_put_string(&json, "type", "ok");       "type":"ok"
 *	json_put_u64(&json, "seq", 42);             ,"seq":42
 *	json_open(&json, "rooms", '[');             ,"rooms":[
 *	json_put_string(&json, NULL, "ops");        "ops"
 *	json_close(&json, ']');                     ]
 *	json_end(&json);                            }\n
 *
 * `key` is a literal that needs no escaping, NULL inside an array. Strings are
 * escaped as RFC 8259 §7 demands and no further; they must be UTF-8, and what isn't
 * becomes U+FFFD, so the output is always one valid line. Out of memory shows in
 * buf.failed.
 *
 * (No name here may be one of jansson's: it would take that one's place in the program.)
 */
#ifndef PROTO_JSON_WRITER_H
#define PROTO_JSON_WRITER_H

#include "base/buf.h"
#include "proto/text.h"

#include <stdbool.h>
#include <stdint.h>

struct json_writer {
	struct buf *out;
	bool comma; /* the next member needs one */
};

/* Opens the line's object. */
void json_begin(struct json_writer *json, struct buf *out);
/* Goes on in an object whose first members stand elsewhere: the next member gets a comma. */
void json_continue(struct json_writer *json, struct buf *out);
/* Closes the line's object and ends the line. */
void json_end(struct json_writer *json);

void json_put_string(struct json_writer *json, const char *key, const char *value);
void json_put_text(struct json_writer *json, const char *key, struct text value);
/* The same, but nothing at all where value is NULL or "". */
void json_put_string_if(struct json_writer *json, const char *key, const char *value);
void json_put_u64(struct json_writer *json, const char *key, uint64_t value);
void json_put_i64(struct json_writer *json, const char *key, int64_t value);
void json_put_bool(struct json_writer *json, const char *key, bool value);
void json_put_null(struct json_writer *json, const char *key);
/* bracket: '{' or '['. */
void json_open(struct json_writer *json, const char *key, char bracket);
/* bracket: '}' or ']'. */
void json_close(struct json_writer *json, char bracket);

/* Bytes of a string, escaped, without quotes. */
void json_escape(struct buf *out, const char *bytes, size_t len);

#endif
