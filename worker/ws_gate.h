/*
 * What stands before HTTP: one port serves TLS and plain connections, and the first byte tells
 * them apart. A TLS handshake begins with 0x16, no request of HTTP does.
 *
 *	accepted socket ──> ws_gate_take ── byte is there ──────────────> ws_server_accept
 *	                         └─ silent: waits in our loop, with a deadline ──┘
 *
 * The byte is looked at (MSG_PEEK), not taken. Most clients speak at once, so most sockets never
 * wait here. A proxy that is trusted with proxy2 begins with a PROXY header, which is taken; from
 * anybody else such a header is refused. Of one that is trusted with xff the request's head is
 *looked at, too.
 *
 * Plain ones are for this machine's own programs: from elsewhere they get an answer that says so,
 * unless the operator allows them (--insecure-plain).
 */
#ifndef WORKER_WS_GATE_H
#define WORKER_WS_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Silent sockets that wait at once; when more come, the oldest goes. */
#define WS_GATE_WAITING_MAX 1024u

struct proxies;
struct uv_loop_s;
struct ws_gate;
struct ws_server;

struct ws_gate_options {
	struct uv_loop_s *loop;
	struct ws_server *server;
	unsigned silence_s;            /* a socket that says nothing for so long is closed */
	bool insecure_plain;           /* plain connections are for everyone */
	const struct proxies *proxies; /* borrowed: who may begin with a PROXY header, and has to */
};

/* NULL: out of memory. */
struct ws_gate *ws_gate_create(const struct ws_gate_options *options);
/* Closes what waits; its handles are gone once the loop has turned. Accepts NULL. */
void ws_gate_destroy(struct ws_gate *gate);
/* A reload's word on plain connections. */
void ws_gate_allow_plain(struct ws_gate *gate, bool insecure_plain);

/* Takes over an accepted, nonblocking socket. */
void ws_gate_take(struct ws_gate *gate, int fd, const struct sockaddr *peer);
/* Silent sockets that wait now; and turns the oldest of them out. */
unsigned ws_gate_waiting(const struct ws_gate *gate);
void ws_gate_drop_oldest(struct ws_gate *gate);
/* Closes those that have been silent for too long; call it a few times a second. */
void ws_gate_tick(struct ws_gate *gate, uint64_t now_mono_ms);

#endif
