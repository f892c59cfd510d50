/* Appends that end in the middle; tests/crash kills them at every step, here are the cases by name. */
#include "tests/unit/shm/log_fixture.h"

#include "shm/crc32c.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/log_ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct log_fixture fixture;
static struct shm *shm;
static uint32_t window; /* of u0 */

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

TestSuite(intent, .init = start, .fini = finish);

static uint32_t inbox(uint32_t user)
{
	return log_of_inbox(shm, user);
}

static uint64_t head_of(uint32_t log)
{
	return room_log_next(shm, log) - 1;
}

static bool is_open(void)
{
	return intent_is_open(&shm->windows[window]);
}

enum step { STEP_BEGUN, STEP_COMMITTED, STEP_MARKED, STEP_ALL };

/* u0 writes "hi" to u1 (id "a-1") with all its locks held and comes as far as `until`. */
static void write_until(enum step until)
{
	static const char head[] = "{\"type\":\"message\",\"room\":\"", tail[] = ",\"content\":\"hi\"}\n";
	struct append append = {
		.head = head,
		.tail = tail,
		.head_len = strlen(head),
		.tail_len = strlen(tail),
		.window = window,
		.id = "a-1",
		.id_hash = shm_hash(shm, "a-1", 3),
		.content_hash = shm_hash(shm, "hi", 2),
		.copies = 2,
		.copy = {{.log = inbox(0), .epoch = log_epoch(shm, inbox(0))},
			 {.log = inbox(1), .epoch = log_epoch(shm, inbox(1))}},
	};
	const struct log_line line = {
		.head = head,
		.tail = tail,
		.head_len = strlen(head),
		.tail_len = strlen(tail),
		.tail_crc = crc32c(0, tail, strlen(tail)),
		.window = window,
		.id_hash = append.id_hash,
		.content_hash = append.content_hash,
	};
	struct log_ring rings[2] = {log_ring_of(shm, inbox(0)), log_ring_of(shm, inbox(1))};

	window_lock(&shm->windows[window]);
	log_lock(shm, inbox(0));
	log_lock(shm, inbox(1));
	for (int i = 0; i < 2; i++)
		append.copy[i].ret_seq = room_log_next(shm, append.copy[i].log);
	intent_begin(&shm->windows[window], &append);
	if (until >= STEP_COMMITTED)
		log_write(shm, inbox(1), &rings[1], &line);
	if (until >= STEP_MARKED)
		intent_mark(&shm->windows[window], 1);
	if (until >= STEP_ALL) {
		log_write(shm, inbox(0), &rings[0], &line);
		intent_mark(&shm->windows[window], 0);
	}
}

/* The same by a process that is killed then. */
static void die_at(enum step until)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		write_until(until);
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	cr_assert(WIFSIGNALED(status));
	cr_assert(is_open());
}

static enum append_result say_again(uint64_t *ret_seq)
{
	struct saying saying = {
		.window = window, .id = "a-1", .content = "hi", .log = inbox(0), .to = inbox(1)};

	return say(shm, &saying, ret_seq);
}

static void each_has_one(void)
{
	cr_assert_eq(head_of(inbox(0)), 1);
	cr_assert_eq(head_of(inbox(1)), 1);
	cr_assert(room_log_audit(shm, inbox(0)));
	cr_assert(room_log_audit(shm, inbox(1)));
	cr_assert_not(is_open());
}

Test(intent, without_a_committed_copy_is_dropped_and_the_message_can_be_sent_again)
{
	uint64_t seq;

	die_at(STEP_BEGUN);
	cr_assert_eq(append_finish_intents(shm), 0);
	cr_assert_eq(head_of(inbox(1)), 0);
	cr_assert_eq(say_again(&seq), APPEND_OK);
	each_has_one();
}

Test(intent, with_one_committed_copy_gets_the_other_one)
{
	char out[ROOM_LOG_LINE_MAX];
	struct room_log_slice slice;
	uint64_t seq = 0;

	for (enum step step = STEP_COMMITTED; step <= STEP_ALL; step++) {
		log_fixture_fill(&fixture);
		cr_assert_eq(window_take(shm, 0, "laptop", &window), 0);
		die_at(step);
		cr_assert_eq(append_finish_intents(shm), 0);
		each_has_one();
		cr_assert_eq(room_log_read(shm, inbox(0), log_epoch(shm, inbox(0)), 1, 1, out,
					   sizeof(out), &slice),
			     ROOM_LOG_LINES);
		out[slice.len] = '\0';
		cr_assert_str_eq(
			out,
			"{\"type\":\"message\",\"room\":\"@u0\",\"seq\":1,\"content\":\"hi\"}\n");
		cr_assert_eq(say_again(&seq), APPEND_DUPLICATE);
		cr_assert_eq(seq, 1);
		each_has_one();
		atomic_store(&segment_user(shm, 0)->sessions, 0);
	}
}

