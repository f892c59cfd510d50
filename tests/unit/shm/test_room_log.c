#include "tests/unit/shm/log_fixture.h"

#include "shm/lock.h"
#include "shm/log_ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct log_fixture fixture;
static struct shm *shm;
static char out[ROOM_LOG_LINE_MAX + 1];
static struct room_log_slice slice;

static void start(void)
{
	log_fixture_start(&fixture, &log_fixture_small);
	shm = &fixture.shm;
}

static void finish(void)
{
	log_fixture_finish(&fixture);
}

TestSuite(room_log, .init = start, .fini = finish);

static enum room_log_result read_from(uint32_t log, uint64_t from)
{
	enum room_log_result result = room_log_read(shm, log, log_epoch(shm, log), from, UINT64_MAX,
						    out, ROOM_LOG_LINE_MAX, &slice);

	if (result == ROOM_LOG_LINES)
		out[slice.len] = '\0';
	return result;
}

static void bounds_are(uint32_t log, uint64_t first, uint64_t head)
{
	uint64_t is_first, is_head;

	cr_assert(room_log_bounds(shm, log, log_epoch(shm, log), &is_first, &is_head));
	cr_assert_eq(is_first, first, "first is %lu", is_first);
	cr_assert_eq(is_head, head, "head is %lu", is_head);
}

Test(room_log, a_new_one_has_nothing_to_read_and_head_0)
{
	bounds_are(0, 1, 0);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_NONE);
	cr_assert_eq(room_log_next(shm, 0), 1);
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, lines_come_numbered_whole_and_in_order)
{
	say_plain(shm, 0, "one");
	say_plain(shm, 0, "two");
	cr_assert_eq(read_from(0, 1), ROOM_LOG_LINES);
	cr_assert_str_eq(out,
			 "{\"type\":\"message\",\"room\":\"r0\",\"seq\":1,\"content\":\"one\"}\n"
			 "{\"type\":\"message\",\"room\":\"r0\",\"seq\":2,\"content\":\"two\"}\n");
	cr_assert_eq(slice.first, 1);
	cr_assert_eq(slice.last, 2);
	cr_assert_eq(read_from(0, 2), ROOM_LOG_LINES);
	cr_assert_str_eq(out,
			 "{\"type\":\"message\",\"room\":\"r0\",\"seq\":2,\"content\":\"two\"}\n");
	cr_assert_eq(read_from(0, 3), ROOM_LOG_NONE);
	cr_assert_eq(read_from(0, 4), ROOM_LOG_NONE);
	bounds_are(0, 1, 2);
	bounds_are(1, 1, 0);
}

Test(room_log, a_reader_may_name_the_last_line_it_wants)
{
	for (int i = 0; i < 5; i++)
		say_plain(shm, 0, "x");
	cr_assert_eq(room_log_read(shm, 0, log_epoch(shm, 0), 2, 3, out, ROOM_LOG_LINE_MAX, &slice),
		     ROOM_LOG_LINES);
	cr_assert_eq(slice.first, 2);
	cr_assert_eq(slice.last, 3);
	cr_assert_eq(room_log_read(shm, 0, log_epoch(shm, 0), 3, 2, out, ROOM_LOG_LINE_MAX, &slice),
		     ROOM_LOG_NONE);
}

Test(room_log, holds_exactly_its_lines)
{
	for (unsigned i = 1; i <= 100; i++) {
		say_plain(shm, 0, "x");
		bounds_are(0, i > 16 ? i - 15 : 1, i);
	}
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, holds_exactly_its_bytes)
{
	char content[601];
	size_t line, most;

	memset(content, 'c', 600);
	content[600] = '\0';
	say_plain(shm, 0, content);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_LINES);
	line = slice.len; /* one digit */
	most = 4096 / line;
	for (unsigned i = 2; i <= 9; i++)
		say_plain(shm, 0, content);
	bounds_are(0, 10 - most, 9);
	cr_assert_eq(read_from(0, 10 - most), ROOM_LOG_LINES);
	cr_assert_eq(slice.len, most * line);
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, a_line_of_the_whole_limit_fits_and_one_byte_more_does_not)
{
	char content[4097];
	size_t frame =
		strlen("{\"type\":\"message\",\"room\":\"r0\",\"seq\":1,\"content\":\"\"}\n");

	memset(content, 'c', sizeof(content));
	content[4096 - frame] = '\0';
	say_plain(shm, 0, content);
	bounds_are(0, 1, 1);
	content[4096 - frame] = 'c';
	content[4096 - frame + 1] = '\0';
	cr_assert_eq(say(shm, &(struct saying){.content = content}, NULL), APPEND_TOO_LONG);
	bounds_are(0, 1, 1);
	/* The next short one pushes the long one out whole. */
	say_plain(shm, 0, "x");
	bounds_are(0, 2, 2);
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, a_lapped_reader_is_told_and_restarts_at_the_oldest_line)
{
	for (int i = 0; i < 40; i++)
		say_plain(shm, 0, "x");
	cr_assert_eq(read_from(0, 1), ROOM_LOG_LAPPED);
	cr_assert_eq(read_from(0, 24), ROOM_LOG_LAPPED);
	cr_assert_eq(read_from(0, 25), ROOM_LOG_LINES);
	cr_assert_eq(slice.first, 25);
	cr_assert_eq(slice.last, 40);
}

