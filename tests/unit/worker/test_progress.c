/* Who takes nothing of what waits for it is too slow; who takes little is not. */
#include "tests/unit/worker/worker_fixture.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t now_ms;
static struct ws *alice, *bob;

static void begin(void)
{
	fixture_defaults();
	fixture.config.ping_interval = 25;
	fixture_start();
	alice = fixture_enter(0, "alice");
	bob = fixture_enter(0, "bob");
	now_ms = clock_mono_ms();
}

TestSuite(progress, .init = begin, .fini = fixture_finish);

/* Second by second, as the loop does; alice answers her pings. */
static void pass(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		now_ms += 1000;
		timers_run(&fixture.worker[0].timers, now_ms);
		fixture_turn();
		if (alice->conn != NULL)
			worker_ws_handler.pong(alice->conn);
	}
}

static void fill(struct ws *ws)
{
	ws->full = true;
	ws->waiting = true;
	fixture_send(alice, "{\"content\":\"hi\"}");
	fixture_turn();
	cr_assert(ws->conn->blocked);
}

/* The socket takes everything again. */
static void drain(struct ws *ws)
{
	ws->full = false;
	ws->blocked = false;
	ws->waiting = false;
	worker_ws_handler.writable(ws->conn);
	fixture_turn();
}

Test(progress, none_for_a_minute_is_too_slow)
{
	fill(bob);
	pass(59);
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
	/* Looked at once a second; and no longer than that, for a close waits but two. */
	for (unsigned i = 0; i < 3 && bob->conn->state != CONN_CLOSING; i++)
		pass(1);
	cr_assert_eq(bob->conn->state, CONN_CLOSING);
	cr_assert_str_eq(bob->conn->close_reason, "too_slow");
	/* It comes back within the time a close waits: it is told. */
	fixture_forget(bob);
	drain(bob);
	fixture_expect(bob, "\"code\":\"too_slow\"");
	cr_assert_eq(bob->close_code, 4002);
}

Test(progress, of_a_byte_now_and_then_is_enough)
{
	fill(bob);
	for (unsigned i = 0; i < 10; i++) {
		pass(50);
		cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
		bob->taken++;
	}
	pass(59);
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
	pass(3);
	cr_assert_eq(bob->conn->state, CONN_CLOSING);
}

/* Its pings stand behind what waits: it can't have answered them. */
Test(progress, counts_and_not_pongs_while_bytes_wait)
{
	unsigned pings;

	pass(30);
	pings = bob->pings;
	cr_assert_eq(pings, 1);
	cr_assert_eq(bob->conn->unanswered_pings, 1);
	fill(bob);
	pass(1);
	for (unsigned i = 0; i < 5; i++) {
		bob->taken++;
		pass(50);
	}
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
	cr_assert_eq(bob->pings, pings);
	/* It has read all: it gets the time to answer that every other one has. */
	drain(bob);
	pass(2);
	cr_assert_null(bob->conn->progress);
	cr_assert_eq(bob->conn->unanswered_pings, 0);
	pass(60);
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
	pass(30);
	cr_assert_eq(bob->conn->state, CONN_CLOSING);
	cr_assert_str_eq(bob->conn->close_reason, "no answer to pings");
}

/* Bytes wait in the kernel only, so no write was ever held back. */
Test(progress, is_asked_for_where_only_the_kernel_holds_bytes)
{
	bob->waiting = true;
	pass(80);
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN, "judged by pings");
	pass(10);
	cr_assert_eq(bob->conn->state, CONN_CLOSING);
	cr_assert_str_eq(bob->conn->close_reason, "too_slow");
	cr_assert_eq(bob->pings, 0);
}

Test(progress, is_no_matter_where_the_limit_is_switched_off)
{
	fixture.config.slow_timeout = 0;
	fill(bob);
	pass(600);
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
}

Test(progress, silence_with_nothing_to_read_is_a_matter_of_pings)
{
	pass(70);
	cr_assert_eq(bob->conn->state, CONN_LOGGED_IN);
	pass(10);
	cr_assert_eq(bob->conn->state, CONN_CLOSING);
	cr_assert_str_eq(bob->conn->close_reason, "no answer to pings");
}
