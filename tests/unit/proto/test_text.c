#include "proto/text.h"

#include <criterion/criterion.h>
#include <string.h>

Test(text, utf8_is_what_rfc_3629_says)
{
	static const char *const good[] = {"",
					   "plain",
					   "\xc3\xa9",
					   "\xe2\x82\xac",
					   "\xf0\x9f\x98\x80",
					   "\xc2\x80",
					   "\xe0\xa0\x80",
					   "\xed\x9f\xbf",
					   "\xee\x80\x80",
					   "\xf0\x90\x80\x80",
					   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xbf",
					  "\xc0\xaf",
					  "\xc1\xbf",
					  "\xe0\x80\xaf",
					  "\xe0\x9f\xbf",
					  "\xf0\x80\x80\xaf",
					  "\xf0\x8f\xbf\xbf",
					  "\xed\xa0\x80",
					  "\xed\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xfe",
					  "\xff",
					  "\xc3",
					  "\xe2\x82",
					  "\xf0\x9f\x98",
					  "\xc3(",
					  "\xe2\x28\xa1",
					  "ok\xc3"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert(text_is_utf8(good[i], strlen(good[i])), "good %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(text_is_utf8(bad[i], strlen(bad[i])), "bad %zu", i);
}

Test(text, next_takes_one_character)
{
	uint32_t character;

	cr_assert_eq(text_next("a", 1, &character), 1);
	cr_assert_eq(character, 'a');
	cr_assert_eq(text_next("\xf0\x9f\x98\x80!", 5, &character), 4);
	cr_assert_eq(character, 0x1f600);
	cr_assert_eq(text_next("\xf0\x9f\x98\x80", 3, &character), 0);
}

Test(text, characters_are_code_points)
{
	cr_assert_eq(text_characters(TEXT("")), 0);
	cr_assert_eq(text_characters(TEXT("abc")), 3);
	cr_assert_eq(text_characters(TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 3);
	cr_assert_eq(text_characters(TEXT("e\xcc\x81")), 2);
}

Test(text, blank_is_what_nobody_can_see)
{
	cr_assert(text_is_blank(TEXT("")));
	cr_assert(text_is_blank(TEXT(" \t\n")));
	cr_assert(text_is_blank(TEXT("\xc2\xa0\xe3\x80\x80\xe2\x80\x8b\xef\xbb\xbf\xe2\x81\xa0")));
	cr_assert_not(text_is_blank(TEXT(" . ")));
	cr_assert_not(text_is_blank(TEXT("\xc3\xa9")));
	cr_assert_not(text_is_blank(TEXT("\xe2\x80\x94")), "a dash is seen");
}

Test(text, controls_are_c0_del_and_c1)
{
	cr_assert(text_has_controls(TEXT("a\x01"), true));
	cr_assert(text_has_controls(TEXT("a\rb"), true));
	cr_assert(text_has_controls(TEXT("\x1b[31m"), true));
	cr_assert(text_has_controls(TEXT("\x7f"), true));
	cr_assert(text_has_controls(TEXT("\xc2\x80"), true));
	cr_assert(text_has_controls(TEXT("\xc2\x9f"), true));
	cr_assert_not(text_has_controls(TEXT("\xc2\xa0"), true));
	cr_assert_not(text_has_controls(TEXT("plain \xe2\x82\xac text"), false));
}

Test(text, newline_and_tab_are_fine_in_lines_only)
{
	cr_assert_not(text_has_controls(TEXT("a\n\tb"), true));
	cr_assert(text_has_controls(TEXT("a\nb"), false));
	cr_assert(text_has_controls(TEXT("a\tb"), false));
}

Test(text, equal_texts_have_equal_bytes)
{
	cr_assert(text_equals(TEXT("abc"), "abc"));
	cr_assert_not(text_equals(TEXT("abc"), "ab"));
	cr_assert_not(text_equals(TEXT("abc"), "abd"));
	cr_assert(text_equals(TEXT_NONE, ""));
	cr_assert_eq(text_from("abc").len, 3);
}
