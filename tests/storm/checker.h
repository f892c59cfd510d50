/*
 * Reads a history and says what the server did that it had promised not to do
 * (docs/protocol.md, "Ids and answers", "Rooms are logs", "Direct messages").
 * Pure: no clock, no file, no server.
 */
#ifndef TESTS_STORM_CHECKER_H
#define TESTS_STORM_CHECKER_H

#include "tests/storm/history.h"

enum fault {
	FAULT_LOST,         /* acknowledged, and in no log */
	FAULT_DOUBLED,      /* twice in one log */
	FAULT_REORDERED,    /* two lines of a program stand in a log the other way round */
	FAULT_HOLE,         /* a reader went over a number, and no gap was told */
	FAULT_UNFINISHED,   /* a reader asked for everything and didn't get to the head */
	FAULT_DISAGREED,    /* two readers got other bytes under the same number */
	FAULT_HALF_DIRECT,  /* a direct message lies in one of its two inboxes, or differs */
	FAULT_WRONG_OK,     /* an ok names a number where another line lies */
	FAULT_EARLY_OK,     /* a connection that reads the log got the ok before the line */
	FAULT_REFUSED_KEPT, /* refused for good, and in a log all the same */
	FAULT_UNANSWERED,   /* sent, and never answered */
	FAULT_EPOCH,        /* the log began another life */
	FAULT_FOREIGN,      /* a line that nobody sent, or in a log it was not sent to */
	FAULTS
};

struct verdict {
	uint64_t faults[FAULTS];
	char first[FAULTS][160]; /* the first one of each kind, in words */
	uint64_t acknowledged, answered_again, refused, received, gaps, direct;
};

const char *fault_name(enum fault fault);
void history_check(const struct history *history, struct verdict *ret_verdict);
uint64_t verdict_faults(const struct verdict *verdict);

#endif
