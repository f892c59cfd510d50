#include "worker/startups.h"

#include <criterion/criterion.h>

#define TRIES 4000u

static unsigned dropped(uint64_t count, uint64_t max)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < TRIES; i++)
		sum += startups_drop(count, max);
	return sum;
}

Test(startups, none_goes_up_to_half_of_the_number)
{
	cr_assert_eq(dropped(50, 100), 0);
}

Test(startups, one_goes_for_each_that_comes_at_the_full_number)
{
	cr_assert_eq(dropped(100, 100), TRIES);
	cr_assert_eq(dropped(1000, 100), TRIES);
}

/* Six standard deviations are 190 of 4000 at most. */
Test(startups, the_chance_grows_evenly_in_between)
{
	for (uint64_t count = 51; count < 100; count += 6) {
		unsigned expected = TRIES * (unsigned)(count - 50) / 50, sum = dropped(count, 100);

		cr_assert(sum + 190 > expected && sum < expected + 190, "%u of %u", sum, expected);
	}
}

Test(startups, small_numbers_work_as_well)
{
	cr_assert_eq(dropped(0, 1), 0);
	cr_assert_eq(dropped(1, 1), TRIES);
	cr_assert_eq(dropped(2, 2), TRIES);
}

Test(startups, nobody_goes_where_there_is_no_limit)
{
	cr_assert_eq(dropped(UINT64_MAX, 0), 0);
}
