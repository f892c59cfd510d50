#include "shm/penalty.h"

#include "shm/append.h"
#include "shm/crash_point.h"
#include "shm/limit.h"
#include "shm/lock.h"

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

/* More than any failure's age counts for, less than the shortest wait does. */
#define WORTH_WAITING (UINT64_C(1) << 32)

/* Stamps are the low half of the clock; 0 is "never". */
static uint32_t stamp_of(uint64_t now_ms)
{
	return (uint32_t)now_ms != 0 ? (uint32_t)now_ms : 1;
}

static bool is_recent(uint32_t stamp, uint64_t now_ms)
{
	return stamp != 0 && (uint32_t)now_ms - stamp < PENALTY_WINDOW_MS;
}

static uint64_t source_of(const struct shm *shm, const uint8_t ip[16])
{
	uint8_t network[16];

	limit_network(ip, network);
	return shm_hash(shm, network, sizeof(network));
}

static uint64_t left_of(const struct penalty *entry, uint64_t now_ms)
{
	uint64_t until = load_relaxed(&entry->until_mono_ms);

	return until > now_ms ? until - now_ms : 0;
}

/* The places a source may stand in. */
static struct penalty *set_of(const struct shm *shm, uint64_t source, uint32_t *ret_ways)
{
	uint32_t max = shm->sizes->max_penalties;
	uint32_t sets = max / PENALTY_WAYS;

	if (sets == 0) {
		*ret_ways = max;
		return shm->penalties;
	}
	*ret_ways = PENALTY_WAYS;
	return &shm->penalties[source % sets * PENALTY_WAYS];
}

/* NULL: nothing is known of it. Without the lock. */
static struct penalty *entry_find(const struct shm *shm, uint64_t source)
{
	uint32_t ways;
	struct penalty *set = set_of(shm, source, &ways);

	/* A place that passes to another source meanwhile is emptied before it gets its name. */
	for (uint32_t i = 0; i < ways; i++) {
		if (atomic_load_explicit(&set[i].source, memory_order_acquire) == source)
			return &set[i];
	}
	return NULL;
}

uint64_t penalty_wait_ms(const struct shm *shm, const uint8_t ip[16], uint64_t now_mono_ms)
{
	const struct penalty *entry = entry_find(shm, source_of(shm, ip));

	return entry != NULL ? left_of(entry, now_mono_ms) : 0;
}

/* ---- under the lock ---- */

static uint32_t last_stamp(const struct penalty *entry)
{
	uint32_t at = load_relaxed(&entry->at) % PENALTY_FAILURES_MAX;

	return load_relaxed(
		&entry->failure_ms[(at + PENALTY_FAILURES_MAX - 1) % PENALTY_FAILURES_MAX]);
}

static uint64_t worth_of(const struct penalty *entry, uint64_t now_ms)
{
	uint64_t left = left_of(entry, now_ms);
	uint32_t last = last_stamp(entry);

	if (load_relaxed(&entry->source) == 0)
		return 0;
	if (left > 0)
		return WORTH_WAITING + left;
	return is_recent(last, now_ms) ? 2 + PENALTY_WINDOW_MS - ((uint32_t)now_ms - last) : 1;
}

/* Nameless first, named last: a source never inherits what another one did. */
static void entry_give(struct penalty *entry, uint64_t source)
{
	atomic_store_explicit(&entry->source, 0, memory_order_release);
	CRASH_POINT(penalty_nameless);
	store_relaxed(&entry->until_mono_ms, 0);
	store_relaxed(&entry->at, 0);
	for (unsigned i = 0; i < PENALTY_FAILURES_MAX; i++)
		store_relaxed(&entry->failure_ms[i], 0);
	CRASH_POINT(penalty_emptied);
	atomic_store_explicit(&entry->source, source, memory_order_release);
	CRASH_POINT(penalty_named);
}

static struct penalty *entry_of(struct shm *shm, uint64_t source, uint64_t now_ms)
{
	uint64_t least = UINT64_MAX;
	struct penalty *found = NULL;
	uint32_t ways;
	struct penalty *set = set_of(shm, source, &ways);

	for (uint32_t i = 0; i < ways; i++) {
		uint64_t worth;

		if (load_relaxed(&set[i].source) == source)
			return &set[i];
		worth = worth_of(&set[i], now_ms);
		if (worth < least) {
			least = worth;
			found = &set[i];
		}
	}
	if (found != NULL)
		entry_give(found, source);
	return found;
}

/* Whether the `after` last failures, this one among them, lie within the window. */
static bool entry_count(struct penalty *entry, uint32_t after, uint64_t now_ms)
{
	uint32_t at = load_relaxed(&entry->at) % PENALTY_FAILURES_MAX;
	uint32_t oldest;

	store_relaxed(&entry->failure_ms[at], stamp_of(now_ms));
	CRASH_POINT(penalty_stamped);
	store_relaxed(&entry->at, (at + 1) % PENALTY_FAILURES_MAX);
	CRASH_POINT(penalty_counted);
	oldest = (at + 1 + PENALTY_FAILURES_MAX - after) % PENALTY_FAILURES_MAX;
	return is_recent(load_relaxed(&entry->failure_ms[oldest]), now_ms);
}

static bool table_lock(struct shm *shm)
{
	switch (lock_acquire(&shm->header->penalty_table)) {
	case LOCK_OK:
		return true;
	case LOCK_DIED:
		/* Each step leaves an entry that counts at most one failure too few, or too many.
		 */
		lock_made_consistent(&shm->header->penalty_table);
		return true;
	case LOCK_BUSY:
	case LOCK_BROKEN:
		break;
	}
	return false;
}

uint64_t penalty_add(struct shm *shm, const uint8_t ip[16], const struct penalty_rule *rule,
		     uint32_t cost_ms, uint64_t now_mono_ms)
{
	uint32_t after = rule->after < PENALTY_FAILURES_MAX ? rule->after : PENALTY_FAILURES_MAX;
	struct penalty *entry;
	uint64_t left = 0;
	bool often;

	if (rule->max_ms == 0 || cost_ms == 0)
		return 0;
	if (!table_lock(shm))
		return 0;
	entry = entry_of(shm, source_of(shm, ip), now_mono_ms);
	if (entry != NULL) {
		often = entry_count(entry, after > 0 ? after : 1, now_mono_ms);
		left = left_of(entry, now_mono_ms);
		if (often || left > 0) {
			left += cost_ms;
			left = left < rule->max_ms ? left : rule->max_ms;
			store_relaxed(&entry->until_mono_ms, now_mono_ms + left);
			CRASH_POINT(penalty_imposed);
		}
	}
	lock_release(&shm->header->penalty_table);
	return left;
}

void penalty_forgive(struct shm *shm, const uint8_t ip[16], uint64_t now_mono_ms)
{
	uint64_t source = source_of(shm, ip);
	struct penalty *entry = entry_find(shm, source);

	if (entry == NULL || !table_lock(shm))
		return;
	/* It may have passed to somebody else before we had the lock. */
	if (load_relaxed(&entry->source) == source && left_of(entry, now_mono_ms) == 0) {
		store_relaxed(&entry->until_mono_ms, 0);
		CRASH_POINT(penalty_wait_over);
		for (unsigned i = 0; i < PENALTY_FAILURES_MAX; i++) {
			store_relaxed(&entry->failure_ms[i], 0);
			CRASH_POINT(penalty_forgiven_half);
		}
	}
	lock_release(&shm->header->penalty_table);
}
