#include "proto/message_fields.h"

#include "proto/name.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum proto_error fields_refuse(struct fields *f, enum proto_error error, const char *field,
			       const char *fmt, ...)
{
	va_list ap;

	f->why->field = field;
	va_start(ap, fmt);
	vsnprintf(f->why->text, sizeof(f->why->text), fmt, ap);
	va_end(ap);
	return error;
}

bool fields_has(const struct fields *f, const char *key)
{
	return json_object_get(f->object, key) != NULL;
}

struct text fields_keep(struct fields *f, const char *bytes, size_t len)
{
	struct arena *arena = f->arena;
	char *at = arena->bytes + arena->used;

	assert(arena->size - arena->used > len);
	memcpy(at, bytes, len);
	at[len] = '\0';
	arena->used += len + 1;
	return (struct text){.str = at, .len = len};
}

/* The value, NULL where it is absent and may be. */
static enum proto_error take(struct fields *f, const char *key, enum presence presence,
			     json_t **ret_value)
{
	*ret_value = json_object_get(f->object, key);
	if (*ret_value == NULL && presence == REQUIRED)
		return fields_refuse(f, ERR_missing_field, key, "%s is missing", key);
	return PROTO_OK;
}

/* The same for a string, borrowed from the value. */
static enum proto_error take_string(struct fields *f, const char *key, enum presence presence,
				    bool *ret_there, struct text *ret)
{
	json_t *value;
	enum proto_error error = take(f, key, presence, &value);

	*ret_there = value != NULL;
	if (error != PROTO_OK || value == NULL)
		return error;
	if (!json_is_string(value))
		return fields_refuse(f, ERR_bad_field, key, "%s must be a string", key);
	*ret = (struct text){.str = json_string_value(value), .len = json_string_length(value)};
	return PROTO_OK;
}

enum proto_error fields_string(struct fields *f, const char *key, enum presence presence,
			       size_t max_bytes, struct text *ret)
{
	struct text raw;
	bool there;
	enum proto_error error = take_string(f, key, presence, &there, &raw);

	if (error != PROTO_OK || !there)
		return error;
	if (raw.len > max_bytes)
		return fields_refuse(f, ERR_bad_field, key, "%s has at most %zu bytes", key,
				     max_bytes);
	*ret = fields_keep(f, raw.str, raw.len);
	return PROTO_OK;
}

enum proto_error fields_folded(struct fields *f, const char *key, enum presence presence,
			       size_t max_bytes, struct text *ret)
{
	size_t at = f->arena->used;
	enum proto_error error = fields_string(f, key, presence, max_bytes, ret);

	name_fold_bytes(f->arena->bytes + at, f->arena->used - at);
	return error;
}

enum proto_error fields_shown(struct fields *f, const char *key, enum presence presence,
			      size_t max_chars, bool lines, struct text *ret)
{
	struct text raw;
	bool there;
	enum proto_error error = take_string(f, key, presence, &there, &raw);

	if (error != PROTO_OK || !there)
		return error;
	if (text_has_controls(raw, lines))
		return fields_refuse(f, ERR_bad_field, key, "%s may hold no control characters%s",
				     key, lines ? " but newline and tab" : "");
	if (text_characters(raw) > max_chars)
		return fields_refuse(f, ERR_too_long, key, "%s has %zu characters, at most %zu fit",
				     key, text_characters(raw), max_chars);
	*ret = fields_keep(f, raw.str, raw.len);
	return PROTO_OK;
}

enum proto_error fields_id(struct fields *f, struct text *ret)
{
	struct text raw;
	bool there;
	enum proto_error error = take_string(f, "id", OPTIONAL, &there, &raw);

	if (error != PROTO_OK || !there)
		return error;
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.str[i] < ' ' || raw.str[i] > '~')
			raw.len = 0;
	}
	if (raw.len == 0 || raw.len > ID_LEN_MAX)
		return fields_refuse(f, ERR_bad_field, "id",
				     "id must be 1 to %d printable ASCII characters", ID_LEN_MAX);
	*ret = fields_keep(f, raw.str, raw.len);
	return PROTO_OK;
}

