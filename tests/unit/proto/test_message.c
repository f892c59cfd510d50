/* What every line has in common: JSON, type, id; and the lines of rooms and questions. */
#include "proto/message.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct message_parser *parser;
static struct message message;
static struct problem why;

static void setup(void)
{
	cr_assert_eq(message_parser_create(&parser), 0);
}

static void teardown(void)
{
	message_parser_destroy(parser);
}

TestSuite(message, .init = setup, .fini = teardown);

/*
 * From an allocation of exactly its size, so that a sanitizer sees a read beyond it;
 * and freed before the result is looked at, as the line is not kept.
 */
static enum proto_error parse_bytes(const char *line, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum proto_error error;

	cr_assert_not_null(copy);
	memcpy(copy, line, len);
	error = message_parse(parser, copy, len, &message, &why);
	free(copy);
	cr_assert_eq(error != PROTO_OK, why.text[0] != '\0', "%s: \"%s\"", line, why.text);
	cr_assert_not_null(why.field);
	return error;
}

static enum proto_error parse(const char *line)
{
	return parse_bytes(line, strlen(line));
}

static void refused(const char *line, enum proto_error error, const char *field)
{
	enum proto_error got = parse(line);

	cr_assert_eq(got, error, "%s: %s (%s)", line, got == PROTO_OK ? "ok" : error_code(got),
		     why.text);
	cr_assert_str_eq(why.field, field, "%s", line);
}

static void taken(const char *line)
{
	enum proto_error error = parse(line);

	cr_assert_eq(error, PROTO_OK, "%s: %s", line, why.text);
}

/* ---- JSON ---- */

Test(message, what_is_no_json_object_is_bad_json)
{
	static const char *const bad[] = {
		"",
		" ",
		"null",
		"42",
		"\"text\"",
		"[]",
		"[{\"type\":\"ping\"}]",
		"{",
		"{\"type\":\"ping\"",
		"{\"type\":\"ping\"}}",
		"{\"type\":\"ping\"} {\"type\":\"ping\"}",
		"{type:\"ping\"}",
		"{'type':'ping'}",
		"{\"type\":\"ping\",}",
		"{\"type\":\"pi\nng\"}",
		"{\"type\":\"ping\",\"id\":\"\\x41\"}",
		"{\"type\":\"ping\",\"n\":01}",
		"{\"type\":\"ping\",\"n\":+1}",
		"{\"type\":\"ping\",\"n\":1.}",
		"{\"type\":\"ping\",\"n\":NaN}",
		"{\"type\":\"ping\"}//",
		"\xef\xbb\xbf{\"type\":\"ping\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], ERR_bad_json, "");
}

Test(message, nul_is_bad_json_raw_or_escaped)
{
	cr_assert_eq(parse_bytes("{\"type\":\"ping\",\"id\":\"a\0b\"}", 26), ERR_bad_json);
	cr_assert_eq(parse_bytes("{\"type\":\"ping\"}\0", 16), ERR_bad_json);
	refused("{\"type\":\"ping\",\"id\":\"a\\u0000b\"}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"unknown\":\"\\u0000\"}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"a\\u0000\":1}", ERR_bad_json, "");
	cr_assert_not_null(strstr(why.text, "NUL"));
}

Test(message, a_key_that_stands_twice_is_bad_json)
{
	refused("{\"type\":\"ping\",\"type\":\"ping\"}", ERR_bad_json, "");
	cr_assert_not_null(strstr(why.text, "twice"));
	refused("{\"type\":\"ping\",\"x\":{\"a\":1,\"a\":1}}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"i\\u0064\":\"a\",\"id\":\"b\"}", ERR_bad_json, "");
}

Test(message, eight_levels_are_fine_and_nine_are_bad_json)
{
	taken("{\"type\":\"ping\",\"x\":[[[[[[[]]]]]]]}");
	taken("{\"type\":\"ping\",\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":1}}}}}}}");
	refused("{\"type\":\"ping\",\"x\":[[[[[[[[]]]]]]]]}", ERR_bad_json, "");
	cr_assert_not_null(strstr(why.text, "8 levels"));
	refused("{\"type\":\"ping\",\"x\":[[[[[[[{}]]]]]]]}", ERR_bad_json, "");
}

