/*
 * Is a server there? Connects, waits for the challenge, and for the answer to a `ping`, which needs
 * no key: what a health check asks (`chat-client --ping HOST`).
 */
#ifndef CLIENT_PING_H
#define CLIENT_PING_H

#include "client/options.h"

/* The exit status: 0, EXIT_STATUS_NETWORK, EXIT_STATUS_TIMEOUT, or EXIT_STATUS_LOGIN. What is wrong
 * is told on stderr. */
int ping_run(const struct options *options);

#endif
