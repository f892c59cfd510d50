#include "tests/storm/history.h"

#include <stdlib.h>
#include <string.h>

static void grow(struct history *history)
{
	if (history->count < history->cap)
		return;
	history->cap = history->cap == 0 ? 1024 : history->cap * 2;
	history->event = realloc(history->event, history->cap * sizeof(*history->event));
	if (history->event == NULL)
		abort();
}

void history_add(struct history *history, const struct event *event)
{
	grow(history);
	history->event[history->count++] = *event;
}

void history_insert(struct history *history, size_t at, const struct event *event)
{
	grow(history);
	memmove(&history->event[at + 1], &history->event[at],
		(history->count - at) * sizeof(*history->event));
	history->event[at] = *event;
	history->count++;
}

void history_remove(struct history *history, size_t at)
{
	history->count--;
	memmove(&history->event[at], &history->event[at + 1],
		(history->count - at) * sizeof(*history->event));
}

void history_copy(const struct history *from, struct history *ret_history)
{
	*ret_history = *from;
	ret_history->cap = from->count + 64;
	ret_history->event = malloc(ret_history->cap * sizeof(*ret_history->event));
	if (ret_history->event == NULL)
		abort();
	memcpy(ret_history->event, from->event, from->count * sizeof(*from->event));
}

void history_finish(struct history *history)
{
	free(history->event);
	history->event = NULL;
	history->count = history->cap = 0;
}

uint64_t digest_of(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}
