#include "shm/append.h"
#include "shm/janitor.h"
#include "shm/lock.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

static struct segment_fixture f;
static struct janitor janitor;
static struct janitor_report report;

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
	janitor = (struct janitor){0};
}

static void end(void)
{
	segment_fixture_finish(&f);
}

/* The end of each test: what fails in .fini doesn't count with Criterion. */
static void expect_all_sound(void)
{
	struct buf why = BUF_INIT;

	cr_expect_eq(segment_is_consistent(&f.shm, &why), 0, "%s", why.data);
	buf_finish(&why);
}

TestSuite(janitor, .init = begin, .fini = end);

Test(janitor, is_the_lowest_living_worker_that_is_heard_of)
{
	struct shm other = as_worker(&f, 1);
	struct janitor second = {0};

	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_not(janitor_run(&other, &second, &report));
	/* One that is stopped stops nobody. */
	atomic_store(&f.shm.workers[0].heartbeat_mono_ms, clock_mono_ms() - JANITOR_SILENT_MS - 1);
	cr_assert(janitor_run(&other, &second, &report));
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	janitor_worker_died(&f.shm, 0, false);
	cr_assert(janitor_run(&other, &second, &report));
	expect_all_sound();
}

Test(janitor, takes_what_a_dead_worker_held)
{
	uint32_t alice = make_user(&f.shm, "alice"), ops = make_room(&f.shm, "ops"), session;
	struct room_ref ref = {.log = ops, .epoch = f.shm.rooms[ops].log.epoch};
	struct shm other = as_worker(&f, 1);

	member_join(&f.shm, alice, ref, 0, 0);
	cr_assert_eq(session_attach(&other, alice, "", 0, &session), SESSION_OK);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(report.sessions_lost_or_freed, 0);
	if (fork() == 0) {
		lock_acquire(&f.shm.header->room_table);
		lock_acquire(&f.shm.header->user_table);
		lock_acquire(&segment_user(&f.shm, alice)->lock);
		lock_acquire(&f.shm.rooms[ops].log.lock);
		_exit(0);
	}
	wait(NULL);
	janitor_worker_died(&f.shm, 1, false);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(report.sessions_lost_or_freed, 1);
	cr_assert_eq(lock_try(&f.shm.header->room_table), LOCK_OK);
	lock_release(&f.shm.header->room_table);
	cr_assert_eq(lock_try(&f.shm.header->user_table), LOCK_OK);
	lock_release(&f.shm.header->user_table);
	cr_assert_eq(lock_try(&segment_user(&f.shm, alice)->lock), LOCK_OK);
	lock_release(&segment_user(&f.shm, alice)->lock);
	cr_assert_eq(lock_try(&f.shm.rooms[ops].log.lock), LOCK_OK);
	lock_release(&f.shm.rooms[ops].log.lock);
	cr_assert(user_present(&f.shm, alice));
	expect_all_sound();
}

Test(janitor, sees_a_worker_that_died_and_was_born_again_between_two_looks)
{
	uint32_t alice = make_user(&f.shm, "alice"), session;
	struct shm other = as_worker(&f, 1);

	session_attach(&other, alice, "", 0, &session);
	janitor_run(&f.shm, &janitor, &report);
	janitor_worker_died(&f.shm, 1, false);
	janitor_worker_born(&f.shm, 1);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(report.sessions_lost_or_freed, 1);
	cr_assert_eq(user_connections(&f.shm, alice), 0);
	expect_all_sound();
}

Test(janitor, sees_a_worker_that_was_born_and_died_between_two_looks)
{
	uint32_t alice = make_user(&f.shm, "alice"), session;
	struct shm other;

	janitor_worker_died(&f.shm, 1, false);
	janitor_run(&f.shm, &janitor, &report);
	janitor_worker_born(&f.shm, 1);
	other = as_worker(&f, 1);
	session_attach(&other, alice, "", 0, &session);
	if (fork() == 0) {
		lock_acquire(&segment_user(&f.shm, alice)->lock);
		_exit(0);
	}
	wait(NULL);
	janitor_worker_died(&f.shm, 1, false);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(report.sessions_lost_or_freed, 1);
	cr_assert_eq(lock_try(&segment_user(&f.shm, alice)->lock), LOCK_OK);
	lock_release(&segment_user(&f.shm, alice)->lock);
	expect_all_sound();
}