Test(room_log, lines_are_the_same_bytes_around_the_end_of_the_ring)
{
	char content[300], expected[400];

	for (unsigned i = 1; i < 200; i++) {
		unsigned len = i * 7 % 290;

		for (unsigned at = 0; at < len; at++)
			content[at] = (char)('a' + (i + at) % 26);
		content[len] = '\0';
		say_plain(shm, 0, content);
		cr_assert_eq(read_from(0, i), ROOM_LOG_LINES);
		snprintf(expected, sizeof(expected),
			 "{\"type\":\"message\",\"room\":\"r0\",\"seq\":%u,\"content\":\"%s\"}\n",
			 i, content);
		cr_assert_str_eq(out, expected);
		cr_assert(room_log_audit(shm, 0));
	}
}

Test(room_log, a_read_takes_as_many_whole_lines_as_fit)
{
	struct segment_sizes sizes = log_fixture_small;
	char *content = calloc(1, 20001);

	sizes.room_bytes = 262144;
	log_fixture_finish(&fixture);
	log_fixture_start(&fixture, &sizes);
	memset(content, 'c', 20000);
	for (int i = 0; i < 8; i++)
		say_plain(shm, 0, content);
	cr_assert_eq(read_from(0, 3), ROOM_LOG_LINES);
	cr_assert_eq(slice.first, 3);
	cr_assert_eq(slice.last, 4);
	cr_assert_eq(slice.len % 2, 0);
	cr_assert_eq(out[slice.len - 1], '\n');
	cr_assert_eq(out[slice.len / 2 - 1], '\n');
	free(content);
}

Test(room_log, another_epoch_is_a_reset_and_shows_no_byte)
{
	uint64_t before = log_epoch(shm, 0), first, head;

	say_plain(shm, 0, "old");
	cr_assert_eq(room_log_reset(shm, 0), 0);
	cr_assert_neq(log_epoch(shm, 0), before);
	cr_assert_eq(room_log_read(shm, 0, before, 1, UINT64_MAX, out, ROOM_LOG_LINE_MAX, &slice),
		     ROOM_LOG_RESET);
	cr_assert_not(room_log_bounds(shm, 0, before, &first, &head));
	cr_assert_not(room_log_at(shm, 0, before, 0, &first));
	cr_assert_eq(room_log_read(shm, 0, 0, 1, UINT64_MAX, out, ROOM_LOG_LINE_MAX, &slice),
		     ROOM_LOG_RESET);
	bounds_are(0, 1, 0);
	cr_assert_eq(say_plain(shm, 0, "new"), 1);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_LINES);
	cr_assert(strstr(out, "new") != NULL);
}

Test(room_log, finds_the_first_line_at_or_after_a_time)
{
	uint64_t seq;

	for (int i = 1; i <= 30; i++) {
		struct saying saying = {.content = "x", .wall_ms = i * 10};

		cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	}
	cr_assert(room_log_at(shm, 0, log_epoch(shm, 0), 200, &seq));
	cr_assert_eq(seq, 20);
	cr_assert(room_log_at(shm, 0, log_epoch(shm, 0), 201, &seq));
	cr_assert_eq(seq, 21);
	cr_assert(room_log_at(shm, 0, log_epoch(shm, 0), 0, &seq));
	cr_assert_eq(seq, 15);
	cr_assert(room_log_at(shm, 0, log_epoch(shm, 0), 301, &seq));
	cr_assert_eq(seq, 31);
	cr_assert(room_log_at(shm, 1, log_epoch(shm, 1), 5, &seq));
	cr_assert_eq(seq, 1);
}

