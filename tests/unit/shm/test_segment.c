#include "shm/append.h"
#include "shm/janitor.h"
#include "shm/lock.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include "base/clock.h"
#include "base/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct segment_fixture f;

static void begin(void)
{
	segment_fixture_prepare(&f, &segment_fixture_small);
}

static void end(void)
{
	segment_fixture_finish(&f);
}

TestSuite(segment, .init = begin, .fini = end);

static void expect_consistent(void)
{
	struct buf why = BUF_INIT;

	cr_expect_eq(segment_is_consistent(&f.shm, &why), 0, "%s", why.data);
	buf_finish(&why);
}

static bool says(const char *words)
{
	return f.error.data != NULL && strstr(f.error.data, words) != NULL;
}

Test(segment, is_new_where_nothing_was)
{
	uint64_t tables, bodies;
	struct stat stat;

	cr_assert_eq(segment_fixture_try(&f), 0);
	cr_assert_eq(f.report.origin, SEGMENT_NEW);
	cr_assert_eq(fstat(f.shm.fd, &stat), 0);
	cr_assert_eq(stat.st_mode & 0777, 0600);
	cr_assert_eq((uint64_t)stat.st_size, f.shm.size);
	cr_assert_neq(fcntl(f.shm.fd, F_GETFD) & FD_CLOEXEC, 0);
	segment_memory(&f.shm, &tables, &bodies);
	cr_assert_eq(bodies, 0);
	/* The tables are reserved, the bodies aren't. */
	cr_assert_eq((uint64_t)stat.st_blocks * 512, tables);
	make_room(&f.shm, "lobby");
	segment_memory(&f.shm, &tables, &bodies);
	cr_assert_eq(fstat(f.shm.fd, &stat), 0);
	cr_assert_eq((uint64_t)stat.st_blocks * 512, tables + bodies);
	expect_consistent();
}

Test(segment, epochs_are_never_the_same)
{
	uint64_t one, two;

	cr_assert_eq(segment_fixture_try(&f), 0);
	one = segment_new_epoch(&f.shm);
	two = segment_new_epoch(&f.shm);
	cr_assert_neq(one, two);
	atomic_store(&f.shm.header->epoch_counter, 0);
	cr_assert_neq(segment_new_epoch(&f.shm), 0);
}

Test(segment, refuses_a_name_that_is_a_path)
{
	static const char *const bad[] = {
		"",
		"a/b",
		"../x",
		"a b",
		"0123456789012345678901234567890123456789012345678901234567890123456789",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.params.instance = bad[i];
		cr_assert_eq(segment_fixture_try(&f), -EINVAL, "'%s'", bad[i]);
		cr_assert(says("instance"));
	}
}

Test(segment, of_a_living_master_is_refused_at_once_by_name)
{
	struct segment_fixture second;
	uint64_t begun = clock_mono_ms();
	char pid[32];

	cr_assert_eq(segment_fixture_try(&f), 0);
	segment_fixture_prepare(&second, &segment_fixture_small);
	second.params.instance = f.instance;
	second.params.wait_ms = 60000;
	cr_assert_eq(segment_fixture_try(&second), -EBUSY);
	cr_assert_lt(clock_mono_ms() - begun, 5000);
	snprintf(pid, sizeof(pid), "process %d", getpid());
	cr_assert_not_null(strstr(second.error.data, pid), "%s", second.error.data);
	cr_assert_not_null(strstr(second.error.data, f.instance));
	second.params.instance = second.instance;
	segment_fixture_finish(&second);
}

/* A master that is killed while a worker of its lives on; the worker's pid, or 0 where it dies too.
 */
