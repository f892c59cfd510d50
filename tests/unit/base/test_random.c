#include "base/random.h"

#include <criterion/criterion.h>
#include <string.h>

Test(random, bytes_fill_all_of_it)
{
	unsigned char a[1000] = {0}, b[1000] = {0};
	unsigned zeros = 0;

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
	for (size_t i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	cr_assert_lt(zeros, 50);
}

Test(random, below_stays_below_and_reaches_every_number)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < 1000; i++) {
		uint64_t value = random_below(5);

		cr_assert_lt(value, 5);
		seen |= 1u << value;
	}
	cr_assert_eq(seen, 31);
	cr_assert_eq(random_below(1), 0);
}

Test(random, a_number_is_never_zero_and_hardly_the_same_twice)
{
	cr_assert_neq(random_u64(), 0);
	cr_assert_neq(random_u64(), random_u64());
}
