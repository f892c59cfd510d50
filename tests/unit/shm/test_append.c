#include "tests/unit/shm/log_fixture.h"

#include "shm/lock.h"
#include "shm/log_ring.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct log_fixture fixture;
static struct shm *shm;
static uint32_t window; /* of u0 */
static char out[ROOM_LOG_LINE_MAX + 1];

static void start(void)
{
	log_fixture_start(&fixture, &log_fixture_small);
	shm = &fixture.shm;
	cr_assert_eq(window_take(shm, 0, "laptop", &window), 0);
}

static void finish(void)
{
	log_fixture_finish(&fixture);
}

TestSuite(append, .init = start, .fini = finish);

static const char *line_at(uint32_t log, uint64_t seq)
{
	struct room_log_slice slice;

	cr_assert_eq(room_log_read(shm, log, log_epoch(shm, log), seq, seq, out, ROOM_LOG_LINE_MAX,
				   &slice),
		     ROOM_LOG_LINES);
	out[slice.len] = '\0';
	return out;
}

static uint64_t head_of(uint32_t log)
{
	return room_log_next(shm, log) - 1;
}

static uint32_t inbox(uint32_t user)
{
	return log_of_inbox(shm, user);
}

/* From u`from` to u`to` without id. */
static enum append_result direct(uint32_t from, uint32_t to, const char *content)
{
	struct saying saying = {
		.sender = from,
		.log = inbox(from),
		.to = from == to ? 0 : inbox(to),
		.content = content,
	};

	return say(shm, &saying, NULL);
}

static void reads(uint32_t user, uint64_t seq)
{
	atomic_store(&segment_user(shm, user)->inbox_read, seq);
}

/* ---- ids ---- */

Test(append, the_same_id_again_is_a_duplicate_and_tells_the_first_number)
{
	struct saying saying = {.window = window, .id = "a-1", .content = "hi"};
	uint64_t first = 0, again = 0;

	say_plain(shm, 0, "before");
	cr_assert_eq(say(shm, &saying, &first), APPEND_OK);
	cr_assert_eq(first, 2);
	say_plain(shm, 0, "after");
	cr_assert_eq(say(shm, &saying, &again), APPEND_DUPLICATE);
	cr_assert_eq(again, 2);
	cr_assert_eq(head_of(0), 3);
}

Test(append, the_same_id_with_other_content_is_a_conflict)
{
	struct saying saying = {.window = window, .id = "a-1", .content = "hi"};

	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	saying.content = "ho";
	cr_assert_eq(say(shm, &saying, NULL), APPEND_ID_CONFLICT);
	cr_assert_eq(head_of(0), 1);
}

Test(append, the_last_64_ids_are_known_whatever_rooms_they_went_to)
{
	char id[16];
	uint64_t seq;

	for (unsigned i = 0; i < 200; i++) {
		struct saying saying = {.window = window, .id = id, .content = "x", .log = i % 3};

		snprintf(id, sizeof(id), "a-%u", i);
		cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
		for (unsigned back = 0; back < DEDUPE_WINDOW && back <= i; back += 9) {
			uint64_t hash;

			snprintf(id, sizeof(id), "a-%u", i - back);
			hash = shm_hash(shm, id, strlen(id));
			cr_assert_eq(window_lookup(shm, window, hash, shm_hash(shm, "x", 1), &seq),
				     APPEND_DUPLICATE);
			cr_assert_eq(seq, (i - back) / 3 + 1);
			cr_assert_eq(window_lookup(shm, window, hash, 1, &seq), APPEND_ID_CONFLICT);
		}
	}
	/* 136..199 are known, 135 is not. */
	cr_assert_eq(
		window_lookup(shm, window, shm_hash(shm, "a-136", 5), shm_hash(shm, "x", 1), &seq),
		APPEND_DUPLICATE);
	cr_assert_eq(
		window_lookup(shm, window, shm_hash(shm, "a-135", 5), shm_hash(shm, "x", 1), &seq),
		APPEND_OK);
}

