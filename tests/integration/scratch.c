#include "tests/integration/scratch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "tests/integration/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[256];

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_folder(void *unused)
{
	(void)unused;
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	folder[0] = '\0';
}

const char *scratch_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "%s/chat-it-XXXXXX", tmp != NULL ? tmp : "/tmp");
		must(mkdtemp(folder) != NULL, "mkdtemp %s: %s", folder, strerror(errno));
		owned_add(folder, remove_folder, NULL);
	}
	return folder;
}

__attribute__((format(printf, 1, 0))) static char *text_v(const char *fmt, va_list args)
{
	char *text = NULL;

	must(vasprintf(&text, fmt, args) >= 0, "out of memory");
	owned_add(text, free, NULL);
	return text;
}

char *scratch_text(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *text = text_v(fmt, args);
	va_end(args);
	return text;
}

char *scratch_path(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *name = text_v(fmt, args);
	va_end(args);
	return scratch_text("%s/%s", scratch_dir(), name);
}

static void write_with(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	must(fd >= 0, "open %s: %s", path, strerror(errno));
	int error = fd_write_all(fd, text, strlen(text));
	close(fd);
	must(error == 0, "write %s: %s", path, strerror(-error));
}

void file_write(const char *path, const char *text)
{
	write_with(path, text, O_TRUNC);
}

void file_append(const char *path, const char *text)
{
	write_with(path, text, O_APPEND);
}

char *scratch_write(const char *name, const char *text)
{
	char *path = scratch_path("%s", name);

	file_write(path, text);
	return path;
}

char *file_read(const char *path)
{
	struct buf buf = BUF_INIT;

	if (buf_read_file(&buf, path, 64u << 20) != 0) {
		buf_finish(&buf);
		return NULL;
	}
	if (buf.data == NULL)
		return scratch_text("%s", "");
	owned_add(buf.data, free, NULL);
	return buf.data;
}

/*
 * The short poll covers a change between the caller's look and the watch: then
 * no event comes and the next look is only 50 ms away.
 */
void file_wait_change(const char *path, unsigned long long deadline_ms)
{
	char *copy = strdup(path);
	int fd = inotify_init1(IN_CLOEXEC);
	unsigned long long now = clock_mono_ms();

	if (fd >= 0 && now < deadline_ms) {
		unsigned long long left = deadline_ms - now;
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		inotify_add_watch(fd, dirname(copy),
				  IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
		poll(&pfd, 1, left < 50 ? (int)left : 50);
	}
	fd_close(&fd);
	free(copy);
}

const char *program_path(const char *name)
{
	const char *build = getenv("CHAT_BUILD");
	char full[4096];
	char *path = scratch_text("%s/%s", build != NULL ? build : "build", name);

	must(realpath(path, full) != NULL, "no program %s (set CHAT_BUILD)", path);
	return scratch_text("%s", full);
}

void child_prepare(pid_t parent)
{
	static const char *const unset[] = {"SSH_AUTH_SOCK",       "SSH_ASKPASS",
					    "SSH_ASKPASS_REQUIRE", "DISPLAY",
					    "XDG_CONFIG_HOME",     "XDG_RUNTIME_DIR"};
	char state[300];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
		unsetenv(unset[i]);
	setenv("HOME", folder, 1);
	snprintf(state, sizeof(state), "%s/xdg", folder);
	setenv("XDG_STATE_HOME", state, 1);
	setenv("TERM", "xterm", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	signal(SIGPIPE, SIG_DFL);
}

bool child_wait(pid_t pid, unsigned patience_ms, int *ret_status)
{
	int status = 0;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	bool ended = fd >= 0 && poll(&pfd, 1, (int)patience_ms) == 1;

	fd_close(&fd);
	if (!ended || waitpid(pid, &status, 0) != pid)
		return false;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

static void spawn(const char *const argv[], int in, int out, int err, const char *const env[],
		  pid_t *ret_pid)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	must(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		child_prepare(parent);
		for (size_t i = 0; env != NULL && env[i] != NULL; i++)
			putenv(strdup(env[i]));
		dup2(in, 0);
		dup2(out, 1);
		dup2(err, 2);
		char **args = NULL;
		memcpy(&args, &argv, sizeof(args)); /* execvp takes no const, and changes nothing */
		execvp(args[0], args);
		_exit(127);
	}
	*ret_pid = pid;
}

struct outcome run_with(const char *const argv[], const char *input, const char *const env[])
{
	static unsigned number;
	struct outcome outcome = {0};
	char *in_path = scratch_path("run-%u.in", number);
	char *out_path = scratch_path("run-%u.out", number);
	char *err_path = scratch_path("run-%u.err", number++);
	pid_t pid = 0;

	file_write(in_path, input != NULL ? input : "");
	file_write(out_path, "");
	file_write(err_path, "");
	int in = open(in_path, O_RDONLY | O_CLOEXEC);
	int out = open(out_path, O_WRONLY | O_CLOEXEC);
	int err = open(err_path, O_WRONLY | O_CLOEXEC);
	spawn(argv, in, out, err, env, &pid);
	fd_close(&in);
	fd_close(&out);
	fd_close(&err);
	if (!child_wait(pid, 2 * PATIENCE_MS, &outcome.status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		must(false, "%s did not end", argv[0]);
	}
	outcome.out = file_read(out_path);
	outcome.err = file_read(err_path);
	return outcome;
}
