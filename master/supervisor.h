/*
 * The process of the agents (agents/supervisor.h), as the master sees it: one more child, in a
 * resident's slot, started where the configuration names agents, and started again when it dies.
 *
 *	supervisor_publish    each turn of the loop, before anybody is forked: whose names are
 *agents' supervisor_fork_due   each turn of the loop supervisor_reaped     every dead child that is
 *no worker supervisor_stop       at the end, and where the agents of the configuration are others
 *	supervisor_adopt      after an upgrade: the old binary's is told to stop, then ours starts
 */
#ifndef MASTER_SUPERVISOR_H
#define MASTER_SUPERVISOR_H

#include "agents/supervisor.h"
#include "master/respawn.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct supervisor_child {
	struct agent_board *board; /* shared with all children; never NULL once opened */
	pid_t pid;                 /* 0: none */
	bool ordered;              /* told to stop */
	bool old;                  /* of the binary before an upgrade */
	bool distrusted;           /* it was killed for standing still: the logs are audited */
	uint64_t born_mono_ms, due_mono_ms;
	struct respawn respawn;
};

/* Before the first fork: 0 or -ENOMEM. */
int supervisor_open(struct supervisor_child *sup);
/* One that runs already, if it is a child of ours. */
void supervisor_adopt(struct supervisor_child *sup, const struct shm *shm);
/* The board says what the configuration says, as soon as nobody writes to it. */
void supervisor_publish(struct supervisor_child *sup, const struct config *config);
/* `enter`, in the child: closes what isn't its own, opens its keyring. 0 or -errno. */
struct supervisor_world {
	struct shm *shm;
	const struct config *config;
	const struct account *account;
	const char *folder;
	int (*enter)(void *data, struct keyring **ret_keyring);
	void *data;
};
void supervisor_fork_due(struct supervisor_child *sup, const struct supervisor_world *world,
			 uint64_t now_mono_ms);
/* False: it wasn't it. */
bool supervisor_reaped(struct supervisor_child *sup, struct shm *shm, pid_t pid, int status,
		       uint64_t now_mono_ms);
void supervisor_stop(struct supervisor_child *sup);
void supervisor_kill(struct supervisor_child *sup);
/* The same, and waits until it is gone: nobody may write to what is saved next. */
void supervisor_end(struct supervisor_child *sup);
/* Kills one whose heart stands still. Once a second; `from`: since when we are awake ourselves. */
void supervisor_watch(struct supervisor_child *sup, struct shm *shm, uint64_t from_mono_ms,
		      uint64_t now_mono_ms);
/* ms until the next fork is due, or -1. */
int supervisor_wait_ms(const struct supervisor_child *sup, bool wanted, uint64_t now_mono_ms);

#endif
