#include "shm/room_log.h"

#include "shm/copy.h"
#include "shm/crash_point.h"
#include "shm/doorbell.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/log_ring.h"

#include <assert.h>
#include <errno.h>

_Atomic uint32_t room_log_last = SHM_NONE;

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

/* ---- reading ---- */

/*
 * The range a reader may look at: tail .. next-1. An inbox without a body has no line yet. A
 * log in quarantine shows nothing, so that nobody is sent damaged bytes; and during a reset
 * `next` and `tail` belong to neither epoch, so that it must be looked at before they are.
 */
static bool log_enter(const struct log_head *head, uint64_t epoch, uint64_t *ret_next,
		      uint64_t *ret_tail)
{
	if (epoch == 0 || load_acquire(&head->epoch) != epoch)
		return false;
	if (load_acquire(&head->made) == 0 || load_acquire(&head->quarantined) != LOG_SOUND) {
		*ret_next = *ret_tail = 1;
		return true;
	}
	*ret_next = load_acquire(&head->next);
	*ret_tail = load_acquire(&head->tail);
	return true;
}

/*
 * After the copy: was anything that we copied written over meanwhile? The writer stores the
 * new tail (or the new epoch), fences, then writes; we have read, fence, then look at it.
 */
static enum room_log_result log_leave(const struct log_head *head, uint64_t epoch, uint64_t from)
{
	shm_fence(memory_order_acquire);
	if (load_relaxed(&head->epoch) != epoch)
		return ROOM_LOG_RESET;
	if (!MUTANT(no_tail_recheck) && load_relaxed(&head->tail) > from)
		return ROOM_LOG_LAPPED;
	return ROOM_LOG_LINES;
}

static uint64_t line_end(const struct log_ring *ring, uint64_t seq)
{
	const struct log_entry *entry = log_entry_at(ring, seq);

	return load_relaxed(&entry->offset) + load_relaxed(&entry->len);
}

