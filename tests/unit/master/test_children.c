#include "master/children.h"
#include "master/claims.h"

#include "base/clock.h"
#include "base/random.h"
#include "shm/doorbell.h"
#include "tests/unit/master/folder.h"
#include "worker/process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Workers as the tests need them, in place of process_run. They end with _exit: the leak
 * checker of a forked child would look for the test's own thread.
 */
static struct children children;
static struct shm shm;
static int bells[SLOTS_MAX][2];
static char instance[64];

static int enter(void *data, unsigned slot, struct inherit *inherit)
{
	(void)data;
	(void)inherit;
	children_enter_child(&children);
	/* As process_run does it. */
	segment_enter_worker(&inherit->shm, slot);
	return 0;
}

/* Accepts, and runs until the master says that it is enough. */
static int good_worker(const struct inherit *inherit)
{
	struct control_packet packet = {.kind = CONTROL_READY};
	struct pollfd one = {.fd = inherit->control_fd, .events = POLLIN};

	signal(SIGABRT, SIG_DFL);
	if (control_send(inherit->control_fd, &packet) < 0)
		_exit(EXIT_FAILURE);
	while (poll(&one, 1, -1) >= 0) {
		if (control_read(inherit->control_fd, &packet) != 1)
			_exit(EXIT_FAILURE);
		if (packet.kind == CONTROL_DRAIN)
			_exit(packet.drain.close_code == 1001 ? WORKER_EXIT_OK : EXIT_FAILURE);
	}
	_exit(EXIT_FAILURE);
}

static int useless_worker(const struct inherit *inherit)
{
	(void)inherit;
	_exit(WORKER_EXIT_NO_RESPAWN);
}

static int crashing_worker(const struct inherit *inherit)
{
	(void)inherit;
	signal(SIGABRT, SIG_DFL);
	kill(getpid(), SIGABRT);
	_exit(EXIT_FAILURE);
}

static int babbling_worker(const struct inherit *inherit)
{
	send(inherit->control_fd, "I am not well", 13, 0);
	pause();
	_exit(EXIT_FAILURE);
}

/* Tells by its exit code whether it is set up as a worker must be. */
static int careful_worker(const struct inherit *inherit)
{
	char name[16] = "";
	int death_signal = 0;

	prctl(PR_GET_NAME, name);
	prctl(PR_GET_PDEATHSIG, &death_signal);
	if (strcmp(name, inherit->slot == 0 ? "chat-worker-0" : "chat-worker-1") != 0)
		_exit(11);
	if (death_signal != SIGKILL)
		_exit(12);
	if (inherit->shm.slot != inherit->slot)
		_exit(13);
	/* A signal to the master's group isn't for us. */
	if (getpgrp() != getpid())
		_exit(15);
	_exit(children.child[0].control_fd == -1 ? 10 : 14);
}

static struct child_world world_of(child_fn *run)
{
	return (struct child_world){.shm = &shm, .run = run, .enter = enter};
}

static void init(void)
{
	struct segment_params params = {
		.instance = instance,
		.state_dir = folder_make(),
		.sizes = {.max_users = 8,
			  .max_devices = 8,
			  .max_connections = 8,
			  .max_rooms = 6,
			  .rooms_per_user = 4,
			  .max_addresses = 8,
			  .room_lines = 64,
			  .room_bytes = 65536},
	};
	struct segment_report report;
	struct buf error = BUF_INIT;

	snprintf(instance, sizeof(instance), "children-%d-%llx", getpid(),
		 (unsigned long long)random_u64());
	cr_assert_eq(segment_start(&params, &shm, &report, &error), 0, "%s", error.data);
	cr_assert_eq(doorbell_create(bells), 0);
	shm.bells = (const int(*)[2])bells;
	children_init(&children, 2);
	buf_finish(&error);
}

