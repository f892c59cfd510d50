#include "shm/user_table.h"

#include "shm/copy.h"
#include "shm/crash_point.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/room_log.h"
#include "shm/segment_layout.h"
#include "shm/table.h"

#include <errno.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)
#define store_release(at, value) atomic_store_explicit((at), (value), memory_order_release)

static struct table table_of(const struct shm *shm)
{
	return (struct table){
		.buckets = (_Atomic uint32_t *)(void *)(shm->base + shm->header->user_buckets),
		.mask = shm->header->bucket_count[1] - 1,
		.slots = shm->sizes->max_users,
		.free_first = &shm->header->user_free,
		.links = shm->base + shm->header->users + offsetof(struct user, hash_next),
		.stride = shm->header->user_stride,
	};
}

static uint64_t hash_of(const struct shm *shm, const char *name)
{
	return shm_hash(shm, name, strlen(name));
}

/* A slot that nobody has: what a death in user_forget or user_make left goes. */
static void slot_empty(struct shm *shm, uint32_t slot)
{
	struct user *user = segment_user(shm, slot);
	struct member *list = segment_members(shm, slot);

	store_release(&user->inbox.epoch, 0);
	store_relaxed(&user->life, 0);
	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		uint64_t word = load_relaxed(&list[i].word);

		if (word == 0)
			continue;
		if ((word & MEMBER_COUNTED) != 0)
			store_release(&shm->rooms[(word & MEMBER_SLOT_MASK) - 1].recount, 1);
		store_release(&list[i].word, 0);
	}
}

void user_table_rebuild(struct shm *shm)
{
	struct table table = table_of(shm);
	uint32_t used = 0;
	uint64_t bytes = 0;

	table_clear(&table);
	CRASH_POINT(user_rebuild_emptied);
	for (int made = 0; made <= 1; made++) {
		for (uint32_t i = table.slots; i-- > 0;) {
			struct user *user = segment_user(shm, i);

			if (load_relaxed(&user->inbox.made) != (uint32_t)made)
				continue;
			bytes += made ? segment_body_bytes(shm, log_of_inbox(shm, i)) : 0;
			if (load_acquire(&user->state) != USER_USED) {
				slot_empty(shm, i);
				table_push_free(&table, i);
				continue;
			}
			table_insert(&table, hash_of(shm, user->inbox.name + 1), i);
			used++;
		}
		CRASH_POINT(user_rebuild_half);
	}
	store_relaxed(&shm->header->users_used, used);
	atomic_store(&shm->header->inbox_memory_used, bytes);
}

int user_table_lock(struct shm *shm)
{
	return table_lock(shm, &shm->header->user_table, user_table_rebuild);
}

void user_table_release(struct shm *shm)
{
	lock_release(&shm->header->user_table);
}

int user_lock(struct shm *shm, uint32_t user)
{
	struct shm_lock *lock = &segment_user(shm, user)->lock;

	switch (lock_acquire(lock)) {
	case LOCK_OK:
		return 0;
	case LOCK_DIED:
		user_repair(shm, user);
		lock_made_consistent(lock);
		return 0;
	case LOCK_BUSY:
	case LOCK_BROKEN:
		break;
	}
	return -EBUSY;
}

void user_release(struct shm *shm, uint32_t user)
{
	lock_release(&segment_user(shm, user)->lock);
}

/* ---- finding ---- */

bool user_name(const struct shm *shm, uint32_t user, char ret_name[NAME_SIZE])
{
	const struct user *slot = segment_user(shm, user);
	uint64_t life = load_acquire(&slot->life);
	char name[ROOM_SIZE];

	if (life == 0 || load_acquire(&slot->state) != USER_USED)
		return false;
	shm_copy_out(name, slot->inbox.name, sizeof(name));
	shm_fence(memory_order_acquire);
	if (load_relaxed(&slot->life) != life || name[0] != '@')
		return false;
	memcpy(ret_name, name + 1, NAME_SIZE);
	ret_name[NAME_SIZE - 1] = '\0';
	return true;
}

/* A hit is right with or without the lock; a miss only with it. */
static bool walk(const struct shm *shm, const char *name, uint32_t *ret_user)
{
	struct table table = table_of(shm);
	uint32_t slot = table_first(&table, hash_of(shm, name));

	for (uint32_t steps = 0; slot != SHM_NONE && steps <= table.slots; steps++) {
		char here[NAME_SIZE];

		if (user_name(shm, slot, here) && strcmp(here, name) == 0) {
			*ret_user = slot;
			return true;
		}
		slot = table_next(&table, slot);
	}
	return false;
}

enum user_result user_find(struct shm *shm, const char *name, uint32_t *ret_user)
{
	bool found;

