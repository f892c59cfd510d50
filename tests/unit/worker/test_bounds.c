#include "tests/unit/worker/worker_fixture.h"

#include "base/clock.h"
#include "shm/janitor.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
	fixture_defaults();
	fixture_start();
}

TestSuite(bounds, .init = begin, .fini = fixture_finish);

static void later(unsigned ms)
{
	timers_run(&fixture.worker[0].timers, clock_mono_ms() + ms);
	fixture_turn();
}

Test(bounds, connections_of_one_user)
{
	struct ws *third;

	fixture.config.max_connections_per_user = 2;
	fixture_enter(0, "alice");
	fixture_enter(1, "alice");
	third = fixture_enter_with(0, "alice", "");
	fixture_expect(third, "\"code\":\"too_many_connections\"");
	fixture_expect_nothing(third);
	cr_assert_eq(third->close_code, 4002);
}

Test(bounds, connections_of_one_address)
{
	struct ws *third;

	fixture.config.max_connections_per_address = 2;
	fixture_connect(0);
	fixture_connect(1);
	third = fixture_connect(0);
	fixture_turn();
	fixture_expect(third, "\"code\":\"too_many_connections\"");
	fixture_expect_nothing(third);
	cr_assert_eq(third->close_code, 4002);
}

Test(bounds, logins_that_are_under_way_at_one_address)
{
	struct ws *third;

	fixture.config.max_pending_logins = 2;
	fixture_enter(0, "alice");
	fixture_enter(0, "bob");
	fixture_connect(0);
	fixture_connect(1);
	third = fixture_connect(0);
	fixture_turn();
	fixture_expect(third, "\"code\":\"too_many_connections\"");
}

Test(bounds, members_of_one_room)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");

	fixture.config.room_capacity = 1;
	fixture_send(alice, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"ops\"}");
	fixture_turn();
	fixture_expect(alice, "\"type\":\"room\",\"id\":\"j\"");
	fixture_send(bob, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"ops\"}");
	fixture_turn();
	fixture_expect(bob, "\"id\":\"j\",\"code\":\"room_full\"");
}

Test(bounds, rooms_of_the_server)
{
	struct ws *alice = fixture_enter(0, "alice");
	char line[100];

	fixture.config.max_rooms_per_user = 0;
	for (unsigned i = 1; i < 8; i++) {
		snprintf(line, sizeof(line), "{\"type\":\"join\",\"id\":\"j\",\"room\":\"r%u\"}",
			 i);
		fixture_send(alice, line);
	}
	fixture_turn();
	fixture_forget(alice);
	fixture_send(alice, "{\"type\":\"join\",\"id\":\"k\",\"room\":\"r8\"}");
	fixture_turn();
	fixture_expect(alice, "\"id\":\"k\",\"code\":\"server_full\"");
}

Test(bounds, an_inbox_of_unread_lines)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");
	const char *line = NULL;
	char text[100];

	for (unsigned i = 1; i <= 16; i++) {
		snprintf(text, sizeof(text),
			 "{\"id\":\"m%u\",\"recipient\":\"bob\",\"content\":\"x\"}", i);
		fixture_forget(alice);
		fixture_send(alice, text);
		fixture_turn();
		line = fixture_next(alice);
		cr_assert_not_null(line);
		if (strstr(line, "\"type\":\"error\"") != NULL)
			break;
	}
	cr_assert_not_null(strstr(line, "\"code\":\"inbox_full\""), "%s", line);
	cr_assert_not_null(strstr(line, "the inbox of bob"), "%s", line);
	fixture_send(bob, "{\"type\":\"read\",\"room\":\"@bob\",\"seq\":1}");
	fixture_turn();
	fixture_forget(alice);
	fixture_send(alice, "{\"id\":\"again\",\"recipient\":\"bob\",\"content\":\"x\"}");
	fixture_turn();
	fixture_expect(alice, "\"recipient\":\"bob\"");
	fixture_expect(alice, "\"type\":\"ok\",\"id\":\"again\"");
}

Test(bounds, a_client_that_says_nothing_for_too_long)
{
	struct ws *alice;

	fixture.config.idle_timeout = 30;
	alice = fixture_enter(0, "alice");
	later(29000);
	fixture_expect_nothing(alice);
	later(31000);
	fixture_expect(alice, "\"code\":\"idle\"");
	cr_assert_eq(alice->close_code, 4002);
}

Test(bounds, a_client_that_takes_nothing_for_a_minute)
{
	struct ws *alice = fixture_enter(0, "alice");

	alice->full = true;
	fixture_send(alice, "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	later(50000);
	cr_assert_eq(alice->conn->state, CONN_LOGGED_IN);
	later(61000);
	cr_assert_eq(alice->conn->state, CONN_CLOSING);
	later(64000);
	cr_assert_eq(alice->close_code, 4002);
}

Test(bounds, frames_that_are_refused)
{
	struct ws *big = fixture_enter(0, "alice"), *binary = fixture_enter(0, "bob");
	struct ws *early = fixture_connect(0);

	cr_assert_eq(worker_ws_handler.message_max(big->conn), LINE_MAX_BYTES);
	cr_assert_eq(worker_ws_handler.message_max(early->conn), LOGIN_MAX_BYTES);
	worker_ws_handler.refused(big->conn, WS_TOO_BIG);
	worker_ws_handler.refused(binary->conn, WS_BINARY);
	fixture_turn();
	fixture_expect(big, "\"code\":\"too_large\"");
	cr_assert_eq(big->close_code, 1009);
	fixture_expect(binary, "\"code\":\"binary\"");
	cr_assert_eq(binary->close_code, 1003);
}

Test(bounds, pages_of_other_sites)
{
	struct worker *worker = &fixture.worker[0];

	cr_assert(worker_ws_handler.origin_is_ours(worker, "http://localhost:8080"));
	cr_assert(worker_ws_handler.origin_is_ours(worker, "https://localhost:8080"));
	cr_assert_not(worker_ws_handler.origin_is_ours(worker, "http://localhost"));
	cr_assert_not(worker_ws_handler.origin_is_ours(worker, "http://evil.example:8080"));
	cr_assert_not(worker_ws_handler.origin_is_ours(worker, "localhost:8080"));
	cr_assert_not(worker_ws_handler.origin_is_ours(worker, "null"));
}

Test(bounds, a_reload_changes_the_limits_of_who_is_there)
{
	struct config other;
	struct ws *alice = fixture_enter(0, "alice");

	other = fixture.config;
	other.ping_interval = 1;
	worker_reload(&fixture.worker[0], &other);
	later(1500);
	cr_assert_eq(alice->pings, 1);
	worker_reload(&fixture.worker[0], &fixture.config);
	later(30000);
	cr_assert_eq(alice->pings, 1, "0 means none");
}

Test(bounds, the_janitor_lets_a_dead_workers_people_go)
{
	struct ws *alice = fixture_enter(0, "alice");
	const char *line;

	fixture_enter(1, "bob");
	fixture_look();
	fixture_forget(alice);
	janitor_worker_died(&fixture.shm, 1, false);
	worker_janitor(&fixture.worker[0]);
	fixture_forget(alice);
	fixture_send(alice, "{\"type\":\"users\",\"id\":\"u\"}");
	fixture_turn();
	line = fixture_next(alice);
	cr_assert_not_null(line);
	cr_assert_not_null(strstr(line, "{\"user\":\"bob\",\"connections\":0"), "%s", line);
}