/* The last of from..last that ends within `size` bytes of from's start, or from - 1. */
static uint64_t last_that_fits(const struct log_ring *ring, uint64_t from, uint64_t last,
			       size_t size)
{
	uint64_t start = load_relaxed(&log_entry_at(ring, from)->offset);
	uint64_t low = from - 1, high = last;

	if (line_end(ring, last) - start <= size)
		return last;
	/* low fits, all above high doesn't. */
	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;

		if (line_end(ring, middle) - start <= size)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

enum room_log_result room_log_read(const struct shm *shm, uint32_t log, uint64_t epoch,
				   uint64_t from, uint64_t to, char *out, size_t size,
				   struct room_log_slice *ret_slice)
{
	const struct log_head *head = segment_log(shm, log);
	enum room_log_result result;
	struct log_ring ring;
	uint64_t next, tail, last, start;
	uint32_t mono_us;
	size_t len = 0;

	assert(size >= ROOM_LOG_LINE_MAX); /* else a good line could look like a damaged one */
	atomic_store_explicit(&room_log_last, log, memory_order_relaxed);
	if (!log_enter(head, epoch, &next, &tail))
		return ROOM_LOG_RESET;
	if (from < tail)
		return ROOM_LOG_LAPPED;
	last = to < next - 1 ? to : next - 1;
	if (from > last)
		return ROOM_LOG_NONE;

	ring = log_ring_of(shm, log);
	start = load_relaxed(&log_entry_at(&ring, from)->offset);
	mono_us = load_relaxed(&log_entry_at(&ring, from)->mono_us);
	last = last_that_fits(&ring, from, last, size);
	CRASH_POINT(read_measured);
	if (last >= from) {
		len = (size_t)(line_end(&ring, last) - start);
		if (len <= size && len <= ring.bytes_mask + 1)
			log_ring_out(&ring, out, start, len);
		else
			last = from -
			       1; /* entries written over while we looked at them, or damaged */
	}
	CRASH_POINT(read_copied);
	result = log_leave(head, epoch, from);
	if (result != ROOM_LOG_LINES)
		return result;
	if (last < from) {
		/* Nobody lapped us, so the index itself is wrong. */
		room_log_quarantine(shm, log);
		return ROOM_LOG_NONE;
	}
	*ret_slice = (struct room_log_slice){
		.first = from, .last = last, .len = len, .mono_us = mono_us};
	return ROOM_LOG_LINES;
}

bool room_log_bounds(const struct shm *shm, uint32_t log, uint64_t epoch, uint64_t *ret_first,
		     uint64_t *ret_head)
{
	const struct log_head *head = segment_log(shm, log);
	uint64_t next, tail;

	if (!log_enter(head, epoch, &next, &tail) ||
	    log_leave(head, epoch, UINT64_MAX) == ROOM_LOG_RESET)
		return false;
	/* `tail` was read after `next` and may have passed it since. */
	*ret_first = tail < next ? tail : next;
	*ret_head = next - 1;
	return true;
}

uint64_t room_log_next(const struct shm *shm, uint32_t log)
{
	return load_acquire(&segment_log(shm, log)->next);
}

bool room_log_at(const struct shm *shm, uint32_t log, uint64_t epoch, int64_t wall_ms,
		 uint64_t *ret_seq)
{
	const struct log_head *head = segment_log(shm, log);
	struct log_ring ring;
	enum room_log_result result;

	do {
		uint64_t next, tail, low, high;

		if (!log_enter(head, epoch, &next, &tail))
			return false;
		if (tail >= next) {
			*ret_seq = next;
			return log_leave(head, epoch, UINT64_MAX) != ROOM_LOG_RESET;
		}
		ring = log_ring_of(shm, log);
		/* All below low are earlier, high and all above are not. */
		for (low = tail, high = next; low < high;) {
			uint64_t middle = low + (high - low) / 2;

			if (load_relaxed(&log_entry_at(&ring, middle)->wall_ms) < wall_ms)
				low = middle + 1;
			else
				high = middle;
		}
		*ret_seq = low;
		result = log_leave(head, epoch, tail);
	} while (result == ROOM_LOG_LAPPED);
	return result != ROOM_LOG_RESET;
}

/* ---- topics ---- */

/* The one that counts: the highest number below next, the first of two equals; -1: neither. */
static int topic_that_counts(const struct room_topic topic[2], uint64_t next)
{
	uint64_t seq[2] = {load_acquire(&topic[0].seq), load_acquire(&topic[1].seq)};

	if (seq[0] < next && (seq[1] >= next || seq[0] >= seq[1]))
		return 0;
	return seq[1] < next ? 1 : -1;
}

bool room_log_topic(const struct shm *shm, uint32_t log, uint64_t epoch, char ret_topic[TOPIC_SIZE])
{
	const struct log_head *head = segment_log(shm, log);
	const struct room *room;

	ret_topic[0] = '\0';
	if (epoch == 0 || load_acquire(&head->epoch) != epoch)
		return false;
	if (log_is_inbox(shm, log))
		return true;
	room = &shm->rooms[log];
	for (;;) {
		int which = topic_that_counts(room->topic, load_acquire(&head->next));
		uint64_t seq;

		if (which < 0) {
			ret_topic[0] = '\0';
		} else {
			seq = load_acquire(&room->topic[which].seq);
			shm_copy_out(ret_topic, room->topic[which].text, TOPIC_SIZE);
			ret_topic[TOPIC_SIZE - 1] = '\0';
			shm_fence(memory_order_acquire);
			if (load_relaxed(&room->topic[which].seq) != seq)
				continue; /* two newer topics since: there is one to be read */
		}
		return load_acquire(&head->epoch) == epoch;
	}
}

/* ---- who is rung ---- */

void room_log_subscribe(struct shm *shm, uint32_t log)
{
	assert(shm->slot < SLOTS_MAX);
	atomic_fetch_or(&segment_log(shm, log)->workers, UINT64_C(1) << shm->slot);
	/*
	 * Ours: bit, fence, read next. An append's: next, fence, read bits. One of the two sees
	 * the other, so no line falls between.
	 */
	shm_fence(memory_order_seq_cst);
}

void room_log_unsubscribe(struct shm *shm, uint32_t log)
{
	assert(shm->slot < SLOTS_MAX);
	atomic_fetch_and(&segment_log(shm, log)->workers, ~(UINT64_C(1) << shm->slot));
}

/* ---- checking ---- */

static bool entry_is_sound(const struct shm *shm, const struct log_ring *ring, uint64_t seq)
{
	const struct log_entry *entry = log_entry_at(ring, seq);
	uint32_t len = load_relaxed(&entry->len);
	uint32_t tail_at = load_relaxed(&entry->tail_at);
	uint32_t window = load_relaxed(&entry->window);
	char last;

	if (len < 2 || len > ROOM_LOG_LINE_MAX || tail_at >= len ||
	    load_relaxed(&entry->sender) >= shm->sizes->max_users ||
	    (window != SHM_NONE && window >= shm->sizes->max_devices))
		return false;
	log_ring_out(ring, &last, load_relaxed(&entry->offset) + len - 1, 1);
	return last == '\n' && log_stored_crc(ring, seq) == load_relaxed(&entry->crc);
}

bool room_log_audit(const struct shm *shm, uint32_t log)
{
	const struct log_head *head = segment_log(shm, log);
	struct log_ring ring;
	uint64_t next, tail;

	atomic_store_explicit(&room_log_last, log, memory_order_relaxed);
	if (load_acquire(&head->made) == 0)
		return true;
	ring = log_ring_of(shm, log);
	next = load_acquire(&head->next);
	tail = load_acquire(&head->tail);
	if (next == 0 || tail == 0 || tail > next || next - tail > ring.lines)
		return false;
	if (tail < next &&
	    line_end(&ring, next - 1) - load_relaxed(&log_entry_at(&ring, tail)->offset) >
		    ring.limit)
		return false;
	for (uint64_t seq = tail; seq < next; seq++) {
		if (!entry_is_sound(shm, &ring, seq))
			return false;
		if (seq > tail &&
		    line_end(&ring, seq - 1) != load_relaxed(&log_entry_at(&ring, seq)->offset))
			return false;
	}
	return true;
}

void room_log_quarantine(const struct shm *shm, uint32_t log)
{
	uint32_t sound = LOG_SOUND;

	/* Not over a reset that is under way. */
	atomic_compare_exchange_strong(&segment_log(shm, log)->quarantined, &sound,
				       LOG_QUARANTINED);
	atomic_store(&shm->header->mend_due, 1);
}

/* ---- a new life ---- */

/* The topic is kept: the one that counts becomes older than every line. The order makes it
 * repeatable. */
static void topics_keep(struct room *room)
{
	int which = topic_that_counts(room->topic, load_relaxed(&room->log.next));

	if (which < 0)
		return;
	store_relaxed(&room->topic[1 - which].seq, UINT64_MAX);
	CRASH_POINT(reset_topic_half);
	atomic_store_explicit(&room->topic[which].seq, 0, memory_order_release);
}

static void topics_drop(struct room *room)
{
	for (int i = 0; i < 2; i++)
		store_relaxed(&room->topic[i].seq, UINT64_MAX);
}

void room_log_clear(struct shm *shm, uint32_t log, uint64_t epoch)
{
	struct log_head *head = segment_log(shm, log);

	store_relaxed(&head->quarantined, LOG_RESETTING);
	shm_fence(memory_order_release);
	CRASH_POINT(reset_marked);
	if (log_is_inbox(shm, log))
		store_relaxed(&segment_user(shm, user_of_inbox(shm, log))->inbox_read, 0);
	else if (epoch == 0)
		topics_keep(&shm->rooms[log]);
	else
		topics_drop(&shm->rooms[log]);
	CRASH_POINT(reset_topic);
	atomic_store_explicit(&head->epoch, epoch != 0 ? epoch : segment_new_epoch(shm),
			      memory_order_release);
	/*
	 * Who meets a number below has the new epoch, too: a reader of the old one discards what
	 * it copied, and one of the new one finds LOG_RESETTING before the numbers.
	 */
	shm_fence(memory_order_release);
	CRASH_POINT(reset_epoch);
	store_relaxed(&head->next, 1);
	CRASH_POINT(reset_next);
	store_relaxed(&head->tail, 1);
	CRASH_POINT(reset_tail);
	atomic_store_explicit(&head->quarantined, LOG_SOUND, memory_order_release);
	CRASH_POINT(reset_done);
	atomic_fetch_add(&shm->header->changes, 1);
}

int room_log_reset(struct shm *shm, uint32_t log)
{
	struct log_head *head = segment_log(shm, log);

	switch (log_lock(shm, log)) {
	case APPEND_OK:
		break;
	case APPEND_BUSY:
		return -EBUSY;
	default:
		return -ENOTRECOVERABLE;
	}
	if (load_relaxed(&head->epoch) != 0)
		room_log_clear(shm, log, 0);
	lock_release(&head->lock);
	if (doorbell_ring_log(shm, log))
		doorbell_ring(shm, shm->slot);
	return 0;
}

/* ---- repair ---- */

/*
 * The holder died anywhere in an append, a reset, or this function.
 *
 * A line that wasn't committed leaves nothing: its bytes and its entry lie behind `next`, a
 * moved tail only forgets lines a little early. A line that was committed may lack its done
 * bit; it is the newest one, for nobody has held the lock since. A topic may bear the number
 * of a line that never came.
 */
void room_log_repair(struct shm *shm, uint32_t log)
{
	struct log_head *head = segment_log(shm, log);
	uint64_t epoch = load_relaxed(&head->epoch);
	uint64_t next = load_relaxed(&head->next);
	struct log_ring ring;
	const struct log_entry *newest;

	if (load_acquire(&head->quarantined) == LOG_RESETTING) {
		/* A slot without an epoch was being taken: it is still free, and stays so. */
		if (epoch != 0) {
			room_log_clear(shm, log, 0);
		} else {
			store_relaxed(&head->next, 1);
			store_relaxed(&head->tail, 1);
			atomic_store_explicit(&head->quarantined, LOG_SOUND, memory_order_release);
		}
		return;
	}
	if (!log_is_inbox(shm, log)) {
		for (int i = 0; i < 2; i++) {
			struct room_topic *topic = &shm->rooms[log].topic[i];

			if (load_relaxed(&topic->seq) >= next)
				store_relaxed(&topic->seq, UINT64_MAX);
		}
	}
	CRASH_POINT(repair_topics);
	if (epoch == 0 || load_acquire(&head->made) == 0 || next <= 1)
		return;
	ring = log_ring_of(shm, log);
	newest = log_entry_at(&ring, next - 1);
	if (intent_note(shm, load_relaxed(&newest->window), log, epoch, next - 1,
			load_relaxed(&newest->id_hash)))
		shm->owed_window = load_relaxed(&newest->window) + 1;
	CRASH_POINT(repair_noted);
}
