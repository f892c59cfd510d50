/* The table that a storm prints: one row a promise, and how many were kept. */
#ifndef TESTS_STORM_REPORT_H
#define TESTS_STORM_REPORT_H

#include "tests/storm/journal.h"
#include "tests/storm/run.h"

void row(bool good, const char *promise, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Judged by its 99th percentile, or only told. No row without samples. */
void row_times(const char *promise, struct samples *samples, double goal_ms, bool judge);
/* The same without a goal: a line that is no row. */
void tell_times(const char *what, struct samples *samples);
/* What every run is judged by: the history, the server's log. Reads the log into *ret_journal. */
void judge(struct run *run, uint64_t seed, struct journal *ret_journal);

unsigned rows_passed(void);
unsigned rows_failed(void);

#endif
