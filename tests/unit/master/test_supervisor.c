#include "master/supervisor.h"

#include "base/log.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What it ends with: the test's own end of it is closed when the test is over. */
static int life[2];
static struct worker_slot slots[SLOTS_MAX];
static struct shm shm = {.workers = slots};
static struct supervisor_child sup;

static void setup(void)
{
	log_init("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, STDERR_FILENO);
	cr_assert_eq(pipe(life), 0);
}

TestSuite(supervisor, .init = setup);

static _Noreturn void live(void)
{
	char byte;

	signal(SIGTERM, SIG_DFL);
	close(life[1]);
	(void)!read(life[0], &byte, 1);
	_exit(0);
}

static pid_t own_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		live();
	cr_assert_gt(pid, 0);
	return pid;
}

/* A process whose parent is somebody else. */
static pid_t stranger(void)
{
	int told[2];
	pid_t between, pid = 0;

	cr_assert_eq(pipe(told), 0);
	between = fork();
	if (between == 0) {
		pid = fork();
		if (pid == 0)
			live();
		_exit(write(told[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid));
	}
	cr_assert_eq(read(told[0], &pid, sizeof(pid)), (ssize_t)sizeof(pid));
	cr_assert_eq(waitpid(between, NULL, 0), between);
	close(told[0]);
	close(told[1]);
	return pid;
}

static void write_slot(pid_t pid)
{
	atomic_store(&slots[AGENTS_SLOT].pid, (int)pid);
	atomic_store(&slots[AGENTS_SLOT].alive, 1);
}

Test(supervisor, one_that_runs_over_an_upgrade_is_adopted_and_told_to_stop)
{
	pid_t pid = own_child();
	int status;

	write_slot(pid);
	supervisor_adopt(&sup, &shm);
	cr_assert_eq(sup.pid, pid);
	cr_assert(sup.old && sup.ordered);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

Test(supervisor, one_that_died_meanwhile_is_adopted_for_its_death_to_be_told)
{
	siginfo_t info;
	pid_t pid = own_child();

	kill(pid, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	write_slot(pid);
	supervisor_adopt(&sup, &shm);
	cr_assert_eq(sup.pid, pid);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(supervisor, a_number_that_some_worker_wrote_kills_nobody_else)
{
	write_slot(stranger());
	supervisor_adopt(&sup, &shm);
	cr_assert_eq(sup.pid, 0);
	cr_assert_not(sup.ordered);
}
