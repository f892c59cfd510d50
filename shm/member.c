#include "shm/member.h"

#include "shm/crash_point.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/user_table.h"

#include "base/clock.h"

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)
#define store_release(at, value) atomic_store_explicit((at), (value), memory_order_release)

static uint64_t word_of(struct room_ref room, bool counted)
{
	return ((uint64_t)room.log + 1) | (counted ? MEMBER_COUNTED : 0) | room.epoch << 32;
}

static bool word_is_slot(uint64_t word, uint32_t log)
{
	return (word & MEMBER_SLOT_MASK) == (uint64_t)log + 1;
}

static bool word_is_epoch(uint64_t word, uint64_t epoch)
{
	return (uint32_t)(word >> 32) == (uint32_t)epoch;
}

/*
 * The entry for a room. By its slot alone: no slot is given back while it stands on a list, so
 * whatever room is there is the one that was joined, after a reset under another epoch.
 */
static struct member *entry_of(const struct shm *shm, uint32_t user, uint32_t log)
{
	struct member *list = segment_members(shm, user);

	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		if (word_is_slot(load_acquire(&list[i].word), log))
			return &list[i];
	}
	return NULL;
}

/* How many entries there are, and one that is free. */
static unsigned list_look(const struct shm *shm, uint32_t user, struct member **ret_free)
{
	struct member *list = segment_members(shm, user);
	unsigned used = 0;

	*ret_free = NULL;
	for (uint32_t i = shm->sizes->rooms_per_user; i-- > 0;) {
		if (load_relaxed(&list[i].word) == 0)
			*ret_free = &list[i];
		else
			used++;
	}
	return used;
}

/* ---- join, leave ---- */

/* The locks of both, and the room is still the one that was looked up. */
static enum member_result pair_lock(struct shm *shm, uint32_t user, struct room_ref room)
{
	if (user_lock(shm, user) < 0)
		return MEMBER_BUSY;
	if (log_lock(shm, room.log) != APPEND_OK) {
		user_release(shm, user);
		return MEMBER_BUSY;
	}
	if (load_relaxed(&shm->rooms[room.log].log.epoch) != room.epoch) {
		lock_release(&shm->rooms[room.log].log.lock);
		user_release(shm, user);
		return MEMBER_STALE;
	}
	return MEMBER_OK;
}

static void pair_release(struct shm *shm, uint32_t user, struct room_ref room)
{
	store_relaxed(&shm->rooms[room.log].idle_since_wall_ms, clock_wall_ms());
	lock_release(&shm->rooms[room.log].log.lock);
	user_release(shm, user);
}

static enum member_result join_locked(struct shm *shm, uint32_t user, struct room_ref room,
				      uint32_t capacity, uint32_t max_rooms)
{
	struct room *slot = &shm->rooms[room.log];
	struct user *joiner = segment_user(shm, user);
	bool present = load_relaxed(&joiner->sessions) > 0;
	struct member *free;
	unsigned used;

	if (load_acquire(&joiner->state) != USER_USED)
		return MEMBER_BUSY; /* forgotten since he was looked up: look again */
	if (entry_of(shm, user, room.log) != NULL)
		return MEMBER_ALREADY;
	used = list_look(shm, user, &free);
	if (free == NULL || (max_rooms > 0 && used >= max_rooms))
		return MEMBER_TOO_MANY;
	if (capacity > 0 && load_relaxed(&slot->members) >= capacity)
		return MEMBER_ROOM_FULL;
	store_relaxed(&free->read, 0);
	CRASH_POINT(member_join_start);
	store_release(&free->word, word_of(room, present));
	CRASH_POINT(member_listed);
	if (present)
		atomic_fetch_add(&slot->members, 1);
	CRASH_POINT(member_counted);
	atomic_fetch_add(&slot->member_change, 1);
	atomic_fetch_add(&joiner->list_change, 1);
	atomic_fetch_add(&shm->header->changes, 1);
	CRASH_POINT(member_joined);
	return MEMBER_OK;
}

