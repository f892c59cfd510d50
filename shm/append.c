#include "shm/append.h"

#include "shm/crash_point.h"
#include "shm/crc32c.h"
#include "shm/doorbell.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/log_ring.h"
#include "shm/user.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)

/* ---- before any lock ---- */

/* An inbox gets its body at its first line, under the user table's lock, which comes before all of
 * ours. */
static enum append_result bodies_make(struct shm *shm, const struct append *append)
{
	for (unsigned i = 0; i < append->copies; i++) {
		uint32_t log = append->copy[i].log;
		int ret;

		if (!log_is_inbox(shm, log) || load_acquire(&segment_log(shm, log)->made) != 0)
			continue;
		ret = user_make_inbox(shm, user_of_inbox(shm, log));
		if (ret != 0)
			return ret == -EBUSY ? APPEND_BUSY : APPEND_NO_MEMORY;
	}
	return APPEND_OK;
}

/* ---- under the window's lock ---- */

static bool window_is_senders(const struct shm *shm, const struct window *window, uint32_t sender)
{
	return load_acquire(&window->state) == WINDOW_USED &&
	       load_relaxed(&window->user) == sender &&
	       load_relaxed(&window->user_epoch) == load_acquire(&segment_user(shm, sender)->life);
}

/* May a new line with this id begin? APPEND_OK: yes. */
static enum append_result window_ready(struct shm *shm, struct append *append,
				       struct bells_due *due)
{
	struct window *window = &shm->windows[append->window];
	const struct window_entry *known;

	if (!window_is_senders(shm, window, append->sender))
		return APPEND_STALE;
	if (intent_is_open(window) && !intent_finish(shm, append->window, due))
		return APPEND_BUSY;
	known = window_entry_of(window, append->id_hash);
	if (known == NULL)
		return APPEND_OK;
	if (load_relaxed(&known->content_hash) != append->content_hash)
		return APPEND_ID_CONFLICT;
	append->copy[0].ret_seq = load_relaxed(&known->seq);
	return APPEND_DUPLICATE;
}

/* ---- under the logs' locks too ---- */

static void logs_unlock(struct shm *shm, const struct append *append)
{
	for (unsigned i = 0; i < append->copies; i++)
		lock_release(&segment_log(shm, append->copy[i].log)->lock);
}

/* All of them, in the order of their numbers, or none. */
static enum append_result logs_lock(struct shm *shm, const struct append *append)
{
	unsigned first = append->copies == 2 && append->copy[1].log < append->copy[0].log ? 1 : 0;
	enum append_result result;

	result = log_lock(shm, append->copy[first].log);
	if (result != APPEND_OK || append->copies == 1)
		return result;
	CRASH_POINT(append_half_locked);
	result = log_lock(shm, append->copy[1 - first].log);
	if (result != APPEND_OK)
		lock_release(&segment_log(shm, append->copy[first].log)->lock);
	return result;
}

/* Every log is the one that was meant, and has room. Gives the lines their numbers. */
static enum append_result logs_check(struct shm *shm, struct append *append,
				     const struct log_line *line, struct log_ring *rings)
{
	for (unsigned i = 0; i < append->copies; i++) {
		uint32_t log = append->copy[i].log;
		const struct log_head *head = segment_log(shm, log);

		if (append->copy[i].epoch == 0 ||
		    load_relaxed(&head->epoch) != append->copy[i].epoch)
			return APPEND_STALE;
		if (load_relaxed(&head->quarantined) != LOG_SOUND)
			return APPEND_BROKEN;
		if (load_acquire(&head->made) == 0)
			return APPEND_STALE;
		rings[i] = log_ring_of(shm, log);
	}
	if (append->only_at != 0 && load_relaxed(&rings[0].head->next) != append->only_at)
		return APPEND_MOVED;
	for (unsigned i = 0; i < append->copies; i++) {
		switch (log_has_room(shm, append->copy[i].log, &rings[i], line, false)) {
		case LOG_FITS:
			break;
		case LOG_OWED:
			return APPEND_BUSY;
		case LOG_FULL:
			return i == 0 ? APPEND_INBOX_FULL_OWN : APPEND_INBOX_FULL_THEIRS;
		case LOG_NEVER_FITS:
			return APPEND_TOO_LONG;
		}
		append->copy[i].ret_seq = load_relaxed(&rings[i].head->next);
	}
	return APPEND_OK;
}

static enum append_result logs_append(struct shm *shm, struct append *append, struct window *window,
				      const struct log_line *line)
{
	struct log_ring rings[APPEND_COPIES_MAX];
	enum append_result result;

	result = logs_lock(shm, append);
	if (result != APPEND_OK)
		return result;
	CRASH_POINT(append_locked);
	result = logs_check(shm, append, line, rings);
	if (result == APPEND_OK) {
		if (window != NULL && !MUTANT(no_intent))
			intent_begin(window, append);
		/*
		 * The recipient's copy first: should one stay owed, it is the sender's own, and it
		 * is in his hands to make room for it.
		 */
		for (unsigned i = append->copies; i-- > 0;) {
			log_write(shm, append->copy[i].log, &rings[i], line);
			if (window != NULL && !MUTANT(no_intent))
				intent_mark(window, i);
		}
	}
	logs_unlock(shm, append);
	CRASH_POINT(append_unlocked);
	return result;
}

/* ---- all of it ---- */

static enum append_result append_in_window(struct shm *shm, struct append *append,
					   const struct log_line *line, struct bells_due *due)
{
	struct window *window = &shm->windows[append->window];
	enum append_result result;
	int ret;

	ret = window_lock(window);
	if (ret != 0)
		return ret == -EBUSY ? APPEND_BUSY : APPEND_BROKEN;
	CRASH_POINT(append_window_locked);
	/* From here on no id leaves the window but by us. */
	result = append->by_mono_ms != 0 && clock_mono_ms() > append->by_mono_ms
			 ? APPEND_BUSY
			 : window_ready(shm, append, due);
	if (result == APPEND_OK) {
		result = logs_append(shm, append, window, line);
		if (result == APPEND_OK)
			intent_close(window, append);
	}
	lock_release(&window->lock);
	CRASH_POINT(append_window_unlocked);
	return result;
}

enum append_result append_line(struct shm *shm, struct append *append, bool *ret_local)
{
	struct bells_due due = {.count = 0};
	enum append_result result;
	const struct log_line line = {
		.head = append->head,
		.head_len = append->head_len,
		.tail = append->tail,
		.tail_len = append->tail_len,
		.tail_crc = crc32c(0, append->tail, append->tail_len),
		.sender = append->sender,
		.window = append->window,
		.wall_ms = append->wall_ms,
		.mono_us = (uint32_t)clock_mono_us(),
		.id_hash = append->id_hash,
		.content_hash = append->content_hash,
		.topic = append->topic,
	};

	assert(append->copies == 1 ||
	       (append->copies == 2 && append->copy[0].log != append->copy[1].log));
	*ret_local = false;
	result = bodies_make(shm, append);
	if (result != APPEND_OK)
		return result;
	CRASH_POINT(append_begin);
	if (append->window != SHM_NONE)
		result = append_in_window(shm, append, &line, &due);
	else
		result = logs_append(shm, append, NULL, &line);
	locks_left(shm, &due);
	if (result == APPEND_OK) {
		for (unsigned i = 0; i < append->copies; i++) {
			if (doorbell_ring_log(shm, append->copy[i].log))
				*ret_local = true;
		}
		CRASH_POINT(append_rung);
	}
	return result;
}
