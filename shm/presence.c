#include "shm/user_table.h"

#include "shm/crash_point.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/session_chain.h"

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)
#define store_release(at, value) atomic_store_explicit((at), (value), memory_order_release)

/*
 * Under the user's and the room's lock. A death between the stores is a death of the room's
 * lock: recounted.
 */
static void mark(struct room *room, struct member *member, bool counted)
{
	uint64_t word = load_relaxed(&member->word);

	store_release(&member->word, counted ? word | MEMBER_COUNTED : word & ~MEMBER_COUNTED);
	CRASH_POINT(member_marked_half);
	if (counted)
		atomic_fetch_add(&room->members, 1);
	else if (load_relaxed(&room->members) > 0)
		atomic_fetch_sub(&room->members, 1);
	CRASH_POINT(member_marked);
	atomic_fetch_add(&room->member_change, 1);
}

bool presence_apply(struct shm *shm, uint32_t user)
{
	struct user *slot = segment_user(shm, user);
	struct member *list = segment_members(shm, user);
	bool present = load_relaxed(&slot->sessions) > 0;
	bool all = true;

	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		uint64_t word = load_relaxed(&list[i].word);
		uint32_t log = (uint32_t)(word & MEMBER_SLOT_MASK) - 1;

		if (word == 0 || ((word & MEMBER_COUNTED) != 0) == present)
			continue;
		if (log_lock(shm, log) != APPEND_OK) {
			all = false;
			continue;
		}
		mark(&shm->rooms[log], &list[i], present);
		atomic_fetch_add(&shm->header->changes, 1);
		lock_release(&shm->rooms[log].log.lock);
	}
	/* The user first: whoever takes the header's word away then looks at the users'. */
	store_release(&slot->presence_due, !all);
	if (!all)
		atomic_store(&shm->header->presence_due, 1);
	return all;
}

void presence_touch(struct shm *shm, uint32_t user)
{
	const struct member *list = segment_members(shm, user);

	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		uint64_t slot = load_relaxed(&list[i].word) & MEMBER_SLOT_MASK;

		if (slot != 0)
			atomic_fetch_add(&shm->rooms[slot - 1].member_change, 1);
	}
	atomic_fetch_add(&shm->header->changes, 1);
}

void user_repair(struct shm *shm, uint32_t user)
{
	session_chain_rebuild(shm, user);
	CRASH_POINT(user_repair_counted);
	atomic_fetch_add(&segment_user(shm, user)->list_change, 1);
	atomic_fetch_add(&shm->header->changes, 1);
	presence_apply(shm, user);
	CRASH_POINT(user_repaired);
}