enum member_result member_join(struct shm *shm, uint32_t user, struct room_ref room,
			       uint32_t capacity, uint32_t max_rooms)
{
	enum member_result result = pair_lock(shm, user, room);

	if (result != MEMBER_OK)
		return result;
	result = join_locked(shm, user, room, capacity, max_rooms);
	pair_release(shm, user, room);
	return result;
}

enum member_result member_leave(struct shm *shm, uint32_t user, struct room_ref room,
				bool may_be_last)
{
	struct room *slot = &shm->rooms[room.log];
	enum member_result result = pair_lock(shm, user, room);
	struct member *entry, *free;
	uint64_t word;

	if (result != MEMBER_OK)
		return result;
	entry = entry_of(shm, user, room.log);
	if (entry == NULL) {
		result = MEMBER_NOT;
	} else if (!may_be_last && list_look(shm, user, &free) == 1) {
		result = MEMBER_LAST;
	} else {
		word = load_relaxed(&entry->word);
		store_release(&entry->word, 0);
		CRASH_POINT(member_unlisted);
		if ((word & MEMBER_COUNTED) != 0 && load_relaxed(&slot->members) > 0)
			atomic_fetch_sub(&slot->members, 1);
		CRASH_POINT(member_uncounted);
		atomic_fetch_add(&slot->member_change, 1);
		atomic_fetch_add(&segment_user(shm, user)->list_change, 1);
		atomic_fetch_add(&shm->header->changes, 1);
		CRASH_POINT(member_left);
	}
	pair_release(shm, user, room);
	return result;
}

/* ---- looking, without a lock ---- */

bool member_is(const struct shm *shm, uint32_t user, struct room_ref room)
{
	return entry_of(shm, user, room.log) != NULL && room.epoch != 0 &&
	       load_acquire(&shm->rooms[room.log].log.epoch) == room.epoch;
}

unsigned member_rooms(const struct shm *shm, uint32_t user, struct room_ref *ret_rooms,
		      unsigned max)
{
	const struct member *list = segment_members(shm, user);
	unsigned count = 0;

	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		uint64_t slot = load_acquire(&list[i].word) & MEMBER_SLOT_MASK;
		struct room_ref room;

		if (slot == 0 || !room_at(shm, (uint32_t)slot - 1, &room))
			continue;
		if (count < max)
			ret_rooms[count] = room;
		count++;
	}
	return count;
}

uint64_t member_list_change(const struct shm *shm, uint32_t user)
{
	return load_acquire(&segment_user(shm, user)->list_change);
}

uint64_t member_change(const struct shm *shm, uint32_t log)
{
	return load_acquire(&shm->rooms[log].member_change);
}

/* ---- read marks ---- */

uint64_t member_read(const struct shm *shm, uint32_t user, struct room_ref room)
{
	const struct member *entry = entry_of(shm, user, room.log);
	uint64_t word, read;

	if (entry == NULL)
		return 0;
	word = load_acquire(&entry->word);
	read = load_acquire(&entry->read);
	return word_is_slot(word, room.log) && word_is_epoch(word, room.epoch) ? read : 0;
}

/*
 * The entry is of an earlier epoch of its room: a fresh mark. The mark goes before the epoch
 * changes.
 */
static bool entry_renew(struct shm *shm, uint32_t user, struct room_ref room)
{
	bool renewed = pair_lock(shm, user, room) == MEMBER_OK;
	struct member *entry;

	if (!renewed)
		return false;
	entry = entry_of(shm, user, room.log);
	if (entry != NULL) {
		uint64_t word = load_relaxed(&entry->word);

		if (!word_is_epoch(word, room.epoch)) {
			store_release(&entry->read, 0);
			CRASH_POINT(member_renew_half);
			store_release(&entry->word, word_of(room, (word & MEMBER_COUNTED) != 0));
		}
	}
	lock_release(&shm->rooms[room.log].log.lock);
	user_release(shm, user);
	return true;
}

