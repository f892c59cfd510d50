#include "tests/unit/worker/worker_fixture.h"

#include "worker/subscribe.h"

#include "base/clock.h"
#include "shm/room_log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
	fixture_defaults();
	fixture_start();
}

TestSuite(login_states, .init = begin, .fini = fixture_finish);

/* The timers' clock, that many ms from now. */
static void later(unsigned ms)
{
	timers_run(&fixture.worker[0].timers, clock_mono_ms() + ms);
	fixture_turn();
}

static const char bad_login[] =
	"{\"type\":\"login\",\"id\":\"L\",\"user\":\"alice\",\"server\":\"localhost:8080\","
	"\"binding\":\"none\",\"signature\":\"AAAA\"}";

Test(login_states, a_good_login_gets_welcome_then_rooms_then_lines)
{
	struct ws *ws = fixture_enter_with(0, "alice", "");

	fixture_expect(ws, "\"type\":\"welcome\"");
	fixture_expect(ws, "\"type\":\"room\",\"room\":\"lobby\"");
	fixture_expect(ws, "\"type\":\"room\",\"room\":\"@alice\"");
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->conn->state, CONN_LOGGED_IN);
	cr_assert_null(ws->conn->login);
}

Test(login_states, lines_behind_a_login_wait_for_the_masters_verdict)
{
	struct ws *ws = fixture_connect(0);
	char lines[4096];

	fixture.claims_wait = true;
	snprintf(lines, sizeof(lines), "%s\n{\"type\":\"join\",\"id\":\"j\",\"room\":\"ops\"}",
		 fixture_login_line(ws, "alice", ""));
	fixture_send(ws, lines);
	fixture_send(ws, "{\"id\":\"m\",\"content\":\"hi\"}");
	fixture_turn();
	cr_assert_eq(ws->conn->state, CONN_JUDGING);
	fixture_expect_nothing(ws);
	fixture.claims_wait = false;
	fixture_turn();
	fixture_expect(ws, "\"type\":\"welcome\"");
	fixture_expect(ws, "\"room\":\"lobby\"");
	fixture_expect(ws, "\"room\":\"@alice\"");
	fixture_expect(ws, "\"type\":\"room\",\"id\":\"j\",\"room\":\"ops\"");
	fixture_expect(ws, "\"content\":\"hi\"");
	fixture_expect(ws, "\"type\":\"ok\",\"id\":\"m\",\"room\":\"ops\"");
}

Test(login_states, a_client_that_goes_while_its_claim_is_decided_leaves_nothing)
{
	struct ws *ws = fixture_connect(0);

	fixture.claims_wait = true;
	fixture_send(ws, fixture_login_line(ws, "alice", ""));
	fixture_turn();
	fixture_cut(ws);
	fixture.claims_wait = false;
	fixture_turn();
	cr_assert_eq(worker_connections(&fixture.worker[0]), 0);
}

Test(login_states, a_bad_signature_is_told_500_ms_after_receipt)
{
	struct ws *ws = fixture_connect(0);

	fixture_turn();
	fixture_forget(ws);
	fixture_send(ws, bad_login);
	fixture_turn();
	fixture_expect_nothing(ws);
	later(LOGIN_FAIL_DELAY_MS - 100);
	fixture_expect_nothing(ws);
	later(LOGIN_FAIL_DELAY_MS + 100);
	fixture_expect(ws, "\"id\":\"L\",\"code\":\"auth_failed\"");
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->conn->state, CONN_CHALLENGED);
}

Test(login_states, what_depends_on_the_fields_alone_is_told_at_once)
{
	struct ws *ws = fixture_connect(0);

	fixture_send(ws, "{\"type\":\"login\",\"id\":\"1\",\"user\":\"alice\"}");
	fixture_send(ws,
		     "{\"type\":\"login\",\"id\":\"2\",\"user\":\"alice\",\"server\":\"evil:1\","
		     "\"binding\":\"none\",\"signature\":\"AAAA\"}");
	fixture_turn();
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "\"id\":\"1\",\"code\":\"missing_field\"");
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "\"id\":\"2\",\"code\":\"wrong_server\"");
	fixture_expect(ws, "\"type\":\"challenge\"");
}

Test(login_states, the_third_failure_closes)
{
	struct ws *ws = fixture_connect(0);

	for (unsigned i = 0; i < LOGIN_ATTEMPTS_MAX; i++) {
		fixture_send(ws, bad_login);
		later(LOGIN_FAIL_DELAY_MS + 100 * (i + 1));
	}
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "auth_failed");
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "auth_failed");
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "\"id\":\"L\",\"code\":\"too_many_attempts\"");
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->close_code, 4001);
}

