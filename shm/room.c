#include "shm/room_table.h"

#include "shm/copy.h"
#include "shm/crash_point.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/room_log.h"
#include "shm/segment_layout.h"
#include "shm/table.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

static struct table table_of(const struct shm *shm)
{
	return (struct table){
		.buckets = (_Atomic uint32_t *)(void *)(shm->base + shm->header->room_buckets),
		.mask = shm->header->bucket_count[0] - 1,
		.slots = shm->sizes->max_rooms,
		.free_first = &shm->header->room_free,
		.links = shm->base + shm->header->rooms + offsetof(struct room, hash_next),
		.stride = sizeof(struct room),
	};
}

static uint64_t hash_of(const struct shm *shm, const char *name)
{
	return shm_hash(shm, name, strlen(name));
}

void room_table_rebuild(struct shm *shm)
{
	struct table table = table_of(shm);
	uint32_t used = 0;
	uint64_t bytes = 0;

	table_clear(&table);
	CRASH_POINT(room_rebuild_emptied);
	/* Slots that have memory end up first on the free list, the lowest first of all. */
	for (int made = 0; made <= 1; made++) {
		for (uint32_t i = table.slots; i-- > 0;) {
			struct room *room = &shm->rooms[i];

			if (load_relaxed(&room->log.made) != (uint32_t)made)
				continue;
			bytes += made ? segment_body_bytes(shm, i) : 0;
			if (load_acquire(&room->log.epoch) == 0) {
				table_push_free(&table, i);
				continue;
			}
			table_insert(&table, hash_of(shm, room->log.name), i);
			used++;
		}
		CRASH_POINT(room_rebuild_half);
	}
	store_relaxed(&shm->header->rooms_used, used);
	atomic_store(&shm->header->room_memory_used, bytes);
}

static int room_table_lock(struct shm *shm)
{
	return table_lock(shm, &shm->header->room_table, room_table_rebuild);
}

/* ---- finding ---- */

/*
 * Is this slot a room of that name now? The name belongs to the epoch before and after it was read.
 */
static bool room_is(const struct shm *shm, uint32_t slot, const char *name,
		    struct room_ref *ret_ref)
{
	const struct log_head *head = &shm->rooms[slot].log;
	uint64_t epoch = load_acquire(&head->epoch);
	char here[ROOM_SIZE];

	if (epoch == 0)
		return false;
	shm_copy_out(here, head->name, sizeof(here));
	shm_fence(memory_order_acquire);
	if (load_relaxed(&head->epoch) != epoch || strncmp(here, name, sizeof(here)) != 0)
		return false;
	*ret_ref = (struct room_ref){.log = slot, .epoch = epoch};
	return true;
}

/* A hit is right with or without the lock; a miss only with it. */
static bool walk(const struct shm *shm, const char *name, struct room_ref *ret_ref)
{
	struct table table = table_of(shm);
	uint32_t slot = table_first(&table, hash_of(shm, name));

	for (uint32_t steps = 0; slot != SHM_NONE && steps <= table.slots; steps++) {
		if (room_is(shm, slot, name, ret_ref))
			return true;
		slot = table_next(&table, slot);
	}
	return false;
}

enum room_result room_find(struct shm *shm, const char *name, struct room_ref *ret_ref)
{
	bool found;

	if (walk(shm, name, ret_ref))
		return ROOM_OK;
	if (room_table_lock(shm) < 0)
		return ROOM_BUSY;
	found = walk(shm, name, ret_ref);
	lock_release(&shm->header->room_table);
	return found ? ROOM_OK : ROOM_NONE;
}

bool room_at(const struct shm *shm, uint32_t log, struct room_ref *ret_ref)
{
	uint64_t epoch = load_acquire(&shm->rooms[log].log.epoch);

	if (epoch == 0)
		return false;
	*ret_ref = (struct room_ref){.log = log, .epoch = epoch};
	return true;
}