Test(room_log, a_clock_that_steps_back_does_not_hide_lines_from_the_search)
{
	static const int64_t times[] = {100, 90, 110, 105, 120};
	uint64_t seq;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct saying saying = {.content = "x", .wall_ms = times[i]};

		cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	}
	cr_assert(room_log_at(shm, 0, log_epoch(shm, 0), 101, &seq));
	cr_assert_eq(seq, 3);
	cr_assert(room_log_at(shm, 0, log_epoch(shm, 0), 111, &seq));
	cr_assert_eq(seq, 5);
}

/* ---- topics ---- */

static void topic_is(const char *expected)
{
	char topic[TOPIC_SIZE];

	cr_assert(room_log_topic(shm, 0, log_epoch(shm, 0), topic));
	cr_assert_str_eq(topic, expected);
}

static void topic_set(const char *topic)
{
	struct saying saying = {.content = "topic", .topic = topic};

	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
}

Test(room_log, the_newest_topic_counts)
{
	char topic[TOPIC_SIZE];

	topic_is("");
	topic_set("first");
	topic_is("first");
	topic_set("second");
	topic_is("second");
	say_plain(shm, 0, "x");
	topic_set("third, and longer than any of the others");
	topic_is("third, and longer than any of the others");
	topic_set("");
	topic_is("");
	cr_assert(room_log_topic(shm, log_of_inbox(shm, 0), log_epoch(shm, log_of_inbox(shm, 0)),
				 topic));
	cr_assert_str_eq(topic, "");
	cr_assert_not(room_log_topic(shm, 0, log_epoch(shm, 1), topic));
}

Test(room_log, the_topic_survives_a_reset_and_can_be_changed_after_it)
{
	for (int i = 0; i < 3; i++) {
		char topic[20];

		snprintf(topic, sizeof(topic), "topic %d", i);
		topic_set(topic);
		cr_assert_eq(room_log_reset(shm, 0), 0);
		topic_is(topic);
		cr_assert_eq(room_log_reset(shm, 0), 0);
		topic_is(topic);
	}
	room_log_clear(shm, 0, segment_new_epoch(shm));
	topic_is("");
}

Test(room_log, a_repair_forgets_a_topic_whose_line_never_came)
{
	topic_set("said");
	/* What a writer leaves that dies before its commit, in the buffer that doesn't count. */
	for (int i = 0; i < 2; i++) {
		struct room_topic *topic = &shm->rooms[0].topic[i];

		if (atomic_load(&topic->seq) == 1)
			continue;
		strcpy(topic->text, "unsaid");
		atomic_store(&topic->seq, room_log_next(shm, 0));
	}
	topic_is("said");
	room_log_repair(shm, 0);
	say_plain(shm, 0, "another line gets the number");
	topic_is("said");
}

/* ---- damage ---- */

