#include "shm/janitor.h"

#include "shm/append.h"
#include "shm/crash_point.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/room_table.h"
#include "shm/segment_layout.h"
#include "shm/session.h"
#include "shm/user_table.h"

#include "base/clock.h"

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)

/* An audit goes on for so long in one call. */
#define AUDIT_US 2000u

/* ---- the master's marks ---- */

uint32_t janitor_worker_born(struct shm *shm, unsigned slot)
{
	struct worker_slot *worker = &shm->workers[slot];
	uint32_t generation = atomic_fetch_add(&worker->generation, 1) + 1;

	/* Not alive yet for anyone, so nobody counts the predecessor's sessions as its own. */
	atomic_store(&worker->sessions, 0);
	atomic_store(&worker->pid, 0);
	/* Not heard of yet: it is nobody's janitor, and no watchdog waits for a second beat. */
	atomic_store(&worker->heartbeat_mono_ms, 0);
	atomic_store(&worker->alive, 1);
	return generation;
}

void janitor_worker_pid(struct shm *shm, unsigned slot, int pid)
{
	atomic_store(&shm->workers[slot].pid, pid);
}

void janitor_worker_died(struct shm *shm, unsigned slot, bool by_fault)
{
	struct worker_slot *worker = &shm->workers[slot];

	/* The audit first: a janitor that sees the death sees what it was. */
	if (by_fault)
		atomic_store(&worker->needs_audit, clock_mono_ns());
	atomic_store(&worker->alive, 0);
	atomic_store(&worker->pid, 0);
}

bool janitor_worker_alive(const struct shm *shm, unsigned slot)
{
	return load_acquire(&shm->workers[slot].alive) != 0;
}

/* ---- whose turn ---- */

static bool is_our_turn(struct shm *shm, uint64_t now_mono_ms)
{
	atomic_store_explicit(&shm->workers[shm->slot].heartbeat_mono_ms, now_mono_ms,
			      memory_order_relaxed);
	for (unsigned slot = 0; slot < shm->slot; slot++) {
		uint64_t heard = load_relaxed(&shm->workers[slot].heartbeat_mono_ms);

		if (janitor_worker_alive(shm, slot) && heard + JANITOR_SILENT_MS > now_mono_ms)
			return false;
	}
	return true;
}

/* Somebody died since the last call, or this is the first: someone may have died before. */
static bool somebody_died(struct shm *shm, struct janitor *janitor)
{
	bool died = !janitor->looked;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		uint32_t generation = load_acquire(&shm->workers[slot].generation);
		uint64_t now = (uint64_t)generation << 1 | janitor_worker_alive(shm, slot);
		uint64_t before = janitor->seen[slot];

		/*
		 * Each generation is a birth; who was born, or lived before, and lives no
		 * more, died.
		 */
		if ((now >> 1) - (before >> 1) + (before & 1) > (now & 1))
			died = true;
		janitor->seen[slot] = now;
	}
	janitor->looked = true;
	return died;
}

/* ---- what the dead held ---- */

/*
 * Each lock that may be a dead process's is taken, which mends what it guards, and released. A
 * busy one has a living owner.
 */
static void visit_locks(struct shm *shm)
{
	struct room_ref room;
	uint32_t user;
	bool busy;

	/* A name that cannot be leads under the tables' locks. */
	(void)room_find(shm, "", &room);
	(void)user_find(shm, "", &user);
	(void)window_find(shm, 0, "", &busy);
	room_table_mend(shm);
	CRASH_POINT(janitor_tables);
	for (uint32_t u = 0; u < load_acquire(&shm->header->users_high); u++) {
		if (user_lock(shm, u) == 0)
			user_release(shm, u);
	}
	CRASH_POINT(janitor_users);
	for (uint32_t log = 0; log < segment_log_count(shm); log++) {
		struct log_head *head = segment_log(shm, log);

		if (load_relaxed(&head->made) == 0 && load_relaxed(&head->epoch) == 0)
			continue;
		if (log_lock(shm, log) == APPEND_OK)
			lock_release(&head->lock);
	}
	CRASH_POINT(janitor_logs);
}

/* ---- logs that failed a check ---- */

static void log_reset(struct shm *shm, uint32_t log, struct janitor_report *report)
{
	const unsigned most = sizeof(report->reset_log) / sizeof(report->reset_log[0]);

	room_log_quarantine(shm, log);
	CRASH_POINT(janitor_quarantined);
	if (room_log_reset(shm, log) < 0)
		return; /* stays in quarantine, and due, for the next call */
	CRASH_POINT(janitor_reset);
	if (report->logs_reset < most)
		report->reset_log[report->logs_reset] = log;
	report->logs_reset++;
}

/*
 * The sum of a log nobody writes to meanwhile. A lock that is not to be had: sound, for the
 * owner lives and works.
 */
