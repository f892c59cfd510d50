#include "client/keyboard.h"

#include <criterion/criterion.h>
#include <string.h>

static struct keyboard keyboard;
static struct buf heard;

static void setup(void)
{
	keyboard = (struct keyboard){0};
}

static void teardown(void)
{
	keyboard_finish(&keyboard);
	buf_finish(&heard);
}

TestSuite(keyboard, .init = setup, .fini = teardown);

static void on_key(void *owner, const char *name, const char *bytes, size_t len)
{
	(void)owner;
	buf_append_str(&heard, heard.len > 0 ? " " : "");
	if (name[0] && strcmp(name, "Paste") != 0) {
		buf_append_str(&heard, name);
		return;
	}
	buf_append_str(&heard, name);
	buf_append_char(&heard, '(');
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == 0x1b)
			buf_append_str(&heard, "ESC");
		else
			buf_append_char(&heard, bytes[i]);
	}
	buf_append_char(&heard, ')');
}

static void check(const char *bytes, const char *expected)
{
	buf_reset(&heard);
	for (; *bytes; bytes++)
		keyboard_byte(&keyboard, (unsigned char)*bytes, on_key, NULL);
	cr_assert_str_eq(heard.data ? heard.data : "", expected);
}

#define ESC "\x1b"

Test(keyboard, keys_have_names)
{
	check("a", "(a)");
	check("\x0e\x10\x1f\r\t", "C-n C-p C-_ Enter Tab");
	check(ESC "a" ESC "1" ESC "0", "M-a M-1 M-0");
	check(ESC "[5~" ESC "[6~", "PgUp PgDn");
	check(ESC "[1;3H" ESC "[1;3F", "M-Home M-End");
	check(ESC "[A" ESC "OB", "Up Down");
	check(ESC "\r", "M-Enter");
	check(ESC "[I" ESC "[O", "FocusIn FocusOut");
}

Test(keyboard, what_it_does_not_know_goes_to_the_line_as_it_came)
{
	check(ESC "[1;5D", "(ESC[1;5D)");
	check("\xc3\xbc", "(\xc3) (\xbc)");
	check("\x7f", "(\x7f)");
}

Test(keyboard, an_escape_alone_is_one_when_nothing_follows)
{
	check(ESC, "");
	cr_assert(keyboard_is_open(&keyboard));
	keyboard_settle(&keyboard, on_key, NULL);
	cr_assert_str_eq(heard.data, "Esc");
	cr_assert_not(keyboard_is_open(&keyboard));
	check(ESC ESC "a", "Esc M-a");
}

Test(keyboard, a_paste_is_one_key_and_keys_in_it_are_none)
{
	check(ESC "[200~one\r\ntwo\rthree\x03" ESC "[A" ESC "[201~x", "Paste(one\ntwo\nthree\x03"
								      "ESC[A) (x)");
}

Test(keyboard, a_paste_without_end_is_bounded)
{
	check(ESC "[200~", "");
	for (size_t i = 0; i < (3u << 20); i++)
		keyboard_byte(&keyboard, 'x', on_key, NULL);
	cr_assert_leq(keyboard.paste.len, 1u << 20);
	buf_reset(&heard);
	for (const char *at = ESC "[201~"; *at; at++)
		keyboard_byte(&keyboard, (unsigned char)*at, on_key, NULL);
	cr_assert_eq(strncmp(heard.data, "Paste(xxx", 9), 0);
	check("y", "(y)");
}