bool room_info(const struct shm *shm, struct room_ref ref, struct room_info *ret_info)
{
	const struct log_head *head = segment_log(shm, ref.log);
	struct room_info info = {.ref = ref};

	if (!room_log_topic(shm, ref.log, ref.epoch, info.topic) ||
	    !room_log_bounds(shm, ref.log, ref.epoch, &info.first, &info.head))
		return false;
	shm_copy_out(info.name, head->name, sizeof(info.name));
	info.name[ROOM_SIZE - 1] = '\0';
	if (!log_is_inbox(shm, ref.log)) {
		const struct room *room = &shm->rooms[ref.log];

		info.members = load_relaxed(&room->members);
		info.created_wall_ms = load_relaxed(&room->created_wall_ms);
	}
	shm_fence(memory_order_acquire);
	if (load_relaxed(&head->epoch) != ref.epoch)
		return false;
	*ret_info = info;
	return true;
}

/* ---- making ---- */

/*
 * Turns a free slot into a room. Until the epoch is stored nobody sees it, and whoever holds
 * the lock of its log from an earlier life finds no epoch and goes away.
 */
static enum room_result slot_take(struct shm *shm, uint32_t slot, const char *name,
				  struct room_ref *ret_ref)
{
	struct room *room = &shm->rooms[slot];
	char padded[ROOM_SIZE] = "";
	int64_t now = clock_wall_ms();

	if (segment_make_body(shm, slot) < 0)
		return ROOM_NO_MEMORY;
	switch (log_lock(shm, slot)) {
	case APPEND_OK:
		break;
	case APPEND_BUSY:
		return ROOM_BUSY;
	default:
		return ROOM_NONE; /* its lock is broken until the next start: another slot, please
				   */
	}
	memcpy(padded, name, strnlen(name, ROOM_SIZE - 1));
	shm_copy_in(room->log.name, padded, sizeof(padded));
	CRASH_POINT(room_named);
	store_relaxed(&room->members, 0);
	store_relaxed(&room->recount, 0);
	store_relaxed(&room->created_wall_ms, now);
	store_relaxed(&room->idle_since_wall_ms, now);
	atomic_fetch_add(&room->member_change, 1);
	atomic_fetch_add(&shm->header->changes, 1);
	CRASH_POINT(room_filled);
	*ret_ref = (struct room_ref){.log = slot, .epoch = segment_new_epoch(shm)};
	room_log_clear(shm, slot, ret_ref->epoch);
	CRASH_POINT(room_published);
	lock_release(&room->log.lock);
	return ROOM_OK;
}

static enum room_result make_locked(struct shm *shm, const char *name, struct room_ref *ret_ref)
{
	struct table table = table_of(shm);
	enum room_result result = ROOM_NONE;

	while (result == ROOM_NONE) {
		uint32_t slot = table_pop_free(&table);

		CRASH_POINT(room_popped);
		if (slot == SHM_NONE)
			return ROOM_FULL_TABLE;
		result = slot_take(shm, slot, name, ret_ref);
		if (result == ROOM_OK) {
			table_insert(&table, hash_of(shm, name), slot);
			CRASH_POINT(room_linked);
			atomic_fetch_add(&shm->header->rooms_used, 1);
		} else if (result != ROOM_NONE) {
			table_push_free(&table, slot);
		}
	}
	return result;
}

enum room_result room_make(struct shm *shm, const char *name, struct room_ref *ret_ref,
			   bool *ret_created)
{
	enum room_result result = ROOM_OK;
	struct room_ref ref;
	bool found;

	found = walk(shm, name, &ref);
	if (!found) {
		if (room_table_lock(shm) < 0)
			return ROOM_BUSY;
		found = walk(shm, name, &ref);
		if (!found)
			result = make_locked(shm, name, &ref);
		CRASH_POINT(room_made);
		lock_release(&shm->header->room_table);
	}
	if (result == ROOM_OK) {
		*ret_ref = ref;
		*ret_created = !found;
	}
	return result;
}

