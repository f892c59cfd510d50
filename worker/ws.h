/*
 * The WebSocket transport: libwebsockets 4.1.6 over our own libuv loop, used the way
 * that measured best (docs/architecture.md, "Transport").
 *
 * It knows frames, not lines: one whole text message in, one prepared buffer out. Whoever
 * uses it gives a table of verbs; it is linked by the worker, and by the echo server that
 * public conformance suites are run against.
 *
 *	struct ws_server *server = ws_server_create(&options, &handler, data);
 *	ws_server_accept(server, fd, &arrival);    each accepted socket, by ws_gate.h
 *	...
 *	ws_server_destroy(server);             after every ws_close
 *
 * A peer's bytes are refused here for: binary when not allowed (after `refused`), a declared
 * size over the bound (before anything is buffered), invalid UTF-8 (1007, at its first byte), a
 * wrong path (404), a foreign Origin (403). A plain HTTP request is answered and closed.
 */
#ifndef WORKER_WS_H
#define WORKER_WS_H

#include "auth/proxies.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct flow;
struct tls;
struct ws;
struct ws_server;

/* What is known of a connection before its first byte of HTTP. */
struct ws_arrival {
	bool tls;              /* it begins a TLS handshake */
	bool plain_refused;    /* it doesn't, and should: its request is answered with 426 */
	enum proxy_kind proxy; /* what its peer is trusted to be */
	struct address peer;
	struct address client; /* whom a proxy speaks for; family 0: not known, or itself */
};

/* Who is on the other end. */
struct ws_peer {
	struct address address;
	bool proxied; /* a trusted proxy told the address, and so it never counts as loopback */
	bool tls;
	bool has_exporter; /* "tls-exporter" can bind a login to this connection */
	uint8_t exporter[32];
};

enum ws_refusal { WS_TOO_BIG, WS_BINARY };

struct ws_handler {
	/*
	 * A client has upgraded. Returns the connection's own data, or NULL to drop it (ws_close
	 * with a code may be called inside, too). peer lives during the call.
	 */
	void *(*open)(void *server_data, struct ws *ws, const struct ws_peer *peer);
	/* One whole text message (or binary, where allowed). text[len] is not NUL-terminated. */
	void (*receive)(void *conn, const char *text, size_t len, bool binary);
	/* The message is refused: send an error line, and ws_close with 1009 or 1003. */
	void (*refused)(void *conn, enum ws_refusal why);
	/* What was held back is out: write again. */
	void (*writable)(void *conn);
	/* A pong came. */
	void (*pong)(void *conn);
	/* Gone; `ws` is invalid afterwards. code: the peer's close code, 1005 none in its frame,
	 * 1006 no close frame, or ours. */
	void (*closed)(void *conn, unsigned code);
	/* How many bytes a message may have at the moment (before login it is less). */
	size_t (*message_max)(void *conn);
	/* True if this Origin header's host[:port] is one of the server's own names. NULL: all. */
	bool (*origin_is_ours)(void *server_data, const char *origin);
	/*
	 * Any GET that doesn't upgrade: writes the body, returns the HTTP status. NULL: always 404.
	 * peer is without a family where a proxy stands between.
	 */
	unsigned (*http)(void *server_data, const struct sockaddr_storage *peer, const char *path,
			 struct buf *body, const char **ret_content_type);
};

struct ws_options {
	struct uv_loop_s *loop;  /* libuv's uv_loop_t */
	const char *path;        /* "/ws" */
	const char *subprotocol; /* "chat.v1" */
	bool allow_binary;
	unsigned handshake_s; /* a socket that has not upgraded by then is closed */
	struct tls *tls;      /* borrowed, for longer than the server; NULL: no TLS is spoken */
};

/* NULL if libwebsockets or its libuv plugin can't be used (logged). */
struct ws_server *ws_server_create(const struct ws_options *options,
				   const struct ws_handler *handler, void *data);
/*
 * Destroys everything, connections that are still open included (`closed` is called for
 * them). Runs the loop until nothing is left on it, so close all other handles first. NULL is
 * fine.
 */
void ws_server_destroy(struct ws_server *server);
/* Takes over an accepted, nonblocking socket: on failure closes it and returns -errno. */
int ws_server_accept(struct ws_server *server, int fd, const struct ws_arrival *arrival);
/* More of whoever sent the last message is here already. One system call. */
bool ws_server_has_more(const struct ws_server *server);
/* Sockets whose peers are not ws_known, unfinished handshakes among them. */
unsigned ws_server_strangers(const struct ws_server *server);
/* Cuts one of them, drawn at random, soon; without a close frame. */
void ws_server_drop_stranger(struct ws_server *server);
/* Cuts those that don't answer our close frame; call it a few times a second. */
void ws_server_tick(struct ws_server *server, uint64_t now_mono_ms);

/* Room in front of the bytes given to ws_write; libwebsockets puts the frame header there. */
#define WS_HEADROOM 24u

enum ws_result {
	WS_WRITTEN,
	WS_BLOCKED, /* taken, but the socket is full: write nothing more until `writable` */
	WS_FAILED   /* the connection is dying; `closed` will come */
};

/*
 * One text frame of data[0..len). The WS_HEADROOM bytes before data belong to the call; the
 * data itself is left as it was, so one buffer serves many connections, one after the other.
 * Never call it after WS_BLOCKED before `writable`, nor after ws_close.
 */
enum ws_result ws_write(struct ws *ws, char *data, size_t len, bool binary);
#define WS_WRITE_ALL_MAX 64u
/* The same text frame to `count` connections, at most WS_WRITE_ALL_MAX: a result for each. */
void ws_write_all(struct ws *const *all, unsigned count, char *data, size_t len,
		  enum ws_result *ret_results);
/* True while a write is held back. */
bool ws_is_blocked(const struct ws *ws);
enum ws_result ws_ping(struct ws *ws);
/* What its kernel has taken. One system call. */
void ws_flow(const struct ws *ws, struct flow *ret_flow);
/* The address it has dialled. One system call; without a family on failure. */
void ws_local_address(const struct ws *ws, struct sockaddr_storage *ret_address);
/* The peer has logged in. */
void ws_known(struct ws *ws);
/* The peer sends nothing more: what is still to be read is all. One system call. */
bool ws_peer_is_gone(const struct ws *ws);
/*
 * Sends what is held back, then a close frame, then closes; `closed` comes later (a peer
 * that doesn't answer is cut after 2 s). reason is for people, at most 123 bytes are sent.
 */
void ws_close(struct ws *ws, unsigned code, const char *reason);
/* No close frame: the connection is just cut, soon. */
void ws_kill(struct ws *ws);

#endif
