/* Limits that hold across workers: rates per user, connections per address. */
#ifndef SHM_LIMIT_H
#define SHM_LIMIT_H

#include "shm/segment.h"

#include "base/token_bucket.h"

/* Takes a token from a shared bucket word (lock-free): true, or false and the wait. */
bool limit_take(_Atomic uint64_t *bucket, struct token_rate rate, uint64_t now_us,
		uint64_t *ret_wait_ms);

enum limit_result { LIMIT_OK, LIMIT_TOO_MANY_CONNECTIONS, LIMIT_TOO_MANY_PENDING };

/*
 * A connection from `ip` (16 bytes, IPv4 mapped; IPv6 counts by /64) came: counts it as pending.
 * max 0: none. A full table or a busy lock lets it in uncounted (*ret_address = SHM_NONE): a
 * limit is no reason to turn people away.
 */
enum limit_result limit_connect(struct shm *shm, const uint8_t ip[16], unsigned max_connections,
				unsigned max_pending, uint32_t *ret_address);
/* What counts as one source: the address, of IPv6 its /64. */
void limit_network(const uint8_t ip[16], uint8_t ret_network[16]);
/* It logged in: not pending any more. */
void limit_logged_in(struct shm *shm, uint32_t address);
/* It is gone. */
void limit_disconnect(struct shm *shm, uint32_t address, bool was_pending);
/* A worker's start: its columns are zero. */
void limit_clear_worker(struct shm *shm, unsigned slot);

#endif
