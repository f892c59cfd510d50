#include "auth/keygen.h"

#include "auth/sshsig.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX SSHSIG_TEXT_MAX

extern char **environ;

struct pipes {
	int in[2];  /* what ssh-keygen reads */
	int out[2]; /* what it writes */
};

static void pipes_close(struct pipes *pipes)
{
	fd_close(&pipes->in[0]);
	fd_close(&pipes->in[1]);
	fd_close(&pipes->out[0]);
	fd_close(&pipes->out[1]);
}

static int start(const char *key_path, const char *namespace, struct pipes *pipes, pid_t *ret_pid)
{
	/* posix_spawn takes char *const[] for history's sake; it changes nothing */
	char *path = strdup(key_path), *space = strdup(namespace);
	char program[] = "ssh-keygen", quiet[] = "-q", verb[] = "-Y", sign[] = "sign", n[] = "-n",
	     f[] = "-f";
	char *const argv[] = {program, quiet, verb, sign, n, space, f, path, NULL};
	posix_spawn_file_actions_t actions;
	int rc = -ENOMEM;

	if (!path || !space || posix_spawn_file_actions_init(&actions) != 0)
		goto out;
	rc = posix_spawn_file_actions_adddup2(&actions, pipes->in[0], STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, pipes->out[1], STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawnp(ret_pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	rc = -rc;
out:
	free(path);
	free(space);
	return rc;
}

static int read_output(int fd, struct buf *output)
{
	for (;;) {
		char *room = buf_reserve(output, 4096);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = read(fd, room, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		output->len += (size_t)n;
		if (output->len > OUTPUT_MAX)
			return -EBADMSG;
	}
}

static int take_signature(const struct buf *armored, const char *namespace, struct buf *signature)
{
	static const size_t magic_len = 6; /* "SSHSIG" */
	struct wire_reader reader;
	struct wire_bytes magic, public_key, space, reserved, hash, inner;
	uint32_t version = 0;
	uint8_t *blob = malloc(SSHSIG_BLOB_MAX);
	size_t len = 0;
	int rc = -EBADMSG;

	if (!blob)
		return -ENOMEM;
	if (sshsig_decode(armored->data, armored->len, blob, &len) != VERDICT_OK)
		goto out;
	reader = wire_reader(blob, len);
	if (wire_get_raw(&reader, magic_len, &magic) < 0 || wire_get_u32(&reader, &version) < 0 ||
	    wire_get_string(&reader, &public_key) < 0 || wire_get_string(&reader, &space) < 0 ||
	    !wire_equal_text(space, namespace) || wire_get_string(&reader, &reserved) < 0 ||
	    wire_get_string(&reader, &hash) < 0 || !wire_equal_text(hash, "sha512") ||
	    wire_get_string(&reader, &inner) < 0)
		goto out;
	buf_append(signature, inner.data, inner.len);
	rc = signature->failed ? -ENOMEM : 0;
out:
	free(blob);
	return rc;
}

static int wait_for_exit(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EACCES;
}

int keygen_sign(const char *key_path, const char *namespace, const void *text, size_t len,
		struct buf *signature)
{
	struct pipes pipes = {.in = {-1, -1}, .out = {-1, -1}};
	struct buf armored = BUF_INIT;
	pid_t pid = -1;
	int rc, exit_rc;

	if (pipe2(pipes.in, O_CLOEXEC) < 0 || pipe2(pipes.out, O_CLOEXEC) < 0) {
		rc = -errno;
		goto out;
	}
	/* The text is far smaller than a pipe, so this does not wait for a reader. */
	rc = fd_write_all(pipes.in[1], text, len);
	fd_close(&pipes.in[1]);
	if (rc < 0 || (rc = start(key_path, namespace, &pipes, &pid)) < 0)
		goto out;
	fd_close(&pipes.in[0]);
	fd_close(&pipes.out[1]);
	rc = read_output(pipes.out[0], &armored);
	fd_close(&pipes.out[0]);
	exit_rc = wait_for_exit(pid);
	if (rc == 0)
		rc = exit_rc;
	if (rc == 0 && armored.len == 0)
		rc = -EBADMSG;
	if (rc == 0)
		rc = take_signature(&armored, namespace, signature);
out:
	pipes_close(&pipes);
	buf_finish(&armored);
	return rc;
}
