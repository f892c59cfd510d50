/*
 * A worker process: its event loop and the handles on it. The chat itself is in worker.h.
 *
 *	listen sockets ── accept ──> ws_gate ──> ws   doorbell ──> worker_bell
 *	control socket ──> control_receive            prepare  ──> worker_flush, once a turn
 *	--metrics-listen ─> process_http
 *	timer 25 ms ──> timers, janitor 250 ms,       SIGTERM  ──> drain, if no order comes
 *	                look 1 s
 */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include "worker/inherit.h"

/* Exit codes the master acts on. */
#define WORKER_EXIT_OK 0
#define WORKER_EXIT_NO_RESPAWN 2 /* it can't work at all: don't start it again */

/* Runs until drained; returns the exit code. Called right after the fork. */
int process_run(const struct inherit *inherit);

#endif
