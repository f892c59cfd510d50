#include "shm/session.h"

#include "shm/append.h"
#include "shm/crash_point.h"
#include "shm/janitor.h"
#include "shm/session_chain.h"
#include "shm/user_table.h"

#include "base/clock.h"

#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)
#define store_release(at, value) atomic_store_explicit((at), (value), memory_order_release)

bool session_word_is_current(const struct shm *shm, uint64_t word)
{
	unsigned slot = (unsigned)(word >> 56) & 63;
	uint32_t generation = (uint32_t)(word >> 32) & 0xffffff;
	const struct worker_slot *worker = &shm->workers[slot];

	return load_acquire(&worker->alive) != 0 &&
	       (load_acquire(&worker->generation) & 0xffffff) == generation;
}

static bool is_attached(const struct shm *shm, uint64_t word)
{
	return session_word_state(word) == SESSION_ATTACHED && session_word_is_current(shm, word);
}

/* ---- chains, under the user's lock ---- */

static uint32_t valid(const struct shm *shm, uint32_t session)
{
	return session < shm->header->session_slots ? session : SHM_NONE;
}

static uint32_t chain_first(const struct shm *shm, uint32_t user)
{
	return valid(shm, load_acquire(&segment_user(shm, user)->session_first));
}

static uint32_t chain_next(const struct shm *shm, uint32_t session)
{
	return valid(shm, load_acquire(&shm->sessions[session].next));
}

static void chain_put(struct shm *shm, uint32_t user, uint32_t session)
{
	struct user *slot = segment_user(shm, user);

	store_relaxed(&shm->sessions[session].next, load_relaxed(&slot->session_first));
	CRASH_POINT(session_chained_half);
	store_release(&slot->session_first, session);
}

static void chain_remove(struct shm *shm, uint32_t user, uint32_t session)
{
	_Atomic uint32_t *at = &segment_user(shm, user)->session_first;

	for (uint32_t n = 0; n < shm->header->session_slots; n++) {
		uint32_t here = valid(shm, load_relaxed(at));

		if (here == SHM_NONE)
			return;
		if (here == session) {
			store_release(at, load_relaxed(&shm->sessions[session].next));
			return;
		}
		at = &shm->sessions[here].next;
	}
}

void session_chain_rebuild(struct shm *shm, uint32_t user)
{
	uint32_t high = load_acquire(&shm->header->sessions_high);
	uint32_t count = 0;

	store_release(&segment_user(shm, user)->session_first, SHM_NONE);
	CRASH_POINT(session_rebuild_emptied);
	for (uint32_t i = 0; i < high && i < shm->header->session_slots; i++) {
		uint64_t word = load_acquire(&shm->sessions[i].word);

		if (session_word_state(word) == SESSION_FREE || session_word_user(word) != user)
			continue;
		chain_put(shm, user, i);
		count++;
	}
	CRASH_POINT(session_rebuild_chained);
	store_release(&segment_user(shm, user)->sessions, count);
}

void session_chains_rebuild(struct shm *shm)
{
	for (uint32_t u = 0; u < shm->sizes->max_users; u++) {
		store_relaxed(&segment_user(shm, u)->session_first, SHM_NONE);
		store_relaxed(&segment_user(shm, u)->sessions, 0);
	}
	for (uint32_t i = 0; i < shm->header->session_slots; i++) {
		uint64_t word = load_relaxed(&shm->sessions[i].word);

		if (session_word_state(word) == SESSION_FREE)
			continue;
		chain_put(shm, session_word_user(word), i);
		atomic_fetch_add(&segment_user(shm, session_word_user(word))->sessions, 1);
	}
}

/*
 * Off the chain first, then free: once the word is free the slot may be another user's. Then
 * the number, and whom it concerns.
 */
static void session_free(struct shm *shm, uint32_t user, uint32_t session)
{
	struct user *slot = segment_user(shm, user);
	uint32_t hint = load_relaxed(&shm->header->session_hint);

	chain_remove(shm, user, session);
	CRASH_POINT(session_unchained);
	store_release(&shm->sessions[session].word, 0);
	CRASH_POINT(session_freed);
	while (session < hint &&
	       !atomic_compare_exchange_weak(&shm->header->session_hint, &hint, session))
		;
	if (load_relaxed(&slot->sessions) > 0)
		atomic_fetch_sub(&slot->sessions, 1);
	CRASH_POINT(session_uncounted);
	if (load_relaxed(&slot->sessions) == 0)
		presence_apply(shm, user);
	CRASH_POINT(session_absent);
}

/* ---- attach ---- */

/* A free slot, now with `word`; SHM_NONE: none. The lowest ones first, so that a sweep is short. */
static uint32_t slot_claim(struct shm *shm, uint64_t word)
{
	struct segment_header *header = shm->header;
	uint32_t from = load_relaxed(&header->session_hint);

	for (uint32_t n = 0; n < header->session_slots; n++) {
		uint32_t at = (uint32_t)(((uint64_t)from + n) % header->session_slots);
		uint64_t free = 0;
		uint32_t high;

		if (load_relaxed(&shm->sessions[at].word) != 0)
			continue;
		/* Before the word: a sweep must not miss a session that stands in it. */
		high = load_relaxed(&header->sessions_high);
		while (high < at + 1 &&
		       !atomic_compare_exchange_weak(&header->sessions_high, &high, at + 1))
			;
		if (atomic_compare_exchange_strong(&shm->sessions[at].word, &free, word)) {
			store_relaxed(&header->session_hint, (at + 1) % header->session_slots);
			return at;
		}
	}
	return SHM_NONE;
}

