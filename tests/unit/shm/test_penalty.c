#include "shm/janitor.h"
#include "shm/limit.h"
#include "shm/penalty.h"
#include "tests/shm_segment.h"

#include <criterion/criterion.h>
#include <string.h>

#define COST_MS 5000u
#define NOW_MS UINT64_C(1000000)

static const struct penalty_rule rule = {.after = 10, .max_ms = 600000};
static struct segment_fixture f;

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
}

static void end(void)
{
	segment_fixture_finish(&f);
}

TestSuite(penalty, .init = begin, .fini = end);

static const uint8_t *ipv4(unsigned number)
{
	static uint8_t ip[16];
	const uint8_t bytes[16] = {0,
				   0,
				   0,
				   0,
				   0,
				   0,
				   0,
				   0,
				   0,
				   0,
				   0xff,
				   0xff,
				   10,
				   0,
				   (uint8_t)(number >> 8),
				   (uint8_t)number};

	memcpy(ip, bytes, 16);
	return ip;
}

static uint64_t fail(struct shm *shm, const uint8_t *ip, unsigned times, uint64_t now_ms)
{
	uint64_t wait_ms = 0;

	for (unsigned i = 0; i < times; i++)
		wait_ms = penalty_add(shm, ip, &rule, COST_MS, now_ms);
	return wait_ms;
}

Test(penalty, nine_failures_cost_nothing_and_the_tenth_in_a_minute_does)
{
	cr_assert_eq(fail(&f.shm, ipv4(1), 9, NOW_MS), 0);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS), 0);
	cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS + 59999), COST_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS + 59999), COST_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS + 59999 + COST_MS), 0);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(2), NOW_MS + 59999), 0);
}

Test(penalty, forgiven_failures_count_no_more_and_a_wait_stays)
{
	penalty_forgive(&f.shm, ipv4(1), NOW_MS);
	cr_assert_eq(fail(&f.shm, ipv4(1), 9, NOW_MS), 0);
	cr_assert_eq(fail(&f.shm, ipv4(2), 9, NOW_MS), 0);
	penalty_forgive(&f.shm, ipv4(1), NOW_MS);
	cr_assert_eq(fail(&f.shm, ipv4(2), 1, NOW_MS), COST_MS);
	cr_assert_eq(fail(&f.shm, ipv4(1), 9, NOW_MS), 0);
	cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS), COST_MS);
	penalty_forgive(&f.shm, ipv4(1), NOW_MS + 1);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS + 1), COST_MS - 1);
	cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS + 1), 2 * COST_MS - 1);
}

Test(penalty, what_is_older_than_a_minute_does_not_count)
{
	cr_assert_eq(fail(&f.shm, ipv4(1), 9, NOW_MS), 0);
	cr_assert_eq(fail(&f.shm, ipv4(1), 9, NOW_MS + 60000), 0);
	cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS + 60000), COST_MS);
}

/* The window slides: one failure every seven seconds never becomes ten in a minute. */
Test(penalty, a_slow_trickle_is_let_through)
{
	for (unsigned i = 0; i < 100; i++)
		cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS + i * 7000u), 0);
}

Test(penalty, each_further_failure_adds_to_it_up_to_the_most)
{
	cr_assert_eq(fail(&f.shm, ipv4(1), 12, NOW_MS), 3 * COST_MS);
	cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS + 1000), 4 * COST_MS - 1000);
	cr_assert_eq(fail(&f.shm, ipv4(1), 1000, NOW_MS + 2000), rule.max_ms);
	/* Still waiting a minute later, a single failure adds to it. */
	cr_assert_eq(fail(&f.shm, ipv4(1), 1, NOW_MS + 2000 + 70000),
		     rule.max_ms - 70000 + COST_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS + 10000000), 0);
}

Test(penalty, is_known_to_every_worker)
{
	struct shm other = as_worker(&f, 1);

	for (unsigned i = 0; i < 5; i++) {
		fail(&f.shm, ipv4(1), 1, NOW_MS);
		fail(&other, ipv4(1), 1, NOW_MS);
	}
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS), COST_MS);
	cr_assert_eq(penalty_wait_ms(&other, ipv4(1), NOW_MS), COST_MS);
}

Test(penalty, ipv6_pays_by_its_network)
{
	const uint8_t one[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9};
	const uint8_t two[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1, 2, 3};
	const uint8_t far[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9, 9, 9};

	fail(&f.shm, one, 10, NOW_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, two, NOW_MS), COST_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, far, NOW_MS), 0);
}

Test(penalty, switched_off_costs_nobody_anything)
{
	const struct penalty_rule off = {.after = 10, .max_ms = 0};

	for (unsigned i = 0; i < 20; i++) {
		cr_assert_eq(penalty_add(&f.shm, ipv4(1), &off, COST_MS, NOW_MS), 0);
		cr_assert_eq(penalty_add(&f.shm, ipv4(1), &rule, 0, NOW_MS), 0);
	}
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS), 0);
}

/* Many strangers with a failure each don't help the one who has to wait. */
Test(penalty, strangers_cannot_push_out_one_who_waits)
{
	fail(&f.shm, ipv4(0), 10, NOW_MS);
	for (unsigned i = 1; i < 2000; i++)
		fail(&f.shm, ipv4(i), 1, NOW_MS + i % 1000);
	cr_assert_gt(penalty_wait_ms(&f.shm, ipv4(0), NOW_MS + 1000), 0);
}

Test(penalty, a_full_table_takes_the_next_one_all_the_same)
{
	unsigned places = f.shm.sizes->max_penalties;

	/* All wait, the later ones for longer. */
	for (unsigned i = 0; i < places; i++)
		fail(&f.shm, ipv4(i), 10 + i, NOW_MS);
	cr_assert_eq(fail(&f.shm, ipv4(1000), 10, NOW_MS), COST_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1000), NOW_MS), COST_MS);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(0), NOW_MS), 0);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS), 2 * COST_MS);
	/* Whoever gets a place starts from nothing. */
	cr_assert_eq(fail(&f.shm, ipv4(1001), 9, NOW_MS), 0);
}

Test(penalty, begins_anew_after_the_master_was_killed)
{
	fail(&f.shm, ipv4(1), 10, NOW_MS);
	segment_fixture_kill(&f);
	cr_assert_eq(segment_fixture_try(&f), 0);
	cr_assert_eq(penalty_wait_ms(&f.shm, ipv4(1), NOW_MS), 0);
	cr_assert_eq(fail(&f.shm, ipv4(1), 10, NOW_MS), COST_MS);
}
