#include "client/duration.h"

#include <criterion/criterion.h>
#include <errno.h>

static void check(const char *text, int64_t expected)
{
	int64_t ms = -1;

	cr_assert_eq(duration_parse(text, &ms), 0, "%s", text);
	cr_assert_eq(ms, expected, "%s: %lld", text, (long long)ms);
}

Test(duration, is_written_with_its_unit)
{
	check("200ms", 200);
	check("2s", 2000);
	check("3", 3000);
	check("0.5", 500);
	check("1.25s", 1250);
	check("30m", 1800000);
	check("30min", 1800000);
	check("2h", 7200000);
	check("1h30m", 5400000);
	check("1d", 86400000);
	check("1w", 604800000);
	check("0", 0);
}

Test(duration, what_is_none_is_refused)
{
	static const char *const texts[] = {"",         "h",   "-1",  "1 h", "1x",  "1.",
					    ".5",       "1hh", "1,5", "ms",  "1h-", "9999999999999",
					    "99999999w"};
	int64_t ms = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(duration_parse(texts[i], &ms), -EINVAL, "%s", texts[i]);
	cr_assert_eq(ms, 7);
}

Test(duration, a_moment_is_so_long_ago_or_a_timestamp)
{
	int64_t now = INT64_C(1795197660000), ms;

	cr_assert_eq(duration_parse_since("2h", now, &ms), 0);
	cr_assert_eq(ms, now - 7200000);
	cr_assert_eq(duration_parse_since("2026-11-20T17:00:00Z", now, &ms), 0);
	cr_assert_eq(ms, INT64_C(1795194000000));
	cr_assert_eq(duration_parse_since("100w", 5, &ms), 0);
	cr_assert_eq(ms, 1);
	cr_assert_eq(duration_parse_since("yesterday", now, &ms), -EINVAL);
}
