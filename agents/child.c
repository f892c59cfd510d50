#include "agents/child.h"

#include "agents/guard.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

void child_init(struct child_process *child)
{
	*child = (struct child_process){.status_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
}

void child_finish(struct child_process *child)
{
	fd_close(&child->status_fd);
	fd_close(&child->in_fd);
	fd_close(&child->out_fd);
	fd_close(&child->err_fd);
	buf_finish(&child->input);
	child_init(child);
}

/* Our end doesn't block; the program's is as programs expect it. */
static int make_pipe(int *ret_read, int *ret_write, int *ours)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int child_start(struct child_process *child, const struct config_agent *config,
		const struct account *account, const char *session, const char *mark)
{
	struct guard_fds theirs = {.status = -1, .in = -1, .out = -1, .err = -1};
	int pair[2], err;

	child_finish(child);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child->status_fd = pair[0];
	theirs.status = pair[1];
	if ((err = make_pipe(&theirs.in, &child->in_fd, &child->in_fd)) < 0 ||
	    (err = make_pipe(&child->out_fd, &theirs.out, &child->out_fd)) < 0 ||
	    (err = make_pipe(&child->err_fd, &theirs.err, &child->err_fd)) < 0)
		goto out;
	child->guard = fork();
	if (child->guard == 0)
		guard_run(config, account, session, mark, &theirs);
	err = child->guard < 0 ? -errno : 0;
out:
	fd_close(&theirs.status);
	fd_close(&theirs.in);
	fd_close(&theirs.out);
	fd_close(&theirs.err);
	if (err < 0)
		child_finish(child);
	return err;
}

void child_write(struct child_process *child, const void *bytes, size_t len)
{
	if (child->in_fd < 0 || child->close_input)
		return;
	buf_append(&child->input, bytes, len);
	child_flush(child);
}

void child_close_input(struct child_process *child)
{
	child->close_input = true;
	child_flush(child);
}

void child_flush(struct child_process *child)
{
	while (child->in_fd >= 0 && child->input.len > 0) {
		ssize_t put = write(child->in_fd, child->input.data, child->input.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return;
		if (put < 0) {
			/* It reads no more; that it ends is told by its guard. */
			buf_reset(&child->input);
			fd_close(&child->in_fd);
			return;
		}
		buf_consume(&child->input, (size_t)put);
	}
	if (child->close_input)
		fd_close(&child->in_fd);
}

void child_kill(struct child_process *child, int signal_number)
{
	const struct guard_packet packet = {.word = GUARD_KILL, .value = signal_number};

	if (child->status_fd >= 0)
		(void)!send(child->status_fd, &packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool child_hear(struct child_process *child)
{
	struct guard_packet packet;
	ssize_t got;

	while (!child->ended && child->status_fd >= 0) {
		got = recv(child->status_fd, &packet, sizeof(packet), MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got != (ssize_t)sizeof(packet)) {
			/* Somebody killed the guard: the program got SIGKILL from that. */
			child->ended = true;
			child->status = SIGKILL;
		} else if (packet.word == GUARD_STARTED) {
			child->program = packet.value;
		} else if (packet.word == GUARD_ENDED) {
			child->ended = true;
			child->status = packet.value;
		}
	}
	return child->ended;
}
