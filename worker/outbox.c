#include "worker/outbox.h"

#include "shm/layout.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ITEMS_START 8u

struct outbox *outbox_create(void)
{
	return calloc(1, sizeof(struct outbox));
}

void outbox_destroy(struct outbox *outbox)
{
	if (outbox == NULL)
		return;
	outbox_finish(outbox);
	free(outbox);
}

static struct outbox_item *item_at(const struct outbox *outbox, unsigned nth)
{
	return &outbox->items[(outbox->head + nth) & (outbox->cap - 1)];
}

static int grow(struct outbox *outbox)
{
	unsigned cap = outbox->cap > 0 ? outbox->cap * 2 : ITEMS_START;
	struct outbox_item *items;

	if (cap > OUTBOX_ITEMS_MAX)
		return -ENOBUFS;
	items = malloc(cap * sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < outbox->count; i++)
		items[i] = *item_at(outbox, i);
	free(outbox->items);
	outbox->items = items;
	outbox->head = 0;
	outbox->cap = cap;
	return 0;
}

static int add_item(struct outbox *outbox, const struct outbox_item *item)
{
	if (outbox->count == outbox->cap) {
		int result = grow(outbox);

		if (result < 0)
			return result;
	}
	*item_at(outbox, outbox->count) = *item;
	outbox->count++;
	return 0;
}

/*
 * Bytes behind bytes are one item where one wait serves both: an ok that waits for
 * line 7 may as well wait for line 8, and both lines then go out in one frame.
 */
static bool joins_last(struct outbox *outbox, uint32_t log, uint64_t epoch)
{
	const struct outbox_item *last;

	if (outbox->count == 0)
		return false;
	last = item_at(outbox, outbox->count - 1);
	return last->kind == OUTBOX_BYTES &&
	       (log == SHM_NONE || (last->log == log && last->epoch == epoch));
}

int outbox_add(struct outbox *outbox, const char *lines, size_t len, uint32_t log, uint64_t epoch,
	       uint64_t seq)
{
	size_t before;
	int result;

	if (!outbox_is_empty(outbox) && outbox->bytes.len - outbox->sent + len > OUTBOX_BYTES_MAX)
		return -ENOBUFS;
	before = outbox->bytes.len;
	buf_append(&outbox->bytes, lines, len);
	if (outbox->bytes.failed)
		return -ENOMEM;
	if (joins_last(outbox, log, epoch)) {
		struct outbox_item *last = item_at(outbox, outbox->count - 1);

		last->len += len;
		if (log != SHM_NONE && seq > last->to)
			last->to = seq;
		return 0;
	}
	result = add_item(
		outbox,
		&(struct outbox_item){
			.kind = OUTBOX_BYTES, .log = log, .epoch = epoch, .to = seq, .len = len});
	if (result < 0)
		outbox->bytes.len = before;
	return result;
}

int outbox_add_lines(struct outbox *outbox, uint32_t log, uint64_t epoch, uint64_t after,
		     uint64_t to, bool live)
{
	return add_item(outbox, &(struct outbox_item){.kind = OUTBOX_LINES,
						      .live = live,
						      .log = log,
						      .epoch = epoch,
						      .after = after,
						      .to = to});
}

struct outbox_item *outbox_first(struct outbox *outbox)
{
	return !outbox_is_empty(outbox) ? item_at(outbox, 0) : NULL;
}

static void drop_first(struct outbox *outbox)
{
	outbox->head = (outbox->head + 1) & (outbox->cap - 1);
	outbox->count--;
}

void outbox_sent(struct outbox *outbox, size_t len)
{
	struct outbox_item *first = item_at(outbox, 0);

	assert(outbox->count > 0 && len <= first->len);
	outbox->sent += len;
	first->len -= len;
	if (first->len == 0)
		drop_first(outbox);
	if (outbox->sent == outbox->bytes.len) {
		buf_reset(&outbox->bytes);
		outbox->sent = 0;
	} else if (outbox->sent > OUTBOX_BYTES_MAX / 2) {
		buf_consume(&outbox->bytes, outbox->sent);
		outbox->sent = 0;
	}
}

void outbox_not_live(struct outbox *outbox, uint32_t log, uint64_t epoch)
{
	for (unsigned i = 0; outbox != NULL && i < outbox->count; i++) {
		struct outbox_item *item = item_at(outbox, i);

		if (item->log == log && item->epoch == epoch)
			item->live = false;
	}
}

void outbox_drop_lines(struct outbox *outbox)
{
	drop_first(outbox);
}

void outbox_finish(struct outbox *outbox)
{
	buf_finish(&outbox->bytes);
	free(outbox->items);
	*outbox = (struct outbox){0};
}
