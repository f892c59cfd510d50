/*
 * chat-client itself: joins what the command line wants, the keys, the connection, the session and
 * what the person sees.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/options.h"
#include "client/settings.h"

/* What scripts learn from the exit status (docs/client.md). */
enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_REFUSED = 1,
	EXIT_STATUS_USAGE = 2,
	EXIT_STATUS_LOGIN = 3,
	EXIT_STATUS_NETWORK = 4,
	EXIT_STATUS_TIMEOUT = 5,
};

/* Runs until the person or the server ends it; the exit status. Errors are told on stderr. */
int client_run(const struct options *options, struct settings *settings);

#endif
