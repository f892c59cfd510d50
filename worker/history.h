/* Which stored lines a history request means. Arithmetic only. */
#ifndef WORKER_HISTORY_H
#define WORKER_HISTORY_H

#include "proto/message.h"

#include <stdbool.h>
#include <stdint.h>

struct history_range {
	uint64_t first, last; /* last = first - 1: none */
	bool more;            /* in the direction asked for; around: in either */
	bool gone;            /* what was asked for is not kept any more */
};

/*
 * The log holds first .. head. `seq` is what the request names; for HISTORY_AT the first line that
 * is not older than the time.
 */
struct history_range history_decide(enum history_from from, uint64_t seq, unsigned limit,
				    uint64_t first, uint64_t head);

#endif