Test(message, brackets_in_strings_are_no_levels)
{
	taken("{\"type\":\"ping\",\"x\":\"[[[[[[[[[[{{{{{{{{\"}");
	taken("{\"type\":\"ping\",\"x\":\"\\\"[[[[[[[[[[\\\\\",\"y\":\"[[[[[[[[[[\"}");
	taken("{\"type\":\"ping\",\"x\":[],\"y\":[],\"z\":[[],[],[],[],[],[],[],[],[],[]]}");
}

Test(message, hostile_nesting_is_found_before_anything_is_built)
{
	char *line = malloc(LINE_MAX_BYTES);

	memset(line, '[', LINE_MAX_BYTES);
	memcpy(line, "{\"x\":", 5);
	cr_assert_eq(parse_bytes(line, LINE_MAX_BYTES), ERR_bad_json);
	cr_assert_not_null(strstr(why.text, "8 levels"));
	free(line);
}

Test(message, invalid_utf8_is_refused_even_here)
{
	refused("{\"type\":\"ping\",\"x\":\"\xff\"}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":\"\xed\xa0\x80\"}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":\"\\ud800\"}", ERR_bad_json, "");
	taken("{\"type\":\"ping\",\"x\":\"\\ud83d\\ude00\"}");
}

Test(message, a_line_of_the_greatest_length_is_read_and_a_longer_one_is_too_large)
{
	char *line = malloc(LINE_MAX_BYTES + 1);

	memset(line, ' ', LINE_MAX_BYTES + 1);
	memcpy(line, "{\"type\":\"ping\"}", 15);
	cr_assert_eq(parse_bytes(line, LINE_MAX_BYTES), PROTO_OK);
	cr_assert_eq(parse_bytes(line, LINE_MAX_BYTES + 1), ERR_too_large);
	free(line);
}

Test(message, one_string_may_fill_the_line)
{
	char *line = malloc(LINE_MAX_BYTES);
	static const char start[] = "{\"type\":\"message\",\"content\":\"x\",\"sender\":\"";

	memset(line, 's', LINE_MAX_BYTES);
	memcpy(line, start, sizeof(start) - 1);
	memcpy(line + LINE_MAX_BYTES - 2, "\"}", 2);
	cr_assert_eq(parse_bytes(line, LINE_MAX_BYTES), PROTO_OK, "%s", why.text);
	cr_assert_eq(message.message.sender.len, LINE_MAX_BYTES - 2 - (sizeof(start) - 1));
	free(line);
}

Test(message, white_space_around_a_line_is_fine)
{
	taken(" \t{ \"type\" : \"ping\" }\r");
}

Test(message, unknown_fields_are_ignored_whatever_they_hold)
{
	taken("{\"type\":\"ping\",\"x\":null,\"y\":1.5e3,\"z\":[true,{}],\"content\":7}");
	taken("{\"type\":\"ping\",\"x\":1e999,\"y\":-1e-999,\"z\":123456789012345678901234567890}");
	taken("{\"type\":\"ping\",\"x\":\"\\\\\\\"12345678901234567890\",\"y\":"
	      "99999999999999999999}");
}

Test(message, a_number_beyond_all_bounds_is_its_fields_fault)
{
	refused("{\"type\":\"read\",\"id\":\"k\",\"room\":\"ops\",\"seq\":99999999999999999999}",
		ERR_bad_field, "seq");
	cr_assert_str_eq(message.id.str, "k");
	refused("{\"type\":\"read\",\"room\":\"ops\",\"seq\":-99999999999999999999}", ERR_bad_field,
		"seq");
	refused("{\"type\":\"read\",\"room\":\"ops\",\"seq\":1e999}", ERR_bad_field, "seq");
	taken("{\"type\":\"read\",\"room\":\"ops\",\"seq\":7,\"x\":1e999}");
	cr_assert_eq(message.read.seq, 7);
}