static void finish(void)
{
	char name[80];

	children_kill(&children, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	snprintf(name, sizeof(name), "/chat-%s", instance);
	shm_unlink(name);
	folder_remove();
}

TestSuite(children, .init = init, .fini = finish);

/* Waits until a child is dead, and leaves it to be reaped. */
static void await_death(void)
{
	siginfo_t info;

	cr_assert_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

static void await_ready(unsigned slot)
{
	struct pollfd one = {.fd = children.child[slot].control_fd, .events = POLLIN};

	while (!children.child[slot].ready) {
		cr_assert_eq(poll(&one, 1, 5000), 1);
		claims_receive(&children.child[slot], slot, NULL, NULL);
	}
}

static void start_good_workers_at(uint64_t now)
{
	struct child_world world = world_of(good_worker);

	children_fork_due(&children, &world, now);
	cr_assert_eq(children_running(&children), 2u);
	cr_assert_not(children_ready(&children), "none has said so");
	await_ready(0);
	cr_assert_not(children_ready(&children), "one hasn't said so");
	await_ready(1);
	cr_assert(children_ready(&children));
}

static void start_good_workers(void)
{
	start_good_workers_at(clock_mono_ms());
}

static void reap_all(bool ending)
{
	while (children_running(&children) > 0) {
		await_death();
		children_reap(&children, &shm, ending, clock_mono_ms());
	}
}

Test(children, a_worker_is_set_up_as_one)
{
	struct child_world world = world_of(careful_worker);
	int status = 0;

	children_fork_due(&children, &world, clock_mono_ms());
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(waitpid(children.child[i].pid, &status, 0), children.child[i].pid);
		cr_assert(WIFEXITED(status));
		cr_assert_eq(WEXITSTATUS(status), 10);
	}
}

Test(children, a_dead_worker_is_replaced_at_once_and_the_others_are_rung)
{
	struct pollfd bell = {.fd = doorbell_fd(&shm, 1), .events = POLLIN};
	uint32_t generation;
	pid_t dead;

	start_good_workers();
	dead = children.child[0].pid;
	generation = shm.workers[0].generation;
	kill(dead, SIGKILL);
	await_death();
	children_reap(&children, &shm, false, clock_mono_ms());
	cr_assert_eq(children_running(&children), 1u);
	cr_assert_eq(shm.workers[0].alive, 0u);
	cr_assert_eq(shm.workers[0].needs_audit, 0u, "a kill leaves no rubbish");
	cr_assert_eq(poll(&bell, 1, 0), 1, "nobody rang the other one");
	cr_assert_eq(children_wait_ms(&children, clock_mono_ms()), 0);
	struct child_world world = world_of(good_worker);
	children_fork_due(&children, &world, clock_mono_ms());
	cr_assert_eq(children_running(&children), 2u);
	cr_assert_neq(children.child[0].pid, dead);
	cr_assert_neq(shm.workers[0].generation, generation);
	cr_assert_eq(shm.workers[0].pid, children.child[0].pid);
	await_ready(0);
}

Test(children, one_that_cannot_run_is_not_started_again)
{
	struct child_world world = world_of(useless_worker);

	children_fork_due(&children, &world, clock_mono_ms());
	reap_all(false);
	cr_assert(children_given_up(&children));
	cr_assert_not(children_ready(&children));
	cr_assert_eq(children_wait_ms(&children, clock_mono_ms()), -1);
	children_fork_due(&children, &world, clock_mono_ms());
	cr_assert_eq(children_running(&children), 0u);
}

Test(children, after_a_fault_the_logs_are_audited)
{
	struct child_world world = world_of(crashing_worker);

	children_fork_due(&children, &world, clock_mono_ms());
	reap_all(false);
	cr_assert_neq(shm.workers[0].needs_audit, 0u);
}

Test(children, one_that_dies_again_and_again_waits)
{
	struct child_world world = world_of(crashing_worker);
	uint64_t now = clock_mono_ms();

	for (unsigned i = 0; i <= RESPAWN_DEATHS; i++) {
		cr_assert_eq(children_wait_ms(&children, now), 0);
		children_fork_due(&children, &world, now);
		while (children_running(&children) > 0) {
			await_death();
			children_reap(&children, &shm, false, now);
		}
	}
	cr_assert_eq(children_wait_ms(&children, now), (int)RESPAWN_DELAY_MIN_MS);
	children_fork_due(&children, &world, now + RESPAWN_DELAY_MIN_MS - 1);
	cr_assert_eq(children_running(&children), 0u);
	children_fork_due(&children, &world, now + RESPAWN_DELAY_MIN_MS);
	cr_assert_eq(children_running(&children), 2u);
}

Test(children, one_that_talks_nonsense_is_killed_and_its_logs_are_audited)
{
	struct child_world world = world_of(babbling_worker);
	struct pollfd one;

	children_fork_due(&children, &world, clock_mono_ms());
	one = (struct pollfd){.fd = children.child[0].control_fd, .events = POLLIN};
	cr_assert_eq(poll(&one, 1, 5000), 1);
	claims_receive(&children.child[0], 0, NULL, NULL);
	await_death();
	children_reap(&children, &shm, false, clock_mono_ms());
	cr_assert_eq(children.child[0].pid, 0);
	cr_assert_neq(shm.workers[0].needs_audit, 0u);
}

Test(children, told_to_drain_they_end_well)
{
	struct control_packet packet = {.kind = CONTROL_DRAIN, .drain = {.close_code = 1001}};

	start_good_workers();
	children_tell(&children, &packet, SIGTERM);
	reap_all(true);
	cr_assert_not(children_given_up(&children));
	cr_assert_eq(shm.workers[0].needs_audit, 0u);
}

Test(children, one_that_cannot_be_told_gets_the_signal)
{
	struct control_packet packet = {.kind = CONTROL_RELOAD};
	struct child_world world = world_of(babbling_worker);

	children_fork_due(&children, &world, clock_mono_ms());
	/* It doesn't read: at some time its socket is full. */
	while (control_send(children.child[0].control_fd, &packet) == 0)
		continue;
	children_tell(&children, &packet, SIGTERM);
	await_death();
	children_reap(&children, &shm, true, clock_mono_ms());
	cr_assert_eq(children.child[0].pid, 0);
	cr_assert_neq(children.child[1].pid, 0);
}

Test(children, one_whose_heart_stands_still_is_killed)
{
	uint64_t born, now;

	start_good_workers();
	born = children.child[0].born_mono_ms;
	/* These workers have no heart; nobody judges one that has never beaten. */
	for (now = born; now < born + 2 * CHILD_STUCK_MS; now += 1000)
		children_watch(&children, &shm, now);
	shm.workers[0].heartbeat_mono_ms = now;
	for (uint64_t end = now + CHILD_STUCK_MS; now < end; now += 1000)
		children_watch(&children, &shm, now);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), 0, "too early");
	children_watch(&children, &shm, now);
	await_death();
	children_reap(&children, &shm, false, now);
	cr_assert_eq(children.child[0].pid, 0);
	cr_assert_neq(children.child[1].pid, 0);
}

