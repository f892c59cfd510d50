#include "worker/dispatch.h"

#include "tests/unit/worker/worker_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
	fixture_defaults();
	fixture_start();
}

TestSuite(dispatch, .init = begin, .fini = fixture_finish);

Test(dispatch, only_login_and_ping_come_before_the_login)
{
	for (enum message_type type = 0; type <= MSG_UNKNOWN; type++) {
		bool early = type == MSG_login || type == MSG_ping;

		cr_expect_eq(dispatch_is_allowed(type, CONN_CHALLENGED), early);
		cr_expect(dispatch_is_allowed(type, CONN_LOGGED_IN));
		if (type != MSG_UNKNOWN)
			cr_expect_not(dispatch_is_allowed(type, CONN_CLOSING));
	}
}

Test(dispatch, what_comes_too_early_is_auth_required)
{
	struct ws *ws = fixture_connect(0);

	fixture_send(ws, "{\"type\":\"join\",\"id\":\"1\",\"room\":\"ops\"}\n"
			 "{\"type\":\"nonsense\",\"id\":\"2\"}\n"
			 "{\"content\":\"hi\"}\n"
			 "{\"type\":\"ping\",\"id\":\"3\"}\n"
			 "{\"type\"");
	fixture_turn();
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "\"id\":\"1\",\"code\":\"auth_required\"");
	fixture_expect(ws, "\"id\":\"2\",\"code\":\"auth_required\"");
	fixture_expect(ws, "\"code\":\"auth_required\"");
	fixture_expect(ws, "\"type\":\"pong\",\"id\":\"3\"");
	fixture_expect(ws, "\"code\":\"bad_json\"");
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->close_code, 0);
}

Test(dispatch, empty_lines_are_skipped)
{
	struct ws *ws = fixture_enter(0, "alice");

	fixture_send(ws,
		     "\n\n{\"type\":\"ping\",\"id\":\"a\"}\n\n{\"type\":\"ping\",\"id\":\"b\"}");
	fixture_send(ws, "");
	fixture_turn();
	fixture_expect(ws, "\"id\":\"a\"");
	fixture_expect(ws, "\"id\":\"b\"");
	fixture_expect_nothing(ws);
}

Test(dispatch, what_is_not_built_is_not_supported)
{
	static const char *const types[] = {"search", "edit", "delete", "reaction", "moderation"};
	struct ws *ws = fixture_enter(0, "alice");
	char line[100];

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(line, sizeof(line), "{\"type\":\"%s\",\"id\":\"x%u\"}", types[i], i);
		fixture_send(ws, line);
		fixture_turn();
		snprintf(line, sizeof(line), "\"id\":\"x%u\",\"code\":\"not_supported\"", i);
		fixture_expect(ws, line);
	}
}

Test(dispatch, a_second_login_is_refused_and_changes_nothing)
{
	struct ws *ws = fixture_enter(0, "alice");

	fixture_send(ws, "{\"type\":\"login\",\"id\":\"1\",\"user\":\"bob\",\"server\":\"x\","
			 "\"binding\":\"none\",\"signature\":\"x\"}");
	fixture_turn();
	fixture_expect(ws, "\"id\":\"1\",\"code\":\"forbidden\"");
	cr_assert_eq(ws->conn->state, CONN_LOGGED_IN);
	cr_assert_str_eq(ws->conn->identity.user, "alice");
}

static void limited(void)
{
	fixture_defaults();
	fixture.config.rate = 1;
	fixture.config.burst = 2;
	fixture_start();
}

TestSuite(rates, .init = limited, .fini = fixture_finish);

Test(rates, lines_that_ask_to_append_spend_their_own_bucket)
{
	struct ws *ws = fixture_enter(0, "alice");
	const char *line;

	fixture_send(ws, "{\"id\":\"1\",\"content\":\"one\"}\n{\"id\":\"2\",\"content\":\"\"}\n"
			 "{\"id\":\"3\",\"content\":\"three\"}\n{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	fixture_expect(ws, "\"content\":\"one\"");
	fixture_expect(ws, "\"type\":\"ok\",\"id\":\"1\"");
	fixture_expect(ws, "\"id\":\"2\",\"code\":\"empty\"");
	line = fixture_next(ws);
	cr_assert_not_null(line);
	cr_assert_not_null(strstr(line, "\"id\":\"3\",\"code\":\"rate_limited\""), "%s", line);
	cr_assert_gt(fixture_number(line, "retry_after_ms"), 0);
	fixture_expect(ws, "\"type\":\"pong\"");
}

Test(rates, a_known_id_is_answered_whatever_the_rate)
{
	struct ws *ws = fixture_enter(0, "alice");

	fixture_send(ws, "{\"id\":\"1\",\"content\":\"one\"}\n{\"id\":\"2\",\"content\":\"two\"}\n"
			 "{\"id\":\"3\",\"content\":\"three\"}");
	fixture_turn();
	fixture_forget(ws);
	for (unsigned i = 0; i < 10; i++) {
		fixture_send(ws, "{\"id\":\"1\",\"content\":\"one\"}");
		fixture_turn();
		fixture_expect(ws, "\"id\":\"1\",\"room\":\"lobby\",\"seq\":1,\"duplicate\":true");
	}
}

Test(rates, both_connections_of_a_user_share_one_bucket)
{
	struct ws *here = fixture_enter(0, "alice"), *there = fixture_enter(1, "alice");
	struct ws *bob = fixture_enter(1, "bob");

	fixture_send(here,
		     "{\"id\":\"1\",\"content\":\"one\"}\n{\"id\":\"2\",\"content\":\"two\"}");
	fixture_turn();
	fixture_forget(there);
	fixture_forget(bob);
	fixture_send(there, "{\"id\":\"3\",\"content\":\"three\"}");
	fixture_send(bob, "{\"id\":\"1\",\"content\":\"mine\"}");
	fixture_turn();
	fixture_expect(there, "\"id\":\"3\",\"code\":\"rate_limited\"");
	fixture_expect(bob, "\"content\":\"mine\"");
}

Test(rates, before_the_login_a_connection_has_a_bucket_of_its_own)
{
	struct ws *ws = fixture_connect(0);

	for (unsigned i = 0; i < 21; i++)
		fixture_send(ws, "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	fixture_expect(ws, "\"type\":\"challenge\"");
	for (unsigned i = 0; i < 20; i++)
		fixture_expect(ws, "\"type\":\"pong\"");
	fixture_expect(ws, "\"code\":\"rate_limited\"");
}
