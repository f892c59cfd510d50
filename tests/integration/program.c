#include "tests/integration/program.h"

#include "base/clock.h"
#include "base/fd.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_WAIT_MS (3 * PATIENCE_MS)

static void finish(void *thing)
{
	struct program *p = thing;

	if (p->pid != 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	if (p->out == p->in)
		p->out = -1;
	fd_close(&p->in);
	fd_close(&p->out);
	fd_close(&p->err);
	buf_finish(&p->out_text);
	buf_finish(&p->err_text);
	free(p);
}

static void describe(void *thing)
{
	struct program *p = thing;
	const char *out = p->out_text.data != NULL ? p->out_text.data : "";
	size_t len = strlen(out);

	fprintf(stderr, "-- %s, status %d, wrote:\n%s\n-- and on standard error:\n%s\n", p->name,
		p->pid != 0 ? -1 : p->status, len > 3000 ? out + len - 3000 : out,
		p->err_text.data != NULL ? p->err_text.data : "");
}

static void become(const char *const argv[], const char *const env[])
{
	char **args = NULL;

	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		putenv(strdup(env[i]));
	memcpy(&args, &argv, sizeof(args)); /* execvp takes no const, and changes nothing */
	execvp(args[0], args);
	_exit(127);
}

static struct program *program_new(const char *name)
{
	struct program *p = calloc(1, sizeof(*p));

	must(p != NULL, "out of memory");
	p->in = p->out = p->err = -1;
	p->name = scratch_text("%s", name);
	scratch_dir();
	owned_add(p, finish, describe);
	return p;
}

struct program *program_start(const char *const argv[], const char *const env[])
{
	struct program *p = program_new(argv[0]);
	int in[2], out[2], err[2];
	pid_t parent = getpid();

	must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0,
	     "pipe: %s", strerror(errno));
	p->pid = fork();
	must(p->pid >= 0, "fork: %s", strerror(errno));
	if (p->pid == 0) {
		child_prepare(parent);
		setsid(); /* no terminal to ask for a passphrase */
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		become(argv, env);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	p->in = in[1];
	p->out = out[0];
	p->err = err[0];
	return p;
}

struct program *program_start_terminal(const char *const argv[], const char *const env[])
{
	struct program *p = program_new(argv[0]);
	struct winsize size = {.ws_row = 30, .ws_col = 120};
	pid_t parent = getpid();

	p->terminal = true;
	p->pid = forkpty(&p->in, NULL, NULL, &size);
	must(p->pid >= 0, "forkpty: %s", strerror(errno));
	if (p->pid == 0) {
		child_prepare(parent);
		become(argv, env);
	}
	fd_set_cloexec(p->in, 1);
	p->out = p->in;
	return p;
}

static void drain(struct program *p, int *fd, struct buf *into)
{
	char *room = buf_reserve(into, 65536);
	ssize_t got = room != NULL ? read(*fd, room, 65536) : -1;

	if (got > 0) {
		into->len += (size_t)got;
		into->data[into->len] = '\0';
	} else if (p->terminal) {
		*fd = -1; /* the same descriptor as the input */
	} else {
		fd_close(fd);
	}
}

/* Reads once what is there: false at the deadline or when both streams have ended. */
static bool pull(struct program *p, uint64_t deadline_ms)
{
	struct pollfd fds[2] = {{.fd = p->out, .events = POLLIN}, {.fd = p->err, .events = POLLIN}};
	uint64_t now = clock_mono_ms();

	if ((p->out < 0 && p->err < 0) || now >= deadline_ms ||
	    poll(fds, 2, (int)(deadline_ms - now)) <= 0)
		return false;
	if (fds[0].revents != 0)
		drain(p, &p->out, &p->out_text);
	if (fds[1].revents != 0)
		drain(p, &p->err, &p->err_text);
	return true;
}

void program_write(struct program *p, const char *text)
{
	int error = fd_write_all(p->in, text, strlen(text));

	must(error == 0, "%s takes no input: %s", p->name, strerror(-error));
}

void program_close_input(struct program *p)
{
	fd_close(&p->in);
}

void program_expect(struct program *p, const char *text)
{
	uint64_t deadline = clock_mono_ms() + PROGRAM_WAIT_MS;
	const char *hit;

	while ((hit = p->out_text.len > p->mark ? strstr(p->out_text.data + p->mark, text)
						: NULL) == NULL)
		must(pull(p, deadline), "%s never wrote \"%s\"", p->name, text);
	p->mark = (size_t)(hit - p->out_text.data) + strlen(text);
}

void program_expect_error(struct program *p, const char *text)
{
	uint64_t deadline = clock_mono_ms() + PROGRAM_WAIT_MS;

	while (p->err_text.len == 0 || strstr(p->err_text.data, text) == NULL)
		must(pull(p, deadline), "%s never wrote \"%s\" on standard error", p->name, text);
}

char *program_line(struct program *p)
{
	uint64_t deadline = clock_mono_ms() + PROGRAM_WAIT_MS;
	const char *end;

	while ((end = p->out_text.len > p->mark ? strchr(p->out_text.data + p->mark, '\n')
						: NULL) == NULL) {
		if (!pull(p, deadline))
			return NULL;
	}
	size_t start = p->mark, len = (size_t)(end - p->out_text.data) - start;
	p->mark = start + len + 1;
	return scratch_text("%.*s", (int)len, p->out_text.data + start);
}

int program_wait(struct program *p)
{
	uint64_t deadline = clock_mono_ms() + PROGRAM_WAIT_MS;

	while (pull(p, deadline))
		continue;
	must(child_wait(p->pid, PATIENCE_MS, &p->status), "%s does not end", p->name);
	p->pid = 0;
	return p->status;
}

void program_signal(struct program *p, int signal)
{
	must(kill(p->pid, signal) == 0, "kill: %s", strerror(errno));
}
