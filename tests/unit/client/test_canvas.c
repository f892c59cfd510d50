#include "client/canvas.h"

#include <criterion/criterion.h>
#include <locale.h>

static struct canvas canvas;

static void setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	cr_assert_eq(canvas_resize(&canvas, 2, 10), 0);
}

static void teardown(void)
{
	canvas_finish(&canvas);
}

TestSuite(canvas, .init = setup, .fini = teardown);

static void check(size_t row, const char *expected)
{
	struct buf text = BUF_INIT;

	canvas_row_text(&canvas, row, &text);
	cr_assert_str_eq(text.data ? text.data : "", expected);
	buf_finish(&text);
}

Test(canvas, text_is_cut_at_its_limit)
{
	cr_assert_eq(canvas_put_str(&canvas, 0, 2, 6, 0, "abcdefgh"), 6);
	check(0, "  abcd");
	cr_assert_eq(canvas_put_str(&canvas, 1, 8, 99, 0, "xyz"), 10);
	check(1, "        xy");
	cr_assert_eq(canvas_put_str(&canvas, 2, 0, 9, 0, "outside"), 0);
}

Test(canvas, a_wide_character_takes_two_cells_or_is_left_out)
{
	cr_assert_eq(canvas_put_str(&canvas, 0, 0, 5, 0, "\u65e5\u672c\u8a9e"), 4);
	check(0, "\u65e5\u672c");
	cr_assert_eq(canvas.cells[0].width, 2);
	cr_assert_eq(canvas.cells[1].width, 0);
}

Test(canvas, half_a_wide_character_is_never_left_standing)
{
	canvas_put_str(&canvas, 0, 0, 10, 0, "\u65e5\u672c");
	canvas_put_str(&canvas, 0, 1, 10, 0, "x");
	check(0, " x\u672c");
	canvas_put_str(&canvas, 0, 2, 10, 0, "y");
	check(0, " xy");
}

Test(canvas, marks_combine_with_what_stands_before_them)
{
	cr_assert_eq(canvas_put_str(&canvas, 0, 0, 10, 0, "e\u0301!"), 2);
	check(0, "e\u0301!");
	/* more than a cell holds are dropped, none without a base is drawn */
	canvas_put_str(&canvas, 1, 0, 10, 0, "\u0301a\u0301\u0301\u0301\u0301\u0301");
	check(1, "a\u0301\u0301\u0301");
}

Test(canvas, what_terminals_measure_differently_is_left_out)
{
	/* woman, joiner, laptop; heart and its selector; thumb and a skin tone */
	cr_assert_eq(canvas_put_str(&canvas, 0, 0, 10, 0, "\U0001f469\u200d\U0001f4bb"), 4);
	check(0, "\U0001f469\U0001f4bb");
	cr_assert_eq(canvas_put_str(&canvas, 1, 0, 10, 0, "\u2764\ufe0f\U0001f44d\U0001f3fd"), 3);
	check(1, "\u2764\U0001f44d");
	cr_assert_eq(canvas_columns("\u2764\ufe0f\U0001f44d\U0001f3fd", 14), 3);
}

Test(canvas, controls_are_blanks)
{
	canvas_put_str(&canvas, 0, 0, 10, 0, "a\tb\x1b[c");
	check(0, "a b [c");
}

Test(canvas, styles_are_added_to_what_stands_there)
{
	canvas_put_str(&canvas, 0, 0, 10, STYLE_BOLD | 3, "abc");
	canvas_style(&canvas, 0, 1, 2, STYLE_REVERSE);
	cr_assert_eq(canvas.cells[0].style, STYLE_BOLD | 3);
	cr_assert_eq(canvas.cells[1].style, STYLE_BOLD | STYLE_REVERSE | 3);
	canvas_fill(&canvas, 1, 0, 10, 0, "\u2500");
	check(1, "\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500");
}
