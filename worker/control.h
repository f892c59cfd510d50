/*
 * What a worker and the master say to each other: one private SOCK_SEQPACKET pair a
 * worker, one fixed struct a packet, no answer ever waited for.
 *
 *	worker                                  master
 *	READY   "I accept connections"   ───>   all ready: writes the port file; logs the walls
 *	CLAIM   "may this key be alice?" ───>   decides in order: append, fsync, publish
 *	                                 <───   CLAIMED  the verdict
 *	                                 <───   RELOAD   the configuration's numbers, read again
 *	                                 <───   DRAIN    say bye to everyone, then exit
 *	                                 <───   KEYRING  read this one from now on (a descriptor)
 *	KEYRING "I do"                   ───>   after an upgrade: all do, so it may publish
 *	STOPPED "drained, I exit"        ───>
 *
 * A worker's loop:
 *
 *	control = control_create(inherit->control_fd, &handler, data);
 *	readable:          control_receive(control)
 *	250 ms:            control_tick(control, clock_mono_ms())
 *	accepting:         control_ready(control)
 *
 *	control_claim(control, &claim, claimed, conn, &conn->claim);  ... claimed(conn, verdict)
 *	the connection goes first:  control_cancel(control, conn->claim)
 *
 * A claim is always answered: by the master, or after CONTROL_CLAIM_WAIT_MS with
 * CONTROL_UNAVAILABLE. A name that was granted late belongs to the key all the same; its
 * next login finds it in the keyring.
 */
#ifndef WORKER_CONTROL_H
#define WORKER_CONTROL_H

#include "auth/names.h"
#include "base/config_live.h"
#include "worker/walls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Claims under way in one worker: their answers fit into the socket, so the master never waits. */
#define CONTROL_CLAIMS_MAX 64u
#define CONTROL_CLAIM_WAIT_MS 5000u

/* ---- packets ------------------------------------------------------------------ */

enum control_kind {
	CONTROL_CLAIM = 1,
	CONTROL_CLAIMED,
	CONTROL_READY,
	CONTROL_STOPPED,
	CONTROL_RELOAD,
	CONTROL_DRAIN,
	CONTROL_KEYRING
};

enum control_verdict {
	CONTROL_GRANTED,    /* the name is this key's, and the keyring says so by now */
	CONTROL_TAKEN,      /* somebody was faster, or the keys changed: refresh, judge again */
	CONTROL_LIMIT,      /* the key has all the names it may take for itself: name_taken, too */
	CONTROL_UNAVAILABLE /* could not be written, or no answer came */
};

struct control_claimed {
	uint32_t verdict; /* enum control_verdict */
	uint32_t passed;  /* 1: granted, and it was somebody else's before */
};

struct control_drain {
	uint32_t close_code;     /* 1001 shutting_down, 1012 restart */
	uint32_t retry_after_ms; /* 0: not told */
	uint32_t within_ms; /* after that it exits, whoever is left; 0: the worker's own bound */
};

/* A worker can't open the file: the master reads it for all (base/config_live.h). */
struct control_reload {
	uint32_t count;
	uint32_t value[CONFIG_LIVE_MAX];
};

struct control_packet {
	uint32_t kind; /* enum control_kind */
	uint32_t zero;
	uint64_t request; /* CLAIM and CLAIMED: chosen by the worker, never 0 */
	union {
		struct name_claim claim;
		struct control_claimed claimed;
		struct control_drain drain;
		struct control_reload reload;
		struct walls_report walls; /* READY */
	};
};

/* Both ends, nonblocking and close-on-exec: 0 or -errno. */
int control_pair(int *ret_master_fd, int *ret_worker_fd);
/*
 * One packet, zero-filled by the caller before. Never blocks: 0, -EAGAIN when the socket
 * is full, -EPIPE, -errno.
 */
int control_send(int fd, const struct control_packet *packet);
/* The same, and a descriptor goes along (-1: none). */
int control_send_fd(int fd, const struct control_packet *packet, int along);
/*
 * The next packet: 1, 0 when there is none now, -EPIPE when the other side is gone,
 * -EBADMSG for one that no correct sender sends (wrong size, unknown kind, a string
 * without its NUL; it is consumed), or -errno.
 */
int control_read(int fd, struct control_packet *ret_packet);
/* The same, and the descriptor that came along, or -1: the caller's, close-on-exec. */
int control_read_fd(int fd, struct control_packet *ret_packet, int *ret_along);

/* ---- the worker's side ---------------------------------------------------------- */

struct control_handler {
	void (*reload)(void *data, const uint32_t *values, unsigned count);
	void (*drain)(void *data, const struct control_drain *drain);
	/* fd is borrowed. 0: it is read from now on, and the master hears so. */
	int (*keyring)(void *data, int fd);
};

struct control;

typedef void control_claimed_fn(void *data, enum control_verdict verdict);

/* fd is borrowed. NULL: out of memory. */
struct control *control_create(int fd, const struct control_handler *handler, void *data);
/* Claims under way are dropped without a call. NULL is fine. */
void control_destroy(struct control *control);

/* "I accept, behind these walls" and "I exit": 0 or -errno. */
int control_ready(struct control *control, const struct walls_report *walls);
int control_stopped(struct control *control);

/*
 * Asks for a name. `claimed` is called exactly once, later, from control_receive or
 * control_tick, never from here; unless control_cancel comes first. 0 and the request's number, or
 * -EAGAIN when too many are under way, -EPIPE, -errno: the client is then told `unavailable`.
 */
int control_claim(struct control *control, const struct name_claim *claim,
		  control_claimed_fn *claimed, void *data, uint64_t *ret_request);
/* `claimed` will not be called. 0 and numbers that are answered already are fine. */
void control_cancel(struct control *control, uint64_t request);
/* Reads what is there and calls back. 0, or -EPIPE: the master is gone (the kernel kills us). */
int control_receive(struct control *control);
/* Answers claims that waited too long with CONTROL_UNAVAILABLE. */
void control_tick(struct control *control, uint64_t now_mono_ms);

#endif
