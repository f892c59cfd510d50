/* A real program behind a real guard. */
#include "agents/child.h"
#include "agents/family.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000u

static struct child_process child;
static struct config_agent config;
static const struct account nobody_else;
static struct buf said;
/* Tests run side by side: each has its own. */
static char mark[40];

static void setup(void)
{
	snprintf(mark, sizeof(mark), "CHAT_SERVER=/nowhere/%d", (int)getpid());
	child_init(&child);
	family_adopt();
}

static void teardown(void)
{
	child_finish(&child);
	buf_finish(&said);
}

TestSuite(child, .init = setup, .fini = teardown, .timeout = 60);

static void run(const char *command)
{
	snprintf(config.name, sizeof(config.name), "test");
	snprintf(config.command, sizeof(config.command), "%s", command);
	cr_assert_eq(child_start(&child, &config, &nobody_else, "", mark), 0);
}

static void read_output(void)
{
	char bytes[4096];
	ssize_t got;

	while (child.out_fd >= 0 && (got = read(child.out_fd, bytes, sizeof(bytes))) > 0)
		buf_append(&said, bytes, (size_t)got);
}

/* What it says until the text is there. */
static void await(const char *text)
{
	uint64_t until = clock_mono_ms() + PATIENCE_MS;

	while (said.data == NULL || strstr(said.data, text) == NULL) {
		struct pollfd fd = {.fd = child.out_fd, .events = POLLIN};

		cr_assert_lt(clock_mono_ms(), until, "no \"%s\" in \"%s\"", text, said.data);
		poll(&fd, 1, 100);
		read_output();
		child_hear(&child);
	}
}

static void await_end(void)
{
	uint64_t until = clock_mono_ms() + PATIENCE_MS;

	while (!child_hear(&child)) {
		struct pollfd fd = {.fd = child.status_fd, .events = POLLIN};

		cr_assert_lt(clock_mono_ms(), until);
		poll(&fd, 1, 100);
	}
	read_output();
}

Test(child, says_what_it_reads_and_ends_when_its_input_does)
{
	run("cat");
	child_write(&child, "hello\n", 6);
	await("hello\n");
	cr_assert_gt(child.program, 0);
	child_close_input(&child);
	await_end();
	cr_assert(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0);
}

Test(child, input_that_does_not_fit_waits)
{
	static char much[300000];

	memset(much, 'x', sizeof(much));
	run("sleep 0.1; wc -c");
	child_write(&child, much, sizeof(much));
	cr_assert_gt(child.input.len, 0);
	child_close_input(&child);
	while (child.in_fd >= 0) {
		struct pollfd fd = {.fd = child.in_fd, .events = POLLOUT};

		poll(&fd, 1, 100);
		child_flush(&child);
	}
	await("300000");
}

Test(child, a_signal_goes_to_its_group)
{
	run("sleep 1000 & echo ready; wait");
	await("ready");
	child_kill(&child, SIGTERM);
	await_end();
	cr_assert(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGTERM);
}

Test(child, nothing_of_it_is_left)
{
	char pid[32];

	run("trap '' TERM; setsid sleep 1000 & echo pid $!; exec 1>&-; wait");
	await("\n");
	snprintf(pid, sizeof(pid), "%s", said.data + strlen("pid "));
	child_kill(&child, SIGKILL);
	await_end();
	cr_assert_neq(kill((pid_t)atoi(pid), 0), 0, "%s lives", pid);
}

Test(child, a_command_that_is_not_there_ends_with_127)
{
	run("no-such-command-anywhere");
	await_end();
	cr_assert(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 127);
}

Test(child, a_folder_that_is_not_there_is_said_on_its_standard_error)
{
	char bytes[200] = "";

	snprintf(config.directory, sizeof(config.directory), "/no/such/folder");
	run("true");
	await_end();
	cr_assert_gt(read(child.err_fd, bytes, sizeof(bytes) - 1), 0);
	cr_assert_not_null(strstr(bytes, "/no/such/folder: No such file"), "%s", bytes);
}

Test(child, who_is_marked_is_found)
{
	run("setsid sleep 1000 & echo ready; wait");
	await("ready");
	/* The guard may be faster with the second. */
	cr_assert_geq(family_kill_marked(mark), 1);
	await_end();
	cr_assert_eq(family_kill_marked(mark), 0);
}
