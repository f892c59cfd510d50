/*
 * The table of id windows: (user, device) to a slot. Chains hold index + 1, so that zeroed
 * memory is an empty table, and are changed under the table's lock only; the states of the
 * windows are the truth, the chains can be made from them at any time. A device is its
 * hash under the segment's key: nobody can choose two with the same.
 */
#include "shm/append.h"

#include "shm/crash_point.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/table.h"

#include <errno.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

#define TAKE_OVER_TRIES 4

struct window_key {
	uint32_t user;
	uint64_t user_epoch;
	uint64_t device_hash;
	const char *device;
};

/* ---- chains ---- */

static _Atomic uint32_t *buckets_of(const struct shm *shm)
{
	return (_Atomic uint32_t *)(void *)(shm->base + shm->header->window_buckets);
}

static _Atomic uint32_t *bucket_of(const struct shm *shm, uint32_t user, uint64_t device_hash)
{
	uint64_t mixed = (device_hash ^ user) * UINT64_C(0x9e3779b97f4a7c15);

	return &buckets_of(shm)[(mixed >> 32) & (shm->header->bucket_count[2] - 1)];
}

static void chain_put(struct shm *shm, uint32_t index)
{
	struct window *window = &shm->windows[index];
	_Atomic uint32_t *bucket =
		bucket_of(shm, load_relaxed(&window->user), load_relaxed(&window->device_hash));

	store_relaxed(&window->hash_next, load_relaxed(bucket));
	CRASH_POINT(window_chained_half);
	store_relaxed(bucket, index + 1);
}

static void chain_remove(struct shm *shm, uint32_t index)
{
	struct window *window = &shm->windows[index];
	_Atomic uint32_t *bucket =
		bucket_of(shm, load_relaxed(&window->user), load_relaxed(&window->device_hash));
	uint32_t at = load_relaxed(bucket);

	if (at == index + 1) {
		store_relaxed(bucket, load_relaxed(&window->hash_next));
		return;
	}
	for (uint32_t n = 0; n < shm->sizes->max_devices && at - 1 < shm->sizes->max_devices; n++) {
		struct window *before = &shm->windows[at - 1];

		at = load_relaxed(&before->hash_next);
		if (at == index + 1) {
			store_relaxed(&before->hash_next, load_relaxed(&window->hash_next));
			return;
		}
	}
}

void window_table_rebuild(struct shm *shm)
{
	_Atomic uint32_t *buckets = buckets_of(shm);
	uint32_t used = 0;

	CRASH_POINT(window_rebuild_begun);
	for (uint32_t i = 0; i < shm->header->bucket_count[2]; i++)
		store_relaxed(&buckets[i], 0);
	CRASH_POINT(window_rebuild_emptied);
	for (uint32_t i = 0; i < shm->sizes->max_devices; i++) {
		if (load_acquire(&shm->windows[i].state) != WINDOW_USED)
			continue;
		chain_put(shm, i);
		used = i + 1;
	}
	CRASH_POINT(window_rebuild_chained);
	/* Slots from here on were never taken. */
	store_relaxed(&shm->header->windows_used, used);
}

static int window_table_lock(struct shm *shm)
{
	return table_lock(shm, &shm->header->window_table, window_table_rebuild);
}

static bool is_of(const struct window *window, const struct window_key *key)
{
	return load_acquire(&window->state) == WINDOW_USED &&
	       load_relaxed(&window->user) == key->user &&
	       load_relaxed(&window->user_epoch) == key->user_epoch &&
	       load_relaxed(&window->device_hash) == key->device_hash;
}

/*
 * With the table's lock it finds what is there. Without it a miss tells nothing, but a hit is one:
 * nobody takes over the window of a user who has a session, and each append looks again
 * whose it is.
 */
