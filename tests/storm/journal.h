/* What the server's log says about the storm. */
#ifndef TESTS_STORM_JOURNAL_H
#define TESTS_STORM_JOURNAL_H

#include "tests/storm/weather.h"

struct journal {
	struct samples respawns; /* from the kill to the start of the next one, as the log has it */
	struct samples hangs;    /* from the stop to the start of the next one */
	unsigned hangs_left;     /* never replaced */
	unsigned strange;        /* deaths that nobody caused, errors */
	char first_strange[256];
	unsigned attached, loaded, other; /* starts that took the segment over, read the image */
	unsigned quarantined;             /* logs that failed an audit */
};

/* The file's whole log against the blows of the storm (NULL: none). 0 or -errno. */
int journal_read(const char *path, const struct weather *weather, struct journal *ret_journal);
/* Whole lines of the log from *offset on that hold the text; *offset is behind them then. */
unsigned journal_count(const char *path, const char *text, long *offset);
void journal_finish(struct journal *journal);

#endif
