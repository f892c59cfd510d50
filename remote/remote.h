/*
 * An agent that is a client: the machine of agents/agent.h, a program on this machine, and a
 * connection to a server anywhere, which comes back by itself. What it says waits until the server
 * has it, with the same id over every connection, so it is said once.
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include "remote/options.h"

/* Until it is told to stop, or its program is given up: the exit code (client/options.h). */
int remote_run(const struct remote_options *options);

#endif
