#include "proto/json_writer.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

/* `text` as the one string of a line, read back by jansson. */
static json_t *read_back(const char *text, size_t len)
{
	struct buf out = BUF_INIT;
	struct json_writer json;
	json_t *root, *value;

	json_begin(&json, &out);
	json_put_text(&json, "s", (struct text){.str = text, .len = len});
	json_end(&json);
	cr_assert_eq(strlen(out.data), out.len);
	cr_assert_eq(strchr(out.data, '\n'), out.data + out.len - 1, "one line");
	root = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
	cr_assert_not_null(root, "%s", out.data);
	value = json_incref(json_object_get(root, "s"));
	json_decref(root);
	buf_finish(&out);
	return value;
}

static void assert_same(const char *text, size_t len)
{
	json_t *value = read_back(text, len);

	cr_assert_eq(json_string_length(value), len);
	cr_assert_arr_eq(json_string_value(value), text, len);
	json_decref(value);
}

Test(json_writer, keeps_the_commas)
{
	struct buf out = BUF_INIT;
	struct json_writer json;

	json_begin(&json, &out);
	json_put_string(&json, "type", "x");
	json_open(&json, "list", '[');
	json_put_u64(&json, NULL, 1);
	json_put_i64(&json, NULL, -2);
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_open(&json, NULL, '{');
	json_put_bool(&json, "t", true);
	json_put_bool(&json, "f", false);
	json_close(&json, '}');
	json_close(&json, ']');
	json_put_null(&json, "n");
	json_put_string_if(&json, "none", NULL);
	json_put_string_if(&json, "none", "");
	json_put_string_if(&json, "some", "y");
	json_end(&json);
	cr_assert_str_eq(out.data, "{\"type\":\"x\",\"list\":[1,-2,{},{\"t\":true,\"f\":false}],"
				   "\"n\":null,\"some\":\"y\"}\n");
	buf_finish(&out);
}

Test(json_writer, goes_on_behind_what_stands_elsewhere)
{
	struct buf out = BUF_INIT;
	struct json_writer json;

	json_continue(&json, &out);
	json_put_u64(&json, "a", UINT64_MAX);
	json_put_i64(&json, "b", INT64_MIN);
	json_end(&json);
	cr_assert_str_eq(out.data, ",\"a\":18446744073709551615,\"b\":-9223372036854775808}\n");
	buf_finish(&out);
}

Test(json_writer, escapes_what_rfc_8259_demands_and_no_more)
{
	struct buf out = BUF_INIT;

	json_escape(&out, "a\"b\\c\b\f\n\r\t\x01\x1f/\x7f", 14);
	buf_append_char(&out, '|');
	json_escape(&out, "\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80", 9);
	buf_append_char(&out, '|');
	json_escape(&out, "\0", 1);
	cr_assert_str_eq(out.data, "a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f|"
				   "\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80|\\u0000");
	buf_finish(&out);
}

Test(json_writer, what_is_no_utf8_becomes_the_replacement_character)
{
	struct buf out = BUF_INIT;

	json_escape(&out, "a\xff\xc3(\xed\xa0\x80", 7);
	cr_assert_str_eq(out.data,
			 "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	buf_finish(&out);
}

/* The fast path looks at eight bytes at a time: each byte value at each place of a word. */
Test(json_writer, every_byte_survives_at_every_place)
{
	for (unsigned byte = 0; byte < 0x80; byte++) {
		for (size_t at = 0; at < 19; at++) {
			char text[19];

			memset(text, 'x', sizeof(text));
			text[at] = (char)byte;
			assert_same(text, sizeof(text));
		}
	}
}

Test(json_writer, characters_of_every_length_survive_at_every_place)
{
	static const char *const characters[] = {"\xc2\x80",         "\xdf\xbf",
						 "\xe0\xa0\x80",     "\xef\xbf\xbd",
						 "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};

	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		for (size_t before = 0; before < 9; before++) {
			char text[32];
			size_t len = strlen(characters[i]);

			memset(text, '~', before);
			memcpy(text + before, characters[i], len);
			memset(text + before + len, ' ', 9);
			assert_same(text, before + len + 9);
		}
	}
}
