#include "tests/unit/worker/worker_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
	fixture_defaults();
	fixture_start();
}

TestSuite(query, .init = begin, .fini = fixture_finish);

static const char *ask(struct ws *ws, const char *line)
{
	const char *answer;

	fixture_forget(ws);
	fixture_send(ws, line);
	fixture_turn();
	answer = fixture_next(ws);
	cr_assert_not_null(answer, "no answer to %s", line);
	return answer;
}

static void expect_answer(struct ws *ws, const char *line, const char *text)
{
	const char *answer = ask(ws, line);

	cr_assert_not_null(strstr(answer, text), "%s\nis not %s", answer, text);
}

Test(query, rooms_are_listed_with_members_topic_and_head)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");

	ask(alice, "{\"type\":\"join\",\"room\":\"ops\"}");
	ask(alice, "{\"type\":\"topic\",\"id\":\"t\",\"room\":\"ops\",\"content\":\"deploys\"}");
	expect_answer(bob, "{\"type\":\"rooms\",\"id\":\"r\"}",
		      "{\"room\":\"ops\",\"members\":1,\"topic\":\"deploys\",\"head\":1}");
	expect_answer(
		bob, "{\"type\":\"rooms\",\"id\":\"r\",\"match\":\"OP\"}",
		"\"rooms\":[{\"room\":\"ops\",\"members\":1,\"topic\":\"deploys\",\"head\":1}]");
	expect_answer(bob, "{\"type\":\"rooms\",\"id\":\"r\",\"match\":\"nothing\"}",
		      "\"rooms\":[]");
	expect_answer(bob, "{\"type\":\"rooms\",\"id\":\"r\",\"cursor\":\"x\"}",
		      "\"id\":\"r\",\"code\":\"bad_field\"");
	expect_answer(bob, "{\"type\":\"rooms\",\"id\":\"r\",\"cursor\":\"99\"}", "\"rooms\":[]");
}

Test(query, users_are_those_who_are_present)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");

	fixture_enter(1, "bob");
	ask(bob, "{\"type\":\"away\",\"id\":\"a\",\"content\":\"lunch\"}");
	expect_answer(
		alice, "{\"type\":\"users\",\"id\":\"u\",\"room\":\"lobby\"}",
		"\"users\":[{\"user\":\"alice\",\"connections\":1,\"away\":null,\"role\":"
		"\"member\"},"
		"{\"user\":\"bob\",\"connections\":2,\"away\":\"lunch\",\"role\":\"member\"}]");
	ask(bob, "{\"type\":\"away\",\"id\":\"a\"}");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\"}",
		      "{\"user\":\"bob\",\"connections\":2,\"away\":null");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\",\"cursor\":\"1\"}",
		      "\"users\":[{\"user\":\"bob\"");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\",\"cursor\":\"-1\"}", "bad_field");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\",\"room\":\"@alice\"}",
		      "\"users\":[{\"user\":\"alice\"");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\",\"room\":\"@bob\"}", "forbidden");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\",\"room\":\"nowhere\"}",
		      "no_such_room");
	ask(bob, "{\"type\":\"join\",\"room\":\"ops\"}");
	expect_answer(alice, "{\"type\":\"users\",\"id\":\"u\",\"room\":\"ops\"}", "not_member");
}

Test(query, who_tells_keys_connections_and_away)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");
	const char *answer;

	ask(bob, "{\"type\":\"away\",\"id\":\"a\",\"content\":\"lunch\"}");
	answer = ask(alice, "{\"type\":\"who\",\"id\":\"w\",\"user\":\"bob\"}");
	cr_assert_not_null(strstr(answer, "\"user\":\"bob\",\"keys\":[\"SHA256:"), "%s", answer);
	cr_assert_not_null(strstr(answer, "\"connections\":1,\"idle_s\":0,\"away\":\"lunch\""),
			   "%s", answer);
	fixture_cut(bob);
	answer = ask(alice, "{\"type\":\"who\",\"id\":\"w\",\"user\":\"bob\"}");
	cr_assert_not_null(strstr(answer, "\"connections\":0,\"idle_s\":null"), "%s", answer);
	expect_answer(alice, "{\"type\":\"who\",\"id\":\"w\",\"user\":\"zoe\"}",
		      "\"id\":\"w\",\"code\":\"no_such_user\"");
}

Test(query, history_of_lines_that_are_gone_is_gone)
{
	struct ws *alice = fixture_enter(0, "alice");
	char line[100];

	for (unsigned i = 1; i <= 100; i++) {
		snprintf(line, sizeof(line), "{\"content\":\"line %u\"}", i);
		ask(alice, line);
	}
	expect_answer(alice,
		      "{\"type\":\"history\",\"id\":\"h\",\"room\":\"lobby\",\"before\":10,"
		      "\"limit\":5}",
		      "\"id\":\"h\",\"code\":\"gone\"");
	expect_answer(alice,
		      "{\"type\":\"history\",\"id\":\"h\",\"room\":\"lobby\",\"after\":95,"
		      "\"limit\":3}",
		      "\"first\":96,\"last\":98,\"count\":3,\"more\":true");
	expect_answer(alice,
		      "{\"type\":\"history\",\"id\":\"h\",\"room\":\"lobby\",\"after\":100,"
		      "\"limit\":3}",
		      "\"first\":0,\"last\":0,\"count\":0,\"more\":false");
	expect_answer(alice,
		      "{\"type\":\"history\",\"id\":\"h\",\"room\":\"lobby\","
		      "\"at\":\"2000-01-01T00:00:00Z\",\"limit\":1}",
		      "\"count\":1,\"more\":true");
	expect_answer(alice,
		      "{\"type\":\"history\",\"id\":\"h\",\"room\":\"nowhere\",\"after\":1,"
		      "\"limit\":1}",
		      "no_such_room");
}

Test(query, typing_to_a_person_reaches_his_connections)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");

	fixture_send(alice, "{\"type\":\"typing\",\"room\":\"@bob\"}");
	fixture_turn();
	fixture_expect(bob, "\"type\":\"typing\",\"room\":\"@bob\",\"sender\":\"alice\"");
	fixture_expect_nothing(alice);
	expect_answer(alice, "{\"type\":\"typing\",\"id\":\"t\",\"room\":\"@zoe\"}",
		      "no_such_user");
	expect_answer(alice, "{\"type\":\"typing\",\"id\":\"t\",\"room\":\"nowhere\"}",
		      "no_such_room");
}
