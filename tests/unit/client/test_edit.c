#include "client/edit.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static struct edit edit;

static void setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	edit = (struct edit){0};
}

static void teardown(void)
{
	edit_finish(&edit);
}

TestSuite(edit, .init = setup, .fini = teardown);

static enum edit_result type(const char *keys)
{
	enum edit_result result = EDIT_MORE;

	for (const char *at = keys; *at; at++)
		result = edit_byte(&edit, (unsigned char)*at);
	return result;
}

/* The text, with a bar where the cursor is. */
static void check(const char *expected)
{
	struct buf shown = BUF_INIT;

	buf_append(&shown, edit.text.data ? edit.text.data : "", edit.cursor);
	buf_append_char(&shown, '|');
	buf_append_str(&shown, edit.text.data ? edit.text.data + edit.cursor : "");
	cr_assert_str_eq(shown.data, expected);
	buf_finish(&shown);
}

static void enter(const char *line)
{
	struct buf taken = BUF_INIT;

	type(line);
	cr_assert_eq(type("\r"), EDIT_LINE);
	edit_take(&edit, &taken);
	cr_assert_str_eq(taken.data, line);
	buf_finish(&taken);
}

#define LEFT "\x1b[D"
#define RIGHT "\x1b[C"
#define UP "\x1b[A"
#define DOWN "\x1b[B"

Test(edit, inserts_where_the_cursor_is)
{
	type("helo" LEFT "l");
	check("hell|o");
	type(RIGHT "!");
	check("hello!|");
	type("\x1b[H>");
	check(">|hello!");
	type("\x1b[F<");
	check(">hello!<|");
}

Test(edit, a_character_is_whole_whatever_its_bytes)
{
	type("a\u00fc\u65e5\U0001f600");
	check("a\u00fc\u65e5\U0001f600|");
	type(LEFT LEFT);
	check("a\u00fc|\u65e5\U0001f600");
	type("\x7f");
	check("a|\u65e5\U0001f600");
	type("\x1b[3~");
	check("a|\U0001f600");
}

Test(edit, broken_bytes_are_dropped)
{
	type("a\xff\xc3"
	     "b\xe2\x82"
	     "c\x80\xf0\x9f"
	     "d");
	check("abcd|");
	/* C1 controls as characters too */
	type("\xc2\x9b"
	     "e\u00e9");
	check("abcde\u00e9|");
}

Test(edit, emacs_keys_move)
{
	type("one two");
	type("\x01");
	check("|one two");
	type("\x06\x06");
	check("on|e two");
	type("\x02");
	check("o|ne two");
	type("\x05");
	check("one two|");
	type("\x1b"
	     "b");
	check("one |two");
	type("\x1b"
	     "b\x1b"
	     "f");
	check("one| two");
}

Test(edit, emacs_keys_erase_and_bring_back)
{
	type("one two three");
	type("\x17");
	check("one two |");
	type("\x19\x19");
	check("one two threethree|");
	type("\x15");
	check("|");
	type("abc def\x01\x06\x0b");
	check("a|");
	type("\x19");
	check("abc def|");
	type("\x01\x1b"
	     "d");
	check("| def");
	type("\x04");
	check("|def");
	type("\x08");
	check("|def");
}

Test(edit, enter_gives_the_line_and_starts_a_new_one)
{
	enter("hello");
	check("|");
}

Test(edit, history_goes_back_and_forth_and_keeps_the_new_line)
{
	enter("one");
	enter("two");
	enter("two");
	type("new");
	type(UP);
	check("two|");
	type(UP);
	check("one|");
	type(UP);
	check("one|");
	type(DOWN);
	check("two|");
	type("\x0e");
	check("new|");
	type(DOWN);
	check("new|");
	type("\x10!");
	check("two!|");
}

Test(edit, history_forgets_the_oldest)
{
	for (unsigned i = 0; i < EDIT_HISTORY_MAX + 10; i++) {
		char line[16];

		snprintf(line, sizeof(line), "line %u", i);
		enter(line);
	}
	cr_assert_eq(edit.history_count, EDIT_HISTORY_MAX);
	cr_assert_str_eq(edit.history[0], "line 10");
}

Test(edit, control_c_clears_and_control_d_ends_only_an_empty_line)
{
	type("half");
	cr_assert_eq(type("\x03"), EDIT_CLEARED);
	check("|");
	type("x\x01");
	cr_assert_eq(type("\x04"), EDIT_MORE);
	check("|");
	cr_assert_eq(type("\x04"), EDIT_END);
}

Test(edit, other_keys_are_told_to_the_owner)
{
	cr_assert_eq(type("\t"), EDIT_TAB);
	cr_assert_eq(type("\x0c"), EDIT_REDRAW);
	cr_assert_eq(type("\x1a"), EDIT_SUSPEND);
	check("|");
}

Test(edit, unknown_sequences_leave_no_trace)
{
	type("a\x1b[15~\x1b[1;5A\x1bOP\x1b[?1;2c\x1bzb");
	check("ab|");
	type("\x1b[99999999999999999999999999~c");
	cr_assert_not_null(strchr(edit.text.data, 'c'));
}

