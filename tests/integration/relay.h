/*
 * Somebody in the middle: takes TLS connections with a certificate of its own making and passes
 * what is said on to the server, over TLS as well, both ways. A process of its own; dies with
 * the test.
 */
#ifndef TESTS_INTEGRATION_RELAY_H
#define TESTS_INTEGRATION_RELAY_H

#include "tests/integration/server.h"

struct relay {
	unsigned port;
	char fingerprint[64]; /* of its key */
	int listener;
	void *ssl_ctx;
	pid_t pid;
};

/* Listens, on loopback; nobody is served before relay_serve. */
struct relay *relay_open(void);
void relay_serve(struct relay *relay, struct server *s);

#endif
