#include "tool_runner.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 32

static int split(char *line, char *argv[ARGS_MAX])
{
	static char program[] = "chat-keys";
	char *save = NULL;
	int argc = 0;

	argv[argc++] = program;
	for (char *word = strtok_r(line, " ", &save); word != NULL && argc < ARGS_MAX - 1;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void read_both(int out, int err, struct tool_run *run)
{
	struct pollfd fds[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
	struct buf *into[2] = {&run->out, &run->err};

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		cr_assert_gt(poll(fds, 2, 30000), 0, "the tool hangs");
		for (int i = 0; i < 2; i++) {
			char bytes[4096];
			ssize_t got;

			if (fds[i].revents == 0)
				continue;
			got = read(fds[i].fd, bytes, sizeof(bytes));
			if (got > 0)
				buf_append(into[i], bytes, (size_t)got);
			else
				fds[i].fd = -1;
		}
	}
}

void tool_run(struct tool_run *run, tool_fn *command, const char *line)
{
	char *copy = strdup(line), *argv[ARGS_MAX];
	int out[2], err[2], status, argc;
	pid_t child;

	*run = (struct tool_run){0};
	cr_assert_not_null(copy);
	cr_assert(pipe(out) == 0 && pipe(err) == 0);
	buf_append(&run->out, "", 0);
	buf_append(&run->err, "", 0);
	argc = split(copy, argv);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		int code;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
			_exit(99);
		code = command(argc, argv);
		(void)fflush(NULL);
		_exit(code);
	}
	cr_assert_gt(child, 0);
	(void)close(out[1]);
	(void)close(err[1]);
	read_both(out[0], err[0], run);
	(void)close(out[0]);
	(void)close(err[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "%s: status %d: %s", line, status, run->err.data);
	run->exit_code = WEXITSTATUS(status);
	free(copy);
}

void tool_run_finish(struct tool_run *run)
{
	buf_finish(&run->out);
	buf_finish(&run->err);
}
