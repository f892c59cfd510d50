#include "worker/startups.h"

#include <criterion/criterion.h>

Test(startups, none_goes_up_to_half_of_the_number)
{
	for (uint32_t dice = 0; dice < 100; dice++)
		cr_assert_not(startups_drop(50, 100, dice));
}

Test(startups, one_goes_for_each_that_comes_at_the_full_number)
{
	for (uint32_t dice = 0; dice < 100; dice++) {
		cr_assert(startups_drop(100, 100, dice));
		cr_assert(startups_drop(1000, 100, dice));
	}
}

Test(startups, the_chance_grows_evenly_in_between)
{
	for (uint64_t count = 51; count < 100; count++) {
		unsigned dropped = 0;

		for (uint32_t dice = 0; dice < 50; dice++)
			dropped += startups_drop(count, 100, dice);
		cr_assert_eq(dropped, count - 50);
	}
}

Test(startups, small_numbers_work_as_well)
{
	cr_assert_not(startups_drop(0, 1, 7));
	cr_assert(startups_drop(1, 1, 7));
	cr_assert(startups_drop(2, 2, 7));
}

Test(startups, nobody_goes_where_there_is_no_limit)
{
	cr_assert_not(startups_drop(UINT64_MAX, 0, 7));
}
