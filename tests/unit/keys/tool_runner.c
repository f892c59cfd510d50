#include "tool_runner.h"

#include <criterion/criterion.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* Where standard output or error went meanwhile. */
struct detour {
	int fd, saved, file;
};

static void detour_begin(struct detour *detour, int fd)
{
	detour->fd = fd;
	detour->saved = dup(fd);
	detour->file = memfd_create("printed", 0);
	cr_assert(detour->saved >= 0 && detour->file >= 0);
	cr_assert_eq(dup2(detour->file, fd), fd);
}

static void detour_end(struct detour *detour, struct buf *ret_printed)
{
	char bytes[4096];
	ssize_t got;

	cr_assert_eq(dup2(detour->saved, detour->fd), detour->fd);
	cr_assert_eq(lseek(detour->file, 0, SEEK_SET), 0);
	buf_append(ret_printed, "", 0);
	while ((got = read(detour->file, bytes, sizeof(bytes))) > 0)
		buf_append(ret_printed, bytes, (size_t)got);
	(void)close(detour->file);
	(void)close(detour->saved);
}

void tool_run(struct tool_run *run, tool_fn *command, const char *line)
{
	char *copy = strdup(line), *argv[ARGS_MAX];
	struct detour out, err;
	int argc;

	*run = (struct tool_run){0};
	cr_assert_not_null(copy);
	argc = split(copy, argv);
	optind = 0; /* getopt starts afresh */
	(void)fflush(NULL);
	detour_begin(&out, STDOUT_FILENO);
	detour_begin(&err, STDERR_FILENO);
	run->exit_code = command(argc, argv);
	(void)fflush(NULL);
	detour_end(&err, &run->err);
	detour_end(&out, &run->out);
	free(copy);
}

void tool_run_finish(struct tool_run *run)
{
	buf_finish(&run->out);
	buf_finish(&run->err);
}