static pid_t killed_master(bool worker_lives)
{
	int ready[2], hold[2];
	pid_t master, worker = 0;
	int status;

	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(hold), 0);
	master = fork();
	if (master == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (segment_fixture_try(&f) != 0)
			_exit(1);
		worker = fork();
		if (worker == 0) {
			char byte;

			close(hold[1]);
			if (!worker_lives)
				_exit(0);
			if (read(hold[0], &byte, 1) < 0)
				_exit(1);
			_exit(0);
		}
		janitor_worker_pid(&f.shm, 0, worker);
		if (write(ready[1], &worker, sizeof(worker)) != (ssize_t)sizeof(worker))
			_exit(1);
		pause();
	}
	cr_assert_eq(read(ready[0], &worker, sizeof(worker)), (ssize_t)sizeof(worker));
	kill(master, SIGKILL);
	cr_assert_eq(waitpid(master, &status, 0), master);
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
	if (worker_lives)
		return worker; /* hold[1] stays open: it goes with this process */
	close(hold[1]);
	return 0;
}

Test(segment, held_by_a_worker_of_a_killed_master_is_waited_for_then_refused)
{
	pid_t worker = killed_master(true);
	char pid[32];

	f.params.wait_ms = 300;
	cr_assert_eq(segment_fixture_try(&f), -EBUSY);
	snprintf(pid, sizeof(pid), "process %d", worker);
	cr_assert(says(pid), "%s", f.error.data);
	/* Once it is gone the segment is taken over. */
	kill(worker, SIGKILL);
	f.params.wait_ms = 5000;
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_ATTACHED);
}

Test(segment, of_a_master_that_is_a_zombie_is_taken_over)
{
	pid_t master = fork();
	siginfo_t info;

	if (master == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (segment_fixture_try(&f) != 0)
			_exit(1);
		make_room(&f.shm, "lobby");
		raise(SIGKILL);
	}
	/* Dead, but not waited for. */
	cr_assert_eq(waitid(P_PID, (id_t)master, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_ATTACHED);
	cr_assert_eq(f.report.rooms, 1);
	waitpid(master, NULL, 0);
}

Test(segment, taken_over_has_all_its_lines_and_lists)
{
	struct room_ref ops = {0}, found;
	struct room_info info;
	uint32_t alice, session, again;

	cr_assert_eq(segment_fixture_try(&f), 0);
	alice = make_user(&f.shm, "alice");
	ops.log = make_room(&f.shm, "ops");
	ops.epoch = f.shm.rooms[ops.log].log.epoch;
	member_join(&f.shm, alice, ops, 0, 0);
	session_attach(&f.shm, alice, "phone", 0, &session);
	for (int i = 0; i < 100; i++)
		make_line(&f.shm, ops.log, alice, "line");
	segment_fixture_kill(&f);

	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_ATTACHED);
	cr_assert_eq(f.report.users, 1);
	cr_assert_eq(f.report.rooms, 1);
	cr_assert_eq(f.report.logs_quarantined, 0);
	cr_assert_eq(room_find(&f.shm, "ops", &found), ROOM_OK);
	cr_assert_eq(found.epoch, ops.epoch);
	cr_assert(room_info(&f.shm, found, &info));
	cr_assert_eq(info.head, 100);
	cr_assert(member_is(&f.shm, alice, found));
	/* The session is lost, not gone: a reconnect within the grace is silent. */
	cr_assert(user_present(&f.shm, alice));
	cr_assert_eq(f.shm.rooms[found.log].members, 1);
	cr_assert_eq(user_connections(&f.shm, alice), 0);
	cr_assert_eq(session_attach(&f.shm, alice, "phone", 1, &again), SESSION_OK);
	cr_assert_eq(again, session);
	expect_consistent();
}

Test(segment, taken_over_frees_every_lock_whoever_held_it)
{
	struct room_ref ref;
	bool created;
	uint32_t user;

	cr_assert_eq(segment_fixture_try(&f), 0);
	user = make_user(&f.shm, "alice");
	make_room(&f.shm, "ops");
	if (fork() == 0) {
		lock_acquire(&f.shm.header->room_table);
		lock_acquire(&segment_user(&f.shm, user)->lock);
		lock_acquire(&f.shm.rooms[0].log.lock);
		_exit(0);
	}
	wait(NULL);
	segment_fixture_kill(&f);
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.locks_repaired, 3);
	cr_assert_eq(room_make(&f.shm, "dev", &ref, &created), ROOM_OK);
	cr_assert_eq(user_set_away(&f.shm, user, "x"), 0);
	make_line(&f.shm, 0, user, "goes");
	expect_consistent();
}

