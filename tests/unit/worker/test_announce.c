#include "worker/announce.h"

#include <criterion/criterion.h>

/* A log that holds 11 .. 20, of epoch 7. */
static struct announcement decide(struct cursor cursor, unsigned limit)
{
	return announce_decide(&cursor, 7, 11, 20, limit);
}

static void expect(struct announcement got, bool reset, uint64_t after, uint64_t count)
{
	cr_expect_eq(got.reset, reset);
	cr_expect_eq(got.after, after);
	cr_expect_eq(got.count, count);
}

Test(announce, without_a_cursor_it_is_the_last_lines)
{
	expect(decide((struct cursor){0}, 3), false, 17, 3);
	expect(decide((struct cursor){0}, 10), false, 10, 10);
	expect(decide((struct cursor){0}, 50), false, 10, 10);
}

Test(announce, limit_0_begins_at_the_head)
{
	expect(decide((struct cursor){0}, 0), false, 20, 0);
}

Test(announce, a_cursor_that_holds_is_kept_whatever_the_limit)
{
	expect(decide((struct cursor){.has_after = true, .after = 15}, 2), false, 15, 5);
	expect(decide((struct cursor){.has_after = true, .after = 20}, 2), false, 20, 0);
	expect(decide((struct cursor){.has_after = true, .after = 10}, 2), false, 10, 10);
	expect(decide(
		       (struct cursor){
			       .has_epoch = true, .epoch = 7, .has_after = true, .after = 19},
		       2),
	       false, 19, 1);
}

Test(announce, a_cursor_beyond_the_head_is_reset)
{
	expect(decide((struct cursor){.has_after = true, .after = 21}, 2), true, 10, 10);
}

Test(announce, a_cursor_of_another_epoch_is_reset)
{
	expect(decide(
		       (struct cursor){
			       .has_epoch = true, .epoch = 8, .has_after = true, .after = 15},
		       2),
	       true, 10, 10);
	expect(decide((struct cursor){.has_epoch = true, .epoch = 0, .has_after = true, .after = 0},
		      2),
	       true, 10, 10);
}

Test(announce, lost_lines_announce_nothing)
{
	expect(decide((struct cursor){.has_after = true, .after = 9}, 2), false, 9, 0);
	expect(decide((struct cursor){.has_after = true, .after = 0}, 2), false, 0, 0);
}

Test(announce, an_empty_log_has_nothing_to_announce)
{
	struct cursor none = {0}, start = {.has_after = true, .after = 0};

	expect(announce_decide(&none, 7, 1, 0, 50), false, 0, 0);
	expect(announce_decide(&start, 7, 1, 0, 50), false, 0, 0);
	expect(announce_decide(&start, 7, 9, 8, 50), false, 0, 0);
}
