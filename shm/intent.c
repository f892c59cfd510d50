#include "shm/intent.h"

#include "shm/copy.h"
#include "shm/crash_point.h"
#include "shm/crc32c.h"
#include "shm/doorbell.h"
#include "shm/lock.h"
#include "shm/log_ring.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

#define INTENT_FLAGS (INTENT_GENERATION - 1)
#define MENDS_MAX 4 /* intents finished after one append; more are left to the janitor */

/* ---- locks ---- */

int window_lock(struct window *window)
{
	switch (lock_acquire(&window->lock)) {
	case LOCK_OK:
		return 0;
	case LOCK_DIED:
		/* What the holder left undone, the open intent tells: no need to stay locked for
		 * it. */
		lock_made_consistent(&window->lock);
		return 0;
	case LOCK_BUSY:
		return -EBUSY;
	case LOCK_BROKEN:
		break;
	}
	return -ENOTRECOVERABLE;
}

enum append_result log_lock(struct shm *shm, uint32_t log)
{
	struct log_head *head = segment_log(shm, log);

	atomic_store_explicit(&room_log_last, log, memory_order_relaxed);
	switch (lock_acquire(&head->lock)) {
	case LOCK_OK:
		return APPEND_OK;
	case LOCK_DIED:
		room_log_repair(shm, log);
		if (!log_is_inbox(shm, log)) {
			store_relaxed(&shm->rooms[log].recount, 1);
			atomic_store(&shm->header->mend_due, 1);
		}
		lock_made_consistent(&head->lock);
		CRASH_POINT(repair_consistent);
		return APPEND_OK;
	case LOCK_BUSY:
		return APPEND_BUSY;
	case LOCK_BROKEN:
		break;
	}
	room_log_quarantine(shm, log);
	return APPEND_BROKEN;
}

/* ---- the word of an append ---- */

void intent_begin(struct window *window, const struct append *append)
{
	struct intent *intent = &window->intent;
	uint64_t state = load_relaxed(&intent->state);

	/*
	 * Somebody who repairs a log may have read the last, open state and still be reading.
	 * If he meets a field from below, he sees a closed state, too: his exchange fails.
	 */
	shm_fence(memory_order_release);
	store_relaxed(&intent->id_hash, append->id_hash);
	store_relaxed(&intent->content_hash, append->content_hash);
	store_relaxed(&intent->copies, append->copies);
	for (unsigned i = 0; i < append->copies; i++) {
		store_relaxed(&intent->copy[i].log, append->copy[i].log);
		store_relaxed(&intent->copy[i].epoch, append->copy[i].epoch);
		store_relaxed(&intent->copy[i].seq, append->copy[i].ret_seq);
	}
	CRASH_POINT(append_intent_half);
	memset(intent->id, 0, sizeof(intent->id));
	memcpy(intent->id, append->id, strnlen(append->id, ID_LEN_MAX));
	CRASH_POINT(append_intent_filled);
	atomic_store_explicit(&intent->state,
			      ((state & ~INTENT_FLAGS) + INTENT_GENERATION) | INTENT_OPEN,
			      memory_order_release);
	CRASH_POINT(append_intent_open);
}

void intent_mark(struct window *window, unsigned copy)
{
	atomic_fetch_or_explicit(&window->intent.state, INTENT_DONE(copy), memory_order_release);
	CRASH_POINT(append_marked);
}

struct window_entry *window_entry_of(struct window *window, uint64_t id_hash)
{
	for (unsigned i = 0; i < DEDUPE_WINDOW; i++) {
		if (load_relaxed(&window->entry[i].id_hash) == id_hash)
			return &window->entry[i];
	}
	return NULL;
}

/* An id that becomes known. */
struct known_id {
	const char *id;
	uint64_t id_hash, content_hash, seq;
};

