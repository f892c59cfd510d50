#include "client/scrollback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RING_FIRST 64u

static struct entry **slot(const struct scrollback *scrollback, size_t index)
{
	return &scrollback->ring[(scrollback->start + index) & (scrollback->size - 1)];
}

void scrollback_finish(struct scrollback *scrollback)
{
	for (size_t i = 0; i < scrollback->count; i++)
		free(*slot(scrollback, i));
	free(scrollback->ring);
	*scrollback = (struct scrollback){0};
}

const struct entry *scrollback_get(const struct scrollback *scrollback, size_t index)
{
	return index < scrollback->count ? *slot(scrollback, index) : NULL;
}

const char *entry_sender(const struct entry *entry)
{
	return entry->bytes;
}

const char *entry_text(const struct entry *entry)
{
	return entry->bytes + entry->sender_len + 1;
}

bool entry_is_said(const struct entry *entry)
{
	return entry->kind <= ENTRY_DEED;
}

static struct entry *entry_make(const struct entry_parts *parts)
{
	const char *sender = parts->sender ? parts->sender : "";
	size_t sender_len = strnlen(sender, UINT8_MAX);
	size_t text_len = strnlen(parts->text, UINT16_MAX);
	struct entry *entry = malloc(sizeof(*entry) + sender_len + 1 + text_len + 1);

	if (!entry)
		return NULL;
	*entry = (struct entry){.seq = parts->seq,
				.at = parts->at,
				.text_len = (uint16_t)text_len,
				.kind = (uint8_t)parts->kind,
				.flags = (uint8_t)parts->flags,
				.sender_len = (uint8_t)sender_len};
	memcpy(entry->bytes, sender, sender_len);
	entry->bytes[sender_len] = '\0';
	memcpy(entry->bytes + sender_len + 1, parts->text, text_len);
	entry->bytes[sender_len + 1 + text_len] = '\0';
	return entry;
}

static int grow(struct scrollback *scrollback)
{
	size_t size = scrollback->size > 0 ? scrollback->size * 2 : RING_FIRST;
	struct entry **ring = reallocarray(NULL, size, sizeof(struct entry *));

	if (!ring)
		return -ENOMEM;
	for (size_t i = 0; i < scrollback->count; i++)
		ring[i] = *slot(scrollback, i);
	free(scrollback->ring);
	scrollback->ring = ring;
	scrollback->size = size;
	scrollback->start = 0;
	return 0;
}

/* Opens a hole at `index` by moving the shorter side. */
static void open_hole(struct scrollback *scrollback, size_t index)
{
	scrollback->count++;
	if (index < scrollback->count / 2) {
		scrollback->start = (scrollback->start - 1) & (scrollback->size - 1);
		for (size_t i = 0; i < index; i++)
			*slot(scrollback, i) = *slot(scrollback, i + 1);
		return;
	}
	for (size_t i = scrollback->count - 1; i > index; i--)
		*slot(scrollback, i) = *slot(scrollback, i - 1);
}

/*
 * Seqs only rise, but for the entries without one between them: these count as the line before
 * them, so the search looks left for the next numbered one.
 */
static int64_t seq_at(const struct scrollback *scrollback, size_t index)
{
	while ((*slot(scrollback, index))->seq == 0) {
		if (index == 0)
			return 0;
		index--;
	}
	return (*slot(scrollback, index))->seq;
}

size_t scrollback_above(const struct scrollback *scrollback, int64_t seq)
{
	size_t low = 0, high = scrollback->count;

	/* what is new: the search would walk through a log's earlier life */
	if (high == 0 || seq_at(scrollback, high - 1) <= seq)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (seq_at(scrollback, middle) <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool scrollback_find(const struct scrollback *scrollback, int64_t seq, size_t *ret_index)
{
	size_t index = scrollback_above(scrollback, seq);

	while (index > 0) {
		index--;
		if ((*slot(scrollback, index))->seq == 0)
			continue;
		*ret_index = index;
		return (*slot(scrollback, index))->seq == seq;
	}
	return false;
}

/* May an older line go before this one? Not before what says that lines are missing. */
static bool is_loose(const struct entry *entry)
{
	return entry->seq == 0 && entry->kind != ENTRY_BREAK && !entry_is_said(entry);
}

/* A line that is older than all others goes before them, and before our notes about them. */
static size_t place_of(const struct scrollback *scrollback, int64_t seq)
{
	size_t index;

	if (seq == 0 || scrollback->count == 0 || seq_at(scrollback, scrollback->count - 1) < seq)
		return scrollback->count;
	index = scrollback_above(scrollback, seq);
	while (index > 0 && is_loose(*slot(scrollback, index - 1)) &&
	       seq_at(scrollback, index - 1) == 0)
		index--;
	return index;
}

int scrollback_add(struct scrollback *scrollback, const struct entry_parts *parts,
		   size_t *ret_index)
{
	struct entry *entry;
	size_t index, same;

	if (parts->seq > 0 && scrollback_find(scrollback, parts->seq, &same))
		return -EEXIST;
	if (scrollback->count == scrollback->size && grow(scrollback) < 0)
		return -ENOMEM;
	entry = entry_make(parts);
	if (!entry)
		return -ENOMEM;
	index = place_of(scrollback, parts->seq);
	open_hole(scrollback, index);
	*slot(scrollback, index) = entry;
	*ret_index = index;
	return 0;
}

int scrollback_change(struct scrollback *scrollback, size_t index, const char *text, unsigned flags)
{
	struct entry *old = *slot(scrollback, index), *entry;
	struct entry_parts parts = {.seq = old->seq,
				    .at = old->at,
				    .kind = old->kind,
				    .flags = old->flags | flags,
				    .sender = entry_sender(old),
				    .text = text};

	entry = entry_make(&parts);
	if (!entry)
		return -ENOMEM;
	*slot(scrollback, index) = entry;
	free(old);
	return 0;
}

void scrollback_forget_seqs(struct scrollback *scrollback)
{
	for (size_t i = 0; i < scrollback->count; i++)
		(*slot(scrollback, i))->seq = 0;
}

void scrollback_drop_first(struct scrollback *scrollback)
{
	if (scrollback->count == 0)
		return;
	free(*slot(scrollback, 0));
	scrollback->start = (scrollback->start + 1) & (scrollback->size - 1);
	scrollback->count--;
}

int64_t scrollback_first_seq(const struct scrollback *scrollback)
{
	for (size_t i = 0; i < scrollback->count; i++) {
		if ((*slot(scrollback, i))->seq > 0)
			return (*slot(scrollback, i))->seq;
	}
	return 0;
}
