#include "proto/json_line.h"

#include "base/limits.h"

#include <stdbool.h>
#include <string.h>

/*
 * Finds out before jansson does: hostile nesting costs a scan and no memory. Strings
 * are skipped; what else is wrong is left to the parser.
 */
static bool nests_too_deep(const char *line, size_t len)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = line[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

static size_t digits_length(const char *at, size_t len)
{
	size_t i = 0;

	while (i < len && at[i] >= '0' && at[i] <= '9')
		i++;
	return i;
}

/* Of the number (RFC 8259 §6) at the start; 0 if there is none. */
static size_t number_length(const char *at, size_t len, bool *ret_is_real)
{
	size_t sign = len > 0 && at[0] == '-';
	size_t size = digits_length(at + sign, len - sign);
	size_t more;

	*ret_is_real = false;
	if (size == 0)
		return 0;
	size = sign + (at[sign] == '0' ? 1 : size);
	if (size < len && at[size] == '.') {
		more = digits_length(at + size + 1, len - size - 1);
		if (more > 0) {
			size += 1 + more;
			*ret_is_real = true;
		}
	}
	if (size < len && (at[size] == 'e' || at[size] == 'E')) {
		sign = size + 1 < len && (at[size + 1] == '+' || at[size + 1] == '-');
		more = digits_length(at + size + 1 + sign, len - size - 1 - sign);
		if (more > 0) {
			size += 1 + sign + more;
			*ret_is_real = true;
		}
	}
	return size;
}

/* Any number of at most 15 digits fits everywhere. */
#define SMALL_NUMBER 15

/*
 * jansson gives up where a number doesn't fit its types. Such a line is good JSON
 * all the same, so each long number is replaced by one of its kind that fits and
 * that no field takes.
 */
static void tame_numbers(const char *line, size_t len, struct buf *out)
{
	bool in_string = false;
	bool is_real;
	size_t size;

	for (size_t i = 0; i < len; i += size) {
		size = in_string ? 0 : number_length(line + i, len - i, &is_real);
		if (size > 0 && is_real) {
			buf_append_str(out, "0.5");
		} else if (size > SMALL_NUMBER) {
			buf_append_str(out, "9007199254740992");
		} else {
			if (size == 0)
				size = in_string && line[i] == '\\' && i + 1 < len ? 2 : 1;
			in_string ^= line[i] == '"';
			buf_append(out, line + i, size);
		}
	}
}

static const char *reason_of(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "NUL (\\u0000) is not allowed in a line";
	case json_error_duplicate_key:
		return "a key stands twice in one object";
	case json_error_premature_end_of_input:
		return "the line ends before its JSON object does";
	case json_error_end_of_input_expected:
		return "there is more behind the JSON object: send one object a line";
	case json_error_invalid_utf8:
		return "a string is not valid UTF-8";
	default:
		return "this is not JSON: check quotes, commas and braces";
	}
}

enum proto_error json_line_load(const char *line, size_t len, json_t **ret_object,
				const char **ret_why)
{
	struct buf tamed = BUF_INIT;
	json_error_t error;
	json_t *root;

	if (memchr(line, '\0', len) != NULL) {
		*ret_why = "NUL (\\u0000) is not allowed in a line";
		return ERR_bad_json;
	}
	if (nests_too_deep(line, len)) {
		*ret_why = "nested deeper than 8 levels";
		return ERR_bad_json;
	}
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL && json_error_code(&error) == json_error_numeric_overflow) {
		tame_numbers(line, len, &tamed);
		if (!tamed.failed)
			root = json_loadb(tamed.data, tamed.len, JSON_REJECT_DUPLICATES, &error);
		buf_finish(&tamed);
	}
	if (root == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return ERR_internal;
		*ret_why = reason_of(&error);
		return ERR_bad_json;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		*ret_why = "a line is one JSON object: {...}";
		return ERR_bad_json;
	}
	*ret_object = root;
	return PROTO_OK;
}