/* It goes over the oldest one. An entry has no id while it is half written. */
static void window_enter(struct window *window, const struct known_id *known)
{
	uint32_t at = load_relaxed(&window->at) % DEDUPE_WINDOW;
	struct window_entry *entry = &window->entry[at];

	store_relaxed(&entry->id_hash, 0);
	CRASH_POINT(window_entry_cleared);
	store_relaxed(&entry->content_hash, known->content_hash);
	store_relaxed(&entry->seq, known->seq);
	CRASH_POINT(window_entry_filled);
	store_relaxed(&entry->id_hash, known->id_hash);
	CRASH_POINT(window_entry_named);
	store_relaxed(&window->at, (at + 1) % DEDUPE_WINDOW);
	CRASH_POINT(window_entered);
}

static void last_id_set(struct window *window, const char *id)
{
	size_t len = strnlen(id, ID_LEN_MAX);

	memcpy(window->last_id, id, len);
	CRASH_POINT(window_last_id_half);
	memset(window->last_id + len, 0, sizeof(window->last_id) - len);
	CRASH_POINT(window_last_id);
}

static void intent_end(struct window *window)
{
	uint64_t state = load_relaxed(&window->intent.state);

	atomic_store_explicit(&window->intent.state, state & ~INTENT_OPEN, memory_order_release);
	CRASH_POINT(window_closed);
}

void intent_close(struct window *window, const struct append *append)
{
	const struct known_id known = {
		.id = append->id,
		.id_hash = append->id_hash,
		.content_hash = append->content_hash,
		.seq = append->copy[0].ret_seq,
	};

	window_enter(window, &known);
	last_id_set(window, known.id);
	store_relaxed(&window->used_wall_ms, append->wall_ms);
	intent_end(window);
}

/*
 * The same for a dead owner, who may have come to any point of it: an entry that is complete
 * but still the one to be written next is written once more, so that it is stepped over and
 * not lost to the id that follows.
 */
static void intent_close_again(struct window *window)
{
	const struct intent *intent = &window->intent;
	const struct known_id known = {
		.id = intent->id,
		.id_hash = load_relaxed(&intent->id_hash),
		.content_hash = load_relaxed(&intent->content_hash),
		.seq = load_relaxed(&intent->copy[0].seq),
	};
	uint32_t at = load_relaxed(&window->at) % DEDUPE_WINDOW;

	if (load_relaxed(&window->entry[at].id_hash) == known.id_hash ||
	    window_entry_of(window, known.id_hash) == NULL)
		window_enter(window, &known);
	last_id_set(window, known.id);
	intent_end(window);
}

/* ---- noting a commit for a dead writer ---- */

bool intent_note(struct shm *shm, uint32_t window_index, uint32_t log, uint64_t epoch, uint64_t seq,
		 uint64_t id_hash)
{
	struct intent *intent;
	uint64_t state;

	if (window_index >= shm->sizes->max_devices)
		return false;
	intent = &shm->windows[window_index].intent;
	state = load_acquire(&intent->state);
	while (state & INTENT_OPEN) {
		uint64_t mine = 0;

		for (unsigned i = 0; i < APPEND_COPIES_MAX && i < load_acquire(&intent->copies);
		     i++) {
			if (load_acquire(&intent->copy[i].log) == log &&
			    load_acquire(&intent->copy[i].epoch) == epoch &&
			    load_acquire(&intent->copy[i].seq) == seq &&
			    load_acquire(&intent->id_hash) == id_hash)
				mine |= INTENT_DONE(i);
		}
		CRASH_POINT(repair_note_decided);
		/* An intent begun since has another generation: then this fails, and is looked at
		 * anew. */
		if ((state | mine) == state || atomic_compare_exchange_weak_explicit(
						       &intent->state, &state, state | mine,
						       memory_order_acq_rel, memory_order_acquire))
			return mine != 0;
	}
	return false;
}

