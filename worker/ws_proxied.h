/*
 * Who a request comes from, where proxies are concerned. From a trusted one that is known by
 * now (ws_gate.h), or it isn't answered; from anybody else a header that only proxies write is
 * refused, so that nobody is told who he pretends to be, and a proxy that was forgotten in the
 * configuration is noticed.
 */
#ifndef WORKER_WS_PROXIED_H
#define WORKER_WS_PROXIED_H

#include "worker/ws.h"

struct lws;

/*
 * Looks at the request's headers, which are all there. 0, or the HTTP status to refuse with (then
 * *ret_text says why; it is logged at a bounded rate).
 */
unsigned ws_proxied_look(struct lws *wsi, const struct ws_arrival *arrival, const char **ret_text);
/* A line for a peer that speaks like a proxy and isn't trusted as one. */
void ws_proxied_log(const struct address *peer, const char *what);

#endif