static enum proto_error refuse_name(struct fields *f, const char *key)
{
	return fields_refuse(f, ERR_bad_name, key, "%s: %s", key, error_message(ERR_bad_name));
}

enum proto_error fields_user(struct fields *f, const char *key, enum presence presence,
			     struct text *ret)
{
	char name[NAME_SIZE];
	struct text raw;
	bool there;
	enum proto_error error = take_string(f, key, presence, &there, &raw);

	if (error != PROTO_OK || !there)
		return error;
	if (name_fold(raw.str, raw.len, name) < 0)
		return refuse_name(f, key);
	*ret = fields_keep(f, name, strlen(name));
	return PROTO_OK;
}

enum proto_error fields_room(struct fields *f, enum presence presence, struct text *ret)
{
	char name[ROOM_SIZE];
	struct text raw;
	bool there;
	enum proto_error error = take_string(f, "room", presence, &there, &raw);

	if (error != PROTO_OK || !there)
		return error;
	if (room_name_fold(raw.str, raw.len, name) < 0)
		return refuse_name(f, "room");
	*ret = fields_keep(f, name, strlen(name));
	return PROTO_OK;
}

enum proto_error fields_integer(struct fields *f, const char *key, enum presence presence,
				int64_t low, int64_t high, uint64_t *ret)
{
	json_t *value;
	enum proto_error error = take(f, key, presence, &value);

	assert(low >= 0);
	if (error != PROTO_OK || value == NULL)
		return error;
	if (!json_is_integer(value))
		return fields_refuse(f, ERR_bad_field, key,
				     "%s must be a whole number, written with digits only", key);
	if (json_integer_value(value) < low || json_integer_value(value) > high)
		return fields_refuse(f, ERR_bad_field, key, "%s must be from %lld to %lld", key,
				     (long long)low, (long long)high);
	*ret = (uint64_t)json_integer_value(value);
	return PROTO_OK;
}

static enum proto_error refuse_word(struct fields *f, const char *key, const char *const *words)
{
	char list[100] = "";
	size_t used = 0;

	for (; *words != NULL && used < sizeof(list); words++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 used > 0 ? ", " : "", *words);
	return fields_refuse(f, ERR_bad_field, key, "%s must be one of: %s", key, list);
}

enum proto_error fields_word(struct fields *f, const char *key, const char *const *words,
			     unsigned *ret_index, struct text *ret_word)
{
	struct text raw;
	bool there;
	enum proto_error error = take_string(f, key, OPTIONAL, &there, &raw);

	if (error != PROTO_OK || !there)
		return error;
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (text_equals(raw, words[i])) {
			*ret_index = i;
			*ret_word = text_from(words[i]);
			return PROTO_OK;
		}
	}
	return refuse_word(f, key, words);
}

enum proto_error fields_cursor(struct fields *f, struct cursor *ret)
{
	struct text epoch = TEXT_NONE;
	enum proto_error error;

	*ret = (struct cursor){0};
	ret->has_epoch = fields_has(f, "epoch");
	ret->has_after = fields_has(f, "after");
	error = fields_string(f, "epoch", OPTIONAL, SIZE_MAX, &epoch);
	if (error != PROTO_OK)
		return error;
	if (text_characters(epoch) > EPOCH_LEN_MAX)
		return fields_refuse(f, ERR_bad_field, "epoch", "epoch has at most %d characters",
				     EPOCH_LEN_MAX);
	ret->epoch = epoch_from_text(epoch.str);
	return fields_integer(f, "after", OPTIONAL, 0, INTEGER_MAX, &ret->after);
}

enum proto_error fields_list(struct fields *f, const char *key, size_t max, json_t **ret_array)
{
	enum proto_error error = take(f, key, OPTIONAL, ret_array);

	if (error != PROTO_OK || *ret_array == NULL)
		return error;
	if (!json_is_array(*ret_array))
		return fields_refuse(f, ERR_bad_field, key, "%s must be a list", key);
	if (json_array_size(*ret_array) > max)
		return fields_refuse(f, ERR_bad_field, key, "%s has at most %zu entries", key, max);
	return PROTO_OK;
}
