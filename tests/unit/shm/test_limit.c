#include "shm/counters.h"
#include "shm/janitor.h"
#include "shm/limit.h"
#include "tests/shm_segment.h"

#include <criterion/criterion.h>
#include <string.h>

static struct segment_fixture f;

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
}

static void end(void)
{
	segment_fixture_finish(&f);
}

TestSuite(limit, .init = begin, .fini = end);

static void ipv4(uint8_t ip[16], uint8_t last)
{
	const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last};

	memcpy(ip, bytes, 16);
}

Test(limit, pending_connections_of_an_address_are_counted_over_all_workers)
{
	struct shm other = as_worker(&f, 1);
	uint32_t one, two, three;
	uint8_t ip[16];

	ipv4(ip, 1);
	cr_assert_eq(limit_connect(&f.shm, ip, 0, 2, &one), LIMIT_OK);
	cr_assert_eq(limit_connect(&other, ip, 0, 2, &two), LIMIT_OK);
	cr_assert_eq(limit_connect(&f.shm, ip, 0, 2, &three), LIMIT_TOO_MANY_PENDING);
	limit_logged_in(&other, two);
	cr_assert_eq(limit_connect(&f.shm, ip, 0, 2, &three), LIMIT_OK);
	ipv4(ip, 2);
	cr_assert_eq(limit_connect(&f.shm, ip, 0, 2, &three), LIMIT_OK);
}

Test(limit, connections_count_until_they_are_gone)
{
	uint32_t one, two;
	uint8_t ip[16];

	ipv4(ip, 1);
	cr_assert_eq(limit_connect(&f.shm, ip, 1, 0, &one), LIMIT_OK);
	limit_logged_in(&f.shm, one);
	cr_assert_eq(limit_connect(&f.shm, ip, 1, 0, &two), LIMIT_TOO_MANY_CONNECTIONS);
	cr_assert_eq(two, SHM_NONE);
	limit_disconnect(&f.shm, one, false);
	cr_assert_eq(limit_connect(&f.shm, ip, 1, 0, &two), LIMIT_OK);
}

Test(limit, ipv6_counts_by_its_network)
{
	uint8_t one[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9};
	uint8_t two[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1, 2, 3};
	uint8_t far[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9, 9, 9};
	uint32_t at;

	cr_assert_eq(limit_connect(&f.shm, one, 1, 0, &at), LIMIT_OK);
	cr_assert_eq(limit_connect(&f.shm, two, 1, 0, &at), LIMIT_TOO_MANY_CONNECTIONS);
	cr_assert_eq(limit_connect(&f.shm, far, 1, 0, &at), LIMIT_OK);
}

Test(limit, full_table_turns_nobody_away)
{
	uint32_t at, first = SHM_NONE;
	uint8_t ip[16];

	for (unsigned i = 0; i < f.shm.sizes->max_addresses; i++) {
		ipv4(ip, (uint8_t)(i + 1));
		cr_assert_eq(limit_connect(&f.shm, ip, 1, 1, &at), LIMIT_OK);
		cr_assert_neq(at, SHM_NONE);
		first = i == 0 ? at : first;
	}
	ipv4(ip, 200);
	cr_assert_eq(limit_connect(&f.shm, ip, 1, 1, &at), LIMIT_OK);
	cr_assert_eq(at, SHM_NONE);
	limit_logged_in(&f.shm, at);
	limit_disconnect(&f.shm, at, false);
	/* A place that is free again is used again. */
	limit_disconnect(&f.shm, first, true);
	cr_assert_eq(limit_connect(&f.shm, ip, 1, 1, &at), LIMIT_OK);
	cr_assert_eq(at, first);
}

Test(limit, counts_of_a_dead_worker_are_gone)
{
	struct shm other = as_worker(&f, 1);
	uint32_t at;
	uint8_t ip[16];

	ipv4(ip, 1);
	limit_connect(&other, ip, 1, 0, &at);
	janitor_worker_died(&f.shm, 1, false);
	cr_assert_eq(limit_connect(&f.shm, ip, 1, 0, &at), LIMIT_OK);
	limit_disconnect(&f.shm, at, true);
	janitor_worker_born(&f.shm, 1);
	other = as_worker(&f, 1);
	cr_assert_eq(limit_connect(&other, ip, 1, 0, &at), LIMIT_OK);
}

Test(limit, tokens_come_back_with_time)
{
	struct token_rate rate = {.per_s = 10, .burst = 3};
	_Atomic uint64_t bucket = 0;
	uint64_t wait_ms = 0;

	for (int i = 0; i < 3; i++)
		cr_assert(limit_take(&bucket, rate, 1000000, &wait_ms));
	cr_assert_not(limit_take(&bucket, rate, 1000000, &wait_ms));
	cr_assert_eq(wait_ms, 100);
	cr_assert_not(limit_take(&bucket, rate, 1099000, &wait_ms));
	cr_assert_eq(wait_ms, 1);
	cr_assert(limit_take(&bucket, rate, 1100000, &wait_ms));
}

Test(counters, are_summed_over_the_workers_and_named)
{
	struct segment_fixture own;
	struct shm other;

	segment_fixture_start(&own, &segment_fixture_small);
	other = as_worker(&own, 1);
	counter_add(&own.shm, COUNTER_appends_total, 2);
	counter_add(&other, COUNTER_appends_total, 3);
	cr_assert_eq(counter_of(&own.shm, 1, COUNTER_appends_total), 3);
	cr_assert_eq(counter_sum(&own.shm, COUNTER_appends_total), 5);
	/* They outlive the worker; a gauge doesn't. */
	counter_add(&other, COUNTER_connections, 4);
	janitor_worker_died(&own.shm, 1, false);
	janitor_worker_born(&own.shm, 1);
	other = as_worker(&own, 1);
	cr_assert_eq(counter_sum(&own.shm, COUNTER_appends_total), 5);
	cr_assert_eq(counter_sum(&own.shm, COUNTER_connections), 0);
	cr_assert_str_eq(counter_name(COUNTER_appends_total), "appends_total");
	cr_assert_str_eq(counter_help(COUNTER_appends_total), "Lines appended to logs");
	segment_fixture_finish(&own);
}
