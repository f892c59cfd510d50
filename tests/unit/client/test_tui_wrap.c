#include "client/tui_wrap.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

static void setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

TestSuite(tui_wrap, .init = setup);

/* The rows with bars between them. */
static void check(const char *text, size_t width, const char *expected)
{
	struct buf rows = BUF_INIT;
	struct tui_wrap_row row;
	size_t at = 0, count = 0;

	buf_append_str(&rows, "");
	while (tui_wrap_next(text, strlen(text), width, &at, &row)) {
		buf_append_str(&rows, count++ > 0 ? "|" : "");
		buf_append(&rows, text + row.from, row.len);
	}
	cr_assert_str_eq(rows.data ? rows.data : "", expected);
	cr_assert_eq(tui_wrap_count(text, strlen(text), width), count > 0 ? count : 1);
	buf_finish(&rows);
}

Test(tui_wrap, breaks_behind_the_last_blank_that_fits)
{
	check("one two three", 20, "one two three");
	check("one two three", 8, "one two|three");
	check("one two three", 7, "one two|three");
	check("one two three", 6, "one|two|three");
	check("one  two", 4, "one|two");
}

Test(tui_wrap, breaks_a_word_that_fits_nowhere)
{
	check("abcdefgh", 3, "abc|def|gh");
	check("a bcdefgh", 4, "a|bcde|fgh");
}

Test(tui_wrap, a_newline_begins_a_row_and_blanks_in_front_stay)
{
	check("one\ntwo", 10, "one|two");
	check("one\n\ntwo", 10, "one||two");
	check("  code\n    more", 20, "  code|    more");
	check("one\n", 10, "one|");
}

Test(tui_wrap, an_empty_text_is_one_row)
{
	check("", 5, "");
}

Test(tui_wrap, no_character_is_parted_however_narrow)
{
	check("\u65e5\u672c\u8a9e", 4, "\u65e5\u672c|\u8a9e");
	check("\u65e5\u672c", 1, "\u65e5|\u672c");
	check("ae\u0301e\u0301", 2, "ae\u0301|e\u0301");
	check("x\U0001f44d\U0001f3fd", 2, "x|\U0001f44d\U0001f3fd");
}