Test(janitor, audits_after_a_fault_and_resets_only_what_is_damaged)
{
	uint32_t alice = make_user(&f.shm, "alice");
	uint32_t ops = make_room(&f.shm, "ops"), dev = make_room(&f.shm, "dev");
	uint64_t ops_epoch = f.shm.rooms[ops].log.epoch, dev_epoch = f.shm.rooms[dev].log.epoch;

	make_line(&f.shm, ops, alice, "hello");
	make_line(&f.shm, dev, alice, "hello");
	janitor_run(&f.shm, &janitor, &report);
	segment_log_bytes(&f.shm, ops)[20] ^= 1;
	/* After a kill nobody looks at every line. */
	janitor_worker_died(&f.shm, 1, false);
	janitor_run(&f.shm, &janitor, &report);
	cr_assert_eq(report.logs_reset, 0);
	janitor_worker_born(&f.shm, 1);
	janitor_worker_died(&f.shm, 1, true);
	for (unsigned i = 0; i < 100 && atomic_load(&f.shm.workers[1].needs_audit) != 0; i++) {
		janitor_run(&f.shm, &janitor, &report);
		if (report.logs_reset > 0)
			cr_assert_eq(report.reset_log[0], ops);
	}
	cr_assert_eq(f.shm.workers[1].needs_audit, 0);
	cr_assert_neq(f.shm.rooms[ops].log.epoch, ops_epoch);
	cr_assert_eq(f.shm.rooms[dev].log.epoch, dev_epoch);
	cr_assert_eq(f.shm.rooms[dev].log.next, 2);
	expect_all_sound();
}

Test(janitor, gives_a_log_in_quarantine_its_new_epoch)
{
	uint32_t ops = make_room(&f.shm, "ops");
	uint64_t epoch = f.shm.rooms[ops].log.epoch;

	room_log_quarantine(&f.shm, ops);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(report.logs_reset, 1);
	cr_assert_eq(report.reset_log[0], ops);
	cr_assert_neq(f.shm.rooms[ops].log.epoch, epoch);
	cr_assert_eq(f.shm.rooms[ops].log.quarantined, LOG_SOUND);
	expect_all_sound();
}

Test(janitor, applies_presence_that_a_busy_room_kept_waiting)
{
	uint32_t alice = make_user(&f.shm, "alice"), ops = make_room(&f.shm, "ops"), session;
	struct room_ref ref = {.log = ops, .epoch = f.shm.rooms[ops].log.epoch};
	int held[2], leave[2];
	char byte = 0;
	pid_t holder;

	member_join(&f.shm, alice, ref, 0, 0);
	cr_assert_eq(pipe(held) + pipe(leave), 0);
	holder = fork();
	if (holder == 0) {
		close(leave[1]);
		lock_acquire(&f.shm.rooms[ops].log.lock);
		if (write(held[1], &byte, 1) != 1 || read(leave[0], &byte, 1) < 0)
			_exit(1);
		lock_release(&f.shm.rooms[ops].log.lock);
		_exit(0);
	}
	cr_assert_eq(read(held[0], &byte, 1), 1);
	cr_assert_eq(session_attach(&f.shm, alice, "", 0, &session), SESSION_OK);
	cr_assert_eq(f.shm.rooms[ops].members, 0);
	close(leave[0]);
	close(leave[1]);
	waitpid(holder, NULL, 0);
	/* Nobody waits for that lock again until it has cooled down. */
	atomic_store(&f.shm.rooms[ops].log.lock.hot_until_ms, 0);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(f.shm.rooms[ops].members, 1);
	expect_all_sound();
}

Test(janitor, gives_back_rooms_nobody_lists)
{
	struct room_ref ref;
	uint32_t ops = make_room(&f.shm, "ops");

	make_room(&f.shm, "lobby");
	atomic_store(&f.shm.rooms[ops].idle_since_wall_ms, clock_wall_ms() - JANITOR_ROOM_IDLE_MS);
	cr_assert(janitor_run(&f.shm, &janitor, &report));
	cr_assert_eq(report.rooms_collected, 1);
	cr_assert_eq(room_find(&f.shm, "ops", &ref), ROOM_NONE);
	cr_assert_eq(room_find(&f.shm, "lobby", &ref), ROOM_OK);
	expect_all_sound();
}
