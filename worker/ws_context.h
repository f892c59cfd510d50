/*
 * libwebsockets set up for a worker: one context in our loop, with two virtual hosts that
 * differ in one thing, whether their connections speak TLS. Neither listens: which of them a
 * socket is handed to is decided by its first byte (ws_gate.h).
 */
#ifndef WORKER_WS_CONTEXT_H
#define WORKER_WS_CONTEXT_H

#include <stdbool.h>

struct lws_context;
struct lws_protocols;
struct lws_vhost;
struct lws_retry_bo;
struct uv_loop_s;

struct ws_context_options {
	struct uv_loop_s *loop;
	const struct lws_protocols *protocols;
	const struct lws_retry_bo *keepalive; /* all zero: pings are ours */
	unsigned handshake_s;
	void *user; /* what lws_get_vhost_user() gives */
	bool tls;   /* with the second virtual host */
};

struct ws_context {
	struct lws_context *lws;
	struct lws_vhost *plain, *tls; /* tls NULL: not asked for */
};

/* 0, or -ENOTSUP (logged): libwebsockets or its libuv plugin can't be used. */
int ws_context_open(const struct ws_context_options *options, struct ws_context *ret_context);

#endif