/* ---- giving back ---- */

#define COLLECT_STEP 4096u

static bool is_old(const struct shm *shm, uint32_t slot, int64_t now_wall_ms, int64_t idle_ms)
{
	const struct room *room = &shm->rooms[slot];
	struct room_ref lobby;

	return load_acquire(&room->log.epoch) != 0 &&
	       now_wall_ms - load_relaxed(&room->idle_since_wall_ms) >= idle_ms &&
	       !room_is(shm, slot, ROOM_LOBBY, &lobby);
}

/* Calls off those bits of `wanted` (rooms from `base` on) that stand on some user's list. */
static void strike_listed(const struct shm *shm, uint32_t base, uint64_t wanted[COLLECT_STEP / 64])
{
	uint32_t users = load_acquire(&shm->header->users_high);

	for (uint32_t u = 0; u < users && u < shm->sizes->max_users; u++) {
		const struct member *list = segment_members(shm, u);

		if (load_acquire(&segment_user(shm, u)->state) != USER_USED)
			continue;
		for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
			uint64_t slot = load_acquire(&list[i].word) & MEMBER_SLOT_MASK;

			if (slot > base && slot - 1 - base < COLLECT_STEP)
				wanted[(slot - 1 - base) / 64] &=
					~(UINT64_C(1) << ((slot - 1 - base) % 64));
		}
	}
}

/* Under the room's lock no join can put it onto a list: only now "on nobody's list" stays true. */
static bool slot_free(struct shm *shm, uint32_t slot, int64_t now_wall_ms, int64_t idle_ms)
{
	uint64_t wanted[COLLECT_STEP / 64] = {1};
	bool freed = false;

	if (log_lock(shm, slot) != APPEND_OK)
		return false;
	strike_listed(shm, slot, wanted);
	if (wanted[0] != 0 && is_old(shm, slot, now_wall_ms, idle_ms)) {
		CRASH_POINT(room_free_start);
		atomic_store_explicit(&shm->rooms[slot].log.epoch, 0, memory_order_release);
		atomic_fetch_add(&shm->header->changes, 1);
		shm_fence(memory_order_seq_cst);
		CRASH_POINT(room_freed);
		freed = true;
	}
	lock_release(&shm->rooms[slot].log.lock);
	return freed;
}

/*
 * Freed slots stay in their chains until the table is made anew; one death in between leaves
 * that to the next.
 */
static bool table_is_stale(const struct shm *shm)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++)
		used += load_relaxed(&shm->rooms[i].log.epoch) != 0;
	return used != load_relaxed(&shm->header->rooms_used);
}

void room_table_mend(struct shm *shm)
{
	if (!table_is_stale(shm) || room_table_lock(shm) < 0)
		return;
	CRASH_POINT(room_collect_rebuild);
	room_table_rebuild(shm);
	lock_release(&shm->header->room_table);
}

unsigned room_collect(struct shm *shm, int64_t now_wall_ms, int64_t idle_ms)
{
	uint32_t max = shm->sizes->max_rooms;
	unsigned freed = 0;

	for (uint32_t base = 0; base < max; base += COLLECT_STEP) {
		uint64_t wanted[COLLECT_STEP / 64] = {0};
		uint32_t end = max - base < COLLECT_STEP ? max : base + COLLECT_STEP;
		bool any = false;

		for (uint32_t slot = base; slot < end; slot++) {
			if (is_old(shm, slot, now_wall_ms, idle_ms)) {
				wanted[(slot - base) / 64] |= UINT64_C(1) << ((slot - base) % 64);
				any = true;
			}
		}
		if (!any)
			continue;
		strike_listed(shm, base, wanted);
		for (uint32_t slot = base; slot < end; slot++) {
			if ((wanted[(slot - base) / 64] >> ((slot - base) % 64) & 1) != 0)
				freed += slot_free(shm, slot, now_wall_ms, idle_ms);
		}
	}
	room_table_mend(shm);
	return freed;
}
