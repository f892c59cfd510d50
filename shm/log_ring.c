#include "shm/log_ring.h"

#include "shm/copy.h"
#include "shm/crash_point.h"
#include "shm/crc32c.h"
#include "shm/intent.h"

#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)

struct log_ring log_ring_of(const struct shm *shm, uint32_t log)
{
	const struct segment_sizes *sizes = shm->sizes;
	struct log_ring ring = {
		.head = segment_log(shm, log),
		.index = segment_log_index(shm, log),
		.bytes = segment_log_bytes(shm, log),
	};

	if (log_is_inbox(shm, log)) {
		ring.index_mask = shm->header->inbox_ring - 1;
		ring.bytes_mask = shm->header->inbox_data_ring - 1;
		ring.lines = sizes->inbox_lines;
		ring.limit = sizes->inbox_bytes;
		ring.reserve = ring.limit / 4;
	} else {
		ring.index_mask = shm->header->room_ring - 1;
		ring.bytes_mask = shm->header->room_data_ring - 1;
		ring.lines = sizes->room_lines;
		ring.limit = sizes->room_bytes;
	}
	return ring;
}

/* ---- bytes, around the ring's end ---- */

static void ring_in(const struct log_ring *ring, uint64_t offset, const char *from, size_t len)
{
	size_t at = (size_t)(offset & ring->bytes_mask);
	size_t until_end = (size_t)(ring->bytes_mask + 1) - at;
	size_t first = len < until_end ? len : until_end;

	shm_copy_in(ring->bytes + at, from, first);
	if (first < len)
		shm_copy_in(ring->bytes, from + first, len - first);
}

void log_ring_out(const struct log_ring *ring, char *out, uint64_t offset, size_t len)
{
	size_t at = (size_t)(offset & ring->bytes_mask);
	size_t until_end = (size_t)(ring->bytes_mask + 1) - at;
	size_t first = len < until_end ? len : until_end;

	shm_copy_out(out, ring->bytes + at, first);
	if (first < len)
		shm_copy_out(out + first, ring->bytes, len - first);
}

static uint32_t ring_crc(const struct log_ring *ring, uint32_t crc, uint64_t offset, size_t len)
{
	size_t at = (size_t)(offset & ring->bytes_mask);
	size_t until_end = (size_t)(ring->bytes_mask + 1) - at;
	size_t first = len < until_end ? len : until_end;

	crc = crc32c(crc, ring->bytes + at, first);
	if (first < len)
		crc = crc32c(crc, ring->bytes, len - first);
	return crc;
}

/* The rest of an entry: what isn't shown by where the next line starts. */
static uint32_t entry_crc(uint32_t crc, const struct log_entry *entry, uint64_t seq)
{
	const struct {
		uint64_t seq, id_hash, content_hash;
		int64_t wall_ms;
		uint32_t mono_us, window, sender, zero;
	} rest = {
		.seq = seq,
		.id_hash = load_relaxed(&entry->id_hash),
		.content_hash = load_relaxed(&entry->content_hash),
		.wall_ms = load_relaxed(&entry->wall_ms),
		.mono_us = load_relaxed(&entry->mono_us),
		.window = load_relaxed(&entry->window),
		.sender = load_relaxed(&entry->sender),
	};

	return crc32c(crc, &rest, sizeof(rest));
}

/* The tail comes first, so that a writer has most of the sum before it takes the lock. */
uint32_t log_stored_crc(const struct log_ring *ring, uint64_t seq)
{
	const struct log_entry *entry = log_entry_at(ring, seq);
	uint64_t offset = load_relaxed(&entry->offset);
	uint32_t len = load_relaxed(&entry->len);
	uint32_t tail_at = load_relaxed(&entry->tail_at);
	uint32_t crc;

	crc = ring_crc(ring, 0, offset + tail_at, len - tail_at);
	crc = ring_crc(ring, crc, offset, tail_at);
	return entry_crc(crc, entry, seq);
}

/* ---- room ---- */

/*
 * How long a line is spared that an owed copy is to be made from. The janitor needs a fraction
 * of a second; what isn't finished by then waits for somebody to empty his inbox.
 */
#define SPARED_MS 10000

#define DIGITS_MAX 20

