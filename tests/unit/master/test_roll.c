/* master/roll: one old worker after the other, and none before the one before is replaced. */
#include "master/claims.h"
#include "master/roll.h"

#include "base/fd.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 3u

static struct children children;
static struct roll roll;
static int worker_fds[WORKERS];
static int keyring;

/* A process that can be killed; what it would say is said by the test. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void be_born(unsigned slot, bool old)
{
	struct child *child = &children.child[slot];

	*child = (struct child){.pid = sleeper(), .old = old, .ready = old, .control_fd = -1};
	cr_assert_eq(control_pair(&child->control_fd, &worker_fds[slot]), 0);
}

static void init(void)
{
	keyring = open("/dev/null", O_RDONLY | O_CLOEXEC);
	children_init(&children, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++)
		be_born(i, true);
}

static void finish(void)
{
	children_kill(&children, SIGKILL);
}

TestSuite(roll, .init = init, .fini = finish);

static bool is_told(unsigned slot, enum control_kind kind, struct control_packet *packet)
{
	int along = -1;

	memset(packet, 0, sizeof(*packet));
	if (control_read_fd(worker_fds[slot], packet, &along) != 1)
		return false;
	cr_assert_eq(packet->kind, kind, "worker %u was told %u", slot, packet->kind);
	cr_assert_eq(along >= 0, kind == CONTROL_KEYRING);
	fd_close(&along);
	return true;
}

static void takes_keyring(unsigned slot)
{
	struct control_packet packet;

	cr_assert(is_told(slot, CONTROL_KEYRING, &packet));
	cr_assert_eq(
		control_send(worker_fds[slot], &(struct control_packet){.kind = CONTROL_KEYRING}),
		0);
	claims_receive(&children.child[slot], slot, NULL, NULL);
}

/* As the reap does it. */
static void ends(unsigned slot)
{
	struct child *child = &children.child[slot];

	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	fd_close(&child->control_fd);
	*child = (struct child){.control_fd = -1};
}

static bool was_killed(unsigned slot)
{
	int status = 0;

	return waitpid(children.child[slot].pid, &status, 0) > 0 && WIFSIGNALED(status);
}

Test(roll, no_worker_is_sent_away_before_each_reads_the_new_keyring)
{
	struct control_packet packet;

	roll_begin(&roll, &children, keyring, 1000);
	takes_keyring(0);
	takes_keyring(2);
	roll_advance(&roll, &children, 1001);
	cr_assert(roll_is_silent(&roll));
	cr_assert_not(is_told(0, CONTROL_DRAIN, &packet));
	takes_keyring(1);
	roll_advance(&roll, &children, 1002);
	cr_assert_not(roll_is_silent(&roll));
	cr_assert_not(is_told(0, CONTROL_DRAIN, &packet), "what was held back comes first");
	roll_advance(&roll, &children, 1002);
	cr_assert(is_told(0, CONTROL_DRAIN, &packet));
}

static void begin(void)
{
	roll_begin(&roll, &children, keyring, 1000);
	for (unsigned i = 0; i < WORKERS; i++)
		takes_keyring(i);
	roll_advance(&roll, &children, 1000);
	roll_advance(&roll, &children, 1000);
}

Test(roll, they_go_one_at_a_time_and_the_next_when_a_successor_accepts)
{
	struct control_packet packet;

	begin();
	for (unsigned slot = 0; slot < WORKERS; slot++) {
		cr_assert(is_told(slot, CONTROL_DRAIN, &packet));
		cr_assert_eq(packet.drain.close_code, 1012u);
		cr_assert_eq(packet.drain.retry_after_ms, ROLL_RETRY_AFTER_MS);
		cr_assert_eq(packet.drain.within_ms, ROLL_LEAVE_MS);
		roll_advance(&roll, &children, 1010);
		ends(slot);
		roll_advance(&roll, &children, 1020);
		be_born(slot, false);
		roll_advance(&roll, &children, 1030);
		for (unsigned other = slot + 1; other < WORKERS; other++)
			cr_assert_not(is_told(other, CONTROL_DRAIN, &packet), "too early");
		children.child[slot].ready = true;
		roll_advance(&roll, &children, 1040);
	}
	cr_assert_eq(roll.step, ROLL_OVER);
	cr_assert_eq(roll.replaced, WORKERS);
}

Test(roll, who_does_not_take_the_keyring_or_does_not_end_is_killed)
{
	roll_begin(&roll, &children, keyring, 1000);
	takes_keyring(0);
	takes_keyring(1);
	roll_advance(&roll, &children, 1000 + ROLL_KEYRING_MS - 1);
	cr_assert_eq(roll_due_ms(&roll), 1000 + ROLL_KEYRING_MS);
	cr_assert_eq(waitpid(children.child[2].pid, NULL, WNOHANG), 0);
	roll_advance(&roll, &children, 1000 + ROLL_KEYRING_MS);
	cr_assert(was_killed(2));
	cr_assert(roll_is_silent(&roll), "it is waited for");
	ends(2);
	roll_advance(&roll, &children, 2600);
	roll_advance(&roll, &children, 2600);
	cr_assert_eq(roll.step, ROLL_LEAVING);
	roll_advance(&roll, &children, roll_due_ms(&roll));
	cr_assert(was_killed(0));
}

Test(roll, one_that_dies_by_itself_is_not_waited_for)
{
	struct control_packet packet;

	roll_begin(&roll, &children, keyring, 1000);
	takes_keyring(0);
	takes_keyring(2);
	ends(1);
	be_born(1, false);
	children.child[1].ready = true;
	roll_advance(&roll, &children, 1001);
	roll_advance(&roll, &children, 1001);
	cr_assert(is_told(0, CONTROL_DRAIN, &packet));
	ends(0);
	be_born(0, false);
	children.child[0].ready = true;
	roll_advance(&roll, &children, 1002);
	cr_assert(is_told(2, CONTROL_DRAIN, &packet), "worker 1 is new already");
}

Test(roll, a_successor_that_cannot_run_stops_it_and_the_others_stay)
{
	struct control_packet packet;

	begin();
	ends(0);
	children.child[0].given_up = true;
	roll_advance(&roll, &children, 1010);
	cr_assert_eq(roll.step, ROLL_OVER);
	cr_assert_not(is_told(1, CONTROL_DRAIN, &packet));
}

Test(roll, many_workers_share_the_time)
{
	struct control_packet packet;

	roll_begin(&roll, &children, keyring, 1000);
	for (unsigned i = 0; i < WORKERS; i++)
		takes_keyring(i);
	roll_advance(&roll, &children, 1000);
	/* 300 ms are left for three. */
	roll_advance(&roll, &children, 1000 + ROLL_ALL_MS - 300);
	cr_assert(is_told(0, CONTROL_DRAIN, &packet));
	cr_assert_eq(packet.drain.within_ms, 100u);
}
