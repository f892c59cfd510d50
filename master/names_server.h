/*
 * The master's end of auth/names_socket.h: `chat-keys names` asks, one request a
 * connection. Nonblocking; few connections, short requests and a deadline, so that
 * nobody who may connect can hold the master up.
 *
 *	names_server_poll     fills the fds to wait for
 *	names_server_run      accepts, reads, answers, writes, and drops who is late
 */
#ifndef MASTER_NAMES_SERVER_H
#define MASTER_NAMES_SERVER_H

#include "auth/names_socket.h"
#include "base/buf.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_CONNECTIONS_MAX 8u
#define NAMES_POLL_MAX (NAMES_CONNECTIONS_MAX + 1u)

/* Answers one request; ret_reply->text is taken over. 0, or -errno: the connection is dropped. */
typedef int names_server_fn(void *data, const char *request, struct names_reply *ret_reply);

struct names_connection {
	int fd; /* -1: free */
	uint64_t until_mono_ms;
	char request[NAMES_REQUEST_MAX];
	size_t len;
	bool answered; /* `answer` is being written */
	struct buf answer;
};

struct names_server {
	int fd;     /* -1: none */
	char *path; /* owned */
	names_server_fn *answer;
	void *data;
	struct names_connection connection[NAMES_CONNECTIONS_MAX];
};

/*
 * Listens on `folder`/control.sock, which is ours alone (an old socket is replaced: the
 * instance's lock is held). 0 or -errno; `server` may be closed after either.
 */
int names_server_open(struct names_server *server, const char *folder, names_server_fn *answer,
		      void *data);
/* The same with a socket that listens there already: server->fd. */
int names_server_adopt(struct names_server *server, const char *folder, names_server_fn *answer,
		       void *data);
/* True while somebody waits for an answer. */
bool names_server_is_busy(const struct names_server *server);
/* Closes everything and removes the socket. */
void names_server_close(struct names_server *server);
/* In a child: closes everything, removes nothing. */
void names_server_enter_child(struct names_server *server);

/* Fills up to NAMES_POLL_MAX entries; returns how many. */
size_t names_server_poll(const struct names_server *server, struct pollfd *fds);
/* Call after each poll. */
void names_server_run(struct names_server *server, uint64_t now_mono_ms);

#endif