Test(append, ids_of_two_devices_do_not_meet)
{
	struct saying saying = {.window = window, .id = "a-1", .content = "hi"};

	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	cr_assert_eq(window_take(shm, 0, "phone", &saying.window), 0);
	saying.content = "ho";
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	cr_assert_eq(head_of(0), 2);
}

Test(append, the_last_committed_id_is_remembered)
{
	char id[ID_SIZE];
	struct saying saying = {.window = window, .id = "first-and-longer", .content = "hi"};

	cr_assert_eq(window_last_id(shm, window, id), 0);
	cr_assert_str_eq(id, "");
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	saying.id = "second";
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	saying.id = "first-and-longer";
	cr_assert_eq(say(shm, &saying, NULL), APPEND_DUPLICATE);
	cr_assert_eq(window_last_id(shm, window, id), 0);
	cr_assert_str_eq(id, "second");
}

Test(append, a_refused_line_leaves_its_id_unknown)
{
	struct saying saying = {.window = window, .id = "a-1", .content = "hi"};
	uint64_t seq;

	room_log_quarantine(shm, 0);
	cr_assert_eq(say(shm, &saying, NULL), APPEND_BROKEN);
	cr_assert_eq(window_lookup(shm, window, shm_hash(shm, "a-1", 3), 1, &seq), APPEND_OK);
	cr_assert_eq(atomic_load(&shm->windows[window].intent.state) & INTENT_OPEN, 0);
	saying.log = 1;
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
}

/* ---- what the decision was made on ---- */

Test(append, to_a_log_of_another_epoch_is_stale)
{
	struct append append = {
		.head = "{\"room\":\"",
		.head_len = 9,
		.tail = "}\n",
		.tail_len = 2,
		.window = SHM_NONE,
		.copies = 1,
		.copy = {{.log = 0, .epoch = log_epoch(shm, 0)}},
	};
	bool local;

	cr_assert_eq(append_line(shm, &append, &local), APPEND_OK);
	cr_assert_eq(room_log_reset(shm, 0), 0);
	cr_assert_eq(append_line(shm, &append, &local), APPEND_STALE);
	atomic_store(&segment_log(shm, 0)->epoch, 0);
	append.copy[0].epoch = 0;
	cr_assert_eq(append_line(shm, &append, &local), APPEND_STALE);
}

Test(append, of_a_line_that_is_to_be_the_next_one_is_refused_when_it_is_not)
{
	struct append append = {
		.head = "{\"room\":\"",
		.head_len = 9,
		.tail = "}\n",
		.tail_len = 2,
		.window = SHM_NONE,
		.copies = 1,
		.copy = {{.log = 0, .epoch = log_epoch(shm, 0)}},
	};
	uint64_t next = room_log_next(shm, 0);
	bool local;

	append.only_at = next;
	cr_assert_eq(append_line(shm, &append, &local), APPEND_OK);
	cr_assert_eq(append_line(shm, &append, &local), APPEND_MOVED);
	cr_assert_eq(room_log_next(shm, 0), next + 1, "nothing was appended");
	append.only_at = next + 1;
	cr_assert_eq(append_line(shm, &append, &local), APPEND_OK);
}

Test(append, through_the_window_of_a_user_who_was_forgotten_is_stale)
{
	struct saying saying = {.window = window, .id = "a-1", .content = "hi"};

	atomic_store(&segment_user(shm, 0)->life, segment_new_epoch(shm));
	cr_assert_eq(say(shm, &saying, NULL), APPEND_STALE);
	saying.sender = 1;
	cr_assert_eq(say(shm, &saying, NULL), APPEND_STALE);
	cr_assert_eq(head_of(0), 0);
}

Test(append, a_lock_that_is_not_had_in_time_appends_nothing)
{
	struct saying saying = {
		.window = window,
		.id = "a-1",
		.content = "hi",
		.log = inbox(0),
		.to = inbox(1),
	};
	uint64_t seq;

	cr_assert_eq(lock_acquire(&segment_log(shm, inbox(1))->lock), LOCK_OK);
	cr_assert_eq(say(shm, &saying, NULL), APPEND_BUSY);
	lock_release(&segment_log(shm, inbox(1))->lock);
	cr_assert_eq(lock_acquire(&shm->windows[window].lock), LOCK_OK);
	cr_assert_eq(say(shm, &saying, NULL), APPEND_BUSY);
	cr_assert_eq(window_lookup(shm, window, 1, 1, &seq), APPEND_BUSY);
	lock_release(&shm->windows[window].lock);
	cr_assert_eq(head_of(inbox(0)), 0);
	cr_assert_eq(head_of(inbox(1)), 0);
	/* Nothing is held any more, and the id is free. */
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
}

