#include "client/passphrase.h"

#include "base/fd.h"
#include "client/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PASSPHRASE_MAX 1024u

extern char **environ;

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

/* ---- on the terminal */

static int read_words(int fd, struct buf *words)
{
	for (;;) {
		char byte;
		ssize_t n = read(fd, &byte, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || byte == 3 || (byte == 4 && words->len == 0))
			return -ECANCELED;
		if (byte == '\r' || byte == '\n')
			return 0;
		if ((byte == 0x7f || byte == 8) && words->len > 0)
			words->data[--words->len] = '\0';
		else if (byte == 0x15)
			buf_reset(words);
		else if ((unsigned char)byte >= 0x20 && byte != 0x7f && words->len < PASSPHRASE_MAX)
			buf_append_char(words, byte);
	}
}

static int ask_terminal(int fd, const char *prompt, struct buf *words)
{
	struct termios saved, quiet;
	int rc;

	if (tcgetattr(fd, &saved) < 0)
		return -ECANCELED;
	quiet = saved;
	/* the keys' signals too: Ctrl-C means "no" here, whoever else waits for it */
	quiet.c_lflag &= (tcflag_t) ~(ECHO | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	/* before the prompt: who answers it at once must not be shown, nor flushed away */
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return -ECANCELED;
	/* so that it never moves and leaves a copy behind; nothing typed is an empty text */
	if (!buf_reserve(words, PASSPHRASE_MAX)) {
		tcsetattr(fd, TCSAFLUSH, &saved);
		return -ENOMEM;
	}
	words->data[words->len] = '\0';
	rc = fd_write_all(fd, prompt, strlen(prompt)) < 0 ? -ECANCELED : read_words(fd, words);
	tcsetattr(fd, TCSAFLUSH, &saved);
	fd_write_all(fd, "\n", 1);
	return rc;
}

/* ---- with a program */

static int read_answer(int fd, struct buf *words)
{
	char *room = buf_reserve(words, PASSPHRASE_MAX);
	ssize_t n;

	if (!room)
		return -ENOMEM;
	do {
		n = read(fd, room + words->len, PASSPHRASE_MAX - words->len);
		if (n > 0)
			words->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	words->data[words->len] = '\0';
	words->len = strcspn(words->data, "\r\n");
	words->data[words->len] = '\0';
	return n < 0 ? -errno : 0;
}

static int ask_program(const char *prompt, struct buf *words)
{
	char *program = strdup(getenv("SSH_ASKPASS")), *text = strdup(prompt);
	char *const argv[] = {program, text, NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2] = {-1, -1}, status = 0, rc = -ECANCELED;
	pid_t pid;

	if (!program || !text || pipe2(pipes, O_CLOEXEC) < 0 ||
	    posix_spawn_file_actions_init(&actions) != 0)
		goto out;
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	rc = posix_spawnp(&pid, program, &actions, NULL, argv, environ) == 0 ? 0 : -ECANCELED;
	posix_spawn_file_actions_destroy(&actions);
	fd_close(&pipes[1]);
	if (rc < 0)
		goto out;
	rc = read_answer(pipes[0], words);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		rc = -ECANCELED;
out:
	fd_close(&pipes[0]);
	fd_close(&pipes[1]);
	free(program);
	free(text);
	return rc;
}

/* ---- which of the two */

int passphrase_ask(void *owner, const char *path, unsigned attempt, struct buf *words)
{
	const char *require = getenv("SSH_ASKPASS_REQUIRE");
	bool display = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
	bool force = require && strcmp(require, "force") == 0;
	bool prefer = require && strcmp(require, "prefer") == 0 && display;
	bool never = require && strcmp(require, "never") == 0;
	struct buf prompt = BUF_INIT;
	int fd = -1, rc = -ECANCELED;

	(void)owner;
	buf_append_str(&prompt, attempt > 0 ? "That was not it. Passphrase of " : "Passphrase of ");
	clean_append_str(&prompt, path, CLEAN_LINE);
	buf_append_str(&prompt, ": ");
	if (prompt.failed) {
		buf_finish(&prompt);
		return -ENOMEM;
	}
	if (!force && !prefer)
		fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		rc = ask_terminal(fd, prompt.data, words);
	else if (is_set("SSH_ASKPASS") && (force || (display && !never)))
		rc = ask_program(prompt.data, words);
	fd_close(&fd);
	buf_finish(&prompt);
	return rc;
}
