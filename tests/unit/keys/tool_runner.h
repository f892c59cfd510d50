/* Runs a command of chat-keys and keeps what it printed. */
#ifndef TESTS_TOOL_RUNNER_H
#define TESTS_TOOL_RUNNER_H

#include "base/buf.h"

typedef int tool_fn(int argc, char **argv);

struct tool_run {
	int exit_code;
	struct buf out, err; /* owned */
};

/* `line` is split at blanks; argv[0] is put in front. In this process, so that leaks are seen. */
void tool_run(struct tool_run *run, tool_fn *command, const char *line);
void tool_run_finish(struct tool_run *run);

#endif