Test(intent, is_finished_by_whoever_sends_the_id_again)
{
	uint64_t seq = 0;

	die_at(STEP_COMMITTED);
	cr_assert_eq(say_again(&seq), APPEND_DUPLICATE);
	cr_assert_eq(seq, 1);
	each_has_one();
}

Test(intent, is_finished_by_whoever_looks_the_id_up_or_asks_for_the_last_one)
{
	char id[ID_SIZE];
	uint64_t seq = 0;

	die_at(STEP_COMMITTED);
	cr_assert_eq(window_lookup(shm, window, shm_hash(shm, "a-1", 3), shm_hash(shm, "hi", 2),
				   &seq),
		     APPEND_DUPLICATE);
	each_has_one();
	cr_assert_eq(window_last_id(shm, window, id), 0);
	cr_assert_str_eq(id, "a-1");
}

Test(intent, is_finished_by_whoever_writes_next_to_the_log_of_the_dead)
{
	struct saying saying = {.sender = 2, .log = inbox(2), .to = inbox(1), .content = "ho"};

	die_at(STEP_COMMITTED);
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	cr_assert_not(is_open());
	cr_assert_eq(head_of(inbox(0)), 1);
	cr_assert_eq(head_of(inbox(1)), 2);
}

Test(intent, an_owed_copy_takes_the_next_number_of_its_log)
{
	struct saying note = {.log = inbox(0), .content = "note"};
	uint64_t seq = 0;

	die_at(STEP_MARKED);
	/* Both logs' locks are of the dead, and somebody is faster in the one without a line. */
	cr_assert_eq(say(shm, &note, NULL), APPEND_OK);
	cr_assert_eq(say_again(&seq), APPEND_DUPLICATE);
	cr_assert_eq(seq, 2);
	cr_assert_eq(head_of(inbox(0)), 2);
}

Test(intent, an_owed_copy_has_its_reserve_in_a_full_inbox)
{
	struct saying saying = {.log = inbox(0), .content = "x"};

	die_at(STEP_MARKED);
	for (uint32_t i = 0; i < 7; i++) {
		saying.sender = 1 + i / 2 % 3;
		/* The first finishes nothing: the newest line of this log is nobody's. */
		if (say(shm, &saying, NULL) != APPEND_OK)
			break;
	}
	saying.sender = 3;
	while (say(shm, &saying, NULL) == APPEND_OK)
		;
	cr_assert(is_open());
	cr_assert_eq(append_finish_intents(shm), 0);
	cr_assert_not(is_open());
}

Test(intent, an_owed_copy_without_room_keeps_the_intent_open_until_there_is_some)
{
	struct segment_sizes sizes = log_fixture_small;
	struct saying saying = {.content = "x"};
	uint64_t seq;

	sizes.max_users = 8;
	log_fixture_finish(&fixture);
	log_fixture_start(&fixture, &sizes);
	cr_assert_eq(window_take(shm, 0, "laptop", &window), 0);
	saying.log = inbox(0);
	die_at(STEP_MARKED);
	for (uint32_t sender = 1; sender < 8; sender++) {
		saying.sender = sender;
		while (say(shm, &saying, NULL) == APPEND_OK)
			;
	}
	/* Somebody else's owed copy has taken the reserve. */
	atomic_store(&segment_log(shm, inbox(0))->tail, 1);
	atomic_store(&log_entry_at(&(struct log_ring){.index = segment_log_index(shm, inbox(0)),
						      .index_mask = 7},
				   head_of(inbox(0)) + 1)
			      ->sender,
		     1);
	shm->header->sizes.inbox_lines = 7;
	cr_assert_eq(append_finish_intents(shm), 1);
	cr_assert(is_open());
	cr_assert_eq(say_again(&seq), APPEND_BUSY);
	atomic_store(&segment_user(shm, 0)->inbox_read, 3);
	cr_assert_eq(say_again(&seq), APPEND_DUPLICATE);
	cr_assert_not(is_open());
}

Test(intent, the_copy_an_owed_one_is_made_from_is_spared)
{
	struct saying saying = {.sender = 1, .log = inbox(1), .content = "note"};

	die_at(STEP_MARKED);
	/* Its window can't be had, so nobody finishes it; all in the inbox is read. */
	cr_assert_eq(lock_acquire(&shm->windows[window].lock), LOCK_DIED);
	lock_made_consistent(&shm->windows[window].lock);
	atomic_store(&segment_user(shm, 1)->inbox_read, UINT64_MAX);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	cr_assert_eq(say(shm, &saying, NULL), APPEND_BUSY);
	cr_assert_eq(atomic_load(&segment_log(shm, inbox(1))->tail), 1);
	lock_release(&shm->windows[window].lock);
	/* The one that is told busy finishes it; then there is room again. */
	cr_assert_eq(say(shm, &saying, NULL), APPEND_BUSY);
	cr_assert_not(is_open());
	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	cr_assert_eq(head_of(inbox(0)), 1);
}

