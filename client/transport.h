/*
 * One WebSocket connection to a server (RFC 6455), with libwebsockets in the client's loop: names
 * are looked up, addresses tried in turn, frames put together, pings answered. What the bytes mean
 * is the session's business.
 */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "base/buf.h"
#include "client/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct transport;

/* How a connection ended, or why there was none. */
struct transport_end {
	bool was_open;       /* the upgrade had succeeded */
	bool answered;       /* something was there, but it did not speak chat.v1 */
	bool tls;            /* answered: but not with TLS, as it was asked to */
	unsigned close_code; /* 0: no close frame */
	int error;           /* -errno of the last address tried; 0: none known */
	char reason[256];    /* for people; may hold the server's words: clean it */
};

struct transport_events {
	/* peer: who answered, by TLS; NULL: without. */
	void (*open)(void *owner, const struct tls_peer *peer);
	void (*message)(void *owner, const char *data, size_t len);
	/* Exactly once for each transport_connect that returned 0. */
	void (*closed)(void *owner, const struct transport_end *end);
	void *owner;
};

/* `uv_loop` is borrowed. `tls`: all its connections speak TLS. 0 or -errno. */
int transport_create(void *uv_loop, bool tls, const struct transport_events *events,
		     struct transport **ret_transport);
/* Closes, running the loop until that is done: nothing else may live in it. Accepts NULL. */
void transport_destroy(struct transport *transport);

/*
 * Begins to connect: `host` a name or an address without brackets, `server` what stands in the
 * Host header. With `local_only` no address beyond this machine is tried. 0 or -errno; the rest
 * comes as events.
 */
int transport_connect(struct transport *transport, const char *host, unsigned port,
		      const char *server, bool local_only);
/* Sends whole lines from the front of `output` as the socket takes them, and consumes them. */
void transport_send(struct transport *transport, struct buf *output);
/* Gives the connection up; `closed` follows. */
void transport_close(struct transport *transport);

#endif
