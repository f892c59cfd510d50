/*
 * What a worker answers to a GET that is no WebSocket: for people who point a browser at
 * the port, for load balancers and for Prometheus.
 *
 *	/          a page that says how to join
 *	/healthz   200 "ok": this process runs
 *	/readyz    200 "ready", or 503 "draining"
 *	/metrics   metrics.h
 */
#ifndef WORKER_HTTP_H
#define WORKER_HTTP_H

#include "base/buf.h"

/* struct ws_handler's http; server_data is the struct worker. */
unsigned http_answer(void *server_data, const char *path, struct buf *body,
		     const char **ret_content_type);

#endif
