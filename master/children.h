/*
 * The worker processes: one a slot, forked, reaped, started again.
 *
 *	due ──fork──> running ──reap──> due again at once, or after a delay (respawn.h)
 *	                 │                └─ exit code 2: given up
 *	                 └─ READY: it accepts
 *
 * A slot's control socket is made at each fork. The segment hears of births and
 * deaths through single stores: no lock is taken here.
 */
#ifndef MASTER_CHILDREN_H
#define MASTER_CHILDREN_H

#include "base/limits.h"
#include "master/respawn.h"
#include "worker/control.h"
#include "worker/inherit.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A worker whose loop stands still for so long gets SIGABRT, for it may hold a lock, and says
 * where it stands (panic_log.h); one that is still there after the second time (stopped, or stuck in the kernel) SIGKILL.
 */
#define CHILD_STUCK_MS 5000u
#define CHILD_ABORT_MS 1000u

struct child {
	pid_t pid;      /* 0: none */
	int control_fd; /* the master's end; -1: none */
	uint64_t born_mono_ms;
	uint64_t due_mono_ms; /* while there is none: when to fork */
	struct respawn respawn;
	bool ready;    /* it has said so */
	bool reported; /* ... at least once: `walls` counts */
	struct walls_report walls;
	bool given_up;            /* it said that starting it again is of no use */
	bool distrusted;          /* we killed it for what it did: its logs are audited */
	bool old;                 /* of the binary before the upgrade */
	bool ordered;             /* we told this one to end: it is no failure of its */
	bool keyring_due;         /* it was given a keyring and has not said that it reads it */
	uint64_t aborted_mono_ms; /* when it got SIGABRT from us; 0: not */
};

struct children {
	unsigned count;
	struct child child[WORKERS_MAX];
	/* A dead child that is no worker; NULL: nobody asks. */
	void (*other_died)(void *data, pid_t pid, int status, uint64_t now_mono_ms);
	void *other_data;
	uint64_t watched_mono_ms;    /* the last look at their heartbeats */
	uint64_t watch_from_mono_ms; /* since when we have been awake ourselves */
};

/* What a worker process runs; process_run, but for tests. */
typedef int child_fn(const struct inherit *inherit);

struct child_world {
	struct shm *shm;
	child_fn *run;
	/*
	 * In the child, after the fork: closes what isn't the worker's, fills config, listen_fds,
	 * port and keyring. 0 or -errno.
	 */
	int (*enter)(void *data, unsigned slot, struct inherit *inherit);
	void *data;
};

void children_init(struct children *children, unsigned count);
/* Forks all that are due. Returns in the master only. */
void children_fork_due(struct children *children, const struct child_world *world,
		       uint64_t now_mono_ms);
/*
 * Collects the dead: tells the segment, rings every other worker (a ringer may have died between
 * the flag and the datagram), and sets when to start again. `ending`: exits are as ordered.
 */
void children_reap(struct children *children, struct shm *shm, bool ending, uint64_t now_mono_ms);
/* Kills those whose heartbeat stands still. Once a second. */
void children_watch(struct children *children, struct shm *shm, uint64_t now_mono_ms);

/* One that doesn't do as it was told: its connections come back to its successor. */
void child_kill_late(struct child *child, unsigned slot, const char *why);
/* To each that runs; one that can't be told is logged and gets `or_signal` (0: nothing). */
void children_tell(struct children *children, const struct control_packet *packet, int or_signal);
/* A worker's packet makes no sense: it is not sane any more. */
void child_distrust(struct child *child, unsigned slot);
void children_kill(struct children *children, int signal_number);

/* None is between its birth and its first word: nobody holds what only the master should. */
bool children_settled(const struct children *children);
unsigned children_running(const struct children *children);
/* Each has said that it accepts, or is given up; and one at least accepts. */
bool children_ready(const struct children *children);
bool children_given_up(const struct children *children);
/* ms until the next fork is due, or -1. */
int children_wait_ms(const struct children *children, uint64_t now_mono_ms);
/* In a child: closes the master's ends of all control sockets. */
void children_enter_child(struct children *children);

#endif