bool intent_needs(const struct shm *shm, uint32_t window_index, uint32_t log, uint64_t epoch,
		  uint64_t seq)
{
	const struct intent *intent;

	if (window_index >= shm->sizes->max_devices)
		return false;
	intent = &shm->windows[window_index].intent;
	if ((load_acquire(&intent->state) & INTENT_OPEN) == 0 || load_relaxed(&intent->copies) != 2)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		if (load_relaxed(&intent->copy[i].log) == log &&
		    load_relaxed(&intent->copy[i].epoch) == epoch &&
		    load_relaxed(&intent->copy[i].seq) == seq)
			return true;
	}
	return false;
}

/* ---- finishing ---- */

/* One end of an intent, while its locks are held. */
struct copy_at {
	uint32_t log;
	uint64_t epoch, seq;
	bool locked;
	bool alive; /* locked, sound, and of the epoch that was meant */
};

static void copies_unlock(struct shm *shm, struct copy_at *at, unsigned copies)
{
	for (unsigned i = copies; i-- > 0;) {
		if (at[i].locked)
			lock_release(&segment_log(shm, at[i].log)->lock);
		at[i].locked = false;
	}
}

/* All of the intent's logs, in the order of their numbers. A broken one is passed over: nothing can
 * be done there. */
static bool copies_lock(struct shm *shm, struct copy_at *at, unsigned copies)
{
	unsigned first = copies == 2 && at[1].log < at[0].log ? 1 : 0;

	for (unsigned n = 0; n < copies; n++) {
		struct copy_at *copy = &at[n == 0 ? first : 1 - first];
		const struct log_head *head;

		if (copy->log >= shm->sizes->max_rooms + shm->sizes->max_users)
			continue;
		head = segment_log(shm, copy->log);
		switch (log_lock(shm, copy->log)) {
		case APPEND_OK:
			copy->locked = true;
			break;
		case APPEND_BROKEN:
			continue;
		default:
			copies_unlock(shm, at, copies);
			return false;
		}
		copy->alive = load_relaxed(&head->epoch) == copy->epoch &&
			      load_acquire(&head->made) != 0 &&
			      load_relaxed(&head->quarantined) == LOG_SOUND;
	}
	return true;
}

/* The stored copy's line, taken apart into `line`; `bytes` has room for ROOM_LOG_LINE_MAX. */
static bool stored_line(const struct shm *shm, const struct copy_at *from, uint64_t id_hash,
			char *bytes, struct log_line *line)
{
	struct log_ring ring = log_ring_of(shm, from->log);
	const struct log_entry *entry = log_entry_at(&ring, from->seq);
	uint32_t len = load_relaxed(&entry->len);
	uint32_t tail_at = load_relaxed(&entry->tail_at);
	size_t behind_head = strlen(ring.head->name) + strlen(LINE_NAME_END);

	if (from->seq < load_relaxed(&ring.head->tail) ||
	    from->seq >= load_relaxed(&ring.head->next) ||
	    load_relaxed(&entry->id_hash) != id_hash || len > ROOM_LOG_LINE_MAX || tail_at >= len ||
	    log_stored_crc(&ring, from->seq) != load_relaxed(&entry->crc))
		return false;
	for (uint64_t number = from->seq; number > 0; number /= 10)
		behind_head++;
	if (tail_at < behind_head)
		return false;
	log_ring_out(&ring, bytes, load_relaxed(&entry->offset), len);
	*line = (struct log_line){
		.head = bytes,
		.head_len = tail_at - behind_head,
		.tail = bytes + tail_at,
		.tail_len = len - tail_at,
		.tail_crc = crc32c(0, bytes + tail_at, len - tail_at),
		.sender = load_relaxed(&entry->sender),
		.wall_ms = load_relaxed(&entry->wall_ms),
		.mono_us = (uint32_t)clock_mono_us(),
		.id_hash = id_hash,
		.content_hash = load_relaxed(&entry->content_hash),
	};
	return true;
}

/*
 * Makes copy `owed` from the other one, which is stored. False: it has no room now. True: it
 * is there, or can never be (the stored one is overwritten, or a log has begun a new life).
 * Appends spare the stored one for a while, so that takes seconds without anyone to finish it.
 */
