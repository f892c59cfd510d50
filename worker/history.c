#include "worker/history.h"

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct history_range before(uint64_t seq, unsigned limit, uint64_t first, uint64_t head)
{
	struct history_range range = {.first = first, .last = first - 1};

	if (seq <= first) {
		range.gone = first > 1 && seq > 1;
		return range;
	}
	range.last = lower(seq - 1, head);
	range.first = range.last + 1 - lower(range.last + 1 - first, limit);
	range.more = range.first > first;
	return range;
}

/* From seq on. What is gone in between shows: the answer begins later than was asked. */
static struct history_range from_on(uint64_t seq, unsigned limit, uint64_t first, uint64_t head)
{
	struct history_range range = {.first = higher(seq, first)};

	if (range.first > head) {
		range.first = head + 1;
		range.last = head;
		range.gone = first > head && head > 0 && seq <= head;
		return range;
	}
	range.last = lower(head, range.first + limit - 1);
	range.more = range.last < head;
	return range;
}

/* The line itself, what fits before it and behind it; near an end the other side gets more. */
static struct history_range around(uint64_t seq, unsigned limit, uint64_t first, uint64_t head)
{
	struct history_range range = {.first = first, .last = first - 1};
	uint64_t half = limit / 2;

	if (seq < first) {
		range.gone = true;
		return range;
	}
	seq = lower(seq, head);
	if (seq < first)
		return range;
	range.first = seq - lower(seq - first, half);
	range.last = lower(head, range.first + limit - 1);
	range.first = range.last + 1 - lower(range.last + 1 - first, limit);
	range.more = range.first > first || range.last < head;
	return range;
}

struct history_range history_decide(enum history_from from, uint64_t seq, unsigned limit,
				    uint64_t first, uint64_t head)
{
	switch (from) {
	case HISTORY_BEFORE:
		return before(seq, limit, first, head);
	case HISTORY_AFTER:
		return from_on(seq + 1, limit, first, head);
	case HISTORY_AT:
		return from_on(seq, limit, first, head);
	case HISTORY_AROUND:
		return around(seq, limit, first, head);
	}
	return (struct history_range){.first = first, .last = first - 1};
}
