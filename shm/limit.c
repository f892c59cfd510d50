#include "shm/limit.h"

#include "shm/append.h"
#include "shm/crash_point.h"
#include "shm/janitor.h"
#include "shm/lock.h"

#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)

/* Places an address may stand in, from the one its hash names on. */
#define PROBES 32u

bool limit_take(_Atomic uint64_t *bucket, struct token_rate rate, uint64_t now_us,
		uint64_t *ret_wait_ms)
{
	uint64_t word = load_relaxed(bucket);
	uint64_t next, wait_us = 0;

	do {
		if (!token_bucket_take(rate, word, now_us, &next, &wait_us)) {
			*ret_wait_ms = (wait_us + 999) / 1000;
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(bucket, &word, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

/* ---- addresses ---- */

static bool is_ipv4(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

void limit_network(const uint8_t ip[16], uint8_t ret_network[16])
{
	memcpy(ret_network, ip, 16);
	if (!is_ipv4(ip))
		memset(ret_network + 8, 0, 8);
}

static bool is_unused(const struct address_counts *address)
{
	for (unsigned w = 0; w < WORKERS_MAX; w++) {
		if (load_relaxed(&address->connections[w]) != 0 ||
		    load_relaxed(&address->pending[w]) != 0)
			return false;
	}
	return true;
}

/*
 * The entry of `ip`, else a free one that is now its; SHM_NONE: all its places are taken.
 * Under the lock.
 */
static uint32_t address_of(struct shm *shm, const uint8_t ip[16])
{
	uint32_t max = shm->sizes->max_addresses;
	uint32_t probes = max < PROBES ? max : PROBES;
	uint64_t first = shm_hash(shm, ip, 16);
	uint32_t free = SHM_NONE;

	for (uint32_t n = 0; n < probes; n++) {
		uint32_t at = (uint32_t)((first % max + n) % max);

		/* An entry that was free meanwhile, too: its counts are then simply zero. */
		if (memcmp(shm->addresses[at].ip, ip, 16) == 0)
			return at;
		if (free == SHM_NONE && is_unused(&shm->addresses[at]))
			free = at;
	}
	if (free != SHM_NONE)
		memcpy(shm->addresses[free].ip, ip, 16);
	return free;
}

static void address_sum(const struct shm *shm, const struct address_counts *address,
			unsigned *ret_connections, unsigned *ret_pending)
{
	*ret_connections = *ret_pending = 0;
	for (unsigned w = 0; w < WORKERS_MAX; w++) {
		if (!janitor_worker_alive(shm, w))
			continue;
		*ret_connections += load_relaxed(&address->connections[w]);
		*ret_pending += load_relaxed(&address->pending[w]);
	}
}

enum limit_result limit_connect(struct shm *shm, const uint8_t ip[16], unsigned max_connections,
				unsigned max_pending, uint32_t *ret_address)
{
	enum limit_result result = LIMIT_OK;
	struct address_counts *address;
	unsigned connections, pending;
	uint8_t network[16];
	uint32_t at;

	*ret_address = SHM_NONE;
	limit_network(ip, network);
	switch (lock_acquire(&shm->header->address_table)) {
	case LOCK_OK:
		break;
	case LOCK_DIED:
		/*
		 * Nothing to mend: each count is one store of its own worker, whose successor
		 * clears it.
		 */
		lock_made_consistent(&shm->header->address_table);
		break;
	case LOCK_BUSY:
	case LOCK_BROKEN:
		return LIMIT_OK;
	}
	at = address_of(shm, network);
	if (at == SHM_NONE)
		goto out;
	address = &shm->addresses[at];
	address_sum(shm, address, &connections, &pending);
	if (max_connections > 0 && connections >= max_connections) {
		result = LIMIT_TOO_MANY_CONNECTIONS;
	} else if (max_pending > 0 && pending >= max_pending) {
		result = LIMIT_TOO_MANY_PENDING;
	} else if (load_relaxed(&address->connections[shm->slot]) < UINT16_MAX) {
		atomic_fetch_add(&address->connections[shm->slot], 1);
		CRASH_POINT(limit_half);
		atomic_fetch_add(&address->pending[shm->slot], 1);
		CRASH_POINT(limit_counted);
		*ret_address = at;
	}
out:
	lock_release(&shm->header->address_table);
	return result;
}

void limit_logged_in(struct shm *shm, uint32_t address)
{
	if (address != SHM_NONE)
		atomic_fetch_sub(&shm->addresses[address].pending[shm->slot], 1);
}

void limit_disconnect(struct shm *shm, uint32_t address, bool was_pending)
{
	if (address == SHM_NONE)
		return;
	if (was_pending)
		atomic_fetch_sub(&shm->addresses[address].pending[shm->slot], 1);
	atomic_fetch_sub(&shm->addresses[address].connections[shm->slot], 1);
}

void limit_clear_worker(struct shm *shm, unsigned slot)
{
	for (uint32_t i = 0; i < shm->sizes->max_addresses; i++) {
		atomic_store_explicit(&shm->addresses[i].connections[slot], 0,
				      memory_order_relaxed);
		atomic_store_explicit(&shm->addresses[i].pending[slot], 0, memory_order_relaxed);
	}
}