Test(message, bad_json_stays_bad_beside_a_number_beyond_all_bounds)
{
	refused("{\"type\":\"ping\",\"x\":99999999999999999999,\"y\":099999999999999999999}",
		ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":99999999999999999999-1}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":99999999999999999999,\"y\":1.}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":99999999999999999999,\"y\":--1}", ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":99999999999999999999,\"y\":99999999999999999999e}",
		ERR_bad_json, "");
	refused("{\"type\":\"ping\",\"x\":99999999999999999999,\"y\":\"", ERR_bad_json, "");
}

/* ---- type and id ---- */

Test(message, every_type_is_known_by_its_name)
{
	for (unsigned i = 0; i < MESSAGE_TYPES; i++) {
		char line[100];

		snprintf(line, sizeof(line), "{\"type\":\"%s\",\"id\":\"k\"}",
			 message_type_name((enum message_type)i));
		parse(line);
		cr_assert_eq(message.type, i, "%s", line);
		cr_assert_str_eq(message.id.str, "k");
	}
}

Test(message, a_line_without_type_is_a_message)
{
	taken("{\"sender\":\"alice\",\"recipient\":\"bob\",\"content\":\"hi\"}");
	cr_assert_eq(message.type, MSG_message);
	cr_assert_str_eq(message.message.recipient.str, "bob");
}

Test(message, an_unknown_type_comes_with_its_id)
{
	refused("{\"type\":\"dance\",\"id\":\"k9\"}", ERR_unknown_type, "type");
	cr_assert_str_eq(message.id.str, "k9");
	cr_assert_eq(message.type, MSG_UNKNOWN);
	refused("{\"type\":\"\"}", ERR_unknown_type, "type");
	refused("{\"type\":\"Ping\"}", ERR_unknown_type, "type");
	refused("{\"type\":\"welcome\"}", ERR_unknown_type, "type");
}

Test(message, a_type_that_is_no_string_is_a_bad_field)
{
	refused("{\"type\":1,\"id\":\"k\"}", ERR_bad_field, "type");
	cr_assert_str_eq(message.id.str, "k");
	refused("{\"type\":null}", ERR_bad_field, "type");
	refused("{\"type\":[\"ping\"]}", ERR_bad_field, "type");
}

Test(message, an_id_is_1_to_64_printable_ascii_characters)
{
	char line[200];

	taken("{\"type\":\"ping\",\"id\":\"a b~!\\\"\"}");
	cr_assert_str_eq(message.id.str, "a b~!\"");
	cr_assert_eq(message.id.len, 6);
	snprintf(line, sizeof(line), "{\"type\":\"ping\",\"id\":\"%064d\"}", 1);
	taken(line);
	cr_assert_eq(message.id.len, 64);
	snprintf(line, sizeof(line), "{\"type\":\"ping\",\"id\":\"%065d\"}", 1);
	refused(line, ERR_bad_field, "id");
	cr_assert_eq(message.id.len, 0);
	refused("{\"type\":\"ping\",\"id\":\"\"}", ERR_bad_field, "id");
	refused("{\"type\":\"ping\",\"id\":\"caf\xc3\xa9\"}", ERR_bad_field, "id");
	refused("{\"type\":\"ping\",\"id\":\"a\\tb\"}", ERR_bad_field, "id");
	refused("{\"type\":\"ping\",\"id\":\"\\u007f\"}", ERR_bad_field, "id");
	refused("{\"type\":\"ping\",\"id\":7}", ERR_bad_field, "id");
	refused("{\"type\":\"ping\",\"id\":null}", ERR_bad_field, "id");
	refused("{\"type\":\"dance\",\"id\":7}", ERR_bad_field, "id");
}