/* ---- direct messages ---- */

Test(append, a_direct_message_lies_in_both_inboxes_with_each_ones_name_and_number)
{
	struct saying saying = {
		.window = window,
		.id = "a-1",
		.content = "hi",
		.log = inbox(0),
		.to = inbox(1),
	};
	uint64_t seq;

	cr_assert_eq(direct(2, 1, "earlier"), APPEND_OK);
	cr_assert_eq(say(shm, &saying, &seq), APPEND_OK);
	cr_assert_eq(seq, 1);
	cr_assert_str_eq(line_at(inbox(0), 1),
			 "{\"type\":\"message\",\"room\":\"@u0\",\"seq\":1,\"content\":\"hi\"}\n");
	cr_assert_str_eq(line_at(inbox(1), 2),
			 "{\"type\":\"message\",\"room\":\"@u1\",\"seq\":2,\"content\":\"hi\"}\n");
	cr_assert_eq(say(shm, &saying, &seq), APPEND_DUPLICATE);
	cr_assert_eq(seq, 1);
	cr_assert_eq(head_of(inbox(1)), 2);
}

Test(append, a_direct_message_to_oneself_is_one_copy_and_never_unread)
{
	for (int i = 0; i < 50; i++)
		cr_assert_eq(direct(1, 1, "note"), APPEND_OK);
	cr_assert_eq(head_of(inbox(1)), 50);
}

Test(append, one_sender_has_at_most_a_quarter_of_the_lines_unread)
{
	cr_assert_eq(direct(0, 1, "a"), APPEND_OK);
	cr_assert_eq(direct(0, 1, "b"), APPEND_OK);
	cr_assert_eq(direct(0, 1, "c"), APPEND_INBOX_FULL_THEIRS);
	cr_assert_eq(head_of(inbox(0)), 2, "nothing is appended to either");
	/* Another one's lines are his own quarter. */
	cr_assert_eq(direct(2, 1, "d"), APPEND_OK);
	cr_assert_eq(direct(2, 1, "e"), APPEND_OK);
	cr_assert_eq(direct(2, 1, "f"), APPEND_INBOX_FULL_THEIRS);
	reads(1, 1);
	cr_assert_eq(direct(0, 1, "g"), APPEND_OK);
	cr_assert_eq(direct(0, 1, "h"), APPEND_INBOX_FULL_THEIRS);
	cr_assert_eq(direct(2, 1, "i"), APPEND_INBOX_FULL_THEIRS);
}

Test(append, one_sender_has_at_most_a_quarter_of_the_bytes_unread_but_always_one_line)
{
	char content[1025];

	memset(content, 'c', sizeof(content));
	content[300] = '\0'; /* an inbox has 2048 bytes */
	cr_assert_eq(direct(0, 1, content), APPEND_OK);
	cr_assert_eq(direct(0, 1, content), APPEND_INBOX_FULL_THEIRS);
	cr_assert_eq(direct(0, 1, "short"), APPEND_OK);
	content[300] = 'c';
	content[900] = '\0';
	cr_assert_eq(direct(2, 1, content), APPEND_OK);
	cr_assert_eq(direct(2, 1, "short"), APPEND_INBOX_FULL_THEIRS);
}