static uint32_t chain_find(const struct shm *shm, const struct window_key *key)
{
	uint32_t at = load_relaxed(bucket_of(shm, key->user, key->device_hash));

	for (uint32_t n = 0; n < shm->sizes->max_devices && at - 1 < shm->sizes->max_devices; n++) {
		if (is_of(&shm->windows[at - 1], key))
			return at - 1;
		at = load_relaxed(&shm->windows[at - 1].hash_next);
	}
	return SHM_NONE;
}

static struct window_key key_of(const struct shm *shm, uint32_t user, const char *device)
{
	return (struct window_key){
		.user = user,
		.user_epoch = load_acquire(&segment_user(shm, user)->life),
		.device_hash = shm_hash(shm, device, strlen(device)),
		.device = device,
	};
}

uint32_t window_find(struct shm *shm, uint32_t user, const char *device, bool *ret_busy)
{
	struct window_key key = key_of(shm, user, device);
	uint32_t found = chain_find(shm, &key);

	*ret_busy = false;
	if (found != SHM_NONE)
		return found;
	*ret_busy = window_table_lock(shm) != 0;
	if (*ret_busy)
		return SHM_NONE;
	found = chain_find(shm, &key);
	lock_release(&shm->header->window_table);
	return found;
}

/* ---- taking one ---- */

/* Is somebody there who may append through it, or somebody's append to be finished? */
static bool window_in_use(const struct shm *shm, const struct window *window)
{
	uint32_t user = load_relaxed(&window->user);

	if (intent_is_open(window))
		return true;
	if (load_acquire(&window->state) != WINDOW_USED || user >= shm->sizes->max_users)
		return false;
	return load_acquire(&segment_user(shm, user)->life) == load_relaxed(&window->user_epoch) &&
	       load_acquire(&segment_user(shm, user)->sessions) > 0;
}

/*
 * A free one, else the longest unused, else SHM_NONE. Looks without a lock: the taker looks again.
 */
static uint32_t candidate_find(const struct shm *shm)
{
	uint32_t best = SHM_NONE;
	int64_t best_used = INT64_MAX;

	for (uint32_t i = 0; i < shm->sizes->max_devices; i++) {
		const struct window *window = &shm->windows[i];
		int64_t used = load_relaxed(&window->used_wall_ms);

		if (window_in_use(shm, window))
			continue;
		if (load_relaxed(&window->state) != WINDOW_USED)
			return i;
		if (best == SHM_NONE || used < best_used) {
			best = i;
			best_used = used;
		}
	}
	return best;
}

/*
 * Under the table's lock and the window's. Its state is the first that goes and the last that
 * comes, so whatever we leave half done is a free window. The intent's generation goes on: who
 * repairs a log may still hold the last one.
 */
static void window_key_set(struct shm *shm, uint32_t index, const struct window_key *key)
{
	struct window *window = &shm->windows[index];
	bool was_used = load_relaxed(&window->state) == WINDOW_USED;

	atomic_store_explicit(&window->state, WINDOW_FREE, memory_order_release);
	CRASH_POINT(window_freed);
	if (was_used)
		chain_remove(shm, index);
	CRASH_POINT(window_unchained);
	for (unsigned i = 0; i < DEDUPE_WINDOW; i++)
		store_relaxed(&window->entry[i].id_hash, 0);
	store_relaxed(&window->at, 0);
	store_relaxed(&window->used_wall_ms, 0);
	memset(window->last_id, 0, sizeof(window->last_id));
	CRASH_POINT(window_emptied);
	store_relaxed(&window->user, key->user);
	store_relaxed(&window->user_epoch, key->user_epoch);
	store_relaxed(&window->device_hash, key->device_hash);
	memset(window->device, 0, sizeof(window->device));
	memcpy(window->device, key->device, strnlen(key->device, DEVICE_LEN_MAX));
	CRASH_POINT(window_keyed);
	atomic_store_explicit(&window->state, WINDOW_USED, memory_order_release);
	CRASH_POINT(window_used);
	chain_put(shm, index);
	CRASH_POINT(window_chained);
	if (index >= load_relaxed(&shm->header->windows_used))
		store_relaxed(&shm->header->windows_used, index + 1);
}

