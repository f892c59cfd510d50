/* The table of a run: on standard output, and in a file that appears when the run is whole. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdint.h>

/* path NULL: standard output only. */
void report_begin(const char *path, const char *commit, unsigned rounds);
void report_row(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Deliveries that were wrong: the run fails. */
void report_bad(uint64_t deliveries);
/* A round that was made again, since the floor cut somebody. */
void report_invalid(void);
/* The exit code. */
int report_end(void);

/* Sorts the values. */
double report_median(double *values, unsigned count);

#endif
