/*
 * Whether a client takes what is written to it.
 *
 * While bytes wait for it, in libwebsockets or in the kernel, its pongs say nothing: the pings
 * stand behind those bytes. So it is watched instead: once a second we look how much its kernel
 * has taken, and --slow-timeout seconds without a byte more are too slow. A client that reads
 * slowly, but reads, is left alone for ever; in a room it is told a gap now and then.
 *
 *	the socket is full:  progress_watch(conn, now)
 *	a ping is due:       progress_watch_waiting(conn, now) or ping
 *	the timer:           progress_due(conn, now) at conn->progress->look_ms
 */
#ifndef WORKER_PROGRESS_H
#define WORKER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct conn;

struct progress {
	uint64_t look_ms;  /* the next look */
	uint64_t since_ms; /* nothing more was taken since then */
	uint64_t taken;    /* at the last look */
	bool looked;       /* `taken` counts */
};

/*
 * From now on, unless it is watched already. The caller sets the timer (conn_schedule). Out of
 * memory the connection is closed.
 */
void progress_watch(struct conn *conn, uint64_t now_ms);
/* The same where bytes wait in the kernel. False: none do; its pongs count. */
bool progress_watch_waiting(struct conn *conn, uint64_t now_ms);
/* A look: goes on watching, is done, or closes with too_slow. */
void progress_due(struct conn *conn, uint64_t now_ms);

#endif