bool member_raise_read(struct shm *shm, uint32_t user, struct room_ref room, uint64_t seq)
{
	struct member *entry = entry_of(shm, user, room.log);
	uint64_t was, next = load_acquire(&shm->rooms[room.log].log.next);

	if (entry == NULL)
		return false;
	if (!word_is_epoch(load_acquire(&entry->word), room.epoch) && !entry_renew(shm, user, room))
		return false;
	if (seq >= next)
		seq = next - 1; /* not beyond what there is */
	was = load_relaxed(&entry->read);
	while (was < seq) {
		if (atomic_compare_exchange_weak(&entry->read, &was, seq))
			return true;
	}
	return false;
}

/* ---- scan ---- */

/* Rooms looked for in one pass: found by a small hash of their slots. */
#define SCAN_STEP 64u
#define SCAN_BUCKETS 256u

struct scan {
	uint32_t log[SCAN_BUCKETS];  /* slot + 1, 0: none */
	uint32_t room[SCAN_BUCKETS]; /* index into the caller's rooms */
};

static void scan_add(struct scan *scan, uint32_t log, uint32_t room)
{
	uint32_t at = log % SCAN_BUCKETS;

	while (scan->log[at] != 0)
		at = (at + 1) % SCAN_BUCKETS;
	scan->log[at] = log + 1;
	scan->room[at] = room;
}

static uint32_t scan_find(const struct scan *scan, uint32_t log)
{
	for (uint32_t at = log % SCAN_BUCKETS; scan->log[at] != 0; at = (at + 1) % SCAN_BUCKETS) {
		if (scan->log[at] == log + 1)
			return scan->room[at];
	}
	return SHM_NONE;
}

static void scan_users(const struct shm *shm, const struct scan *scan,
		       void (*found)(void *data, unsigned room, uint32_t user), void *data)
{
	uint32_t users = load_acquire(&shm->header->users_high);

	for (uint32_t u = 0; u < users && u < shm->sizes->max_users; u++) {
		const struct user *user = segment_user(shm, u);
		const struct member *list = segment_members(shm, u);

		if (load_acquire(&user->state) != USER_USED || load_acquire(&user->sessions) == 0)
			continue;
		for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
			uint64_t word = load_acquire(&list[i].word);
			uint32_t room;

			if ((word & MEMBER_COUNTED) == 0)
				continue;
			room = scan_find(scan, (uint32_t)(word & MEMBER_SLOT_MASK) - 1);
			if (room != SHM_NONE)
				found(data, room, u);
		}
	}
}

void member_scan(const struct shm *shm, const struct room_ref *rooms, unsigned count,
		 void (*found)(void *data, unsigned room, uint32_t user), void *data)
{
	for (unsigned first = 0; first < count; first += SCAN_STEP) {
		struct scan scan = {0};

		for (unsigned i = first; i < count && i < first + SCAN_STEP; i++) {
			if (!log_is_inbox(shm, rooms[i].log) &&
			    load_acquire(&shm->rooms[rooms[i].log].log.epoch) == rooms[i].epoch)
				scan_add(&scan, rooms[i].log, i);
		}
		scan_users(shm, &scan, found, data);
	}
}

void member_recount(struct shm *shm, uint32_t log)
{
	struct room *room = &shm->rooms[log];
	uint32_t users = load_acquire(&shm->header->users_high);
	uint32_t count = 0;

	/* A holder that died sets `recount` again; the marks only change under this lock. */
	if (log_lock(shm, log) != APPEND_OK) {
		atomic_store(&shm->header->mend_due, 1);
		return;
	}
	for (uint32_t u = 0; u < users && u < shm->sizes->max_users; u++) {
		const struct member *entry;

		if (load_acquire(&segment_user(shm, u)->state) != USER_USED)
			continue;
		entry = entry_of(shm, u, log);
		count += entry != NULL && (load_relaxed(&entry->word) & MEMBER_COUNTED) != 0;
	}
	CRASH_POINT(member_recounted);
	if (load_relaxed(&room->members) != count) {
		store_relaxed(&room->members, count);
		atomic_fetch_add(&room->member_change, 1);
		atomic_fetch_add(&shm->header->changes, 1);
	}
	store_release(&room->recount, 0);
	lock_release(&room->log.lock);
}