Test(segment, a_flipped_bit_in_a_log_resets_that_log_only)
{
	uint32_t alice, ops, dev, inbox;
	uint64_t epoch[3];

	cr_assert_eq(segment_fixture_try(&f), 0);
	alice = make_user(&f.shm, "alice");
	ops = make_room(&f.shm, "ops");
	dev = make_room(&f.shm, "dev");
	inbox = log_of_inbox(&f.shm, alice);
	make_line(&f.shm, ops, alice, "one");
	make_line(&f.shm, dev, alice, "two");
	make_line(&f.shm, inbox, alice, "three");
	epoch[0] = segment_log(&f.shm, ops)->epoch;
	epoch[1] = segment_log(&f.shm, dev)->epoch;
	epoch[2] = segment_log(&f.shm, inbox)->epoch;
	segment_log_bytes(&f.shm, dev)[30] ^= 4;
	segment_fixture_kill(&f);

	cr_assert_eq(segment_fixture_try(&f), 0);
	cr_assert_eq(f.report.logs_quarantined, 1);
	cr_assert_eq(segment_log(&f.shm, ops)->epoch, epoch[0]);
	cr_assert_neq(segment_log(&f.shm, dev)->epoch, epoch[1]);
	cr_assert_eq(segment_log(&f.shm, inbox)->epoch, epoch[2]);
	cr_assert_eq(segment_log(&f.shm, ops)->next, 2);
	cr_assert_eq(segment_log(&f.shm, dev)->next, 1);
	cr_assert_eq(segment_log(&f.shm, inbox)->next, 2);
	expect_consistent();
}

Test(segment, that_a_master_died_making_is_made_anew)
{
	char name[80];
	int fd;

	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 123456), 0);
	close(fd);
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_NEW);
	expect_consistent();
}

