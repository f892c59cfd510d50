/*
 * The fields of one line, taken one by one: type, range, length, characters and
 * name are checked here, and a refusal names the field. Used by message.c only.
 *
 * A taker returns PROTO_OK and sets its result, or the error, with `why` filled.
 * A field that is absent where it may be leaves what the caller has put there.
 */
#ifndef PROTO_MESSAGE_FIELDS_H
#define PROTO_MESSAGE_FIELDS_H

#include "proto/message.h"

#include <jansson.h>

enum presence { OPTIONAL, REQUIRED };

/* The strings of a message, end to end. Decoded strings are never longer than their JSON. */
struct arena {
	char *bytes;
	size_t used, size;
};

struct fields {
	json_t *object; /* borrowed */
	struct arena *arena;
	struct problem *why;
};

/* Sets `why` and returns the error: return fields_refuse(f, ERR_bad_field, "seq", "..."); */
enum proto_error fields_refuse(struct fields *f, enum proto_error error, const char *field,
			       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

bool fields_has(const struct fields *f, const char *key);
/* Copies `len` bytes into the arena. */
struct text fields_keep(struct fields *f, const char *bytes, size_t len);

/* At most max_bytes long. */
enum proto_error fields_string(struct fields *f, const char *key, enum presence presence,
			       size_t max_bytes, struct text *ret);
/* The same, ASCII upper case folded. */
enum proto_error fields_folded(struct fields *f, const char *key, enum presence presence,
			       size_t max_bytes, struct text *ret);
/* Text that others see: at most max_chars characters (too_long), no control characters. */
enum proto_error fields_shown(struct fields *f, const char *key, enum presence presence,
			      size_t max_chars, bool lines, struct text *ret);
/* 1 to 64 printable ASCII characters. */
enum proto_error fields_id(struct fields *f, struct text *ret);
enum proto_error fields_user(struct fields *f, const char *key, enum presence presence,
			     struct text *ret);
enum proto_error fields_room(struct fields *f, enum presence presence, struct text *ret);
/* A whole number from low to high. */
enum proto_error fields_integer(struct fields *f, const char *key, enum presence presence,
				int64_t low, int64_t high, uint64_t *ret);
/* One of `words`, which NULL ends: its index, and the word itself. */
enum proto_error fields_word(struct fields *f, const char *key, const char *const *words,
			     unsigned *ret_index, struct text *ret_word);
/* epoch and after. */
enum proto_error fields_cursor(struct fields *f, struct cursor *ret);
/* An array of at most `max` elements: the borrowed array, NULL where it is absent. */
enum proto_error fields_list(struct fields *f, const char *key, size_t max, json_t **ret_array);

#endif
