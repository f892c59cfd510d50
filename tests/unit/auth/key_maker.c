#include "tests/unit/auth/key_maker.h"

#include "auth/pubkey.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void key_folder_create(struct key_folder *folder)
{
	*folder = (struct key_folder){0};
	snprintf(folder->path, sizeof(folder->path), "/tmp/keys-XXXXXX");
	cr_assert_not_null(mkdtemp(folder->path));
}

void key_folder_destroy(struct key_folder *folder)
{
	if (folder->agent > 0) {
		kill(folder->agent, SIGTERM);
		waitpid(folder->agent, NULL, 0);
	}
	key_run(folder, "rm -rf \"$D\"");
}

const char *key_path(const struct key_folder *folder, const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder->path, name);
	return path;
}

void key_run(const struct key_folder *folder, const char *command)
{
	pid_t pid = fork();
	int status = -1;

	cr_assert(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("D", folder->path, 1);
		setenv("SSH_AUTH_SOCK", folder->agent_socket, 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", command);
}

void key_make(const struct key_folder *folder, const char *name, const char *options)
{
	char command[512];

	snprintf(command, sizeof(command), "ssh-keygen -q -C test %s -f \"$D/%s\" </dev/null",
		 options, name);
	key_run(folder, command);
}

void key_read(const struct key_folder *folder, const char *name, struct buf *text)
{
	cr_assert_eq(buf_read_file(text, key_path(folder, name), 65536), 0, "%s", name);
}

void key_read_public(const struct key_folder *folder, const char *name, struct buf *blob)
{
	struct buf text = BUF_INIT;

	key_read(folder, name, &text);
	cr_assert_eq(pubkey_text_decode(text.data, text.len, blob, NULL), 0, "%s", name);
	buf_finish(&text);
}

void key_agent_start(struct key_folder *folder)
{
	int started[2];
	char byte;
	ssize_t n;

	cr_assert_eq(pipe(started), 0);
	snprintf(folder->agent_socket, sizeof(folder->agent_socket), "%s/agent", folder->path);
	folder->agent = fork();
	cr_assert(folder->agent >= 0);
	if (folder->agent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(started[1], STDOUT_FILENO);
		execlp("ssh-agent", "ssh-agent", "-D", "-a", folder->agent_socket, (char *)NULL);
		_exit(127);
	}
	close(started[1]);
	/* it prints its socket's name once it listens */
	n = read(started[0], &byte, 1);
	cr_assert_eq(n, 1);
	close(started[0]);
}
