#include "master/listen.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096
/* Port 0 on two addresses: the free port of one may be taken on the other. */
#define PORT_TRIES 64

struct listen_address {
	struct sockaddr_storage at;
	socklen_t len;
};

struct listen_addresses {
	unsigned count;
	bool optional; /* "localhost", "*": a machine may lack one of the two */
	struct listen_address list[LISTEN_ADDRESSES_MAX];
};

/* Its two shapes; sockaddr_storage is made to be looked at as either. */
static struct sockaddr_in *four_of(struct listen_address *address)
{
	return (struct sockaddr_in *)(void *)&address->at;
}

static struct sockaddr_in6 *six_of(struct listen_address *address)
{
	return (struct sockaddr_in6 *)(void *)&address->at;
}

static bool address_is_every(struct listen_address *address)
{
	if (address->at.ss_family == AF_INET)
		return four_of(address)->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&six_of(address)->sin6_addr);
}

static void address_set_port(struct listen_address *address, unsigned port)
{
	if (address->at.ss_family == AF_INET)
		four_of(address)->sin_port = htons((uint16_t)port);
	else
		six_of(address)->sin6_port = htons((uint16_t)port);
}

static void address_print(struct listen_address *address, unsigned port, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (address->at.ss_family == AF_INET) {
		inet_ntop(AF_INET, &four_of(address)->sin_addr, text, sizeof(text));
		buf_printf(out, "%s:%u", text, port);
	} else {
		inet_ntop(AF_INET6, &six_of(address)->sin6_addr, text, sizeof(text));
		buf_printf(out, "[%s]:%u", text, port);
	}
}

static void addresses_add(struct listen_addresses *addresses, const struct sockaddr *at,
			  socklen_t len)
{
	for (unsigned i = 0; i < addresses->count; i++) {
		if (addresses->list[i].len == len && memcmp(&addresses->list[i].at, at, len) == 0)
			return;
	}
	if (addresses->count == LISTEN_ADDRESSES_MAX)
		return;
	addresses->list[addresses->count].len = len;
	memcpy(&addresses->list[addresses->count++].at, at, len);
}

static int addresses_find(const char *host, struct listen_addresses *ret, struct buf *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	int failed;

	*ret = (struct listen_addresses){0};
	/* Both by number: /etc/hosts of many a container names only one of them. */
	if (strcmp(host, "localhost") == 0 || strcmp(host, "*") == 0) {
		bool every = host[0] == '*';
		struct sockaddr_in four = {
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(every ? INADDR_ANY : INADDR_LOOPBACK),
		};
		struct sockaddr_in6 six = {
			.sin6_family = AF_INET6,
			.sin6_addr = every ? in6addr_any : in6addr_loopback,
		};

		addresses_add(ret, (struct sockaddr *)&four, sizeof(four));
		addresses_add(ret, (struct sockaddr *)&six, sizeof(six));
		ret->optional = true;
		return 0;
	}
	failed = getaddrinfo(host, NULL, &hints, &found);
	if (failed != 0) {
		buf_printf(error, "--host %s: %s", host,
			   failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
		return -EINVAL;
	}
	for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
		if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
			addresses_add(ret, at->ai_addr, at->ai_addrlen);
	}
	freeaddrinfo(found);
	if (ret->count == 0) {
		buf_printf(error, "--host %s: no address to listen on", host);
		return -EINVAL;
	}
	return 0;
}