Test(append, an_unread_line_is_never_overwritten_and_one_line_stays_free)
{
	struct segment_sizes sizes = log_fixture_small;

	sizes.max_users = 8;
	log_fixture_finish(&fixture);
	log_fixture_start(&fixture, &sizes);
	/* 8 lines, two a sender: 7 ordinary ones, the eighth is the reserve. */
	for (uint32_t i = 0; i < 7; i++)
		cr_assert_eq(direct(2 + i / 2, 1, "x"), APPEND_OK, "line %u", i);
	cr_assert_eq(direct(7, 1, "x"), APPEND_INBOX_FULL_THEIRS);
	cr_assert_eq(direct(1, 7, "x"), APPEND_INBOX_FULL_OWN);
	cr_assert_eq(head_of(inbox(7)), 0);
	reads(1, 1);
	cr_assert_eq(direct(7, 1, "x"), APPEND_OK);
	cr_assert_eq(direct(7, 1, "x"), APPEND_INBOX_FULL_THEIRS);
	reads(1, 8);
	cr_assert_eq(direct(1, 7, "x"), APPEND_OK);
	/* All but the sent copy is read, the inbox holds its full 8 lines. */
	cr_assert_eq(direct(7, 1, "x"), APPEND_OK);
	cr_assert_eq(head_of(inbox(1)), 10);
	cr_assert_eq(atomic_load(&segment_log(shm, inbox(1))->tail), 3);
}

Test(append, sent_copies_count_as_read)
{
	for (int i = 0; i < 30; i++) {
		reads(1, head_of(inbox(1)));
		cr_assert_eq(direct(0, 1, "x"), APPEND_OK);
	}
	cr_assert_eq(head_of(inbox(0)), 30);
	cr_assert_eq(atomic_load(&segment_user(shm, 0)->inbox_read), 0);
}

Test(append, sent_copies_behind_an_unread_line_wait_for_it)
{
	cr_assert_eq(direct(2, 0, "unread"), APPEND_OK);
	for (int i = 0; i < 6; i++) {
		reads(1, head_of(inbox(1)));
		cr_assert_eq(direct(0, 1, "x"), APPEND_OK);
	}
	reads(1, head_of(inbox(1)));
	cr_assert_eq(direct(0, 1, "x"), APPEND_INBOX_FULL_OWN);
	reads(0, 1);
	cr_assert_eq(direct(0, 1, "x"), APPEND_OK);
}

Test(append, a_line_that_leaves_no_reserve_is_too_long_for_an_inbox)
{
	char content[1600];
	size_t frame =
		strlen("{\"type\":\"message\",\"room\":\"@u0\",\"seq\":1,\"content\":\"\"}\n");

	memset(content, 'c', sizeof(content));
	content[1536 - frame + 1] = '\0'; /* 2048 less a quarter */
	cr_assert_eq(direct(0, 1, content), APPEND_TOO_LONG);
	content[1536 - frame] = '\0';
	cr_assert_eq(direct(0, 1, content), APPEND_OK);
}

Test(append, a_read_mark_beyond_the_log_protects_what_comes_all_the_same)
{
	reads(1, 1000);
	cr_assert_eq(direct(0, 1, "a"), APPEND_OK);
	reads(1, 0);
	cr_assert_eq(direct(0, 1, "b"), APPEND_OK);
	cr_assert_eq(direct(0, 1, "c"), APPEND_INBOX_FULL_THEIRS);
}

/* ---- who is rung ---- */

Test(append, tells_whether_this_worker_has_members_there)
{
	struct append append = {
		.head = "{\"room\":\"",
		.head_len = 9,
		.tail = "}\n",
		.tail_len = 2,
		.window = SHM_NONE,
		.copies = 1,
		.copy = {{.log = 0, .epoch = log_epoch(shm, 0)}},
	};
	bool local = true;

	cr_assert_eq(append_line(shm, &append, &local), APPEND_OK);
	cr_assert_not(local);
	room_log_subscribe(shm, 0);
	cr_assert_eq(append_line(shm, &append, &local), APPEND_OK);
	cr_assert(local);
	room_log_unsubscribe(shm, 0);
	cr_assert_eq(append_line(shm, &append, &local), APPEND_OK);
	cr_assert_not(local);
}

Test(append, who_comes_too_late_appends_nothing)
{
	struct saying saying = {
		.log = 0, .window = window, .id = "a", .content = "x", .by_mono_ms = 1};

	cr_assert_eq(say(shm, &saying, NULL), APPEND_BUSY);
	cr_assert_eq(head_of(0), 0u);
	saying.by_mono_ms = clock_mono_ms() + 60000;
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	cr_assert_eq(head_of(0), 1u);
}
