#include "proto/server_line.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct server_line line;

static void teardown(void)
{
	server_line_finish(&line);
}

TestSuite(server_line, .fini = teardown);

static void parse(const char *text)
{
	server_line_finish(&line);
	cr_assert_eq(server_line_parse(text, strlen(text), &line), 0, "%s", text);
}

static int refuse(const char *text, size_t len)
{
	struct server_line none;

	return server_line_parse(text, len, &none);
}

Test(server_line, a_challenge)
{
	parse("{\"type\":\"challenge\",\"version\":1,\"nonce\":\"abc\",\"expires\":1795197660,"
	      "\"namespace\":\"login@chat-master\",\"bindings\":[\"tls\",\"none\"]}");
	cr_assert_eq(line.type, SERVER_LINE_CHALLENGE);
	cr_assert_eq(line.version, 1);
	cr_assert_str_eq(line.nonce, "abc");
	cr_assert_eq(line.expires, 1795197660);
	cr_assert_str_eq(line.name_space, "login@chat-master");
	cr_assert(line.binding_none);
}

Test(server_line, a_welcome_with_rooms_limits_and_capabilities)
{
	parse("{\"type\":\"welcome\",\"user\":\"alice\",\"last_id\":\"k-17\",\"rooms\":["
	      "{\"room\":\"lobby\",\"epoch\":\"e\",\"first\":1,\"head\":44,\"members\":5,"
	      "\"topic\":\"t\",\"read\":41},{\"nothing\":1}],\"limits\":{\"line\":100,"
	      "\"content\":10,\"rate\":[7,9],\"dedupe\":5,\"history\":20},"
	      "\"capabilities\":[\"history\",\"direct\"]}");
	cr_assert_eq(line.room_count, 1);
	cr_assert_str_eq(line.rooms[0].room, "lobby");
	cr_assert_eq(line.rooms[0].head, 44);
	cr_assert_eq(line.rooms[0].read, 41);
	cr_assert_str_eq(line.last_id, "k-17");
	cr_assert_eq(line.limits.line_bytes, 100);
	cr_assert_eq(line.limits.content_chars, 10);
	cr_assert_eq(line.limits.rate_per_s, 7);
	cr_assert_eq(line.limits.rate_burst, 9);
	cr_assert_eq(line.limits.dedupe, 5);
	cr_assert_eq(line.capability_count, 2);
	cr_assert_str_eq(line.capabilities[1], "direct");
}

Test(server_line, limits_that_are_not_told_are_the_contracts)
{
	parse("{\"type\":\"welcome\",\"limits\":{\"rate\":\"fast\",\"dedupe\":-1}}");
	cr_assert_eq(line.limits.line_bytes, 65536);
	cr_assert_eq(line.limits.content_chars, 4000);
	cr_assert_eq(line.limits.rate_per_s, 10);
	cr_assert_eq(line.limits.rate_burst, 30);
	cr_assert_eq(line.limits.dedupe, 64);
}

Test(server_line, a_message_and_what_it_does_not_say)
{
	parse("{\"type\":\"message\",\"room\":\"ops\",\"seq\":42,\"prev\":40,\"timestamp\":\"t\","
	      "\"sender\":\"alice\",\"content\":\"deployed\",\"id\":\"k-17\"}");
	cr_assert(server_line_is_sequenced(&line));
	cr_assert_eq(line.seq, 42);
	cr_assert_eq(line.prev, 40);
	cr_assert_str_eq(line.content, "deployed");
	cr_assert_null(line.kind);
	cr_assert_null(line.recipient);
	cr_assert_eq(line.reply_to, -1);
	cr_assert_not(line.duplicate);
}

Test(server_line, lists_of_rooms_people_and_names)
{
	parse("{\"type\":\"rooms\",\"rooms\":[{\"room\":\"a\",\"members\":1}],\"cursor\":\"c\"}");
	cr_assert_eq(line.room_count, 1);
	cr_assert_str_eq(line.cursor, "c");
	parse("{\"type\":\"users\",\"users\":[{\"user\":\"bob\",\"connections\":2,\"away\":false,"
	      "\"role\":\"op\"},{\"user\":\"eve\",\"away\":\"lunch\"}]}");
	cr_assert_eq(line.user_count, 2);
	cr_assert_not(line.users[0].away);
	cr_assert(line.users[1].away);
	cr_assert_str_eq(line.users[1].away_text, "lunch");
	parse("{\"type\":\"presence\",\"room\":\"a\",\"joined\":[\"bob\",3,\"eve\"],\"left\":[]}");
	cr_assert_eq(line.joined_count, 2);
	cr_assert_str_eq(line.joined[1], "eve");
	cr_assert_eq(line.left_count, 0);
	parse("{\"type\":\"who\",\"user\":\"bob\",\"keys\":[\"SHA256:x\"],\"away\":true}");
	cr_assert_eq(line.keys_count, 1);
	cr_assert_eq(line.key_count, 1);
	cr_assert(line.away);
	parse("{\"type\":\"who\",\"user\":\"bob\",\"keys\":3}");
	cr_assert_eq(line.key_count, 3);
}

