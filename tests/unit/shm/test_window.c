#include "tests/unit/shm/log_fixture.h"

#include "shm/lock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct log_fixture fixture;
static struct shm *shm;

static void start(void)
{
	log_fixture_start(&fixture, &log_fixture_small);
	shm = &fixture.shm;
}

static void finish(void)
{
	log_fixture_finish(&fixture);
}

TestSuite(window, .init = start, .fini = finish);

static uint32_t take(uint32_t user, const char *device)
{
	uint32_t window = SHM_NONE;
	int ret = window_take(shm, user, device, &window);

	cr_assert_eq(ret, 0, "%s", strerror(-ret));
	return window;
}

static uint32_t find(uint32_t user, const char *device)
{
	bool busy;
	uint32_t window = window_find(shm, user, device, &busy);

	cr_assert_not(busy);
	return window;
}

static void say_at(uint32_t user, uint32_t window, int64_t wall_ms)
{
	struct saying saying = {
		.sender = user,
		.window = window,
		.id = "id",
		.content = "x",
		.wall_ms = wall_ms,
	};

	cr_assert_eq(say(shm, &saying, NULL), APPEND_OK);
}

Test(window, is_found_by_user_and_device_once_it_is_taken)
{
	uint32_t window;

	cr_assert_eq(find(0, "laptop"), SHM_NONE);
	window = take(0, "laptop");
	cr_assert_eq(find(0, "laptop"), window);
	cr_assert_eq(take(0, "laptop"), window);
	cr_assert_eq(find(0, ""), SHM_NONE);
	cr_assert_eq(find(1, "laptop"), SHM_NONE);
	cr_assert_neq(take(0, ""), window);
	cr_assert_eq(find(0, "laptop"), window);
}

Test(window, of_a_user_who_was_forgotten_is_another_ones)
{
	uint32_t window = take(0, "laptop");

	say_at(0, window, 1);
	atomic_store(&segment_user(shm, 0)->life, segment_new_epoch(shm));
	cr_assert_eq(find(0, "laptop"), SHM_NONE);
	cr_assert_neq(take(0, "laptop"), window);
}

Test(window, the_longest_unused_one_without_a_session_is_taken_over)
{
	uint32_t windows[4], taken;
	char id[ID_SIZE];
	uint64_t seq;

	for (uint32_t i = 0; i < 4; i++) {
		windows[i] = take(i, "d");
		say_at(i, windows[i], 100 - (int64_t)i);
	}
	atomic_store(&segment_user(shm, 3)->sessions, 1);
	taken = take(0, "another");
	cr_assert_eq(taken, windows[2]);
	cr_assert_eq(find(2, "d"), SHM_NONE);
	cr_assert_eq(find(0, "another"), taken);
	cr_assert_eq(find(0, "d"), windows[0]);
	/* It knows nothing of its former life. */
	cr_assert_eq(window_last_id(shm, taken, id), 0);
	cr_assert_str_eq(id, "");
	cr_assert_eq(window_lookup(shm, taken, shm_hash(shm, "id", 2), shm_hash(shm, "x", 1), &seq),
		     APPEND_OK);
}

Test(window, there_is_none_when_all_users_are_there)
{
	uint32_t window;

	for (uint32_t i = 0; i < 4; i++) {
		take(i, "d");
		atomic_store(&segment_user(shm, i)->sessions, 1);
	}
	cr_assert_eq(window_take(shm, 0, "another", &window), -ENOSPC);
	cr_assert_eq(take(0, "d"), find(0, "d"));
}

Test(window, with_an_open_intent_is_not_taken_over)
{
	uint32_t window;

	for (uint32_t i = 0; i < 4; i++)
		atomic_fetch_or(&shm->windows[take(i, "d")].intent.state, INTENT_OPEN);
	cr_assert_eq(window_take(shm, 0, "another", &window), -ENOSPC);
	/* It promises nothing and has no done bit: dropped, and the window may go. */
	cr_assert_eq(append_finish_intents(shm), 0);
	cr_assert_eq(window_take(shm, 0, "another", &window), 0);
}

Test(window, whose_lock_is_held_is_not_taken_over)
{
	uint32_t window;

	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(lock_acquire(&shm->windows[take(i, "d")].lock), LOCK_OK);
	cr_assert_eq(window_take(shm, 0, "another", &window), -EBUSY);
}

Test(window, the_table_is_made_anew_from_the_windows)
{
	uint32_t windows[4];

	for (uint32_t i = 0; i < 4; i++)
		windows[i] = take(i, "d");
	memset(shm->base + shm->header->window_buckets, 0xff,
	       shm->header->bucket_count[2] * sizeof(uint32_t));
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(find(i, "d"), SHM_NONE);
	window_table_rebuild(shm);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(find(i, "d"), windows[i]);
	cr_assert_eq(atomic_load(&shm->header->windows_used), 4);
}

Test(window, the_table_is_mended_after_a_death_under_its_lock)
{
	uint32_t window = take(0, "d");
	pid_t pid = fork();

	if (pid == 0) {
		lock_acquire(&shm->header->window_table);
		memset(shm->base + shm->header->window_buckets, 0xff,
		       shm->header->bucket_count[2] * sizeof(uint32_t));
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	cr_assert_eq(find(0, "d"), window);
}

Test(window, a_busy_table_is_told)
{
	uint32_t window;
	bool busy = false;

	cr_assert_eq(lock_acquire(&shm->header->window_table), LOCK_OK);
	cr_assert_eq(window_find(shm, 0, "d", &busy), SHM_NONE);
	cr_assert(busy);
	cr_assert_eq(window_take(shm, 0, "d", &window), -EBUSY);
	lock_release(&shm->header->window_table);
}