Test(login_states, a_nonce_serves_once)
{
	struct ws *ws = fixture_connect(0);
	char line[4096];

	snprintf(line, sizeof(line), "%s", fixture_login_line(ws, "alice", ""));
	fixture_send(ws, "{\"type\":\"login\",\"id\":\"1\",\"user\":\"alice\"}");
	fixture_send(ws, line);
	later(LOGIN_FAIL_DELAY_MS + 100);
	fixture_expect(ws, "missing_field");
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "auth_failed");
}

Test(login_states, who_says_nothing_is_told_auth_timeout)
{
	struct ws *ws = fixture_connect(0);

	fixture_turn();
	later(20500);
	fixture_expect(ws, "\"type\":\"challenge\"");
	fixture_expect(ws, "\"code\":\"auth_timeout\"");
	cr_assert_eq(ws->close_code, 4001);
}

Test(login_states, a_name_of_another_key_is_name_taken)
{
	struct ws *alice = fixture_enter(1, "alice"), *other = fixture_connect(0);

	fixture_send(other, fixture_login_line_by(other, "alice", "bob", ""));
	fixture_turn();
	fixture_expect_nothing(other);
	later(LOGIN_FAIL_DELAY_MS + 100);
	fixture_expect(other, "\"code\":\"name_taken\"");
	fixture_expect(other, "\"type\":\"challenge\"");
	cr_assert_eq(alice->conn->state, CONN_LOGGED_IN);
}

Test(login_states, a_key_with_a_name_gets_no_second_one)
{
	struct ws *second;

	fixture_enter(0, "bob");
	second = fixture_connect(0);
	fixture_send(second, fixture_login_line_by(second, "robert", "bob", ""));
	fixture_turn();
	later(LOGIN_FAIL_DELAY_MS + 100);
	fixture_expect(second, "\"code\":\"name_taken\"");
}

Test(login_states, a_revoked_key_ends_its_sessions)
{
	struct ws *ws = fixture_enter(0, "alice");

	fixture_revoke_all();
	fixture_look();
	fixture_expect(ws, "\"code\":\"key_revoked\"");
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->close_code, 4003);
}

Test(login_states, newcomers_change_nothing_for_the_others_and_a_revocation_still_does)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob;

	/* More connections than key lines: only then is the difference looked for. */
	for (unsigned i = 0; i < 8; i++)
		fixture_connect(0);
	bob = fixture_enter(0, "bob");
	fixture_enter(0, "carol");
	fixture_look();
	cr_assert_eq(alice->conn->state, CONN_LOGGED_IN);
	cr_assert_neq(fixture.worker[0].judged.rules, 0);
	fixture_forget(alice);
	fixture_forget(bob);
	fixture_revoke_all();
	fixture_look();
	fixture_expect(alice, "\"code\":\"key_revoked\"");
	fixture_expect(bob, "\"code\":\"key_revoked\"");
}

Test(login_states, a_revoked_key_appends_nothing_more)
{
	struct ws *alice = fixture_enter(0, "alice");

	fixture_revoke_all();
	fixture_send(alice, "{\"id\":\"1\",\"content\":\"too late\"}");
	fixture_turn();
	fixture_expect(alice, "\"code\":\"key_revoked\"");
	fixture_expect_nothing(alice);
	cr_assert_eq(room_log_next(&fixture.shm, alice->conn->subs[0].local->log), 1);
}

Test(login_states, a_drain_says_bye_to_everyone)
{
	struct ws *in = fixture_enter(0, "alice"), *out = fixture_connect(0), *late;

	fixture_turn();
	fixture_forget(out);
	worker_drain(&fixture.worker[0], false, 0);
	fixture_turn();
	fixture_expect(in, "\"type\":\"bye\",\"code\":\"shutting_down\"");
	fixture_expect(out, "\"type\":\"bye\",\"code\":\"shutting_down\"");
	cr_assert_eq(in->close_code, 1001);
	cr_assert_eq(out->close_code, 1001);
	late = fixture_connect(0);
	fixture_turn();
	fixture_expect(late, "\"type\":\"bye\"");
	cr_assert_eq(late->close_code, 1001);
}

Test(login_states, bye_closes_with_1000)
{
	struct ws *ws = fixture_enter(0, "alice");

	fixture_send(ws, "{\"type\":\"ping\",\"id\":\"p\"}\n{\"type\":\"bye\"}\n"
			 "{\"type\":\"ping\",\"id\":\"q\"}");
	fixture_turn();
	fixture_expect(ws, "\"id\":\"p\"");
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->close_code, 1000);
}

Test(login_states, two_unanswered_pings_close)
{
	struct ws *quiet, *lively;

	fixture.config.ping_interval = 10;
	quiet = fixture_enter(0, "alice");
	lively = fixture_enter(0, "bob");
	for (unsigned i = 1; i <= 3; i++) {
		worker_ws_handler.pong(lively->conn);
		later(11000 * i);
	}
	cr_assert_eq(quiet->pings, 2);
	cr_assert_eq(quiet->close_code, 4002);
	cr_assert_eq(lively->close_code, 0);
}
