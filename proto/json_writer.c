#include "proto/json_writer.h"

#include <string.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define HIGH_BITS EACH_BYTE(0x80)

/*
 * True if none of eight bytes is below 0x20, a quote, a backslash or above 0x7f. The
 * subtraction borrows into a byte's high bit where the byte is too small, and XOR
 * makes the byte looked for 0, which is too small for 1; `& ~word` is not needed as
 * bytes with a high bit are refused anyway.
 */
static bool eight_are_plain(const char *bytes)
{
	uint64_t word;
	uint64_t quote, backslash;

	memcpy(&word, bytes, sizeof(word));
	quote = word ^ EACH_BYTE('"');
	backslash = word ^ EACH_BYTE('\\');
	return ((word | (word - EACH_BYTE(' ')) | (quote - EACH_BYTE(1)) |
		 (backslash - EACH_BYTE(1))) &
		HIGH_BITS) == 0;
}

static bool is_plain(unsigned char byte)
{
	return byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
}

static size_t plain_run(const char *bytes, size_t len)
{
	size_t at = 0;

	while (len - at >= 8 && eight_are_plain(bytes + at))
		at += 8;
	while (at < len && is_plain((unsigned char)bytes[at]))
		at++;
	return at;
}

static void escape_ascii(struct buf *out, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char escaped[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
	static const char short_for[] = "\"\\\b\f\n\r\t";
	static const char short_as[] = "\"\\bfnrt";
	const char *found = byte == 0 ? NULL : strchr(short_for, byte);

	if (found == NULL) {
		buf_append(out, escaped, 6);
		return;
	}
	escaped[1] = short_as[found - short_for];
	buf_append(out, escaped, 2);
}

void json_escape(struct buf *out, const char *bytes, size_t len)
{
	for (size_t at = 0, size; at < len; at += size) {
		uint32_t character;

		size = plain_run(bytes + at, len - at);
		if (size > 0) {
			buf_append(out, bytes + at, size);
			continue;
		}
		size = text_next(bytes + at, len - at, &character);
		if (size == 0) {
			buf_append_str(out, "\xef\xbf\xbd"); /* U+FFFD */
			size = 1;
		} else if (size == 1) {
			escape_ascii(out, (unsigned char)character);
		} else {
			buf_append(out, bytes + at, size);
		}
	}
}

static void put_key(struct json_writer *json, const char *key)
{
	if (json->comma)
		buf_append_char(json->out, ',');
	json->comma = true;
	if (key == NULL)
		return;
	buf_append_char(json->out, '"');
	buf_append_str(json->out, key);
	buf_append(json->out, "\":", 2);
}

void json_begin(struct json_writer *json, struct buf *out)
{
	*json = (struct json_writer){.out = out, .comma = false};
	buf_append_char(out, '{');
}

void json_continue(struct json_writer *json, struct buf *out)
{
	*json = (struct json_writer){.out = out, .comma = true};
}

void json_end(struct json_writer *json)
{
	buf_append(json->out, "}\n", 2);
}

void json_put_text(struct json_writer *json, const char *key, struct text value)
{
	put_key(json, key);
	buf_append_char(json->out, '"');
	json_escape(json->out, value.str, value.len);
	buf_append_char(json->out, '"');
}

void json_put_string(struct json_writer *json, const char *key, const char *value)
{
	json_put_text(json, key, text_from(value));
}

void json_put_string_if(struct json_writer *json, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		json_put_string(json, key, value);
}

void json_put_u64(struct json_writer *json, const char *key, uint64_t value)
{
	put_key(json, key);
	buf_append_u64(json->out, value);
}

void json_put_i64(struct json_writer *json, const char *key, int64_t value)
{
	put_key(json, key);
	if (value < 0)
		buf_append_char(json->out, '-');
	buf_append_u64(json->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_put_bool(struct json_writer *json, const char *key, bool value)
{
	put_key(json, key);
	buf_append_str(json->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *json, const char *key)
{
	put_key(json, key);
	buf_append(json->out, "null", 4);
}

void json_open(struct json_writer *json, const char *key, char bracket)
{
	put_key(json, key);
	buf_append_char(json->out, bracket);
	json->comma = false;
}

void json_close(struct json_writer *json, char bracket)
{
	buf_append_char(json->out, bracket);
	json->comma = true;
}