/* Decimal digits of `value`, at the end of `out`. Returns where they start. */
static char *digits_of(uint64_t value, char out[DIGITS_MAX])
{
	size_t at = DIGITS_MAX;

	do {
		out[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return &out[at];
}

size_t log_line_len(const struct log_ring *ring, const struct log_line *line)
{
	char digits[DIGITS_MAX];
	const char *first = digits_of(load_relaxed(&ring->head->next), digits);

	return line->head_len + strlen(ring->head->name) + strlen(LINE_NAME_END) +
	       (size_t)(digits + DIGITS_MAX - first) + line->tail_len;
}

static uint64_t end_of_log(const struct log_ring *ring, uint64_t next)
{
	const struct log_entry *last;

	if (next <= 1)
		return 0;
	last = log_entry_at(ring, next - 1);
	return load_relaxed(&last->offset) + load_relaxed(&last->len);
}

/* The tail once `len` bytes are appended and `spare_lines` more, of `spare` bytes in all, would
 * fit. */
static uint64_t tail_for(const struct log_ring *ring, uint64_t next, size_t len,
			 uint64_t spare_lines, uint64_t spare)
{
	uint64_t low = load_relaxed(&ring->head->tail), high = next;
	uint64_t end = end_of_log(ring, next) + len + spare;

	if (next + 1 + spare_lines - low > ring->lines) {
		low = next + 1 + spare_lines - ring->lines;
		if (low > next)
			return next;
	}
	/* Mostly the first or the second will do; else by halves: all below low are too many. */
	for (uint64_t step = 1; low < high; step *= 2) {
		uint64_t at = low + step - 1 < high ? low + step - 1 : low + (high - low) / 2;

		if (end - load_relaxed(&log_entry_at(ring, at)->offset) > ring->limit)
			low = at + 1;
		else
			high = at;
	}
	return low;
}

/* Would one more line of `len` bytes give this sender more than a quarter of the inbox unread? */
static bool over_quarter(const struct log_ring *ring, uint64_t next, uint64_t unread, size_t len,
			 uint32_t sender)
{
	uint64_t quarter_lines = ring->lines / 4 > 0 ? ring->lines / 4 : 1;
	uint64_t quarter = ring->limit / 4;
	uint64_t lines = 0, bytes = 0;

	/* Nobody can be over while all the unread lines together are not: the usual case. */
	if (unread >= next ||
	    (next - unread < quarter_lines &&
	     end_of_log(ring, next) - load_relaxed(&log_entry_at(ring, unread)->offset) + len <=
		     quarter))
		return false;
	for (uint64_t seq = unread; seq < next; seq++) {
		const struct log_entry *entry = log_entry_at(ring, seq);

		if (load_relaxed(&entry->sender) != sender)
			continue;
		lines++;
		bytes += load_relaxed(&entry->len);
	}
	/* A first line may be longer than a quarter, else it could never be sent at all. */
	return lines + 1 > quarter_lines || (lines > 0 && bytes + len > quarter);
}

enum log_room log_has_room(struct shm *shm, uint32_t log, const struct log_ring *ring,
			   const struct log_line *line, bool owed)
{
	size_t len = log_line_len(ring, line);
	uint64_t reserve = owed ? 0 : ring->reserve;
	uint64_t next, tail, new_tail, read;
	uint32_t owner;

	if (len > ring->limit - reserve || len > ROOM_LOG_LINE_MAX)
		return LOG_NEVER_FITS;
	if (!log_is_inbox(shm, log))
		return LOG_FITS;

	owner = user_of_inbox(shm, log);
	next = load_relaxed(&ring->head->next);
	tail = load_relaxed(&ring->head->tail);
	read = load_relaxed(&segment_user(shm, owner)->inbox_read);
	if (read >= next)
		read = next - 1;
	/*
	 * All that would go is read already, including what would have to go for an owed
	 * copy: what is read once stays read, so the reserve is there whenever it is needed.
	 */
	new_tail = tail_for(ring, next, len, owed ? 0 : 1, reserve);
	for (uint64_t seq = tail > read ? tail : read + 1; seq < new_tail; seq++) {
		if (load_relaxed(&log_entry_at(ring, seq)->sender) != owner)
			return LOG_FULL;
	}
	/* From the newest back, for their times go back with them: mostly all are old. */
	for (uint64_t seq = new_tail; seq-- > tail;) {
		const struct log_entry *entry = log_entry_at(ring, seq);
		uint32_t window = load_relaxed(&entry->window);

		if (line->wall_ms - load_relaxed(&entry->wall_ms) >= SPARED_MS)
			break;
		if (intent_needs(shm, window, log, load_relaxed(&ring->head->epoch), seq)) {
			shm->owed_window = window + 1;
			return LOG_OWED;
		}
	}
	if (!owed && line->sender != owner &&
	    over_quarter(ring, next, read + 1 > new_tail ? read + 1 : new_tail, len, line->sender))
		return LOG_FULL;
	return LOG_FITS;
}

/* ---- writing ---- */

/*
 * Into the buffer that doesn't count now. It counts once its seq is below `next`: with the commit.
 */
static void topic_write(struct room *room, uint64_t next, const char *topic)
{
	uint64_t seq[2] = {load_relaxed(&room->topic[0].seq), load_relaxed(&room->topic[1].seq)};
	bool second_counts = seq[1] < next && (seq[0] >= next || seq[1] > seq[0]);
	struct room_topic *to = &room->topic[second_counts ? 0 : 1];
	size_t len = strnlen(topic, TOPIC_SIZE - 1);

	/* Not a number of this log while it is written: a reader looks again afterwards. */
	store_relaxed(&to->seq, UINT64_MAX);
	shm_fence(memory_order_release);
	CRASH_POINT(append_topic_marked);
	shm_copy_in(to->text, topic, len);
	shm_copy_in(to->text + len, "", 1);
	CRASH_POINT(append_topic_copied);
	atomic_store_explicit(&to->seq, next, memory_order_release);
	CRASH_POINT(append_topic_numbered);
}

/* The entry of the line that goes to `offset`, whose bytes have that sum. Its timestamp never goes
 * back: room_log_at searches by halves. */
static void entry_write(const struct log_ring *ring, uint64_t seq, const struct log_line *line,
			uint64_t offset, uint32_t tail_at, uint32_t crc)
{
	struct log_entry *entry = log_entry_at(ring, seq);
	int64_t wall_ms = line->wall_ms;

	if (seq > 1) {
		int64_t before = load_relaxed(&log_entry_at(ring, seq - 1)->wall_ms);

		if (wall_ms < before)
			wall_ms = before;
	}
	store_relaxed(&entry->offset, offset);
	store_relaxed(&entry->len, tail_at + (uint32_t)line->tail_len);
	store_relaxed(&entry->tail_at, tail_at);
	CRASH_POINT(append_entry_half);
	store_relaxed(&entry->id_hash, line->id_hash);
	store_relaxed(&entry->content_hash, line->content_hash);
	store_relaxed(&entry->wall_ms, wall_ms);
	store_relaxed(&entry->mono_us, line->mono_us);
	store_relaxed(&entry->window, line->window);
	store_relaxed(&entry->sender, line->sender);
	store_relaxed(&entry->crc, entry_crc(crc, entry, seq));
}

/* The commit: from here on the line exists. */
static void commit(const struct log_ring *ring, uint64_t seq)
{
	atomic_store_explicit(&ring->head->next, seq + 1, memory_order_release);
}

void log_write(struct shm *shm, uint32_t log, const struct log_ring *ring,
	       const struct log_line *line)
{
	struct log_head *head = ring->head;
	uint64_t seq = load_relaxed(&head->next);
	uint64_t offset = end_of_log(ring, seq), at = offset;
	char digits[DIGITS_MAX];
	const char *first_digit = digits_of(seq, digits);
	const struct {
		const char *bytes;
		size_t len;
	} front[] = {
		{line->head, line->head_len},
		{head->name, strlen(head->name)},
		{LINE_NAME_END, strlen(LINE_NAME_END)},
		{first_digit, (size_t)(digits + DIGITS_MAX - first_digit)},
	};
	size_t len = log_line_len(ring, line);
	uint64_t new_tail = tail_for(ring, seq, len, 0, 0);
	uint32_t crc = line->tail_crc;

	CRASH_POINT(append_start);
	if (new_tail != load_relaxed(&head->tail))
		store_relaxed(&head->tail, new_tail);
	/* A reader that meets any byte written below sees this tail when it looks again. */
	shm_fence(memory_order_release);
	CRASH_POINT(append_tail_moved);
	if (MUTANT(commit_before_copy)) {
		entry_write(ring, seq, line, offset, (uint32_t)(len - line->tail_len), crc);
		commit(ring, seq);
	}
	for (size_t i = 0; i < sizeof(front) / sizeof(front[0]); i++) {
		ring_in(ring, at, front[i].bytes, front[i].len);
		crc = crc32c(crc, front[i].bytes, front[i].len);
		at += front[i].len;
	}
	CRASH_POINT(append_front_copied);
	ring_in(ring, at, line->tail, line->tail_len);
	CRASH_POINT(append_copied);
	entry_write(ring, seq, line, offset, (uint32_t)(at - offset), crc);
	CRASH_POINT(append_indexed);
	if (!log_is_inbox(shm, log)) {
		store_relaxed(&shm->rooms[log].idle_since_wall_ms, line->wall_ms);
		if (line->topic != NULL)
			topic_write(&shm->rooms[log], seq, line->topic);
	}
	commit(ring, seq);
	CRASH_POINT(append_committed);
}