/* Under the table's lock. False: somebody is at it after all. */
static bool window_take_slot(struct shm *shm, uint32_t index, const struct window_key *key)
{
	struct window *window = &shm->windows[index];
	bool taken;

	switch (lock_try(&window->lock)) {
	case LOCK_OK:
		break;
	case LOCK_DIED:
		lock_made_consistent(&window->lock);
		break;
	case LOCK_BUSY:
	case LOCK_BROKEN:
		return false;
	}
	taken = !window_in_use(shm, window);
	if (taken)
		window_key_set(shm, index, key);
	lock_release(&window->lock);
	return taken;
}

int window_take(struct shm *shm, uint32_t user, const char *device, uint32_t *ret_window)
{
	struct window_key key = key_of(shm, user, device);
	uint32_t candidate = SHM_NONE, found;

	if (key.user_epoch == 0)
		return -ESTALE;
	found = chain_find(shm, &key);
	if (found != SHM_NONE) {
		*ret_window = found;
		return 0;
	}
	for (int i = 0; i < TAKE_OVER_TRIES; i++) {
		uint32_t used;

		if (window_table_lock(shm) != 0)
			return -EBUSY;
		found = chain_find(shm, &key);
		used = load_relaxed(&shm->header->windows_used);
		if (found == SHM_NONE && used < shm->sizes->max_devices)
			candidate = used;
		if (found == SHM_NONE && candidate != SHM_NONE &&
		    window_take_slot(shm, candidate, &key))
			found = candidate;
		lock_release(&shm->header->window_table);
		if (found != SHM_NONE) {
			*ret_window = found;
			return 0;
		}
		/* A long look, so not under the lock; the choice is checked under it. */
		candidate = candidate_find(shm);
		if (candidate == SHM_NONE)
			return -ENOSPC;
	}
	return -EBUSY;
}

/* ---- ids ---- */

/* The window's lock, with nothing left to finish in it: 0 or -errno. */
static int window_lock_finished(struct shm *shm, uint32_t index, struct bells_due *due)
{
	struct window *window = &shm->windows[index];
	int ret = window_lock(window);

	if (ret == 0 && intent_is_open(window) && !intent_finish(shm, index, due)) {
		lock_release(&window->lock);
		ret = -EBUSY;
	}
	return ret;
}

enum append_result window_lookup(struct shm *shm, uint32_t window, uint64_t id_hash,
				 uint64_t content_hash, uint64_t *ret_seq)
{
	struct bells_due due = {.count = 0};
	enum append_result result = APPEND_OK;
	const struct window_entry *known;
	int ret;

	ret = window_lock_finished(shm, window, &due);
	if (ret == 0) {
		known = window_entry_of(&shm->windows[window], id_hash);
		if (known != NULL && load_relaxed(&known->content_hash) == content_hash) {
			*ret_seq = load_relaxed(&known->seq);
			result = APPEND_DUPLICATE;
		} else if (known != NULL) {
			result = APPEND_ID_CONFLICT;
		}
		lock_release(&shm->windows[window].lock);
	} else {
		result = ret == -EBUSY ? APPEND_BUSY : APPEND_BROKEN;
	}
	locks_left(shm, &due);
	return result;
}

int window_last_id(struct shm *shm, uint32_t window, char ret_id[ID_SIZE])
{
	struct bells_due due = {.count = 0};
	int ret = window_lock_finished(shm, window, &due);

	if (ret == 0) {
		memcpy(ret_id, shm->windows[window].last_id, ID_SIZE);
		ret_id[ID_SIZE - 1] = '\0';
		lock_release(&shm->windows[window].lock);
	}
	locks_left(shm, &due);
	return ret;
}

unsigned append_finish_intents(struct shm *shm)
{
	unsigned open = 0;

	for (uint32_t i = 0; i < load_acquire(&shm->header->windows_used); i++)
		open += !intent_mend(shm, i);
	return open;
}