Test(message, what_has_no_handler_yet_is_taken_with_its_id_alone)
{
	static const char *const types[] = {"search", "edit", "delete", "reaction", "moderation"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char line[100];

		snprintf(line, sizeof(line), "{\"type\":\"%s\",\"id\":\"k\",\"room\":7}", types[i]);
		taken(line);
		cr_assert_str_eq(message_type_name(message.type), types[i]);
		cr_assert_str_eq(message.id.str, "k");
	}
}

Test(message, nothing_of_one_line_is_left_in_the_next)
{
	taken("{\"id\":\"k\",\"room\":\"ops\",\"content\":\"x\",\"kind\":\"me\",\"reply_to\":3}");
	taken("{\"content\":\"y\"}");
	cr_assert_eq(message.id.len, 0);
	cr_assert_str_eq(message.id.str, "");
	cr_assert_eq(message.message.room.len, 0);
	cr_assert_eq(message.message.kind, KIND_MESSAGE);
	cr_assert_eq(message.message.kind_text.len, 0);
	cr_assert_eq(message.message.reply_to, 0);
}

/* ---- rooms ---- */

Test(message, join_has_a_room_and_maybe_a_cursor_and_a_limit)
{
	taken("{\"type\":\"join\",\"room\":\"#Ops\"}");
	cr_assert_str_eq(message.join.room.str, "ops");
	cr_assert_not(message.join.has_limit);
	cr_assert_eq(message.join.limit, 50);
	cr_assert_not(message.join.cursor.has_epoch);
	cr_assert_not(message.join.cursor.has_after);
	taken("{\"type\":\"join\",\"room\":\"ops\",\"epoch\":\"9f2c000000000001\",\"after\":41,"
	      "\"limit\":0}");
	cr_assert(message.join.cursor.has_epoch);
	cr_assert_eq(message.join.cursor.epoch, UINT64_C(0x9f2c000000000001));
	cr_assert(message.join.cursor.has_after);
	cr_assert_eq(message.join.cursor.after, 41);
	cr_assert(message.join.has_limit);
	cr_assert_eq(message.join.limit, 0);
	taken("{\"type\":\"join\",\"room\":\"@alice\",\"limit\":200}");
	cr_assert_str_eq(message.join.room.str, "@alice");
}

Test(message, join_refuses_what_is_missing_or_out_of_range)
{
	refused("{\"type\":\"join\"}", ERR_missing_field, "room");
	cr_assert_str_eq(why.text, "room is missing");
	refused("{\"type\":\"join\",\"room\":\"\"}", ERR_bad_name, "room");
	refused("{\"type\":\"join\",\"room\":\"two words\"}", ERR_bad_name, "room");
	refused("{\"type\":\"join\",\"room\":7}", ERR_bad_field, "room");
	refused("{\"type\":\"join\",\"room\":null}", ERR_bad_field, "room");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"limit\":201}", ERR_bad_field, "limit");
	cr_assert_str_eq(why.text, "limit must be from 0 to 200");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"limit\":-1}", ERR_bad_field, "limit");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"limit\":1.0}", ERR_bad_field, "limit");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"limit\":1e1}", ERR_bad_field, "limit");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"limit\":\"1\"}", ERR_bad_field, "limit");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"after\":-1}", ERR_bad_field, "after");
	refused("{\"type\":\"join\",\"room\":\"ops\",\"after\":9007199254740992}", ERR_bad_field,
		"after");
	taken("{\"type\":\"join\",\"room\":\"ops\",\"after\":9007199254740991}");
	cr_assert_eq(message.join.cursor.after, UINT64_C(9007199254740991));
	refused("{\"type\":\"join\",\"room\":\"ops\",\"epoch\":7}", ERR_bad_field, "epoch");
}

