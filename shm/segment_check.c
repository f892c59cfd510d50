#include "shm/segment_check.h"

#include "shm/append.h"
#include "shm/crash_point.h"
#include "shm/lock.h"
#include "shm/room_log.h"
#include "shm/room_table.h"
#include "shm/segment_layout.h"
#include "shm/session_chain.h"
#include "shm/slot_check.h"
#include "shm/user_table.h"

#include "base/clock.h"
#include "base/random.h"

#include <errno.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

enum segment_found segment_header_check(const void *bytes, size_t len, uint64_t file_size)
{
	struct segment_header found, given;

	memset(&found, 0, sizeof(found));
	memcpy(&found, bytes, len < sizeof(found) ? len : sizeof(found));
	/* The magic is stored last of all. */
	if (found.magic == 0)
		return FOUND_NOTHING;
	if (found.magic != SHM_MAGIC)
		return FOUND_FOREIGN;
	if (len < sizeof(found) && len < offsetof(struct segment_header, header_bytes))
		return FOUND_DAMAGED;
	if (found.layout_version != SHM_LAYOUT_VERSION)
		return FOUND_OTHER_LAYOUT;
	if (len < sizeof(found) || found.crc != segment_header_crc(&found) ||
	    memchr(found.instance, '\0', sizeof(found.instance)) == NULL)
		return FOUND_DAMAGED;
	/* Believed only if its sizes give these very numbers. */
	memset(&given, 0, sizeof(given));
	given.sizes = found.sizes;
	memcpy(given.boot_id, found.boot_id, sizeof(given.boot_id));
	memcpy(given.instance, found.instance, sizeof(given.instance));
	memcpy(given.hash_key, found.hash_key, sizeof(given.hash_key));
	if (segment_layout(&given) < 0 || memcmp(&given, &found, SEGMENT_HEADER_CONSTANT) != 0 ||
	    file_size != found.total_bytes)
		return FOUND_DAMAGED;
	return FOUND_OURS;
}

/* ---- locks ---- */

/* What a lock looks like that nobody holds: never taken, or taken and released. */
struct lock_patterns {
	struct shm_lock unused, released;
};

static int patterns_make(struct lock_patterns *patterns)
{
	int err;

	memset(patterns, 0, sizeof(*patterns));
	err = lock_init(&patterns->unused);
	if (err == 0)
		err = lock_init(&patterns->released);
	if (err == 0 && lock_try(&patterns->released) == LOCK_OK)
		lock_release(&patterns->released);
	return err;
}

/* Byte for byte: a mutex says nothing about itself in any other way. */
static bool looks_like(const struct shm_lock *lock, const struct shm_lock *pattern)
{
	const void *bytes = &lock->mutex, *expected = &pattern->mutex;

	return memcmp(bytes, expected, sizeof(lock->mutex)) == 0;
}

/* A lock that looks otherwise was held by somebody, or is no lock any more. */
static int lock_renew(struct shm_lock *lock, const struct lock_patterns *patterns,
		      unsigned *repaired)
{
	if (!looks_like(lock, &patterns->unused) && !looks_like(lock, &patterns->released))
		(*repaired)++;
	return lock_init(lock);
}

static int renew_locks(struct shm *shm, struct segment_report *report)
{
	struct segment_header *header = shm->header;
	struct shm_lock *tables[] = {&header->room_table,    &header->user_table,
				     &header->window_table,  &header->address_table,
				     &header->penalty_table, &header->janitor};
	unsigned *repaired = &report->locks_repaired;
	struct lock_patterns patterns;
	int err;

	err = patterns_make(&patterns);
	for (size_t i = 0; err == 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
		err = lock_renew(tables[i], &patterns, repaired);
	for (uint32_t log = 0; err == 0 && log < segment_log_count(shm); log++)
		err = lock_renew(&segment_log(shm, log)->lock, &patterns, repaired);
	for (uint32_t user = 0; err == 0 && user < shm->sizes->max_users; user++)
		err = lock_renew(&segment_user(shm, user)->lock, &patterns, repaired);
	for (uint32_t window = 0; err == 0 && window < shm->sizes->max_devices; window++)
		err = lock_renew(&shm->windows[window].lock, &patterns, repaired);
	return err;
}

/* ---- slots ---- */

static void reset_workers(struct shm *shm)
{
	const struct segment_header *header = shm->header;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		struct worker_slot *worker = &shm->workers[slot];
		uint32_t generation = load_relaxed(&worker->generation);

		/* Its sessions are told from its successor's by the generation, so that goes on. */
		memset(worker, 0, sizeof(*worker));
		store_relaxed(&worker->generation, generation);
	}
	memset(shm->base + header->dirty, 0, header->rooms - header->dirty);
	memset(shm->base + header->addresses, 0, header->room_bodies - header->addresses);
}

static void check_log(struct shm *shm, uint32_t log, struct segment_report *report)
{
	struct log_head *head = segment_log(shm, log);
	bool sound;

	store_relaxed(&head->workers, 0);
	if (load_relaxed(&head->made) > 1)
		store_relaxed(&head->made,
			      0); /* its memory is taken anew; what lay there is lost */
	if (load_relaxed(&head->epoch) == 0)
		return;
	report->logs_audited++;
	sound = load_relaxed(&head->quarantined) == LOG_SOUND && room_log_audit(shm, log);
	if (sound) {
		room_log_repair(shm, log);
	} else {
		room_log_clear(shm, log, 0);
		report->logs_quarantined++;
	}
}