Test(edit, words_by_control_arrows)
{
	type("one two\x1b[1;5D");
	check("one |two");
	type("\x1b[1;5D\x1b[1;5C");
	check("one| two");
}

Test(edit, a_paste_keeps_its_newlines_and_sends_nothing)
{
	cr_assert_eq(type("\x1b[200~one\rtwo\tx\x03\x1b[201~"), EDIT_MORE);
	check("one\ntwo\tx|");
	cr_assert_eq(type("\r"), EDIT_LINE);
}

Test(edit, completion_replaces_the_word_before_the_cursor)
{
	type("hi bo there\x1b[1;5D\x02");
	check("hi bo| there");
	edit_replace(&edit, 3, "bob");
	check("hi bob| there");
}

Test(edit, a_line_has_an_end)
{
	for (unsigned i = 0; i < EDIT_BYTES_MAX + 100; i++)
		edit_byte(&edit, 'x');
	cr_assert_eq(edit.text.len, EDIT_BYTES_MAX);
}

static void check_rendered(size_t columns, const char *expected, size_t cursor)
{
	struct buf out = BUF_INIT;
	size_t column = 99;

	edit_render(&edit, columns, &out, &column);
	cr_assert_str_eq(out.data ? out.data : "", expected);
	cr_assert_eq(column, cursor, "%zu", column);
	buf_finish(&out);
}

Test(edit, what_fits_is_shown_and_the_cursor_always_is)
{
	check_rendered(10, "", 0);
	type("hello");
	check_rendered(10, "hello", 5);
	type(" wonderful world");
	check_rendered(10, "ful world", 9);
	type("\x01");
	check_rendered(10, "hello won", 0);
	check_rendered(1, "h", 0);
}

Test(edit, wide_characters_take_two_columns)
{
	type("\u65e5\u672c\u8a9e");
	check_rendered(20, "\u65e5\u672c\u8a9e", 6);
	type(LEFT);
	check_rendered(20, "\u65e5\u672c\u8a9e", 4);
	type(RIGHT);
	check_rendered(6, "\u672c\u8a9e", 4);
}

Test(edit, a_newline_shows_as_a_sign)
{
	type("\x1b[200~a\rb\x1b[201~");
	check_rendered(10,
		       "a\u23ce"
		       "b",
		       3);
}

Test(edit, what_is_taken_in_a_row_comes_back_as_one)
{
	type("one two three\x17\x17");
	check("one |");
	type("\x19");
	check("one two three|");
	type("\x01\x1b"
	     "d\x1b"
	     "d\x05\x19");
	check(" threeone two|");
}

Test(edit, meta_y_brings_what_was_taken_before)
{
	type("first\x15second\x15third\x15");
	type("\x19");
	check("third|");
	type("\x1by");
	check("second|");
	type("\x1by");
	check("first|");
	type("\x1by");
	check("third|");
	/* only right behind it */
	type("!\x1by");
	check("third!|");
}

Test(edit, kills_are_shared_where_they_are_given)
{
	struct edit_kills kills = {0};
	struct edit other = {.kills = &kills};

	edit.kills = &kills;
	type("shared\x15");
	edit_byte(&other, 0x19);
	cr_assert_str_eq(other.text.data, "shared");
	edit_finish(&other);
	edit_kills_finish(&kills);
}

Test(edit, undo_goes_back_step_by_step)
{
	struct buf sent = BUF_INIT;

	type("one two");
	type("\x1f");
	check("one |");
	type("\x1f");
	check("|");
	type("\x1f");
	check("|");
	type("one two\x17\x7f");
	check("one|");
	type("\x1f");
	check("one |");
	type("\x1f");
	check("one two|");
	type("\x03");
	check("|");
	type("\x1f");
	check("one two|");
	cr_assert_eq(type("\r"), EDIT_LINE);
	edit_take(&edit, &sent);
	buf_finish(&sent);
	type("\x1f");
	check("|");
}

Test(edit, undo_remembers_only_so_many_steps)
{
	for (unsigned i = 0; i < 2 * EDIT_UNDO_MAX; i++)
		type("x ");
	for (unsigned i = 0; i < 3 * EDIT_UNDO_MAX; i++)
		type("\x1f");
	cr_assert_gt(edit.text.len, 0);
	cr_assert_eq(edit.undo.count, 0);
}

Test(edit, a_completion_is_undone_as_one)
{
	type("/jo");
	edit_replace(&edit, 0, "/join ");
	check("/join |");
	type("\x1f");
	check("/jo|");
}

Test(edit, control_t_changes_characters_over)
{
	type("ab\u00fc");
	type("\x14");
	check("a\u00fc"
	      "b|");
	type("\x01\x06\x14");
	check("\u00fc"
	      "a|b");
	type("\x01\x14");
	check("|\u00fc"
	      "ab");
}

Test(edit, meta_backspace_takes_a_word)
{
	type("one two\x1b\x7f");
	check("one |");
}