static bool copy_give(struct shm *shm, uint32_t window_index, unsigned owed,
		      const struct copy_at *at, struct bells_due *due)
{
	struct window *window = &shm->windows[window_index];
	uint32_t log = at[owed].log;
	char bytes[ROOM_LOG_LINE_MAX];
	struct log_line line;
	struct log_ring ring;

	if (!at[owed].alive || !at[1 - owed].alive ||
	    !stored_line(shm, &at[1 - owed], load_relaxed(&window->intent.id_hash), bytes, &line))
		return true;
	line.window = window_index;
	ring = log_ring_of(shm, log);
	switch (log_has_room(shm, log, &ring, &line, true)) {
	case LOG_FULL:
	case LOG_OWED:
		return false;
	case LOG_NEVER_FITS:
		return true;
	case LOG_FITS:
		break;
	}
	/*
	 * Others may have appended since the intent was written, so its number for this copy is
	 * made right first: should we die behind the commit, the next repair finds it by that.
	 */
	store_relaxed(&window->intent.copy[owed].seq, load_relaxed(&ring.head->next));
	CRASH_POINT(finish_renumbered);
	log_write(shm, log, &ring, &line);
	CRASH_POINT(finish_copied);
	intent_mark(window, owed);
	CRASH_POINT(finish_marked);
	due->log[due->count++] = log;
	return true;
}

bool intent_finish(struct shm *shm, uint32_t window_index, struct bells_due *due)
{
	struct window *window = &shm->windows[window_index];
	struct intent *intent = &window->intent;
	struct copy_at at[APPEND_COPIES_MAX] = {0};
	unsigned copies = load_relaxed(&intent->copies), done = 0;
	bool finished = true;
	uint64_t state;

	if (copies > APPEND_COPIES_MAX)
		copies = APPEND_COPIES_MAX;
	for (unsigned i = 0; i < copies; i++) {
		at[i].log = load_relaxed(&intent->copy[i].log);
		at[i].epoch = load_relaxed(&intent->copy[i].epoch);
		at[i].seq = load_relaxed(&intent->copy[i].seq);
	}
	if (!copies_lock(shm, at, copies))
		return false;
	CRASH_POINT(finish_locked);
	/* Now that each lock was had, a death in it is repaired: the done bits tell all. */
	state = load_acquire(&intent->state);
	for (unsigned i = 0; i < copies; i++)
		done += (state & INTENT_DONE(i)) != 0;
	if (done == 1 && copies == 2)
		finished = copy_give(shm, window_index, (state & INTENT_DONE(0)) ? 1 : 0, at, due);
	CRASH_POINT(finish_complete);
	copies_unlock(shm, at, copies);
	CRASH_POINT(finish_unlocked);
	if (!finished)
		return false;
	if (done > 0)
		intent_close_again(window);
	else
		intent_end(window);
	CRASH_POINT(finish_closed);
	return true;
}

/* ---- when no lock is held ---- */

static void bells_ring(struct shm *shm, const struct bells_due *due)
{
	for (unsigned i = 0; i < due->count; i++) {
		if (doorbell_ring_log(shm, due->log[i]))
			doorbell_ring(shm, shm->slot);
	}
}

bool intent_mend(struct shm *shm, uint32_t window_index)
{
	struct window *window = &shm->windows[window_index];
	struct bells_due due = {.count = 0};
	bool closed = !intent_is_open(window);

	if (closed)
		return true;
	/* Held: a living process is in the middle of its append, or finishes this one. */
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
	closed = !intent_is_open(window) || intent_finish(shm, window_index, &due);
	lock_release(&window->lock);
	bells_ring(shm, &due);
	return closed;
}

void locks_left(struct shm *shm, const struct bells_due *due)
{
	bells_ring(shm, due);
	/* Finishing takes logs' locks, where it may meet another one. */
	for (int i = 0; shm->owed_window != 0 && i < MENDS_MAX; i++) {
		uint32_t window = shm->owed_window - 1;

		shm->owed_window = 0;
		intent_mend(shm, window);
	}
}