/* The user's attached sessions, and one that may be resumed: lost, or a dead worker's. */
static unsigned chain_look(const struct shm *shm, uint32_t user, uint64_t device_hash,
			   uint32_t *ret_lost)
{
	unsigned attached = 0, steps = 0;

	*ret_lost = SHM_NONE;
	for (uint32_t s = chain_first(shm, user);
	     s != SHM_NONE && steps++ < shm->header->session_slots; s = chain_next(shm, s)) {
		if (is_attached(shm, load_acquire(&shm->sessions[s].word)))
			attached++;
		else if (load_relaxed(&shm->sessions[s].device_hash) == device_hash)
			*ret_lost = s;
	}
	return attached;
}

static uint32_t lost_resume(struct shm *shm, uint32_t lost, uint64_t word)
{
	uint64_t was;

	if (lost == SHM_NONE)
		return SHM_NONE;
	/* The janitor may turn it from a dead worker's into a lost one meanwhile; both will do. */
	was = load_acquire(&shm->sessions[lost].word);
	while (!atomic_compare_exchange_weak(&shm->sessions[lost].word, &was, word))
		;
	CRASH_POINT(session_resumed);
	return lost;
}

static uint32_t session_take(struct shm *shm, uint32_t user, uint64_t word)
{
	struct user *slot = segment_user(shm, user);
	uint32_t session = slot_claim(shm, word);

	CRASH_POINT(session_claimed);
	if (session == SHM_NONE)
		return SHM_NONE;
	chain_put(shm, user, session);
	CRASH_POINT(session_chained);
	if (atomic_fetch_add(&slot->sessions, 1) == 0) {
		CRASH_POINT(session_counted);
		presence_apply(shm, user);
	}
	return session;
}

enum session_result session_attach(struct shm *shm, uint32_t user, const char *device,
				   unsigned max_per_user, uint32_t *ret_session)
{
	struct worker_slot *worker = &shm->workers[shm->slot];
	uint64_t device_hash = shm_hash(shm, device, strlen(device));
	uint64_t word = session_word(SESSION_ATTACHED, shm->slot, shm->generation, user);
	enum session_result result = SESSION_OK;
	uint32_t session = SHM_NONE, lost;

	if (user_lock(shm, user) < 0)
		return SESSION_BUSY;
	/*
	 * Counted before it is compared: two workers at the edge may both refuse, never both
	 * accept.
	 */
	atomic_fetch_add(&worker->sessions, 1);
	if (load_acquire(&segment_user(shm, user)->state) != USER_USED) {
		result = SESSION_BUSY; /* forgotten since he was looked up: look again */
	} else if (session_count(shm) > shm->sizes->max_connections) {
		result = SESSION_FULL_TABLE;
	} else if (chain_look(shm, user, device_hash, &lost) >= max_per_user && max_per_user > 0) {
		result = SESSION_TOO_MANY;
	} else {
		session = lost_resume(shm, lost, word);
		if (session == SHM_NONE)
			session = session_take(shm, user, word);
		if (session == SHM_NONE)
			result = SESSION_FULL_TABLE;
	}
	if (result == SESSION_OK) {
		store_relaxed(&shm->sessions[session].device_hash, device_hash);
		store_relaxed(&shm->sessions[session].since_mono_ms, clock_mono_ms());
		*ret_session = session;
	} else {
		atomic_fetch_sub(&worker->sessions, 1);
	}
	CRASH_POINT(session_attached);
	user_release(shm, user);
	return result;
}

/* ---- lose, end ---- */

/*
 * Attached to lost: neither the number nor the chain changes, so no lock. False: not ours any more.
 */
static bool mark_lost(struct shm *shm, uint32_t session, uint64_t until_mono_ms)
{
	struct session *slot = &shm->sessions[session];
	uint64_t word = load_acquire(&slot->word);

	if (session_word_state(word) != SESSION_ATTACHED ||
	    word != session_word(SESSION_ATTACHED, shm->slot, shm->generation,
				 session_word_user(word)))
		return false;
	store_relaxed(&slot->lost_until_mono_ms, until_mono_ms);
	CRASH_POINT(session_lost_half);
	if (!atomic_compare_exchange_strong(
		    &slot->word, &word, session_word(SESSION_LOST, 0, 0, session_word_user(word))))
		return false;
	CRASH_POINT(session_lost);
	atomic_fetch_sub(&shm->workers[shm->slot].sessions, 1);
	return true;
}

/*
 * A user needs one lost session to be present, the one that lasts longest: the others are
 * freed, so that nobody fills the table by coming and going under ever new devices.
 */
