/* What failed logins cost the address they come from; shm/penalty.h has the arithmetic. */
#include "tests/unit/worker/worker_fixture.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static const char bad_login[] =
	"{\"type\":\"login\",\"id\":\"L\",\"user\":\"alice\",\"server\":\"localhost:8080\","
	"\"binding\":\"none\",\"signature\":\"AAAA\"}";

static void begin(void)
{
	fixture_defaults();
	fixture.config.penalty_after = 3;
	fixture.config.penalty_auth_failed = 5;
	fixture.config.penalty_auth_timeout = 10;
	fixture.config.penalty_max = 600;
	fixture_start();
}

TestSuite(stranger, .init = begin, .fini = fixture_finish);

static struct ws *fail(unsigned worker)
{
	struct ws *ws = fixture_connect(worker);

	fixture_send(ws, bad_login);
	fixture_turn();
	return ws;
}

static unsigned long expect_told(struct ws *ws)
{
	const char *line;

	fixture_turn();
	line = fixture_next(ws);
	cr_assert_not_null(line);
	cr_assert_not_null(strstr(line, "\"code\":\"rate_limited\""), "%s", line);
	cr_assert_not_null(strstr(line, "\"fatal\":true"), "%s", line);
	fixture_expect_nothing(ws);
	cr_assert_eq(ws->close_code, 4002);
	return fixture_number(line, "retry_after_ms");
}

Test(stranger, has_to_wait_at_every_worker_after_so_many_failures)
{
	unsigned long wait_ms;
	struct ws *ws;

	fail(0);
	fail(1);
	ws = fixture_connect(0);
	fixture_turn();
	fixture_expect(ws, "\"type\":\"challenge\"");
	fail(0);
	wait_ms = expect_told(fixture_connect(1));
	cr_assert(wait_ms > 4000 && wait_ms <= 5000, "%lu", wait_ms);
	/* Who had its challenge before is told when it tries, with its line's id. */
	fixture_send(ws, bad_login);
	fixture_turn();
	fixture_expect(ws, "\"id\":\"L\",\"code\":\"rate_limited\"");
	cr_assert_eq(ws->close_code, 4002);
}

Test(stranger, who_is_in_stays_in)
{
	struct ws *alice = fixture_enter(0, "alice");

	for (unsigned i = 0; i < 3; i++)
		fail(0);
	expect_told(fixture_connect(0));
	fixture_send(alice, "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	fixture_expect(alice, "\"type\":\"pong\"");
}

Test(stranger, who_never_logs_in_pays_more)
{
	unsigned long wait_ms;

	for (unsigned i = 0; i < 3; i++)
		fixture_connect(0);
	timers_run(&fixture.worker[0].timers, clock_mono_ms() + 21000);
	fixture_turn();
	wait_ms = expect_told(fixture_connect(0));
	cr_assert(wait_ms > 9000 && wait_ms <= 10000, "%lu", wait_ms);
}

Test(stranger, waits_no_longer_once_it_is_switched_off)
{
	struct ws *ws;

	for (unsigned i = 0; i < 3; i++)
		fail(0);
	expect_told(fixture_connect(0));
	fixture.config.penalty_max = 0;
	ws = fixture_connect(0);
	fixture_turn();
	fixture_expect(ws, "\"type\":\"challenge\"");
	cr_assert(ws->conn != NULL && !ws->known);
	fixture_enter(0, "alice");
}
