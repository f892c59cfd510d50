#include "base/token_bucket.h"

#include <criterion/criterion.h>

static unsigned take_all(struct token_rate rate, uint64_t *word, uint64_t now_us)
{
	uint64_t wait_us;
	unsigned taken = 0;

	while (taken < 1000 && token_bucket_take(rate, *word, now_us, word, &wait_us))
		taken++;
	return taken;
}

Test(token_bucket, a_zeroed_word_is_a_full_bucket)
{
	uint64_t word = 0;

	cr_assert_eq(take_all((struct token_rate){10, 30}, &word, 5000000), 30);
}

Test(token_bucket, refills_at_its_rate_and_tells_the_wait)
{
	struct token_rate rate = {10, 30};
	uint64_t word = 0, wait_us = 0;

	take_all(rate, &word, 5000000);
	cr_assert_not(token_bucket_take(rate, word, 5000000, &word, &wait_us));
	cr_assert_eq(wait_us, 100000);
	cr_assert_eq(take_all(rate, &word, 5000000 + wait_us), 1);
	cr_assert_eq(take_all(rate, &word, 5000000 + 1100000), 10);
}

Test(token_bucket, rate_zero_is_no_limit)
{
	uint64_t word = 0;

	cr_assert_eq(take_all((struct token_rate){0, 0}, &word, 1), 1000);
}
