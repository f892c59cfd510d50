/*
 * What the files of the transport know of a connection and its server: ws.c (their life and how it
 * ends), ws_write.c, ws_receive.c. Nobody else includes it.
 */
#ifndef WORKER_WS_PRIVATE_H
#define WORKER_WS_PRIVATE_H

#include "worker/utf8.h"
#include "worker/ws.h"
#include "worker/ws_context.h"
#include "worker/ws_strangers.h"

#include <libwebsockets.h>

enum ws_state { WS_HTTP, WS_OPEN, WS_CLOSING, WS_DEAD };

/* libwebsockets' per-session data; zeroed by it. */
struct ws {
	/* What a write looks at. */
	struct lws *wsi;
	int fd; /* plain: frames go straight to it. -1: through libwebsockets (TLS) */
	enum ws_state state;
	bool blocked;
	bool corked; /* what is written waits for our first frame (TCP_CORK) */

	bool binary;          /* the message that is coming */
	bool skipping;        /* refused: the rest of it is thrown away */
	bool peer_has_closed; /* what it sends behind its close frame is not read */
	bool close_waits;     /* until the rest of a refused message has come */
	struct utf8 text;     /* of the message, where it is text */
	struct buf *message;  /* what has come of one that is not whole yet; owned, or NULL */
	struct ws_server *server;
	void *conn; /* the handler's; NULL before `open` and if it refused */
	struct ws *closing_next, **closing_prev; /* the server's closing list */
	uint64_t close_by_ms;
	unsigned close_code; /* the one we send, or the peer's */
};

struct ws_server {
	struct ws_options options;
	struct ws_handler handler;
	void *data;
	struct ws_context context;
	struct lws_protocols protocols[2];
	lws_retry_bo_t no_keepalive; /* all zero: pings are ours */
	struct ws *closing;          /* about in the order of their deadlines */
	struct ws **closing_end;
	struct ws_strangers strangers;
	int heard_fd; /* of the last message; -1: TLS */
};

/* Forgets what has come of a message. */
void ws_drop_message(struct ws *ws);
/* The refused message is here, or has taken too long: the close that waited for it begins. */
void ws_stop_waiting(struct ws *ws);

/* A piece of a text or binary message, as libwebsockets hands it over. */
void ws_receive_piece(struct ws *ws, const char *piece, size_t len);
/* The peer's close frame. Nonzero for the callback to return: closes with our own reason. */
int ws_peer_closes(struct ws *ws, const char *payload, size_t len);

#endif
