#include "client/wrap.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

static void check(const char *text, size_t columns, size_t hang, const char *expected)
{
	struct buf out = BUF_INIT;

	setlocale(LC_CTYPE, "C.UTF-8");
	wrap_append(text, columns, hang, &out);
	cr_assert_str_eq(out.data ? out.data : "", expected);
	buf_finish(&out);
}

Test(wrap, what_fits_stays_as_it_is)
{
	check("", 30, 2, "");
	check("one two", 30, 2, "one two");
	check("one\n\n  two\n", 30, 2, "one\n\n  two\n");
	check("123456789 123456789 1234567890", 30, 2, "123456789 123456789 1234567890");
}

Test(wrap, a_line_is_broken_between_words_and_indented)
{
	check("123456789 123456789 1234567890 and more", 30, 2,
	      "123456789 123456789 1234567890\n  and more");
	check("123456789 123456789 123456789   next", 30, 2,
	      "123456789 123456789 123456789\n  next");
	check("123456789 123456789 123456789 123456789 123456789 123456789 x", 30, 6,
	      "123456789 123456789 123456789\n      123456789 123456789\n      123456789 x");
}

Test(wrap, an_indented_line_goes_on_as_far_in)
{
	check("        123456789 123456789 123456789", 30, 2,
	      "        123456789 123456789\n        123456789");
}

Test(wrap, a_list_goes_on_in_its_second_column)
{
	check("  name    what it is, and what it may be", 32, 2,
	      "  name    what it is, and what\n          it may be");
	check("  name  what it is, and what it may be", 26, 2,
	      "  name  what it is, and\n  what it may be");
	check("  a name without a second column", 26, 2, "  a name without a second\n  column");
	check("   three  blanks are no list, they are code", 34, 2,
	      "   three  blanks are no list, they\n   are code");
}

Test(wrap, a_word_that_fits_no_line_stays_whole)
{
	check("see https://example.org/a/very/long/address/of/a/page for more", 30, 2,
	      "see\n  https://example.org/a/very/long/address/of/a/page\n  for more");
}

Test(wrap, wide_characters_are_counted_and_may_be_parted)
{
	check("12345678901234567890 \u65e5\u672c\u8a9e\u65e5\u672c\u8a9e", 30, 2,
	      "12345678901234567890 \u65e5\u672c\u8a9e\u65e5\n  \u672c\u8a9e");
	check("e\u0301e\u0301e\u0301e\u0301e\u0301 1234567890123456789 12345", 30, 2,
	      "e\u0301e\u0301e\u0301e\u0301e\u0301 1234567890123456789\n  12345");
}

Test(wrap, colors_take_no_room)
{
	check("\x1b[1m123456789\x1b[0m 123456789 \x1b[38;5;12m1234567890\x1b[0m", 30, 2,
	      "\x1b[1m123456789\x1b[0m 123456789 \x1b[38;5;12m1234567890\x1b[0m");
}

Test(wrap, nothing_is_broken_where_there_is_no_room)
{
	check("123456789 123456789 123456789", 21, 2, "123456789 123456789 123456789");
}