static bool log_is_sound(struct shm *shm, uint32_t log)
{
	struct log_head *head = segment_log(shm, log);
	bool sound;

	if (load_acquire(&head->epoch) == 0 || load_acquire(&head->made) == 0)
		return true;
	/* Without the lock first: a writer waits for nobody while most logs pass. */
	if (room_log_audit(shm, log))
		return true;
	if (log_lock(shm, log) != APPEND_OK)
		return true;
	sound = load_relaxed(&head->epoch) == 0 || room_log_audit(shm, log);
	lock_release(&head->lock);
	return sound;
}

static void audits_done(struct shm *shm, const struct janitor *janitor)
{
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		uint64_t died_ns = atomic_load(&shm->workers[slot].needs_audit);

		if (died_ns != 0 && died_ns < janitor->audit_since_ns)
			atomic_compare_exchange_strong(&shm->workers[slot].needs_audit, &died_ns,
						       0);
	}
}

static bool audit_is_due(const struct shm *shm)
{
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		if (atomic_load(&shm->workers[slot].needs_audit) != 0)
			return true;
	}
	return false;
}

/* A part of a full audit. Who takes over from a dead janitor begins anew: the mark goes last. */
static void audit_some(struct shm *shm, struct janitor *janitor, struct janitor_report *report)
{
	uint64_t until_us = clock_mono_us() + AUDIT_US;

	if (!janitor->auditing) {
		if (!audit_is_due(shm))
			return;
		janitor->auditing = true;
		janitor->audit_at = 0;
		janitor->audit_since_ns = clock_mono_ns();
	}
	while (janitor->audit_at < segment_log_count(shm)) {
		uint32_t log = janitor->audit_at++;

		if (!log_is_sound(shm, log))
			log_reset(shm, log, report);
		if (clock_mono_us() >= until_us)
			return;
	}
	CRASH_POINT(janitor_audited);
	audits_done(shm, janitor);
	janitor->auditing = false;
}

/* ---- what is marked for us ---- */

static void mend_rooms(struct shm *shm, struct janitor_report *report)
{
	/* Whoever never was has no inbox. */
	uint32_t high = log_of_inbox(shm, load_acquire(&shm->header->users_high));

	if (load_relaxed(&shm->header->mend_due) == 0)
		return;
	atomic_store(&shm->header->mend_due, 0);
	for (uint32_t log = 0; log < high; log++) {
		const struct log_head *head = segment_log(shm, log);

		if (load_relaxed(&head->epoch) == 0)
			continue;
		if (load_relaxed(&head->quarantined) != LOG_SOUND)
			log_reset(shm, log, report);
		if (!log_is_inbox(shm, log) && load_acquire(&shm->rooms[log].recount) != 0)
			member_recount(shm, log);
	}
}

static void apply_presence(struct shm *shm)
{
	if (load_relaxed(&shm->header->presence_due) == 0)
		return;
	atomic_store(&shm->header->presence_due, 0);
	CRASH_POINT(janitor_presence);
	for (uint32_t u = 0; u < load_acquire(&shm->header->users_high); u++) {
		if (load_acquire(&segment_user(shm, u)->presence_due) == 0)
			continue;
		if (user_lock(shm, u) < 0) {
			atomic_store(&shm->header->presence_due, 1);
			continue;
		}
		presence_apply(shm, u);
		user_release(shm, u);
	}
}

static void work(struct shm *shm, struct janitor *janitor, uint64_t now_mono_ms,
		 struct janitor_report *report)
{
	bool died = somebody_died(shm, janitor);
	bool minute = now_mono_ms - janitor->collected_mono_ms >= JANITOR_COLLECT_MS;

	if (died) {
		visit_locks(shm);
		/* What died with the janitor before us: its notes that someone is due. */
		atomic_store(&shm->header->presence_due, 1);
		atomic_store(&shm->header->mend_due, 1);
	}
	if (died || minute || janitor->intents_open > 0)
		janitor->intents_open = append_finish_intents(shm);
	report->intents_open = janitor->intents_open;
	report->sessions_lost_or_freed = session_sweep(shm, now_mono_ms, PRESENCE_GRACE_MS);
	apply_presence(shm);
	mend_rooms(shm, report);
	audit_some(shm, janitor, report);
	if (minute) {
		report->rooms_collected = room_collect(shm, clock_wall_ms(), JANITOR_ROOM_IDLE_MS);
		janitor->collected_mono_ms = now_mono_ms;
	}
}

bool janitor_run(struct shm *shm, struct janitor *janitor, struct janitor_report *ret_report)
{
	struct shm_lock *lock = &shm->header->janitor;
	uint64_t now_mono_ms = clock_mono_ms();
	struct janitor_report report = {0};

	if (!is_our_turn(shm, now_mono_ms))
		return false;
	switch (lock_try(lock)) {
	case LOCK_OK:
		break;
	case LOCK_DIED:
		/* Its steps may all be done again, from the beginning. */
		lock_made_consistent(lock);
		janitor->looked = false;
		break;
	case LOCK_BUSY:
	case LOCK_BROKEN:
		return false;
	}
	work(shm, janitor, now_mono_ms, &report);
	CRASH_POINT(janitor_worked);
	lock_release(lock);
	*ret_report = report;
	return true;
}
