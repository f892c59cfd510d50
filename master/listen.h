/*
 * The listening sockets: for each worker its own on each address, all of them kept open
 * by the master, so that connections to a dead worker wait for its successor.
 *
 *	the first of an address is bound without SO_REUSEPORT: a stray server on the
 *	same port, one of the same user included, is found out here (EADDRINUSE);
 *	then it gets the option, and the others join it.
 *
 * One shared socket gives nearly everything to one worker; SO_REUSEPORT spreads by hash.
 */
#ifndef MASTER_LISTEN_H
#define MASTER_LISTEN_H

#include "base/buf.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

/* Addresses that one --host can mean; one less than inherit.h's list, which ends with -1. */
#define LISTEN_ADDRESSES_MAX 7u

struct listeners {
	unsigned port;
	bool wildcard; /* bound to every address */
	unsigned workers;
	unsigned addresses;
	int fds[WORKERS_MAX][LISTEN_ADDRESSES_MAX]; /* owned, nonblocking, close-on-exec */
	char text[256];                             /* "127.0.0.1:8080, [::1]:8080" */
};

/* None yet. */
void listen_init(struct listeners *listeners);
/* Is there such a host? As listen_open, without opening anything: 0 or -EINVAL. */
int listen_check(const char *host, struct buf *error);
/*
 * `host` is an address or a name ("*": every address, "localhost": both loopback addresses; of
 * IPv4 and IPv6 the one that this machine has, when it lacks the other); port 0 takes one that is
 *free on all of them. 0, or with one sentence for the operator in `error`: -EINVAL      no such
 *host -EADDRINUSE  another server is there -errno       else
 */
int listen_open(const char *host, unsigned port, unsigned workers, struct listeners *ret_listeners,
		struct buf *error);
/* A child keeps its own only: closes the others' and copies its own to `own`, -1 behind them. */
void listen_enter_worker(struct listeners *listeners, unsigned worker, int *own, size_t own_count);
/* Closes all. A zeroed struct with workers 0 is fine. */
void listen_close(struct listeners *listeners);

#endif
