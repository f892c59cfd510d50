#include "master/listen_metrics.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64
#define HOST_SIZE 256

/* "[::1]:9100" or "localhost:9100": the host without brackets, and the port. */
static int split(const char *where, char ret_host[HOST_SIZE], const char **ret_port)
{
	const char *colon = strrchr(where, ':');
	const char *host = where;
	size_t len;

	if (colon == NULL)
		return -EINVAL;
	len = (size_t)(colon - where);
	if (len >= 2 && where[0] == '[' && colon[-1] == ']') {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= HOST_SIZE)
		return -EINVAL;
	memcpy(ret_host, host, len);
	ret_host[len] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int socket_listen(const struct addrinfo *at, int *ret_fd)
{
	int one = 1, err = 0;
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		err = -errno;
	if (err < 0)
		fd_close(&fd);
	else
		*ret_fd = fd;
	return err;
}

static void describe(int fd, struct buf *text)
{
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof(at);
	char host[INET6_ADDRSTRLEN] = "?", port[8] = "?";

	if (getsockname(fd, (struct sockaddr *)&at, &len) == 0)
		getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	buf_printf(text, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int listen_metrics_open(const char *where, int *ret_fd, struct buf *text, struct buf *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	char host[HOST_SIZE];
	const char *port;
	int err = split(where, host, &port), failed, fd = -1;

	if (err < 0) {
		buf_printf(error, "--metrics-listen %s: not ADDR:PORT", where);
		return err;
	}
	failed = getaddrinfo(host, port, &hints, &found);
	if (failed != 0) {
		buf_printf(error, "--metrics-listen %s: %s", where,
			   failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
		return -EINVAL;
	}
	/* The first that this machine has; "localhost" is mostly two. */
	err = -EADDRNOTAVAIL;
	for (struct addrinfo *at = found; err < 0 && at != NULL; at = at->ai_next)
		err = socket_listen(at, &fd);
	freeaddrinfo(found);
	if (err < 0) {
		buf_printf(error, "--metrics-listen %s: %s", where, strerror(-err));
		return err;
	}
	describe(fd, text);
	*ret_fd = fd;
	return 0;
}
