#include "proto/message_quick.h"

#include <criterion/criterion.h>
#include <string.h>

static char bytes[LINE_MAX_BYTES + 1];

static bool quick(const char *line, struct message *ret)
{
	struct arena arena = {.bytes = bytes, .size = sizeof(bytes)};

	memset(ret, 0, sizeof(*ret));
	return message_quick(&arena, CONTENT_MAX_CHARS, line, strlen(line), ret);
}

Test(message_quick, the_common_line_is_taken)
{
	struct message m;

	cr_assert(quick("{\"type\":\"message\",\"id\":\"k3v9-17\",\"room\":\"ops\","
			"\"content\":\"deployed \xe2\x9c\x93\"}",
			&m));
	cr_assert_eq(m.type, MSG_message);
	cr_assert_str_eq(m.id.str, "k3v9-17");
	cr_assert_str_eq(m.message.room.str, "ops");
	cr_assert_str_eq(m.message.content.str, "deployed \xe2\x9c\x93");
	cr_assert_eq(m.message.content.len, strlen(m.message.content.str));
	cr_assert_str_eq(m.message.recipient.str, "");
	cr_assert_str_eq(m.message.kind_text.str, "");
}

Test(message_quick, names_are_folded_and_simple_escapes_are_read)
{
	struct message m;

	cr_assert(quick("{ \"content\" : \"a\\n\\tb \\\"c\\\" \\\\ \\/\" , \"room\" : \"#Ops\", "
			"\"sender\":\"Alice\" }",
			&m));
	cr_assert_str_eq(m.message.room.str, "ops");
	cr_assert_eq(m.message.room.len, 3u);
	cr_assert_str_eq(m.message.sender.str, "alice");
	cr_assert_str_eq(m.message.content.str, "a\n\tb \"c\" \\ /");
	cr_assert(quick("{\"recipient\":\"BOB\",\"content\":\"hi\"}", &m));
	cr_assert_str_eq(m.message.recipient.str, "bob");
	cr_assert_str_eq(m.id.str, "");
}

Test(message_quick, whatever_is_unusual_is_left_to_the_parser)
{
	static const char *const lines[] = {
		"",
		"{}",
		"{\"content\":\"hi\"",
		"{\"content\":\"hi\"}x",
		"{\"content\":\"hi\",}",
		"{\"content\":\"hi\"} {}",
		"{\"content\":\"\\u0041\"}",
		"{\"content\":\"\\b\"}",
		"{\"content\":\"a\x01\"}",
		"{\"content\":\"a\x7f\"}",
		"{\"content\":\"\xc2\x85 a\"}",
		"{\"content\":\"\xff\"}",
		"{\"content\":\" \\n \"}",
		"{\"content\":\"\"}",
		"{\"content\":1}",
		"{\"content\":\"hi\",\"content\":\"hi\"}",
		"{\"content\":\"hi\",\"kind\":\"me\"}",
		"{\"content\":\"hi\",\"id\":\"\"}",
		"{\"content\":\"hi\",\"id\":\"\xc3\xa4\"}",
		"{\"content\":\"hi\",\"room\":\"-\"}",
		"{\"content\":\"hi\",\"room\":\"@bob\"}",
		"{\"content\":\"hi\",\"room\":\"ops\",\"recipient\":\"bob\"}",
		"{\"content\":\"hi\",\"sender\":\"\"}",
		"{\"content\":\"hi\",\"type\":\"ping\"}",
		"[\"content\"]",
		"\"content\"",
	};
	struct message m;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_expect_not(quick(lines[i], &m), "taken: %s", lines[i]);
}

Test(message_quick, content_of_the_most_characters_is_taken_and_one_more_is_not)
{
	static char line[CONTENT_MAX_CHARS + 64];
	struct message m;
	size_t at = (size_t)snprintf(line, sizeof(line), "{\"content\":\"");

	memset(line + at, 'a', CONTENT_MAX_CHARS + 1);
	memcpy(line + at + CONTENT_MAX_CHARS, "\"}", 3);
	cr_assert(quick(line, &m));
	cr_assert_eq(m.message.content.len, (size_t)CONTENT_MAX_CHARS);
	memcpy(line + at + CONTENT_MAX_CHARS, "a\"}", 4);
	cr_assert_not(quick(line, &m));
}