Test(message, an_epoch_that_is_none_of_ours_is_another_epoch)
{
	static const char *const others[] = {"",
					     "x",
					     "9F2C000000000001",
					     "9f2c",
					     "9f2c0000000000011",
					     "0000000000000000",
					     "\\u0001\xe2\x82\xac"};
	char line[200];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(line, sizeof(line),
			 "{\"type\":\"join\",\"room\":\"ops\",\"epoch\":\"%s\"}", others[i]);
		taken(line);
		cr_assert(message.join.cursor.has_epoch);
		cr_assert_eq(message.join.cursor.epoch, 0, "%s", others[i]);
	}
	snprintf(line, sizeof(line), "{\"type\":\"join\",\"room\":\"ops\",\"epoch\":\"%064d\"}", 1);
	taken(line);
	snprintf(line, sizeof(line), "{\"type\":\"join\",\"room\":\"ops\",\"epoch\":\"%065d\"}", 1);
	refused(line, ERR_bad_field, "epoch");
}

Test(message, epochs_are_16_hex_digits_both_ways)
{
	char text[EPOCH_TEXT_SIZE];

	epoch_to_text(UINT64_C(0x0123456789abcdef), text);
	cr_assert_str_eq(text, "0123456789abcdef");
	cr_assert_eq(epoch_from_text(text), UINT64_C(0x0123456789abcdef));
	epoch_to_text(UINT64_MAX, text);
	cr_assert_eq(epoch_from_text(text), UINT64_MAX);
}

Test(message, leave_has_a_room_or_means_the_current_one)
{
	taken("{\"type\":\"leave\"}");
	cr_assert_eq(message.leave.room.len, 0);
	taken("{\"type\":\"leave\",\"room\":\"ops\"}");
	cr_assert_str_eq(message.leave.room.str, "ops");
	refused("{\"type\":\"leave\",\"room\":\"a b\"}", ERR_bad_name, "room");
}

Test(message, topic_is_300_characters_without_newline_and_may_be_empty)
{
	char line[1500];
	char topic[301 * 2 + 1] = "";

	taken("{\"type\":\"topic\",\"room\":\"ops\",\"content\":\"\"}");
	cr_assert_eq(message.topic.content.len, 0);
	for (unsigned i = 0; i < 300; i++)
		strcat(topic, "\xc3\xa9");
	snprintf(line, sizeof(line), "{\"type\":\"topic\",\"room\":\"ops\",\"content\":\"%s\"}",
		 topic);
	taken(line);
	cr_assert_eq(message.topic.content.len, 600);
	strcat(topic, "!");
	snprintf(line, sizeof(line), "{\"type\":\"topic\",\"room\":\"ops\",\"content\":\"%s\"}",
		 topic);
	refused(line, ERR_too_long, "content");
	refused("{\"type\":\"topic\",\"room\":\"ops\",\"content\":\"a\\nb\"}", ERR_bad_field,
		"content");
	refused("{\"type\":\"topic\",\"room\":\"ops\"}", ERR_missing_field, "content");
	refused("{\"type\":\"topic\",\"content\":\"x\"}", ERR_missing_field, "room");
}

Test(message, read_and_typing_name_their_room)
{
	taken("{\"type\":\"read\",\"room\":\"@alice\",\"seq\":0}");
	cr_assert_str_eq(message.read.room.str, "@alice");
	refused("{\"type\":\"read\",\"room\":\"ops\"}", ERR_missing_field, "seq");
	refused("{\"type\":\"read\",\"seq\":1}", ERR_missing_field, "room");
	refused("{\"type\":\"read\",\"room\":\"ops\",\"seq\":true}", ERR_bad_field, "seq");
	taken("{\"type\":\"typing\",\"room\":\"Ops\"}");
	cr_assert_str_eq(message.typing.room.str, "ops");
	refused("{\"type\":\"typing\"}", ERR_missing_field, "room");
}

/* ---- questions ---- */

