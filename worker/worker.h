/*
 * The chat of one worker process: its connections, what they are subscribed to, and the
 * delivery of logs to them. It knows no event loop; whoever runs one calls
 *
 *	worker_init                     after the fork, before the first accept
 *	worker->control = ...           before the first accept, too
 *	ws_server_create(.., &worker_ws_handler or a copy of it, worker)
 *
 *	doorbell readable      worker_bell
 *	each turn of the loop  worker_flush     before it sleeps: own appends and replies go out
 *	each TIMERS_TICK_MS    timers_run(&worker->timers, now)
 *	each 250 ms            worker_janitor
 *	each second            worker_look
 *	each accepted socket   watch_file
 *	SIGHUP                 worker_reload
 *	the end                worker_drain, wait for worker_connections() == 0, worker_finish
 *
 *	receive -> conn -> dispatch -> handle_* -> append -> doorbell
 *	doorbell -> deliver -> subscribe -> ws_write
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "worker/inherit.h"
#include "worker/judged.h"
#include "worker/outbox.h"
#include "worker/timers.h"
#include "worker/watch.h"
#include "worker/ws.h"

#include "base/buf.h"
#include "base/log.h"
#include "proto/message.h"
#include "shm/janitor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKER_SPARE_OUTBOXES 64u
/* Two ticks: a process whose loop has not turned for so long stood still (stopped, starved). */
#define WORKER_STALL_MS 50u
/* From the look at a line's sender to the lock of its window; later it is `busy`. */
#define WORKER_LOCK_BY_MS 250u

struct broadcast;
struct conn;
struct control;
struct local_log;
struct local_user;

struct worker {
	const struct inherit *inherit; /* borrowed */
	const struct config *config;   /* borrowed; worker_reload changes it */
	struct keyring *keyring;       /* borrowed */
	struct control *control; /* borrowed, set by the loop's owner; NULL: claims are refused */
	struct shm shm;
	struct timers timers;
	struct janitor janitor;

	/* Connections, all of them, newest first. */
	struct conn *conns;
	unsigned conn_count;
	uint64_t conn_last_number; /* names a connection in the log */
	/* Those with something to write at the end of the turn. */
	struct conn *flush;
	/* Empty outboxes go round: an idle connection keeps none. */
	struct outbox *spare[WORKER_SPARE_OUTBOXES];
	unsigned spare_count;
	bool draining, restarting;
	unsigned retry_after_ms; /* told in `bye`; 0: not told */

	/* What the connections read (subscribe.h), by log (NULL: nobody here) and by user. */
	struct local_log **log_at;
	struct local_user *user_at;
	struct local_log **logs; /* the same logs without holes */
	unsigned log_count, log_cap;
	struct broadcast *broadcasts, **broadcasts_end; /* owned: news under way (broadcast.h) */
	bool dirty; /* there are dirty bits of ours to be looked at: deliver in worker_flush */
	uint32_t dirty_cursor; /* where the next look at them begins */
	uint32_t writes_left;  /* of this turn's share */
	/* Appended here since the last delivery, as what part of a room it fills. */
	uint64_t gathered_lines, gathered_bytes;
	bool burst;        /* the last message came right behind another of the same client */
	uint64_t awake_ms; /* the last turn of the loop; 0: none yet */
	bool woke_late;    /* before this turn we stood still: what it reads may be old */

	/* Of the keyring: every session here has been judged by it. */
	uint64_t judged_generation;
	struct judged judged;

	/* One frame under way: WS_HEADROOM bytes, then up to FRAME_MAX_BYTES of lines. */
	char *frame_memory;
	char *frame; /* = frame_memory + WS_HEADROOM */
	size_t frame_cap;
	struct buf line, line_tail;    /* scratch of whoever renders a line */
	struct message_parser *parser; /* scratch of dispatch */

	struct watch watch;
	uint64_t looked_changes; /* worker_look: what stood in the segment at the last one */
	uint64_t look_full_ms;   /* when everything is looked at though nothing changed */

	uint64_t log_next_ms; /* the periodic line about active connections */
	/* What strangers do is logged at a bounded rate (stranger.h). */
	struct log_limit refusals_logged, connects_logged;
};

/* 0 or -errno. Becomes the worker of inherit->slot in the segment: its old bits are cleared. */
int worker_init(struct worker *worker, const struct inherit *inherit);
/* After the last connection is gone. Accepts a worker whose init failed. */
void worker_finish(struct worker *worker);

/* The transport's verbs; `http` is NULL here. The server's data is the struct worker. */
extern const struct ws_handler worker_ws_handler;

void worker_bell(struct worker *worker);
void worker_flush(struct worker *worker);
void worker_janitor(struct worker *worker);
void worker_look(struct worker *worker);
/* `config` is borrowed from now on. */
void worker_reload(struct worker *worker, const struct config *config);
/*
 * Tells everyone `bye` and closes: 1001 with shutting_down, or 1012 with restart.
 * Connections that come later are told the same.
 */
void worker_drain(struct worker *worker, bool restart, unsigned retry_after_ms);
/* Makes the frame `need` bytes at least; what is in it may be lost. False: out of memory. */
bool worker_frame_fits(struct worker *worker, size_t need);
/* What worker_drain tells one connection. */
void worker_say_bye(struct conn *conn);
unsigned worker_connections(const struct worker *worker);

#endif