static void check_rooms(struct shm *shm, struct buf *warnings)
{
	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++) {
		struct room *room = &shm->rooms[i];

		if (load_relaxed(&room->log.epoch) == 0)
			continue;
		room->topic[0].text[TOPIC_SIZE - 1] = room->topic[1].text[TOPIC_SIZE - 1] = '\0';
		if (load_relaxed(&room->log.made) != 1 ||
		    !slot_name_is_sound(room->log.name, false)) {
			buf_printf(warnings, "room slot %u was damaged and is given up\n", i);
			store_relaxed(&room->log.epoch, 0);
		}
	}
}

static void check_users(struct shm *shm, struct buf *warnings)
{
	uint32_t high = 0;

	for (uint32_t u = 0; u < shm->sizes->max_users; u++) {
		struct user *user = segment_user(shm, u);
		struct member *list = segment_members(shm, u);
		bool used = load_relaxed(&user->state) == USER_USED;

		user->away_text[AWAY_SIZE - 1] = '\0';
		if (used &&
		    (load_relaxed(&user->inbox.epoch) == 0 || load_relaxed(&user->life) == 0 ||
		     !slot_name_is_sound(user->inbox.name, true))) {
			buf_printf(warnings, "user slot %u was damaged and is given up\n", u);
			used = false;
		}
		if (used) {
			high = u + 1;
		} else {
			store_relaxed(&user->state, USER_FREE);
			store_relaxed(&user->inbox.epoch, 0);
		}
		for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
			uint64_t word = load_relaxed(&list[i].word);
			uint64_t slot = word & MEMBER_SLOT_MASK;

			if (!used || slot == 0 || slot > shm->sizes->max_rooms ||
			    load_relaxed(&shm->rooms[slot - 1].log.epoch) == 0)
				word = 0;
			store_relaxed(&list[i].word, word & ~MEMBER_COUNTED);
		}
		store_relaxed(&user->presence_due, 0);
	}
	store_relaxed(&shm->header->users_high, high);
}

/*
 * Epochs are counted upwards, so all that are in use lie behind the counter. If one doesn't,
 * the counter is not what it was, and goes on somewhere else, so that none is given twice.
 */
static void check_epochs(struct shm *shm)
{
	uint64_t counter = atomic_load(&shm->header->epoch_counter);
	bool behind = true;

	for (uint32_t log = 0; log < segment_log_count(shm); log++) {
		uint64_t epoch = load_relaxed(&segment_log(shm, log)->epoch);

		behind = behind && (epoch == 0 || (counter - epoch) - 1 < INT64_MAX);
	}
	for (uint32_t u = 0; u < shm->sizes->max_users; u++) {
		uint64_t life = load_relaxed(&segment_user(shm, u)->life);

		behind = behind && (life == 0 || (counter - life) - 1 < INT64_MAX);
	}
	if (!behind)
		atomic_store(&shm->header->epoch_counter, random_u64());
}

static void check_windows(struct shm *shm)
{
	for (uint32_t i = 0; i < shm->sizes->max_devices; i++) {
		struct window *window = &shm->windows[i];

		if (load_relaxed(&window->state) != WINDOW_FREE &&
		    !slot_window_is_sound(shm, window))
			slot_window_clear(window);
	}
}

/* All workers are gone, so all their sessions are lost from now on. */
static void check_sessions(struct shm *shm)
{
	uint64_t until = clock_mono_ms() + PRESENCE_GRACE_MS;
	uint32_t high = 0;

	for (uint32_t i = 0; i < shm->header->session_slots; i++) {
		struct session *session = &shm->sessions[i];
		uint64_t word = load_relaxed(&session->word);
		uint32_t user = session_word_user(word);

		if (word == 0)
			continue;
		if (user >= shm->sizes->max_users ||
		    load_relaxed(&segment_user(shm, user)->state) != USER_USED)
			word = 0;
		else
			word = session_word(SESSION_LOST, 0, 0, user);
		high = word != 0 ? i + 1 : high;
		store_relaxed(&session->lost_until_mono_ms, until);
		store_relaxed(&session->word, word);
	}
	store_relaxed(&shm->header->sessions_high, high);
	store_relaxed(&shm->header->session_hint, 0);
}

static void count_presence(struct shm *shm)
{
	session_chains_rebuild(shm);
	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++) {
		store_relaxed(&shm->rooms[i].members, 0);
		store_relaxed(&shm->rooms[i].recount, 0);
	}
	for (uint32_t u = 0; u < shm->sizes->max_users; u++) {
		if (load_relaxed(&segment_user(shm, u)->state) == USER_USED)
			presence_apply(shm, u);
	}
}

int segment_repair(struct shm *shm, struct segment_report *report, struct buf *warnings)
{
	unsigned open;
	int err = renew_locks(shm, report);

	if (err < 0)
		return err;
	CRASH_POINT(start_locks_renewed);
	atomic_store(&shm->header->clean, 0);
	reset_workers(shm);
	check_rooms(shm, warnings);
	check_users(shm, warnings);
	check_epochs(shm);
	check_windows(shm);
	CRASH_POINT(start_slots_checked);
	for (uint32_t log = 0; log < segment_log_count(shm); log++)
		check_log(shm, log, report);
	CRASH_POINT(start_logs_checked);
	room_table_rebuild(shm);
	user_table_rebuild(shm);
	window_table_rebuild(shm);
	open = append_finish_intents(shm);
	if (open > 0)
		buf_printf(warnings, "%u direct messages wait for room for their second copy\n",
			   open);
	CRASH_POINT(start_intents_finished);
	check_sessions(shm);
	CRASH_POINT(start_sessions_lost);
	count_presence(shm);
	CRASH_POINT(start_repaired);
	if (report->logs_quarantined > 0)
		buf_printf(warnings, "%u damaged logs were emptied and begin a new epoch\n",
			   report->logs_quarantined);
	return 0;
}