Test(room_log, an_audit_finds_each_flipped_bit_of_a_line)
{
	struct log_ring ring = log_ring_of(shm, 0);
	uint64_t end;

	for (int i = 0; i < 20; i++)
		say_plain(shm, 0, "some words that are stored");
	end = atomic_load(&log_entry_at(&ring, 20)->offset) +
	      atomic_load(&log_entry_at(&ring, 20)->len);
	cr_assert(room_log_audit(shm, 0));
	for (uint64_t at = atomic_load(&log_entry_at(&ring, 5)->offset); at < end; at++) {
		unsigned char *byte = &ring.bytes[at & ring.bytes_mask];
		unsigned char flip = (unsigned char)(1u << (at % 8));

		*byte ^= flip;
		cr_assert_not(room_log_audit(shm, 0));
		*byte ^= flip;
	}
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, an_audit_finds_each_flipped_bit_of_the_index)
{
	struct log_ring ring = log_ring_of(shm, 0);

	for (int i = 0; i < 20; i++)
		say_plain(shm, 0, "some words that are stored");
	for (uint64_t seq = 1; seq <= 20; seq++) {
		unsigned char *entry = (unsigned char *)log_entry_at(&ring, seq);

		for (unsigned bit = 0; bit < 8 * sizeof(struct log_entry); bit++) {
			entry[bit / 8] ^= (unsigned char)(1u << (bit % 8));
			cr_assert_not(room_log_audit(shm, 0), "line %d, bit %u", (int)seq, bit);
			entry[bit / 8] ^= (unsigned char)(1u << (bit % 8));
		}
	}
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, an_audit_finds_a_damaged_index)
{
	struct log_ring ring = log_ring_of(shm, 0);
	struct log_entry *entry, sound;

	for (int i = 0; i < 20; i++)
		say_plain(shm, 0, "some words that are stored");
	entry = log_entry_at(&ring, 12);
	memcpy(&sound, entry, sizeof(sound));
#define DAMAGE(field, value)                                                                       \
	do {                                                                                       \
		atomic_store(&entry->field, value);                                                \
		cr_assert_not(room_log_audit(shm, 0), #field);                                     \
		memcpy(entry, &sound, sizeof(sound));                                              \
		cr_assert(room_log_audit(shm, 0));                                                 \
	} while (0)
	DAMAGE(len, 0);
	DAMAGE(len, UINT32_MAX);
	DAMAGE(offset, UINT64_MAX);
	DAMAGE(crc, atomic_load(&entry->crc) ^ 1);
	DAMAGE(tail_at, UINT32_MAX);
	DAMAGE(window, 77);
	DAMAGE(sender, 77);
	atomic_store(&ring.head->tail, 1);
	cr_assert_not(room_log_audit(shm, 0));
	atomic_store(&ring.head->tail, 22);
	cr_assert_not(room_log_audit(shm, 0));
	atomic_store(&ring.head->tail, 5);
	cr_assert(room_log_audit(shm, 0));
}

Test(room_log, in_quarantine_takes_and_shows_nothing_until_its_reset)
{
	say_plain(shm, 0, "x");
	room_log_quarantine(shm, 0);
	cr_assert_eq(say(shm, &(struct saying){.content = "x"}, NULL), APPEND_BROKEN);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_NONE);
	cr_assert_eq(room_log_reset(shm, 0), 0);
	cr_assert_eq(say_plain(shm, 0, "x"), 1);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_LINES);
}

Test(room_log, a_reader_of_a_damaged_index_puts_the_log_into_quarantine)
{
	struct log_ring ring = log_ring_of(shm, 0);

	say_plain(shm, 0, "x");
	atomic_store(&log_entry_at(&ring, 1)->len, UINT32_MAX);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_NONE);
	cr_assert_eq(atomic_load(&ring.head->quarantined), LOG_QUARANTINED);
}

Test(room_log, a_reset_that_was_cut_short_is_ended_by_the_repair)
{
	uint64_t before = log_epoch(shm, 0);

	topic_set("kept");
	say_plain(shm, 0, "x");
	atomic_store(&segment_log(shm, 0)->quarantined, LOG_RESETTING);
	cr_assert_eq(read_from(0, 1), ROOM_LOG_NONE);
	room_log_repair(shm, 0);
	cr_assert_neq(log_epoch(shm, 0), before);
	bounds_are(0, 1, 0);
	topic_is("kept");
	cr_assert_eq(say_plain(shm, 0, "x"), 1);
}

Test(room_log, a_free_slot_stays_free_when_it_is_repaired)
{
	atomic_store(&segment_log(shm, 0)->epoch, 0);
	atomic_store(&segment_log(shm, 0)->quarantined, LOG_RESETTING);
	room_log_repair(shm, 0);
	cr_assert_eq(log_epoch(shm, 0), 0);
	cr_assert_eq(atomic_load(&segment_log(shm, 0)->quarantined), LOG_SOUND);
	cr_assert_eq(room_log_reset(shm, 0), 0);
	cr_assert_eq(log_epoch(shm, 0), 0);
}

Test(room_log, a_reset_empties_the_owners_read_mark)
{
	uint32_t inbox = log_of_inbox(shm, 1);

	atomic_store(&segment_user(shm, 1)->inbox_read, 7);
	cr_assert_eq(room_log_reset(shm, inbox), 0);
	cr_assert_eq(atomic_load(&segment_user(shm, 1)->inbox_read), 0);
}

Test(room_log, a_busy_log_is_not_reset)
{
	cr_assert_eq(lock_acquire(&segment_log(shm, 0)->lock), LOCK_OK);
	cr_assert_eq(room_log_reset(shm, 0), -EBUSY);
	lock_release(&segment_log(shm, 0)->lock);
}