Test(message, rooms_may_have_a_match_and_a_cursor)
{
	char line[200];

	taken("{\"type\":\"rooms\"}");
	cr_assert_eq(message.rooms.match.len, 0);
	cr_assert_eq(message.rooms.cursor.len, 0);
	taken("{\"type\":\"rooms\",\"match\":\"#OPS\",\"cursor\":\"X\"}");
	cr_assert_str_eq(message.rooms.match.str, "ops");
	cr_assert_eq(message.rooms.match.len, 3);
	cr_assert_str_eq(message.rooms.cursor.str, "X");
	snprintf(line, sizeof(line), "{\"type\":\"rooms\",\"match\":\"%065d\"}", 1);
	refused(line, ERR_bad_field, "match");
	cr_assert_str_eq(why.text, "match has at most 64 bytes");
	snprintf(line, sizeof(line), "{\"type\":\"rooms\",\"cursor\":\"%065d\"}", 1);
	refused(line, ERR_bad_field, "cursor");
}

Test(message, users_and_who_name_room_and_user)
{
	taken("{\"type\":\"users\"}");
	cr_assert_eq(message.users.room.len, 0);
	taken("{\"type\":\"users\",\"room\":\"ops\",\"cursor\":\"bob\"}");
	cr_assert_str_eq(message.users.room.str, "ops");
	cr_assert_str_eq(message.users.cursor.str, "bob");
	taken("{\"type\":\"who\",\"user\":\"Bob\"}");
	cr_assert_str_eq(message.who.user.str, "bob");
	refused("{\"type\":\"who\"}", ERR_missing_field, "user");
	refused("{\"type\":\"who\",\"user\":\"@bob\"}", ERR_bad_name, "user");
}

Test(message, history_starts_from_one_place)
{
	taken("{\"type\":\"history\",\"room\":\"ops\",\"before\":10,\"limit\":200}");
	cr_assert_eq(message.history.from, HISTORY_BEFORE);
	cr_assert_eq(message.history.seq, 10);
	cr_assert_eq(message.history.limit, 200);
	taken("{\"type\":\"history\",\"room\":\"ops\",\"after\":0,\"limit\":1}");
	cr_assert_eq(message.history.from, HISTORY_AFTER);
	taken("{\"type\":\"history\",\"room\":\"ops\",\"around\":5,\"limit\":1}");
	cr_assert_eq(message.history.from, HISTORY_AROUND);
	taken("{\"type\":\"history\",\"room\":\"ops\",\"at\":\"2026-11-20T17:00:00.123Z\","
	      "\"limit\":1}");
	cr_assert_eq(message.history.from, HISTORY_AT);
	cr_assert_eq(message.history.at_wall_ms, INT64_C(1795194000123));
}

Test(message, history_refuses_no_place_and_two_places)
{
	refused("{\"type\":\"history\",\"room\":\"ops\",\"limit\":1}", ERR_missing_field, "before");
	refused("{\"type\":\"history\",\"room\":\"ops\",\"before\":1,\"after\":1,\"limit\":1}",
		ERR_bad_query, "before");
	taken("{\"type\":\"history\",\"room\":\"ops\",\"before\":1}");
	cr_assert_eq(message.history.limit, 50);
	refused("{\"type\":\"history\",\"room\":\"ops\",\"before\":1,\"limit\":0}", ERR_bad_field,
		"limit");
	refused("{\"type\":\"history\",\"room\":\"ops\",\"before\":1,\"limit\":201}", ERR_bad_field,
		"limit");
	refused("{\"type\":\"history\",\"before\":1,\"limit\":1}", ERR_missing_field, "room");
	refused("{\"type\":\"history\",\"room\":\"ops\",\"before\":-1,\"limit\":1}", ERR_bad_field,
		"before");
	refused("{\"type\":\"history\",\"room\":\"ops\",\"at\":\"yesterday\",\"limit\":1}",
		ERR_bad_field, "at");
	refused("{\"type\":\"history\",\"room\":\"ops\",\"at\":5,\"limit\":1}", ERR_bad_field,
		"at");
}

