/*
 * Time. Monotonic for deadlines and durations (same base in every process of
 * this boot, so it may stand in shared memory), wall clock for timestamps.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/limits.h"

#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);
/* Milliseconds since 1970, UTC. */
int64_t clock_wall_ms(void);
/* RFC 3339 UTC with milliseconds: 2026-11-20T17:00:00.123Z, with a final NUL. */
void clock_format(char out[TIMESTAMP_SIZE], int64_t wall_ms);
/*
 * Reads an RFC 3339 timestamp (any offset, fraction optional): 0 or -EINVAL.
 * Leap seconds count as the second after.
 */
int clock_parse(const char *text, int64_t *ret_wall_ms);

#endif
