#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, formats_what_it_parses)
{
	char text[TIMESTAMP_SIZE];
	int64_t ms = 0;

	cr_assert_eq(clock_parse("2026-11-20T17:00:00.123Z", &ms), 0);
	clock_format(text, ms);
	cr_assert_str_eq(text, "2026-11-20T17:00:00.123Z");
	cr_assert_eq(ms, INT64_C(1795194000123));
}

Test(clock, takes_offsets_and_leap_days)
{
	int64_t a = 0, b = 0;

	cr_assert_eq(clock_parse("2024-02-29T01:30:00+02:00", &a), 0);
	cr_assert_eq(clock_parse("2024-02-28T23:30:00Z", &b), 0);
	cr_assert_eq(a, b);
}

Test(clock, refuses_what_is_no_time)
{
	static const char *const bad[] = {
		"",
		"2026-11-20",
		"2026-11-20T17:00:00",
		"2026-13-20T17:00:00Z",
		"2026-02-29T17:00:00Z",
		"2026-11-20T24:00:00Z",
		"2026-11-20T17:00:00.Z",
		"2026-11-20T17:00:00Z ",
		"2026-11-20T17:00:00+0200",
	};
	int64_t ms = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_neq(clock_parse(bad[i], &ms), 0, "took %s", bad[i]);
}