static void write_at(const char *name, off_t at, const void *bytes, size_t len)
{
	int fd = shm_open(name, O_RDWR | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

Test(segment, that_is_foreign_damaged_short_or_of_another_layout_is_kept_and_named)
{
	const uint32_t other_layout = SHM_LAYOUT_VERSION + 1;
	char name[80];
	int fd;

	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	write_at(name, 0, "not a segment at all", 20);
	cr_assert_eq(segment_fixture_try(&f), -EPROTO);
	cr_assert(says("no segment of a chat server"), "%s", f.error.data);
	cr_assert(says("mv /dev/shm/chat-"));
	shm_unlink(name);

	cr_assert_eq(segment_fixture_try(&f), 0);
	segment_fixture_kill(&f);
	write_at(name, offsetof(struct segment_header, layout_version), &other_layout,
		 sizeof(other_layout));
	cr_assert_eq(segment_fixture_try(&f), -EPROTO);
	cr_assert(says("another version"), "%s", f.error.data);
	shm_unlink(name);

	cr_assert_eq(segment_fixture_try(&f), 0);
	segment_fixture_kill(&f);
	write_at(name, offsetof(struct segment_header, rooms), "X", 1);
	cr_assert_eq(segment_fixture_try(&f), -EPROTO);
	cr_assert(says("damaged"), "%s", f.error.data);
	shm_unlink(name);

	cr_assert_eq(segment_fixture_try(&f), 0);
	segment_fixture_kill(&f);
	fd = shm_open(name, O_RDWR, 0);
	cr_assert_eq(ftruncate(fd, 8192), 0);
	close(fd);
	cr_assert_eq(segment_fixture_try(&f), -EPROTO);
	cr_assert(says("damaged"), "%s", f.error.data);
}

static bool accepts(const struct segment_sizes *sizes)
{
	buf_reset(&f.error);
	return segment_accepts(f.shm.fd, sizes, &f.error) == 0;
}

Test(segment, in_use_is_accepted_only_with_this_layout_and_these_tables)
{
	const uint32_t other_layout = SHM_LAYOUT_VERSION + 1, this_layout = SHM_LAYOUT_VERSION;
	struct segment_sizes sizes = segment_fixture_small;
	off_t at = offsetof(struct segment_header, layout_version);

	cr_assert_eq(segment_fixture_try(&f), 0);
	cr_assert(accepts(&sizes), "%s", f.error.data);
	sizes.max_rooms++;
	cr_assert_not(accepts(&sizes));
	cr_assert(says("other sizes"), "%s", f.error.data);
	sizes.max_rooms--;
	cr_assert_eq(pwrite(f.shm.fd, &other_layout, sizeof(other_layout), at), 4);
	cr_assert_not(accepts(&sizes));
	cr_assert(says("another layout"), "%s", f.error.data);
	cr_assert_eq(pwrite(f.shm.fd, &this_layout, sizeof(this_layout), at), 4);
	cr_assert(accepts(&sizes));
	/* A struct that grew, and nobody raised the version. */
	f.shm.header->user_stride++;
	cr_assert_not(accepts(&sizes));
	cr_assert(says("of the same version"), "%s", f.error.data);
	f.shm.header->user_stride--;
}

Test(segment, that_is_adopted_is_the_same_and_nothing_was_repaired)
{
	struct shm second;
	uint32_t user, room;
	int fd;

	cr_assert_eq(segment_fixture_try(&f), 0);
	user = make_user(&f.shm, "alice");
	room = make_room(&f.shm, "lobby");
	cr_assert_eq(make_line(&f.shm, room, user, "one"), 1);
	fd = fcntl(f.shm.fd, F_DUPFD_CLOEXEC, 0);
	cr_assert_eq(lock_try(&segment_log(&f.shm, room)->lock), LOCK_OK);
	cr_assert_eq(segment_adopt(fd, &second), 0);
	cr_assert_eq(second.fd, fd);
	cr_assert_neq(second.base, f.shm.base, "a mapping of its own");
	cr_assert_eq(lock_try(&segment_log(&second, room)->lock), LOCK_BUSY, "it is still held");
	lock_release(&segment_log(&f.shm, room)->lock);
	cr_assert_eq(room_log_next(&second, room), 2);
	cr_assert_eq(make_line(&f.shm, room, user, "two"), 2);
	cr_assert_eq(room_log_next(&second, room), 3);
}

Test(segment, that_others_may_open_is_refused)
{
	char name[80];
	int fd;

	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	cr_assert_eq(fchmod(fd, 0666), 0);
	close(fd);
	cr_assert_eq(segment_fixture_try(&f), -EPERM);
	cr_assert(says("666"), "%s", f.error.data);
}

Test(segment, tables_that_are_too_large_name_the_option_to_lower)
{
	char name[80];

	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	f.params.sizes.max_devices = 4000000;
	cr_assert_eq(segment_fixture_try(&f), -ENOSPC);
	cr_assert(says("--max-devices"), "%s", f.error.data);
	cr_assert(says("64 MB"), "%s", f.error.data);
	/* Nothing is left behind. */
	cr_assert_lt(shm_open(name, O_RDWR, 0), 0);
	f.params.sizes.max_devices = 0;
	cr_assert_eq(segment_fixture_try(&f), -EINVAL);
}

Test(segment, worker_that_enters_is_a_member_of_nothing)
{
	struct shm other;
	uint32_t ops;

	cr_assert_eq(segment_fixture_try(&f), 0);
	ops = make_room(&f.shm, "ops");
	other = as_worker(&f, 1);
	room_log_subscribe(&f.shm, ops);
	room_log_subscribe(&other, ops);
	cr_assert_eq(segment_log(&f.shm, ops)->workers, 3);
	other = as_worker(&f, 1);
	cr_assert_eq(segment_log(&f.shm, ops)->workers, 1);
}
