/*
 * What a worker answers to a GET that is no WebSocket: for people who point a browser at
 * the port, for load balancers and for Prometheus.
 *
 *	/          a page that says how to join
 *	/healthz   200 "ok": this process runs
 *	/readyz    200, or 503 (health.h says why)
 *	/metrics   metrics.h
 *
 * The last three tell how big the server is, so they are for peers on loopback (403 for others).
 * With --metrics-listen they are for whoever reaches that address, and are not here at all (404).
 */
#ifndef WORKER_HTTP_H
#define WORKER_HTTP_H

#include "base/buf.h"

#include <sys/socket.h>

struct worker;

/* struct ws_handler's http; server_data is the struct worker. */
unsigned http_answer(void *server_data, const struct sockaddr_storage *peer, const char *path,
		     struct buf *body, const char **ret_content_type);
/* The same on the address of --metrics-listen. */
unsigned http_answer_metrics(const struct worker *worker, const char *path, struct buf *body,
			     const char **ret_content_type);

#endif