/* One socket; `first` is bound alone and takes SO_REUSEPORT only when it listens. */
static int socket_listen(struct listen_address *address, bool first, int *ret_fd)
{
	int one = 1, err = 0;
	int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (address->at.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
	    (!first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0) ||
	    bind(fd, (const struct sockaddr *)&address->at, address->len) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    (first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0))
		err = -errno;
	if (err < 0) {
		fd_close(&fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static unsigned socket_port(int fd)
{
	struct listen_address address = {.len = sizeof(address.at)};

	if (getsockname(fd, (struct sockaddr *)&address.at, &address.len) < 0)
		return 0;
	return ntohs(address.at.ss_family == AF_INET ? four_of(&address)->sin_port
						     : six_of(&address)->sin6_port);
}

void listen_init(struct listeners *listeners)
{
	memset(listeners, 0, sizeof(*listeners));
	for (unsigned w = 0; w < WORKERS_MAX; w++) {
		for (unsigned a = 0; a < LISTEN_ADDRESSES_MAX; a++)
			listeners->fds[w][a] = -1;
	}
}

/* All sockets of one address. -EADDRNOTAVAIL, -EAFNOSUPPORT: this machine has no such address. */
static int address_listen(struct listeners *listeners, struct listen_address *address,
			  struct buf *error)
{
	unsigned a = listeners->addresses;
	int err = 0;

	address_set_port(address, listeners->port);
	for (unsigned w = 0; w < listeners->workers && err == 0; w++) {
		err = socket_listen(address, w == 0, &listeners->fds[w][a]);
		if (err == 0 && listeners->port == 0) {
			listeners->port = socket_port(listeners->fds[w][a]);
			address_set_port(address, listeners->port);
		}
	}
	if (err == -EADDRINUSE) {
		buf_append_str(error, "port taken: another server listens on ");
		address_print(address, listeners->port, error);
		buf_printf(error,
			   "; stop it, or choose another --port (0 takes a free one; "
			   "`ss -ltnp sport = :%u` shows whose it is)",
			   listeners->port);
	} else if (err < 0) {
		buf_append_str(error, "cannot listen on ");
		address_print(address, listeners->port, error);
		buf_printf(error, ": %s", strerror(-err));
	}
	for (unsigned w = 0; err < 0 && w < listeners->workers; w++)
		fd_close(&listeners->fds[w][a]);
	if (err == 0)
		listeners->addresses++;
	return err;
}

static int addresses_listen(struct listen_addresses *addresses, unsigned port, unsigned workers,
			    struct listeners *listeners, struct buf *error)
{
	int err = 0;

	listen_init(listeners);
	listeners->port = port;
	listeners->workers = workers;
	for (unsigned i = 0; i < addresses->count && err == 0; i++) {
		err = address_listen(listeners, &addresses->list[i], error);
		if (addresses->optional && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT) &&
		    (listeners->addresses > 0 || i + 1 < addresses->count)) {
			buf_reset(error);
			addresses->list[i].len = 0;
			err = 0;
		}
	}
	if (err < 0)
		listen_close(listeners);
	return err;
}

static void listeners_describe(struct listeners *listeners, struct listen_addresses *addresses)
{
	struct buf text = BUF_INIT;

	for (unsigned i = 0; i < addresses->count; i++) {
		if (addresses->list[i].len == 0)
			continue;
		if (text.len > 0)
			buf_append_str(&text, ", ");
		address_print(&addresses->list[i], listeners->port, &text);
		listeners->wildcard = listeners->wildcard || address_is_every(&addresses->list[i]);
	}
	snprintf(listeners->text, sizeof(listeners->text), "%s",
		 text.data != NULL ? text.data : "");
	buf_finish(&text);
}

int listen_check(const char *host, struct buf *error)
{
	struct listen_addresses addresses;

	return addresses_find(host, &addresses, error);
}

int listen_open(const char *host, unsigned port, unsigned workers, struct listeners *ret_listeners,
		struct buf *error)
{
	struct listeners listeners;
	struct listen_addresses addresses;
	int err;

	assert(workers > 0 && workers <= WORKERS_MAX);
	err = addresses_find(host, &addresses, error);
	if (err < 0)
		return err;
	for (int tries = 0; tries < PORT_TRIES; tries++) {
		buf_reset(error);
		err = addresses_listen(&addresses, port, workers, &listeners, error);
		if (err != -EADDRINUSE || port != 0)
			break;
	}
	if (err < 0)
		return err;
	listeners_describe(&listeners, &addresses);
	*ret_listeners = listeners;
	return 0;
}

void listen_enter_worker(struct listeners *listeners, unsigned worker, int *own, size_t own_count)
{
	assert(own_count > listeners->addresses);
	for (unsigned a = 0; a < listeners->addresses; a++) {
		own[a] = listeners->fds[worker][a];
		listeners->fds[worker][a] = -1;
	}
	for (size_t i = listeners->addresses; i < own_count; i++)
		own[i] = -1;
	listen_close(listeners);
}

void listen_close(struct listeners *listeners)
{
	for (unsigned w = 0; w < listeners->workers; w++) {
		for (unsigned a = 0; a < LISTEN_ADDRESSES_MAX; a++)
			fd_close(&listeners->fds[w][a]);
	}
	listeners->workers = 0;
}
