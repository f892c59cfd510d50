#include "worker/outbox.h"

#include "shm/layout.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(struct outbox *outbox, const char *line)
{
	return outbox_add(outbox, line, strlen(line), SHM_NONE, 0, 0);
}

Test(outbox, keeps_its_items_in_order)
{
	struct outbox outbox = {0};
	struct outbox_item *item;

	cr_assert(outbox_is_empty(&outbox));
	cr_assert_null(outbox_first(&outbox));
	cr_assert_eq(add(&outbox, "a\n"), 0);
	cr_assert_eq(outbox_add_lines(&outbox, 3, 9, 10, 12, true), 0);
	cr_assert_eq(add(&outbox, "b\n"), 0);
	item = outbox_first(&outbox);
	cr_assert_eq(item->kind, OUTBOX_BYTES);
	cr_assert_eq(memcmp(outbox_bytes(&outbox), "a\n", 2), 0);
	outbox_sent(&outbox, 2);
	item = outbox_first(&outbox);
	cr_assert_eq(item->kind, OUTBOX_LINES);
	cr_assert_eq(item->after, 10);
	outbox_drop_lines(&outbox);
	cr_assert_eq(memcmp(outbox_bytes(&outbox), "b\n", 2), 0);
	outbox_sent(&outbox, 2);
	cr_assert(outbox_is_empty(&outbox));
	outbox_finish(&outbox);
}

Test(outbox, makes_one_item_of_answers_that_wait_for_the_same_log)
{
	struct outbox outbox = {0};

	outbox_add(&outbox, "ok1\n", 4, 5, 77, 1);
	outbox_add(&outbox, "ok2\n", 4, 5, 77, 2);
	add(&outbox, "pong\n");
	cr_assert_eq(outbox.count, 1);
	cr_assert_eq(outbox_first(&outbox)->to, 2);
	cr_assert_eq(outbox_first(&outbox)->len, 13);
	outbox_add(&outbox, "ok3\n", 4, 6, 77, 1);
	cr_assert_eq(outbox.count, 2, "another log is another wait");
	outbox_add(&outbox, "ok4\n", 4, 6, 78, 1);
	cr_assert_eq(outbox.count, 3, "another life of the log, too");
	outbox_finish(&outbox);
}

Test(outbox, refuses_more_bytes_than_its_bound)
{
	struct outbox outbox = {0};
	char *big = malloc(OUTBOX_BYTES_MAX);

	memset(big, 'x', OUTBOX_BYTES_MAX);
	cr_assert_eq(outbox_add(&outbox, big, OUTBOX_BYTES_MAX, SHM_NONE, 0, 0), 0);
	cr_assert_eq(add(&outbox, "a\n"), -ENOBUFS);
	outbox_sent(&outbox, OUTBOX_BYTES_MAX - 1);
	cr_assert_eq(add(&outbox, "a\n"), 0, "what is sent makes room again");
	outbox_finish(&outbox);
	free(big);
}

Test(outbox, refuses_more_items_than_its_bound)
{
	struct outbox outbox = {0};

	for (unsigned i = 0; i < OUTBOX_ITEMS_MAX; i++)
		cr_assert_eq(outbox_add_lines(&outbox, i, 1, 0, 1, false), 0);
	cr_assert_eq(outbox_add_lines(&outbox, 0, 1, 0, 1, false), -ENOBUFS);
	for (unsigned i = 0; i < OUTBOX_ITEMS_MAX; i++) {
		cr_assert_eq(outbox_first(&outbox)->log, i);
		outbox_drop_lines(&outbox);
	}
	cr_assert(outbox_is_empty(&outbox));
	outbox_finish(&outbox);
}
