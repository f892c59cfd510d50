/*
 * What is printed for people, whatever it was: UTF-8 without anything that drives a terminal,
 * turns the reading order, is not seen, or towers. The rules are written here once more, by hand.
 */
#include "client/clean.h"
#include "client/utf8.h"
#include "proto/text.h"

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void check_character(uint32_t c, enum clean_form form)
{
	if (c == '\n' || c == '\t')
		check(form != CLEAN_LINE, "one line");
	else
		check(c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0), "no control");
	if (form == CLEAN_SEND)
		return;
	check(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069) && c != 0x200e &&
		      c != 0x200f && c != 0x061c,
	      "no bidi control");
	check(!(c >= 0xe0000 && c <= 0xe0fff), "no tag");
	check(c != 0x200b && c != 0x2060 && c != 0xfeff && c != 0x00ad && c != 0x034f,
	      "nothing of no width");
}

static void check_text(const struct buf *text, enum clean_form form)
{
	unsigned marks = 0;

	check(text_is_utf8(text->data, text->len), "UTF-8");
	for (size_t at = 0; at < text->len;) {
		uint32_t c;

		at += utf8_decode(text->data + at, text->len - at, &c);
		check_character(c, form);
		marks = c == '\n' || c == '\t' || utf8_width(c) > 0 ? 0 : marks + 1;
		check(form == CLEAN_SEND || marks <= CLEAN_MARKS_MAX, "no tower of marks");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum clean_form forms[] = {CLEAN_TEXT, CLEAN_LINE, CLEAN_SEND};
	struct buf first = BUF_INIT, second = BUF_INIT;

	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		buf_reset(&first);
		buf_reset(&second);
		clean_append(&first, (const char *)data, size, forms[i]);
		check(!first.failed, "memory");
		if (first.len == 0)
			continue;
		check_text(&first, forms[i]);
		clean_append(&second, first.data, first.len, forms[i]);
		check(second.len == first.len && memcmp(second.data, first.data, first.len) == 0,
		      "what is clean stays as it is");
	}
	buf_finish(&first);
	buf_finish(&second);
	return 0;
}