Test(children, one_that_is_stopped_is_killed_a_second_after_its_abort)
{
	uint64_t now;

	start_good_workers();
	now = children.child[0].born_mono_ms;
	shm.workers[0].heartbeat_mono_ms = now;
	kill(children.child[0].pid, SIGSTOP);
	for (uint64_t end = now + CHILD_STUCK_MS; now <= end; now += 1000)
		children_watch(&children, &shm, now);
	cr_assert_neq(children.child[0].aborted_mono_ms, 0u);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), 0, "SIGABRT waits for a process that is stopped");
	children_watch(&children, &shm, now);
	await_death();
	children_reap(&children, &shm, false, now);
	cr_assert_eq(children.child[0].pid, 0);
	cr_assert_neq(shm.workers[0].needs_audit, 0u);
}

/* All are started, live so long and are killed by somebody else: when the next ones are due. */
static int kill_all_after(uint64_t *now, uint64_t age_ms)
{
	start_good_workers_at(*now);
	*now += age_ms;
	children_kill(&children, SIGKILL);
	while (children_running(&children) > 0) {
		await_death();
		children_reap(&children, &shm, false, *now);
	}
	return children_wait_ms(&children, *now);
}

Test(children, those_that_served_and_are_killed_from_outside_never_wait)
{
	uint64_t now = clock_mono_ms();

	for (unsigned i = 0; i < 3 * RESPAWN_DEATHS; i++)
		cr_assert_eq(kill_all_after(&now, RESPAWN_YOUNG_MS), 0);
}

Test(children, those_that_are_killed_as_soon_as_they_are_born_wait)
{
	uint64_t now = clock_mono_ms();

	for (unsigned i = 0; i < RESPAWN_DEATHS; i++)
		cr_assert_eq(kill_all_after(&now, RESPAWN_YOUNG_MS - 1), 0);
	cr_assert_eq(kill_all_after(&now, RESPAWN_YOUNG_MS - 1), (int)RESPAWN_DELAY_MIN_MS);
}

Test(children, one_that_served_before_it_was_killed_ends_the_waiting)
{
	uint64_t now = clock_mono_ms();

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < RESPAWN_DEATHS; i++)
			cr_assert_eq(kill_all_after(&now, RESPAWN_YOUNG_MS - 1), 0);
		cr_assert_eq(kill_all_after(&now, RESPAWN_YOUNG_MS), 0);
	}
}

Test(children, a_master_that_was_asleep_itself_judges_nobody)
{
	uint64_t now;

	start_good_workers();
	now = children.child[0].born_mono_ms;
	shm.workers[0].heartbeat_mono_ms = now;
	children_watch(&children, &shm, now);
	/* The whole group was stopped for an hour. */
	now += 3600 * 1000;
	for (uint64_t end = now + CHILD_STUCK_MS; now < end; now += 1000)
		children_watch(&children, &shm, now);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), 0);
	children_watch(&children, &shm, now);
	await_death();
}