static void keep_one_lost(struct shm *shm, uint32_t user)
{
	uint32_t kept = SHM_NONE, steps = 0;
	uint32_t next;

	for (uint32_t s = chain_first(shm, user);
	     s != SHM_NONE && steps++ < shm->header->session_slots; s = next) {
		uint32_t shorter = s;

		next = chain_next(shm, s);
		if (session_word_state(load_acquire(&shm->sessions[s].word)) != SESSION_LOST)
			continue;
		if (kept == SHM_NONE) {
			kept = s;
			continue;
		}
		if (load_relaxed(&shm->sessions[s].lost_until_mono_ms) >
		    load_relaxed(&shm->sessions[kept].lost_until_mono_ms)) {
			shorter = kept;
			kept = s;
		}
		session_free(shm, user, shorter);
	}
}

void session_lose(struct shm *shm, uint32_t session, unsigned grace_ms)
{
	uint32_t user = session_word_user(load_acquire(&shm->sessions[session].word));

	if (!mark_lost(shm, session, clock_mono_ms() + grace_ms))
		return;
	if (user_lock(shm, user) < 0)
		return; /* they expire by themselves */
	keep_one_lost(shm, user);
	user_release(shm, user);
}

static bool is_expired(const struct shm *shm, uint32_t session, uint32_t user, uint64_t now_mono_ms)
{
	uint64_t word = load_acquire(&shm->sessions[session].word);

	return word == session_word(SESSION_LOST, 0, 0, user) &&
	       load_relaxed(&shm->sessions[session].lost_until_mono_ms) <= now_mono_ms;
}

void session_end(struct shm *shm, uint32_t session)
{
	uint32_t user = session_word_user(load_acquire(&shm->sessions[session].word));

	/* Lost until now, which the janitor ends where we can't. */
	if (!mark_lost(shm, session, 0) || user_lock(shm, user) < 0)
		return;
	if (is_expired(shm, session, user, 0))
		session_free(shm, user, session);
	CRASH_POINT(session_ended);
	user_release(shm, user);
}

/* ---- janitor ---- */

/* A dead worker's session: lost from now on. */
static bool orphan_lose(struct shm *shm, uint32_t session, uint64_t word, uint64_t until_mono_ms)
{
	struct session *slot = &shm->sessions[session];

	if (session_word_state(word) != SESSION_ATTACHED || session_word_is_current(shm, word))
		return false;
	store_relaxed(&slot->lost_until_mono_ms, until_mono_ms);
	CRASH_POINT(session_orphan_half);
	return atomic_compare_exchange_strong(
		&slot->word, &word, session_word(SESSION_LOST, 0, 0, session_word_user(word)));
}

static bool expired_free(struct shm *shm, uint32_t session, uint32_t user, uint64_t now_mono_ms)
{
	bool freed = false;

	if (user_lock(shm, user) < 0)
		return false;
	if (is_expired(shm, session, user, now_mono_ms)) {
		session_free(shm, user, session);
		freed = true;
	}
	user_release(shm, user);
	return freed;
}

unsigned session_sweep(struct shm *shm, uint64_t now_mono_ms, unsigned grace_ms)
{
	uint32_t high = load_acquire(&shm->header->sessions_high);
	unsigned changed = 0;

	for (uint32_t i = 0; i < high && i < shm->header->session_slots; i++) {
		uint64_t word = load_acquire(&shm->sessions[i].word);
		uint32_t user = session_word_user(word);

		if (session_word_state(word) == SESSION_FREE || user >= shm->sizes->max_users)
			continue;
		if (orphan_lose(shm, i, word, now_mono_ms + grace_ms))
			changed++;
		else if (is_expired(shm, i, user, now_mono_ms))
			changed += expired_free(shm, i, user, now_mono_ms);
	}
	return changed;
}

/* ---- counts ---- */

unsigned session_count(const struct shm *shm)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		if (janitor_worker_alive(shm, slot))
			count += atomic_load(&shm->workers[slot].sessions);
	}
	return count;
}

static bool count_along_chain(const struct shm *shm, uint32_t user, unsigned *ret_count)
{
	unsigned count = 0, steps = 0;

	for (uint32_t s = chain_first(shm, user); s != SHM_NONE; s = chain_next(shm, s)) {
		uint64_t word = load_acquire(&shm->sessions[s].word);

		/* Freed under our feet, and maybe on another user's chain by now. */
		if (session_word_state(word) == SESSION_FREE || session_word_user(word) != user ||
		    steps++ > shm->header->session_slots)
			return false;
		count += is_attached(shm, word);
	}
	*ret_count = count;
	return true;
}

#define CHAIN_TRIES 8

unsigned user_connections(const struct shm *shm, uint32_t user)
{
	unsigned count = 0;

	for (int i = 0; i < CHAIN_TRIES; i++) {
		if (count_along_chain(shm, user, &count))
			return count;
	}
	for (uint32_t s = 0; s < shm->header->session_slots; s++) {
		uint64_t word = load_acquire(&shm->sessions[s].word);

		count += session_word_user(word) == user && is_attached(shm, word);
	}
	return count;
}