/* ---- oneself ---- */

Test(message, away_without_content_is_back)
{
	taken("{\"type\":\"away\"}");
	cr_assert_not(message.away.has_content);
	taken("{\"type\":\"away\",\"content\":\"lunch\"}");
	cr_assert(message.away.has_content);
	cr_assert_str_eq(message.away.content.str, "lunch");
	refused("{\"type\":\"away\",\"content\":\" \"}", ERR_empty, "content");
	refused("{\"type\":\"away\",\"content\":\"a\\tb\"}", ERR_bad_field, "content");
	refused("{\"type\":\"away\",\"content\":null}", ERR_bad_field, "content");
}

Test(message, bye_may_have_a_reason)
{
	char line[500];

	taken("{\"type\":\"bye\"}");
	cr_assert_eq(message.bye.reason.len, 0);
	taken("{\"type\":\"bye\",\"reason\":\"home\"}");
	cr_assert_str_eq(message.bye.reason.str, "home");
	snprintf(line, sizeof(line), "{\"type\":\"bye\",\"reason\":\"%0301d\"}", 1);
	refused(line, ERR_too_long, "reason");
}

Test(message, ping_needs_nothing)
{
	taken("{\"type\":\"ping\"}");
	cr_assert_eq(message.type, MSG_ping);
}

Test(message, a_parser_may_be_destroyed_that_never_was)
{
	message_parser_destroy(NULL);
}

Test(message, an_answer_names_its_question_and_an_option)
{
	taken("{\"type\":\"answer\",\"room\":\"#Ops\",\"target\":41,\"option\":\"allow\","
	      "\"signature\":\"x\"}");
	cr_assert_str_eq(message.answer.room.str, "ops");
	cr_assert_eq(message.answer.target, 41);
	cr_assert_str_eq(message.answer.option.str, "allow");
	cr_assert_str_eq(message.answer.signature.str, "x");
	refused("{\"type\":\"answer\",\"target\":41,\"option\":\"a\"}", ERR_missing_field, "room");
	refused("{\"type\":\"answer\",\"room\":\"ops\",\"option\":\"a\"}", ERR_missing_field,
		"target");
	refused("{\"type\":\"answer\",\"room\":\"ops\",\"target\":41}", ERR_missing_field,
		"option");
	refused("{\"type\":\"answer\",\"room\":\"ops\",\"target\":0,\"option\":\"a\"}",
		ERR_bad_field, "target");
}

Test(message, an_order_names_its_agent)
{
	taken("{\"type\":\"agent\"}");
	cr_assert_eq(message.agent.action, AGENT_STATUS);
	cr_assert_eq(message.agent.agent.len, 0);
	taken("{\"type\":\"agent\",\"agent\":\"Echo\",\"action\":\"interrupt\"}");
	cr_assert_eq(message.agent.action, AGENT_INTERRUPT);
	cr_assert_str_eq(message.agent.agent.str, "echo");
	refused("{\"type\":\"agent\",\"action\":\"stop\"}", ERR_missing_field, "agent");
	refused("{\"type\":\"agent\",\"agent\":\"e\",\"action\":\"dance\"}", ERR_bad_field,
		"action");
	refused("{\"type\":\"agent\",\"agent\":\"no name\"}", ERR_bad_name, "agent");
}

Test(message, partial_text_is_short)
{
	char line[1000] = "{\"type\":\"partial\",\"room\":\"ops\",\"content\":\"";
	size_t at = strlen(line);

	memset(line + at, 'x', 701);
	strcpy(line + at + 701, "\"}");
	refused(line, ERR_too_long, "content");
	strcpy(line + at + 700, "\"}");
	taken(line);
	refused("{\"type\":\"partial\",\"content\":\"x\"}", ERR_missing_field, "room");
	refused("{\"type\":\"partial\",\"room\":\"ops\",\"content\":\" \"}", ERR_empty, "content");
}
