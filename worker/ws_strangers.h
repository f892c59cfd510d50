/*
 * The transport's sockets whose peers have not logged in, unfinished handshakes among them: so
 * that one of them can be drawn at random. A socket remembers its place in its opaque data.
 */
#ifndef WORKER_WS_STRANGERS_H
#define WORKER_WS_STRANGERS_H

#include "worker/ws.h"

#include <stdbool.h>

struct lws;

struct ws_stranger {
	struct lws *wsi;
	struct ws_arrival arrival;
};

struct ws_strangers {
	struct ws_stranger *list; /* owned */
	unsigned count, cap;
};

/* False: out of memory; it isn't among them. */
bool ws_strangers_add(struct ws_strangers *strangers, struct lws *wsi,
		      const struct ws_arrival *arrival);
/* How it came; holds until the next add or remove. NULL: it isn't among them. */
const struct ws_arrival *ws_strangers_arrival(const struct ws_strangers *strangers,
					      struct lws *wsi);
/* It is known now, or gone. One that isn't among them is fine. */
void ws_strangers_remove(struct ws_strangers *strangers, struct lws *wsi);
/* NULL: there is none. */
struct lws *ws_strangers_draw(const struct ws_strangers *strangers);
void ws_strangers_finish(struct ws_strangers *strangers);

#endif
