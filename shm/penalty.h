/*
 * Sources whose logins fail, over all workers: who fails too often has to wait, wherever he
 * connects next. (sshd's PerSourcePenalties, with a count in front, so that a few typos behind a
 * shared address cost nobody anything.)
 *
 *	connect, login line:   wait = penalty_wait_ms(shm, ip, now);   > 0: told, and closed
 *	a login has failed:    penalty_add(shm, ip, &rule, cost_ms, now)
 *
 * Nothing happens until `rule.after` failures lie within one minute. From that one on each
 * failure adds its cost to what is left of the source's wait, up to `rule.max_ms`. A source is an
 * IPv4 address or an IPv6 /64, known by its keyed hash.
 *
 * The table can't be filled by strangers: a new source takes the place (of the eight its hash
 * names) of whoever is worth least: free, then long quiet, then waiting for the shortest time.
 */
#ifndef SHM_PENALTY_H
#define SHM_PENALTY_H

#include "shm/segment.h"

#define PENALTY_WINDOW_MS 60000u
#define PENALTY_WAYS 8u

struct penalty_rule {
	uint32_t after;  /* 1 .. PENALTY_FAILURES_MAX */
	uint32_t max_ms; /* 0: no penalties at all */
};

/* How long the source at `ip` (as limit_connect takes it) has to wait; 0: not at all. No lock. */
uint64_t penalty_wait_ms(const struct shm *shm, const uint8_t ip[16], uint64_t now_mono_ms);
/*
 * One failure. Returns what the source has to wait now. Where the lock can't be had nothing is
 * counted: a penalty is no reason to wait for anybody.
 */
uint64_t penalty_add(struct shm *shm, const uint8_t ip[16], const struct penalty_rule *rule,
		     uint32_t cost_ms, uint64_t now_mono_ms);
/* What the source has failed so far doesn't count any more; one that has to wait, waits. */
void penalty_forgive(struct shm *shm, const uint8_t ip[16], uint64_t now_mono_ms);

#endif
