/* A process that stood still, and what it finds in its sockets when it wakes up. */
#include "tests/unit/worker/worker_fixture.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static struct ws *alice, *bob;

static void begin(void)
{
	fixture_defaults();
	fixture_start();
	alice = fixture_enter(0, "alice");
	bob = fixture_enter(1, "bob");
}

TestSuite(stall, .init = begin, .fini = fixture_finish);

/* As if worker 0 had slept since its last turn. */
static void sleep_for(uint64_t ms)
{
	fixture.worker[0].awake_ms = clock_mono_ms() - ms;
}

Test(stall, lines_of_one_who_has_gone_meanwhile_are_not_appended)
{
	alice->gone = true;
	sleep_for(WORKER_STALL_MS);
	fixture_send(alice, "{\"id\":\"a\",\"content\":\"sent elsewhere since\"}");
	fixture_turn();
	fixture_expect_nothing(bob);
	cr_assert_neq(alice->close_code, 0u);
}

Test(stall, a_turn_of_the_loop_before_it_reads_makes_no_difference)
{
	alice->gone = true;
	sleep_for(WORKER_STALL_MS);
	worker_flush(&fixture.worker[0]);
	fixture_send(alice, "{\"id\":\"a\",\"content\":\"sent elsewhere since\"}");
	fixture_turn();
	fixture_expect_nothing(bob);
}

Test(stall, lines_of_one_who_waits_are_appended)
{
	sleep_for(WORKER_STALL_MS);
	fixture_send(alice, "{\"id\":\"a\",\"content\":\"still here\"}");
	fixture_turn();
	fixture_expect(bob, "still here");
	fixture_expect(alice, "still here");
	fixture_expect(alice, "\"type\":\"ok\",\"id\":\"a\"");
}

Test(stall, a_line_without_id_is_never_sent_again_and_so_appended)
{
	alice->gone = true;
	sleep_for(WORKER_STALL_MS);
	fixture_send(alice, "{\"content\":\"goodbye\"}");
	fixture_turn();
	fixture_expect(bob, "goodbye");
}

Test(stall, one_who_sends_and_goes_is_heard_by_a_process_that_is_awake)
{
	alice->gone = true;
	fixture.worker[0].awake_ms = 0;
	fixture.worker[0].woke_late = false;
	fixture_send(alice, "{\"id\":\"a\",\"content\":\"one line and goodbye\"}");
	fixture_turn();
	fixture_expect(bob, "one line and goodbye");
}
