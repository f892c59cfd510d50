#include "worker/history.h"

#include <criterion/criterion.h>

/* A log that holds 11 .. 20. */
static struct history_range decide(enum history_from from, uint64_t seq, unsigned limit)
{
	return history_decide(from, seq, limit, 11, 20);
}

static void expect(struct history_range got, uint64_t first, uint64_t last, bool more)
{
	cr_expect_eq(got.first, first, "%lu", (unsigned long)got.first);
	cr_expect_eq(got.last, last, "%lu", (unsigned long)got.last);
	cr_expect_eq(got.more, more);
	cr_expect_not(got.gone);
}

Test(history, before_takes_the_lines_right_before)
{
	expect(decide(HISTORY_BEFORE, 16, 3), 13, 15, true);
	expect(decide(HISTORY_BEFORE, 16, 5), 11, 15, false);
	expect(decide(HISTORY_BEFORE, 16, 50), 11, 15, false);
	expect(decide(HISTORY_BEFORE, 21, 2), 19, 20, true);
	expect(decide(HISTORY_BEFORE, 1000, 2), 19, 20, true);
	expect(decide(HISTORY_BEFORE, 12, 2), 11, 11, false);
}

Test(history, before_what_is_not_kept_any_more_is_gone)
{
	cr_expect(decide(HISTORY_BEFORE, 11, 3).gone);
	cr_expect(decide(HISTORY_BEFORE, 5, 3).gone);
	cr_expect_not(decide(HISTORY_BEFORE, 1, 3).gone,
		      "before the first line there never was one");
	cr_expect_not(history_decide(HISTORY_BEFORE, 1, 3, 1, 9).gone);
}

Test(history, after_takes_the_lines_right_behind)
{
	expect(decide(HISTORY_AFTER, 15, 3), 16, 18, true);
	expect(decide(HISTORY_AFTER, 15, 5), 16, 20, false);
	expect(decide(HISTORY_AFTER, 20, 5), 21, 20, false);
	expect(decide(HISTORY_AFTER, 99, 5), 21, 20, false);
}

Test(history, after_lost_lines_begins_with_the_oldest)
{
	expect(decide(HISTORY_AFTER, 3, 4), 11, 14, true);
}

Test(history, around_takes_lines_on_both_sides)
{
	expect(decide(HISTORY_AROUND, 15, 3), 14, 16, true);
	expect(decide(HISTORY_AROUND, 15, 1), 15, 15, true);
	expect(decide(HISTORY_AROUND, 11, 4), 11, 14, true);
	expect(decide(HISTORY_AROUND, 20, 4), 17, 20, true);
	expect(decide(HISTORY_AROUND, 15, 100), 11, 20, false);
	expect(decide(HISTORY_AROUND, 99, 2), 19, 20, true);
	cr_expect(decide(HISTORY_AROUND, 10, 4).gone);
}

Test(history, at_begins_with_the_line_it_found)
{
	expect(decide(HISTORY_AT, 15, 2), 15, 16, true);
	expect(decide(HISTORY_AT, 21, 2), 21, 20, false);
}

Test(history, an_empty_log_has_no_lines)
{
	for (enum history_from from = HISTORY_BEFORE; from <= HISTORY_AT; from++) {
		struct history_range range = history_decide(from, 1, 10, 1, 0);

		cr_expect_eq(range.last + 1, range.first);
		cr_expect_not(range.more);
		cr_expect_not(range.gone);
	}
}
