#include "client/clean.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

static void check(const char *in, size_t len, enum clean_form form, const char *expected)
{
	struct buf out = BUF_INIT;

	clean_append(&out, in, len, form);
	cr_assert_str_eq(out.data ? out.data : "", expected);
	buf_finish(&out);
}

#define CHECK(in, expected) check(in, sizeof(in) - 1, CLEAN_TEXT, expected)

Test(clean, ordinary_text_stays_as_it_is)
{
	CHECK("", "");
	CHECK("hello, world", "hello, world");
	CHECK("gr\u00fc\u00df Gott \u65e5\u672c\u8a9e \U0001f600 \u05e9\u05dc\u05d5\u05dd",
	      "gr\u00fc\u00df Gott \u65e5\u672c\u8a9e \U0001f600 \u05e9\u05dc\u05d5\u05dd");
}

Test(clean, every_control_but_newline_and_tab_goes)
{
	struct buf out = BUF_INIT;

	for (unsigned c = 0; c < 0xa0; c++) {
		char in[5] = "x";
		size_t len = 1;

		if (c < 0x80) {
			in[len++] = (char)c;
		} else {
			in[len++] = (char)0xc2;
			in[len++] = (char)c;
		}
		in[len++] = 'y';
		buf_reset(&out);
		clean_append(&out, in, len, CLEAN_TEXT);
		if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f))
			cr_assert_eq(out.len, len, "%x", c);
		else
			cr_assert_str_eq(out.data, "xy", "%x", c);
	}
	buf_finish(&out);
}

Test(clean, an_escape_sequence_never_reaches_the_terminal)
{
	CHECK("\x1b]0;owned\x07\x1b[31mred\x1b[0m", "]0;owned[31mred[0m");
	CHECK("\xc2\x9b"
	      "2J",
	      "2J");
}

Test(clean, bidi_controls_go)
{
	CHECK("a\u202eb\u202cc\u2066d\u2069e\u200ef\u200fg\u061ch", "abcdefgh");
	CHECK("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "");
}

Test(clean, invisible_characters_and_tags_go)
{
	CHECK("a\u200bb\u2060c\ufeffd\u00ade", "abcde");
	CHECK("x\U000e0041\U000e0042\U000e007fy", "xy");
	CHECK("x\U000e0100y", "xy");
	CHECK("a\u2028b\u2029c", "abc");
}

Test(clean, a_joiner_stays_only_where_it_joins)
{
	CHECK("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469");
	CHECK("a\u200db\u200cc", "abc");
	CHECK("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
	      "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645");
}

Test(clean, a_tower_of_marks_is_cut)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	CHECK("a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301b",
	      "a\u0301\u0301\u0301\u0301\u0301b");
	/* what is dropped between them does not begin a new one */
	CHECK("a\u0301\u0302\u0303\u200b\u0304\u0305\u2060\u0306\u202e\u0307b",
	      "a\u0301\u0302\u0303\u0304\u0305b");
	CHECK("a\u0301\u0302\u0303b\u0301\u0302\u0303", "a\u0301\u0302\u0303b\u0301\u0302\u0303");
	/* Thai, Hebrew with its points, decomposed Hangul */
	CHECK("\u0e17\u0e35\u0e48 \u05d1\u05bc\u05b0\u0591 \u1112\u1161\u11ab",
	      "\u0e17\u0e35\u0e48 \u05d1\u05bc\u05b0\u0591 \u1112\u1161\u11ab");
	/* blanks are no marks */
	CHECK("\t\t\t\t\t\t\t\n\n", "\t\t\t\t\t\t\t\n\n");
}

Test(clean, a_variation_stays_only_where_there_are_two)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	CHECK("\u2764\ufe0f 1\ufe0f\u20e3 \u00a9\ufe0e", "\u2764\ufe0f 1\ufe0f\u20e3 \u00a9\ufe0e");
	CHECK("a\ufe0fb\ufe0e \u2764\ufe0f\ufe0f\ufe0e", "ab \u2764\ufe0f");
	CHECK("\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308");
}

Test(clean, what_is_no_character_goes)
{
	CHECK("a\ufffe\uffff\ufdd0\U0001fffe\U0010ffffb", "ab");
}

Test(clean, what_is_not_utf8_is_replaced)
{
	CHECK("a\xff"
	      "b",
	      "a\ufffd"
	      "b");
	CHECK("\xc3", "\ufffd");
	CHECK("\xe2\x82", "\ufffd");
	CHECK("\xc0\xaf", "\ufffd\ufffd");
	CHECK("\xed\xa0\x80", "\ufffd");
	CHECK("\xf4\x90\x80\x80", "\ufffd");
	CHECK("\xe2\x82\x1b[0m", "\ufffd[0m");
	/* an overlong escape is no escape */
	CHECK("\xc0\x9b[0m", "\ufffd\ufffd[0m");
}

Test(clean, one_line_has_no_newline_and_no_tab)
{
	check("a\nb\tc", 5, CLEAN_LINE, "a b c");
}

Test(clean, what_is_sent_loses_only_what_no_server_takes)
{
	check("a\x1b[1mb\x7f\u202ec\td", 13, CLEAN_SEND, "a[1mb\u202ec\td");
}

Test(clean, nothing_is_an_empty_string)
{
	struct buf out = BUF_INIT;

	clean_append_str(&out, NULL, CLEAN_TEXT);
	cr_assert_eq(out.len, 0);
	clean_append_str(&out, "x", CLEAN_TEXT);
	cr_assert_str_eq(out.data, "x");
	buf_finish(&out);
}
