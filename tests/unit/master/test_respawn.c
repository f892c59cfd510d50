#include "master/respawn.h"

#include <criterion/criterion.h>

Test(respawn, the_first_five_deaths_start_at_once)
{
	struct respawn respawn = {0};

	for (uint64_t i = 0; i < RESPAWN_DEATHS; i++)
		cr_assert_eq(respawn_after_death(&respawn, 1000 + i * 10, 1005 + i * 10), 0);
}

Test(respawn, the_sixth_death_in_ten_seconds_waits_and_the_wait_doubles_up_to_ten_seconds)
{
	static const uint32_t expected[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
	struct respawn respawn = {0};
	uint64_t now = 1000;

	for (unsigned i = 0; i < RESPAWN_DEATHS; i++, now += 10)
		respawn_after_death(&respawn, now, now + 5);
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint32_t delay = respawn_after_death(&respawn, now, now + 5);

		cr_assert_eq(delay, expected[i]);
		now += 5 + delay;
	}
}

Test(respawn, deaths_far_apart_never_wait)
{
	struct respawn respawn = {0};
	uint64_t now = 1000;

	/* Five in each ten seconds are fine. */
	for (int i = 0; i < 100; i++, now += 2001)
		cr_assert_eq(respawn_after_death(&respawn, now, now + 2000), 0);
}

Test(respawn, a_worker_that_lived_ten_seconds_is_forgiven_everything)
{
	struct respawn respawn = {0};

	for (unsigned i = 0; i < RESPAWN_DEATHS + 3; i++)
		respawn_after_death(&respawn, 1000 + i, 1001 + i);
	cr_assert_gt(respawn.delay_ms, 0u);
	cr_assert_eq(respawn_after_death(&respawn, 2000, 2000 + RESPAWN_WINDOW_MS), 0);
	for (unsigned i = 0; i < RESPAWN_DEATHS - 1; i++)
		cr_assert_eq(respawn_after_death(&respawn, 12001 + i, 12002 + i), 0);
	cr_assert_eq(respawn_after_death(&respawn, 12100, 12101), RESPAWN_DELAY_MIN_MS);
}