Test(intent, after_ten_seconds_the_copy_is_not_spared_any_more_and_the_owed_one_given_up)
{
	struct saying saying = {.sender = 1, .log = inbox(1), .content = "note", .wall_ms = 10000};
	uint64_t seq;

	die_at(STEP_MARKED);
	cr_assert_eq(lock_acquire(&shm->windows[window].lock), LOCK_DIED);
	lock_made_consistent(&shm->windows[window].lock);
	atomic_store(&segment_user(shm, 1)->inbox_read, UINT64_MAX);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
	lock_release(&shm->windows[window].lock);
	cr_assert_eq(append_finish_intents(shm), 0);
	cr_assert_eq(head_of(inbox(0)), 0);
	cr_assert_eq(say_again(&seq), APPEND_DUPLICATE, "it was delivered");
}

Test(intent, a_log_with_a_new_life_gets_no_owed_copy_but_the_id_is_known)
{
	uint64_t seq;

	die_at(STEP_MARKED);
	cr_assert_eq(room_log_reset(shm, inbox(0)), 0);
	cr_assert_eq(append_finish_intents(shm), 0);
	cr_assert_eq(head_of(inbox(0)), 0);
	cr_assert_eq(head_of(inbox(1)), 1);
	cr_assert_eq(say_again(&seq), APPEND_DUPLICATE);
}

Test(intent, a_commit_in_a_log_that_is_reset_before_anyone_noted_it_counts_all_the_same)
{
	uint64_t seq;

	die_at(STEP_COMMITTED);
	cr_assert_eq(room_log_reset(shm, inbox(1)), 0);
	cr_assert_eq(append_finish_intents(shm), 0);
	cr_assert_eq(head_of(inbox(1)), 0);
	cr_assert_eq(say_again(&seq), APPEND_DUPLICATE, "not said twice in two lives");
}

Test(intent, stays_open_while_a_lock_is_not_to_be_had)
{
	uint64_t seq;
	char id[ID_SIZE];

	die_at(STEP_COMMITTED);
	cr_assert_eq(lock_acquire(&segment_log(shm, inbox(0))->lock), LOCK_DIED);
	lock_made_consistent(&segment_log(shm, inbox(0))->lock);
	cr_assert_eq(append_finish_intents(shm), 1);
	cr_assert_eq(say_again(&seq), APPEND_BUSY);
	cr_assert_eq(window_lookup(shm, window, 1, 1, &seq), APPEND_BUSY);
	cr_assert_eq(window_last_id(shm, window, id), -EBUSY);
	lock_release(&segment_log(shm, inbox(0))->lock);
	cr_assert_eq(append_finish_intents(shm), 0);
	each_has_one();
}

Test(intent, that_was_closed_and_begun_anew_is_not_marked_by_a_late_repair)
{
	uint64_t state, id_hash = shm_hash(shm, "a-1", 3);

	/* The repairer's view of a line that belongs to the last intent of this window. */
	die_at(STEP_MARKED);
	cr_assert_eq(append_finish_intents(shm), 0);
	state = atomic_load(&shm->windows[window].intent.state);
	cr_assert_not(intent_note(shm, window, inbox(1), log_epoch(shm, inbox(1)), 1, id_hash));
	cr_assert_eq(atomic_load(&shm->windows[window].intent.state), state);
	/* And of one that doesn't match the open one in its number, its epoch, its log, its id. */
	die_at(STEP_BEGUN);
	state = atomic_load(&shm->windows[window].intent.state);
	cr_assert_not(intent_note(shm, window, inbox(1), log_epoch(shm, inbox(1)), 1, id_hash));
	cr_assert_not(intent_note(shm, window, inbox(1), 1, 2, id_hash));
	cr_assert_not(intent_note(shm, window, inbox(2), log_epoch(shm, inbox(1)), 2, id_hash));
	cr_assert_not(intent_note(shm, window, inbox(1), log_epoch(shm, inbox(1)), 2, 1));
	cr_assert_not(intent_note(shm, SHM_NONE, inbox(1), log_epoch(shm, inbox(1)), 2, id_hash));
	cr_assert_eq(atomic_load(&shm->windows[window].intent.state), state);
	cr_assert(intent_note(shm, window, inbox(1), log_epoch(shm, inbox(1)), 2, id_hash));
	cr_assert_eq(atomic_load(&shm->windows[window].intent.state), state | INTENT_DONE(1));
}