	if (walk(shm, name, ret_user))
		return USER_OK;
	if (user_table_lock(shm) < 0)
		return USER_BUSY;
	found = walk(shm, name, ret_user);
	user_table_release(shm);
	return found ? USER_OK : USER_NONE;
}

/* ---- making ---- */

static void slot_fill(struct shm *shm, uint32_t slot)
{
	struct user *user = segment_user(shm, slot);

	store_relaxed(&user->away, 0);
	store_relaxed(&user->name_serial, 0);
	store_relaxed(&user->append_bucket, 0);
	store_relaxed(&user->other_bucket, 0);
	store_relaxed(&user->active_mono_ms, 0);
	store_relaxed(&user->last_login_wall_ms, 0);
	store_relaxed(&user->sessions, 0);
	store_relaxed(&user->session_first, SHM_NONE);
	store_relaxed(&user->presence_due, 0);
	atomic_fetch_add(&user->list_change, 1);
	atomic_fetch_add(&shm->header->changes, 1);
}

static void raise_high(_Atomic uint32_t *high, uint32_t to)
{
	uint32_t was = load_relaxed(high);

	while (was < to && !atomic_compare_exchange_weak(high, &was, to))
		;
}

static enum user_result slot_take(struct shm *shm, uint32_t slot, const char *name)
{
	struct user *user = segment_user(shm, slot);
	uint32_t inbox = log_of_inbox(shm, slot);
	char padded[ROOM_SIZE] = "@";

	if (user_lock(shm, slot) < 0)
		return USER_BUSY;
	if (log_lock(shm, inbox) != APPEND_OK) {
		user_release(shm, slot);
		return USER_BUSY;
	}
	memcpy(padded + 1, name, strnlen(name, NAME_SIZE - 1));
	shm_copy_in(user->inbox.name, padded, sizeof(padded));
	CRASH_POINT(user_named);
	slot_fill(shm, slot);
	raise_high(&shm->header->users_high, slot + 1);
	room_log_clear(shm, inbox, segment_new_epoch(shm));
	CRASH_POINT(user_cleared);
	store_release(&user->life, segment_new_epoch(shm));
	CRASH_POINT(user_living);
	store_release(&user->state, USER_USED);
	CRASH_POINT(user_published);
	lock_release(&user->inbox.lock);
	user_release(shm, slot);
	return USER_OK;
}

static enum user_result make_locked(struct shm *shm, const char *name, uint32_t *ret_user)
{
	struct table table = table_of(shm);
	enum user_result result;
	uint32_t slot = table_pop_free(&table);

	CRASH_POINT(user_popped);
	if (slot == SHM_NONE)
		return USER_FULL_TABLE;
	result = slot_take(shm, slot, name);
	if (result != USER_OK) {
		table_push_free(&table, slot);
		return result;
	}
	table_insert(&table, hash_of(shm, name), slot);
	CRASH_POINT(user_linked);
	atomic_fetch_add(&shm->header->users_used, 1);
	*ret_user = slot;
	return USER_OK;
}

enum user_result user_make(struct shm *shm, const char *name, uint32_t *ret_user)
{
	enum user_result result = USER_OK;

	if (walk(shm, name, ret_user))
		return USER_OK;
	if (user_table_lock(shm) < 0)
		return USER_BUSY;
	if (!walk(shm, name, ret_user))
		result = make_locked(shm, name, ret_user);
	CRASH_POINT(user_made);
	user_table_release(shm);
	return result;
}

int user_make_inbox(struct shm *shm, uint32_t user)
{
	int err;

	if (atomic_load(&segment_user(shm, user)->inbox.made) != 0)
		return 0;
	if (user_table_lock(shm) < 0)
		return -EBUSY;
	err = segment_make_body(shm, log_of_inbox(shm, user));
	user_table_release(shm);
	return err;
}

/* ---- passing on ---- */

/*
 * Off all lists. Under the user's lock; each room by itself, so a busy one leaves the rest for
 * another try.
 */
static int list_empty(struct shm *shm, uint32_t slot)
{
	struct user *user = segment_user(shm, slot);
	struct member *list = segment_members(shm, slot);

	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		uint64_t word = load_relaxed(&list[i].word);
		struct room *room;

		if (word == 0)
			continue;
		room = &shm->rooms[(word & MEMBER_SLOT_MASK) - 1];
		if (log_lock(shm, (uint32_t)(word & MEMBER_SLOT_MASK) - 1) != APPEND_OK)
			return -EBUSY;
		store_release(&list[i].word, 0);
		CRASH_POINT(user_unlisted_half);
		if ((word & MEMBER_COUNTED) != 0)
			atomic_fetch_sub(&room->members, 1);
		atomic_fetch_add(&room->member_change, 1);
		lock_release(&room->log.lock);
	}
	atomic_fetch_add(&user->list_change, 1);
	atomic_fetch_add(&shm->header->changes, 1);
	return 0;
}

