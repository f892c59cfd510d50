/*
 * The process that runs the agents of the configuration: a resident of the shared memory, which
 * reads the rooms' logs as any worker does, and appends to them. It knows no connection.
 *
 *	poll     doorbell, signals, the agents' pipes and guards
 *	read     what is new in their rooms          -> agent_hear
 *	listen   what their programs have written    -> say, partial
 *	tick     what is due                         -> start, stop, ask again
 *
 * SIGTERM: it stops all programs in order, and exits with 0. Killed, its successor begins where it
 * was: what is done stands in the agents' memory (memory.h), what is to be done in the logs.
 */
#ifndef AGENTS_SUPERVISOR_H
#define AGENTS_SUPERVISOR_H

#include "auth/keyring.h"
#include "base/config.h"
#include "shm/agent_board.h"
#include "shm/segment.h"

/* Once it is told to stop; then everything is killed. */
#define SUPERVISOR_STOP_MS 6000u

/* All that it gets from the master. */
struct supervisor_inherit {
	struct shm shm;
	const struct config *config;
	const struct account *account; /* of programs whose configuration names no user */
	struct keyring *keyring;
	struct agent_board *board;
	const char *folder; /* <state-dir>/<instance> */
};

/* Returns the process's exit code. */
int supervisor_run(const struct supervisor_inherit *inherit);

#endif