Test(server_line, errors_and_byes)
{
	parse("{\"type\":\"error\",\"id\":\"x\",\"code\":\"busy\",\"message\":\"m\","
	      "\"retry_after_ms\":250,\"fatal\":true}");
	cr_assert_str_eq(line.code, "busy");
	cr_assert_eq(line.retry_after_ms, 250);
	cr_assert(line.fatal);
	parse("{\"type\":\"bye\",\"code\":\"restart\"}");
	cr_assert_eq(line.type, SERVER_LINE_BYE);
	cr_assert_eq(line.retry_after_ms, -1);
}

Test(server_line, every_type_of_the_contract_is_known)
{
	static const char *const types[] = {
		"challenge", "welcome", "ok",         "error",  "room",     "rooms", "users",
		"who",       "history", "gap",        "reset",  "message",  "edit",  "delete",
		"reaction",  "topic",   "moderation", "answer", "presence", "left",  "typing",
		"read",      "notice",  "bye",        "pong",
	};
	char text[64];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(text, sizeof(text), "{\"type\":\"%s\"}", types[i]);
		parse(text);
		cr_assert_neq(line.type, SERVER_LINE_UNKNOWN, "%s", types[i]);
		cr_assert_not(server_line_is_sequenced(&line), "%s", types[i]);
	}
}

Test(server_line, what_is_not_known_is_no_error)
{
	parse("{\"type\":\"dance\",\"steps\":[1,2,{\"deep\":[[[[[[[[[[1]]]]]]]]]]}]}");
	cr_assert_eq(line.type, SERVER_LINE_UNKNOWN);
	cr_assert_str_eq(line.type_name, "dance");
	cr_assert_not(server_line_is_sequenced(&line));
	parse("{\"type\":\"dance\",\"room\":\"a\",\"seq\":3}");
	cr_assert(server_line_is_sequenced(&line));
}

Test(server_line, a_field_of_another_type_counts_as_absent)
{
	parse("{\"type\":\"message\",\"room\":7,\"seq\":\"1\",\"sender\":null,\"content\":[],"
	      "\"prev\":1.5,\"joined\":{},\"rooms\":3,\"users\":\"x\",\"keys\":false,"
	      "\"reply_to\":-4,\"after\":9007199254740993}");
	cr_assert_null(line.room);
	cr_assert_eq(line.seq, -1);
	cr_assert_null(line.sender);
	cr_assert_null(line.content);
	cr_assert_eq(line.prev, -1);
	cr_assert_eq(line.reply_to, -1);
	cr_assert_eq(line.after, -1);
	cr_assert_eq(line.room_count, 0);
}

Test(server_line, what_is_no_line_is_refused)
{
	static const char *const lines[] = {
		"",
		" ",
		"nonsense",
		"[]",
		"1",
		"null",
		"{}",
		"{\"type\":3}",
		"{\"type\":\"ok\"",
		"{\"type\":\"ok\",\"type\":\"ok\"}",
		"{\"type\":\"ok\"} x",
		"{\"type\":\"o\\u0000k\"}",
		"{\"type\":\"\xff\"}",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_assert_eq(refuse(lines[i], strlen(lines[i])), -EBADMSG, "%s", lines[i]);
	cr_assert_eq(refuse("{\"type\":\"ok\"}\0", 14), -EBADMSG);
}

Test(server_line, a_line_cut_anywhere_is_refused)
{
	static const char whole[] = "{\"type\":\"message\",\"room\":\"ops\",\"seq\":42}";

	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		cr_assert_eq(refuse(whole, len), -EBADMSG, "%zu", len);
}

Test(server_line, finish_may_be_called_again)
{
	parse("{\"type\":\"ok\"}");
	server_line_finish(&line);
	server_line_finish(&line);
	cr_assert_null(line.json);
}
