#include "master/names_server.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- opening and closing ------------------------------------------------------------ */

/* Under umask 077, so the socket is 0600. A long path goes by way of its folder's descriptor. */
static int bind_in(int fd, const char *folder)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (dir < 0)
		return -errno;
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dir, NAMES_SOCKET_NAME);
	if (unlink(at.sun_path) < 0 && errno != ENOENT)
		err = -errno;
	if (err == 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		err = -errno;
	if (err == 0 && chmod(at.sun_path, 0600) < 0)
		err = -errno;
	close(dir);
	return err;
}

int names_server_adopt(struct names_server *server, const char *folder, names_server_fn *answer,
		       void *data)
{
	struct buf path = BUF_INIT;

	*server = (struct names_server){.fd = server->fd, .answer = answer, .data = data};
	for (size_t i = 0; i < NAMES_CONNECTIONS_MAX; i++)
		server->connection[i].fd = -1;
	buf_printf(&path, "%s/%s", folder, NAMES_SOCKET_NAME);
	if (path.failed)
		return -ENOMEM;
	server->path = path.data;
	return 0;
}

int names_server_open(struct names_server *server, const char *folder, names_server_fn *answer,
		      void *data)
{
	int err;

	server->fd = -1;
	err = names_server_adopt(server, folder, answer, data);
	if (err < 0)
		return err;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		return -errno;
	err = bind_in(server->fd, folder);
	if (err == 0 && listen(server->fd, (int)NAMES_CONNECTIONS_MAX) < 0)
		err = -errno;
	return err;
}

bool names_server_is_busy(const struct names_server *server)
{
	for (size_t i = 0; i < NAMES_CONNECTIONS_MAX; i++) {
		if (server->connection[i].fd >= 0)
			return true;
	}
	return false;
}

static void connection_close(struct names_connection *connection)
{
	fd_close(&connection->fd);
	buf_finish(&connection->answer);
	connection->len = 0;
	connection->answered = false;
}

void names_server_enter_child(struct names_server *server)
{
	for (size_t i = 0; i < NAMES_CONNECTIONS_MAX; i++)
		connection_close(&server->connection[i]);
	fd_close(&server->fd);
	free(server->path);
	server->path = NULL;
}

void names_server_close(struct names_server *server)
{
	if (server->path != NULL)
		unlink(server->path);
	names_server_enter_child(server);
}

/* ---- serving -------------------------------------------------------------------------- */

static struct names_connection *connection_free(struct names_server *server)
{
	for (size_t i = 0; i < NAMES_CONNECTIONS_MAX; i++) {
		if (server->connection[i].fd < 0)
			return &server->connection[i];
	}
	return NULL;
}

/* The socket's mode lets in our own user and root; the peer's uid says so again. */
static bool peer_is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (peer.uid == geteuid() || peer.uid == 0)
		return true;
	log_warn("names request refused", "uid=%u pid=%d", peer.uid, peer.pid);
	return false;
}

static void accept_all(struct names_server *server, uint64_t now_mono_ms)
{
	struct names_connection *connection;

	while ((connection = connection_free(server)) != NULL) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (!peer_is_ours(fd)) {
			close(fd);
			continue;
		}
		connection->fd = fd;
		connection->until_mono_ms = now_mono_ms + NAMES_TIMEOUT_MS;
	}
}

/* True once a whole request is there, without its newline; gone or too long: closed. */
static bool connection_read(struct names_connection *connection)
{
	ssize_t got = read(connection->fd, connection->request + connection->len,
			   sizeof(connection->request) - connection->len);
	char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		connection_close(connection);
		return false;
	}
	connection->len += (size_t)got;
	end = memchr(connection->request, '\n', connection->len);
	/* A NUL would hide the rest of the request. */
	if ((end == NULL && connection->len == sizeof(connection->request)) ||
	    memchr(connection->request, '\0', connection->len) != NULL) {
		connection_close(connection);
		return false;
	}
	if (end != NULL)
		*end = '\0';
	return end != NULL;
}

static void connection_answer(struct names_server *server, struct names_connection *connection)
{
	struct names_reply reply;

	if (server->answer(server->data, connection->request, &reply) < 0) {
		connection_close(connection);
		return;
	}
	if (reply.changed)
		log_info("names changed", "request=%s", connection->request);
	connection->answer = reply.text;
	connection->answered = true;
}

static void connection_write(struct names_connection *connection)
{
	ssize_t put = send(connection->fd, connection->answer.data, connection->answer.len,
			   MSG_NOSIGNAL | MSG_DONTWAIT);

	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put > 0)
		buf_consume(&connection->answer, (size_t)put);
	if (put < 0 || connection->answer.len == 0)
		connection_close(connection);
}

size_t names_server_poll(const struct names_server *server, struct pollfd *fds)
{
	size_t count = 0;
	bool full = true;

	for (size_t i = 0; i < NAMES_CONNECTIONS_MAX; i++) {
		const struct names_connection *connection = &server->connection[i];

		if (connection->fd < 0)
			full = false;
		else
			fds[count++] = (struct pollfd){
				.fd = connection->fd,
				.events = connection->answered ? POLLOUT : POLLIN,
			};
	}
	if (server->fd >= 0 && !full)
		fds[count++] = (struct pollfd){.fd = server->fd, .events = POLLIN};
	return count;
}

void names_server_run(struct names_server *server, uint64_t now_mono_ms)
{
	if (server->fd < 0)
		return;
	accept_all(server, now_mono_ms);
	for (size_t i = 0; i < NAMES_CONNECTIONS_MAX; i++) {
		struct names_connection *connection = &server->connection[i];

		if (connection->fd >= 0 && !connection->answered && connection_read(connection))
			connection_answer(server, connection);
		if (connection->fd >= 0 && connection->answered)
			connection_write(connection);
		if (connection->fd >= 0 && now_mono_ms >= connection->until_mono_ms)
			connection_close(connection);
	}
}
