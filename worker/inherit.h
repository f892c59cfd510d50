/*
 * All that a worker gets from the master over the fork: nothing else of the
 * master's memory may be used by it.
 */
#ifndef WORKER_INHERIT_H
#define WORKER_INHERIT_H

#include "auth/keyring.h"
#include "base/account.h"
#include "base/config.h"
#include "shm/agent_board.h"
#include "shm/segment.h"
#include "worker/tls_share.h"

struct inherit {
	unsigned slot;                 /* 0 .. config->workers - 1 */
	struct shm shm;                /* slot and generation are set by segment_enter_worker */
	const struct config *config;   /* as of the fork; a reload changes the worker's own copy */
	const struct account *account; /* whom it runs as */
	const struct agent_board *agents; /* what the supervisor's agents do; NULL: none */
	struct keyring *keyring;          /* this process's view of the sealed memfd: read only */
	struct tls_share *tls; /* owned: certificate and keys, as the master publishes them */
	int listen_fds[8]; /* this worker's SO_REUSEPORT sockets, nonblocking; -1 ends the list */
	int metrics_fd;    /* a listen socket that all workers share; -1: none */
	int control_fd;    /* SOCK_SEQPACKET to the master, see control.h; nonblocking */
	unsigned port;     /* the one that was bound, for the list of server names */
	bool wildcard; /* bound to every address: a connection's own local one is a server name */
};

#endif
