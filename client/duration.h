/* Lengths of time as people write them: 200ms, 2s, 1.5h, 1h30m, 7d, 1w; a bare number is seconds.
 */
#ifndef CLIENT_DURATION_H
#define CLIENT_DURATION_H

#include <stdint.h>

/* 0 or -EINVAL; at most 100 years. */
int duration_parse(const char *text, int64_t *ret_ms);
/*
 * A moment: so long before `now_ms` (both in ms since 1970, UTC), or an RFC 3339 timestamp
 * ("2026-11-20T17:00:00Z"). 0 or -EINVAL.
 */
int duration_parse_since(const char *text, int64_t now_ms, int64_t *ret_ms);

#endif
