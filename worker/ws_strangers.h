/*
 * The transport's sockets whose peers have not logged in, unfinished handshakes among them: so
 * that one of them can be drawn at random. A socket remembers its place in its opaque data.
 */
#ifndef WORKER_WS_STRANGERS_H
#define WORKER_WS_STRANGERS_H

struct lws;

struct ws_strangers {
	struct lws **list; /* owned */
	unsigned count, cap;
};

/* Out of memory: it isn't counted, and can't be drawn. */
void ws_strangers_add(struct ws_strangers *strangers, struct lws *wsi);
/* It is known now, or gone. One that isn't among them is fine. */
void ws_strangers_remove(struct ws_strangers *strangers, struct lws *wsi);
/* NULL: there is none. */
struct lws *ws_strangers_draw(const struct ws_strangers *strangers);
void ws_strangers_finish(struct ws_strangers *strangers);

#endif