/*
 * Under the user's lock. Then nothing of the former owner is left: another inbox epoch, and
 * another life, which makes his id windows nobody's.
 */
static int user_empty(struct shm *shm, uint32_t slot, bool give_back)
{
	struct user *user = segment_user(shm, slot);
	int err = list_empty(shm, slot);

	if (err == 0 && log_lock(shm, log_of_inbox(shm, slot)) != APPEND_OK)
		err = -EBUSY;
	if (err < 0)
		return err;
	CRASH_POINT(user_empty_start);
	store_relaxed(&user->away, 0);
	if (give_back) {
		store_release(&user->state, USER_FREE);
		CRASH_POINT(user_given_back);
		store_release(&user->inbox.epoch, 0);
		store_release(&user->life, 0);
	} else {
		store_release(&user->life, segment_new_epoch(shm));
		CRASH_POINT(user_new_life);
		room_log_clear(shm, log_of_inbox(shm, slot), 0);
	}
	CRASH_POINT(user_emptied);
	lock_release(&user->inbox.lock);
	return 0;
}

enum user_result user_forget(struct shm *shm, const char *name)
{
	struct table table = table_of(shm);
	enum user_result result = USER_OK;
	uint32_t slot;

	if (user_table_lock(shm) < 0)
		return USER_BUSY;
	if (!walk(shm, name, &slot)) {
		result = USER_NONE;
	} else if (user_lock(shm, slot) < 0) {
		result = USER_BUSY;
	} else {
		/* Whoever is connected under the name keeps the slot until he is shown out. */
		bool give_back = load_relaxed(&segment_user(shm, slot)->sessions) == 0;

		if (user_empty(shm, slot, give_back) < 0) {
			result = USER_BUSY;
		} else if (give_back) {
			table_remove(&table, hash_of(shm, name), slot);
			CRASH_POINT(user_unlinked);
			table_push_free(&table, slot);
			atomic_fetch_sub(&shm->header->users_used, 1);
		} else {
			store_relaxed(&segment_user(shm, slot)->name_serial, 0);
		}
		user_release(shm, slot);
	}
	user_table_release(shm);
	return result;
}

enum user_result user_own(struct shm *shm, uint32_t user, uint64_t serial)
{
	struct user *slot = segment_user(shm, user);
	enum user_result result = USER_OK;
	uint64_t was;

	if (serial == 0 || load_acquire(&slot->name_serial) == serial)
		return USER_OK;
	if (user_lock(shm, user) < 0)
		return USER_BUSY;
	was = load_relaxed(&slot->name_serial);
	if (load_relaxed(&slot->state) != USER_USED)
		result = USER_NONE;
	else if (was != 0 && was != serial && user_empty(shm, user, false) < 0)
		result = USER_BUSY;
	CRASH_POINT(user_own_emptied);
	if (result == USER_OK)
		store_release(&slot->name_serial, serial);
	user_release(shm, user);
	return result;
}

/* ---- state ---- */

int user_set_away(struct shm *shm, uint32_t user, const char *text)
{
	struct user *slot = segment_user(shm, user);

	if (user_lock(shm, user) < 0)
		return -EBUSY;
	store_relaxed(&slot->away, 0);
	CRASH_POINT(user_away_cleared);
	if (text != NULL) {
		size_t len = strnlen(text, AWAY_SIZE - 1);

		memcpy(slot->away_text, text, len);
		slot->away_text[len] = '\0';
		CRASH_POINT(user_away_copied);
		store_relaxed(&slot->away, 1);
	}
	presence_touch(shm, user);
	user_release(shm, user);
	return 0;
}

bool user_away(struct shm *shm, uint32_t user, char ret_text[AWAY_SIZE])
{
	struct user *slot = segment_user(shm, user);
	bool away = load_relaxed(&slot->away) != 0;

	ret_text[0] = '\0';
	if (!away || user_lock(shm, user) < 0)
		return away; /* busy: that he is away is known, the words aren't */
	away = load_relaxed(&slot->away) != 0;
	if (away)
		memcpy(ret_text, slot->away_text, AWAY_SIZE);
	user_release(shm, user);
	return away;
}

bool user_present(const struct shm *shm, uint32_t user)
{
	return load_acquire(&segment_user(shm, user)->sessions) > 0;
}

bool user_read_inbox(struct shm *shm, uint32_t user, uint64_t seq)
{
	struct user *slot = segment_user(shm, user);
	uint64_t was = load_relaxed(&slot->inbox_read);

	/* Not beyond what there is: a mark of the future would make later lines read. */
	if (seq >= load_acquire(&slot->inbox.next))
		seq = load_acquire(&slot->inbox.next) - 1;
	while (was < seq) {
		if (atomic_compare_exchange_weak(&slot->inbox_read, &was, seq))
			return true;
	}
	return false;
}
