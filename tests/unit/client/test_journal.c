#include "client/journal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/journal-XXXXXX";
static char base[64];
static struct journal journal;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(base, sizeof(base), "%s/alice@localhost:8080", folder);
}

static void teardown(void)
{
	char command[64];

	journal_close(&journal);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(journal, .init = setup, .fini = teardown);

Test(journal, tells_the_next_run_what_was_gathered)
{
	cr_assert_eq(journal_open(&journal, base, "feed", "p"), 0);
	cr_assert_eq(journal_find(&journal, 1), 0);
	cr_assert_eq(journal_note(&journal, 1, 3, true), 0);
	cr_assert_eq(journal_note(&journal, 4, 9, false), 0);
	journal_close(&journal);
	cr_assert_eq(journal_open(&journal, base, "feed", "p"), 0);
	cr_assert_eq(journal_find(&journal, 1), 3);
	cr_assert_eq(journal_find(&journal, 4), 9);
	cr_assert_eq(journal_find(&journal, 5), 0);
	cr_assert_eq(journal_find(&journal, 10), 0);
}

Test(journal, forgets_what_was_answered)
{
	cr_assert_eq(journal_open(&journal, base, "feed", "p"), 0);
	cr_assert_eq(journal_note(&journal, 1, 3, true), 0);
	cr_assert_eq(journal_note(&journal, 4, 9, true), 0);
	cr_assert_eq(journal_find(&journal, 1), 0);
	cr_assert_eq(journal_find(&journal, 4), 9);
}

Test(journal, the_last_word_counts)
{
	cr_assert_eq(journal_open(&journal, base, "feed", "p"), 0);
	cr_assert_eq(journal_note(&journal, 4, 9, false), 0);
	cr_assert_eq(journal_note(&journal, 4, 6, false), 0);
	cr_assert_eq(journal_find(&journal, 4), 6);
}

Test(journal, devices_and_prefixes_are_kept_apart)
{
	cr_assert_eq(journal_open(&journal, base, "feed", "p"), 0);
	cr_assert_eq(journal_note(&journal, 1, 3, true), 0);
	journal_close(&journal);
	cr_assert_eq(journal_open(&journal, base, "feed", "q"), 0);
	cr_assert_eq(journal_find(&journal, 1), 0);
	journal_close(&journal);
	cr_assert_eq(journal_open(&journal, base, "other", "p"), 0);
	cr_assert_eq(journal_find(&journal, 1), 0);
}

Test(journal, where_nothing_can_be_kept_nothing_is_known)
{
	cr_assert_eq(journal_open(&journal, NULL, "feed", "p"), 0);
	cr_assert_eq(journal_note(&journal, 1, 3, true), 0);
	cr_assert_eq(journal_find(&journal, 1), 0);
	cr_assert_eq(journal_open(&journal, "/nowhere/at/all", "feed", "p"), -ENOENT);
	cr_assert_eq(journal_find(&journal, 1), 0);
}
