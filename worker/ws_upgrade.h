/*
 * Who may upgrade: asked as soon as the headers are there, before libwebsockets has changed
 * anything about the connection (docs/architecture.md, Transport).
 */
#ifndef WORKER_WS_UPGRADE_H
#define WORKER_WS_UPGRADE_H

#include <stdbool.h>

struct lws;

struct ws_upgrade {
	const char *path;
	/* True if pages of this origin may connect; NULL: all. */
	bool (*origin_is_ours)(void *data, const char *origin);
	void *data;
	unsigned refusal; /* the status it is refused with whatever it asks for; 0: it isn't */
	const char *refusal_text;
};

/* What is said to those who come without TLS and may not. */
#define WS_PLAIN_REFUSED                                                                           \
	"this server speaks TLS here: use wss:// (or https://). Plain ws:// is for programs on "   \
	"the same machine; chat-master --insecure-plain allows it to all.\n"

/*
 * What LWS_CALLBACK_HTTP_CONFIRM_UPGRADE returns: 0 lets it happen, -1 hangs up; the refusal
 * (400, 403, 404, 426) has been sent then, where there is still something to answer.
 */
int ws_upgrade_check(struct lws *wsi, const struct ws_upgrade *upgrade);

#endif
