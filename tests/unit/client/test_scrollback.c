#include "client/scrollback.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scrollback lines;

static void setup(void)
{
	lines = (struct scrollback){0};
}

static void teardown(void)
{
	scrollback_finish(&lines);
}

TestSuite(scrollback, .init = setup, .fini = teardown);

static int add(int64_t seq, enum entry_kind kind)
{
	char text[32];
	struct entry_parts parts = {.seq = seq, .kind = kind, .sender = "bob", .text = text};
	size_t index;

	snprintf(text, sizeof(text), "line %d", (int)seq);
	return scrollback_add(&lines, &parts, &index);
}

/* The seqs in their order; a note is n, what is missing _. */
static void check(const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < lines.count; i++) {
		const struct entry *entry = scrollback_get(&lines, i);
		size_t len = strlen(text);

		if (entry->seq > 0)
			snprintf(text + len, sizeof(text) - len, "%s%d", i > 0 ? " " : "",
				 (int)entry->seq);
		else
			snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
				 entry->kind == ENTRY_BREAK ? "_" : "n");
	}
	cr_assert_str_eq(text, expected);
}

Test(scrollback, keeps_what_an_entry_is_made_of)
{
	struct entry_parts parts = {.seq = 7,
				    .at = 1795197660,
				    .kind = ENTRY_ME,
				    .flags = ENTRY_OWN,
				    .sender = "alice",
				    .text = "waves"};
	const struct entry *entry;
	size_t index;

	cr_assert_eq(scrollback_add(&lines, &parts, &index), 0);
	entry = scrollback_get(&lines, index);
	cr_assert_eq(entry->seq, 7);
	cr_assert_eq(entry->at, 1795197660);
	cr_assert_eq(entry->kind, ENTRY_ME);
	cr_assert_eq(entry->flags, ENTRY_OWN);
	cr_assert_str_eq(entry_sender(entry), "alice");
	cr_assert_str_eq(entry_text(entry), "waves");
	cr_assert_null(scrollback_get(&lines, 1));
}

Test(scrollback, older_lines_come_in_before_the_others_in_their_order)
{
	add(50, ENTRY_MESSAGE);
	add(0, ENTRY_NOTE);
	add(51, ENTRY_MESSAGE);
	for (int64_t seq = 1; seq <= 5; seq++)
		add(seq, ENTRY_MESSAGE);
	check("1 2 3 4 5 50 n 51");
	add(40, ENTRY_MESSAGE);
	check("1 2 3 4 5 40 50 n 51");
}

Test(scrollback, a_note_in_front_makes_way_and_a_break_does_not)
{
	add(0, ENTRY_NOTE);
	add(50, ENTRY_MESSAGE);
	add(49, ENTRY_MESSAGE);
	check("49 n 50");
	scrollback_forget_seqs(&lines);
	add(0, ENTRY_BREAK);
	add(3, ENTRY_MESSAGE);
	add(2, ENTRY_MESSAGE);
	check("n n n _ 2 3");
}

Test(scrollback, a_line_that_is_there_is_not_taken_again)
{
	add(1, ENTRY_MESSAGE);
	add(2, ENTRY_MESSAGE);
	cr_assert_eq(add(1, ENTRY_MESSAGE), -EEXIST);
	cr_assert_eq(add(2, ENTRY_MESSAGE), -EEXIST);
	check("1 2");
}

Test(scrollback, finds_by_seq)
{
	size_t index;

	cr_assert_not(scrollback_find(&lines, 1, &index));
	add(10, ENTRY_MESSAGE);
	add(0, ENTRY_NOTE);
	add(20, ENTRY_MESSAGE);
	cr_assert(scrollback_find(&lines, 10, &index) && index == 0);
	cr_assert(scrollback_find(&lines, 20, &index) && index == 2);
	cr_assert_not(scrollback_find(&lines, 15, &index));
	cr_assert_eq(scrollback_above(&lines, 9), 0);
	cr_assert_eq(scrollback_above(&lines, 10), 2);
	cr_assert_eq(scrollback_above(&lines, 20), 3);
	cr_assert_eq(scrollback_first_seq(&lines), 10);
}

Test(scrollback, holds_its_order_through_thousands_at_both_ends)
{
	for (int64_t i = 0; i < 3000; i++) {
		cr_assert_eq(add(10000 + i, ENTRY_MESSAGE), 0);
		cr_assert_eq(add(9999 - i, ENTRY_MESSAGE), 0);
	}
	for (size_t i = 0; i < 1000; i++)
		scrollback_drop_first(&lines);
	cr_assert_eq(lines.count, 5000);
	for (size_t i = 0; i < lines.count; i++)
		cr_assert_eq(scrollback_get(&lines, i)->seq, 8000 + (int64_t)i);
}

Test(scrollback, an_entry_can_change_its_words)
{
	add(1, ENTRY_MESSAGE);
	cr_assert_eq(scrollback_change(&lines, 0, "other words", ENTRY_EDITED), 0);
	cr_assert_str_eq(entry_text(scrollback_get(&lines, 0)), "other words");
	cr_assert_str_eq(entry_sender(scrollback_get(&lines, 0)), "bob");
	cr_assert_eq(scrollback_get(&lines, 0)->flags, ENTRY_EDITED);
}
