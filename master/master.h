/*
 * The master: makes everything the workers share, forks them, and then only waits.
 *
 *	master_run
 *	  open      files, segment, sockets, keys, names       (an error here: exit 1 or 2)
 *	  fork      one worker a slot
 *	  loop      signals, deaths, claims, chat-keys, the keys file
 *	            SIGUSR2: exec of the new binary, which goes on in this loop (upgrade.h, adopt.h)
 *	  drain     bye to everyone, wait, kill what is left
 *	  close     the registry's image is saved, the segment goes
 *
 * Once it has forked it takes no shared lock: it must stay alive whatever a worker
 * died holding.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "base/config.h"
#include "master/children.h"
#include "master/claims.h"
#include "master/keys_reload.h"
#include "master/listen.h"
#include "master/names_server.h"
#include "master/notify.h"
#include "master/roll.h"
#include "master/server_names.h"
#include "master/tls_files.h"
#include "master/upgrade.h"
#include "master/supervisor.h"
#include "master/walls_log.h"
#include "shm/segment.h"

#include <stdbool.h>
#include <stdint.h>

#define MASTER_EXIT_OK 0
#define MASTER_EXIT_FAILED 1 /* it could not start, or no worker can run */
#define MASTER_EXIT_USAGE 2

/* From SIGTERM on; all of it, the image's writing included, has 10 s. */
#define MASTER_DRAIN_MS 7000u

enum master_state {
	MASTER_STARTING, /* until each worker has said that it accepts */
	MASTER_ROLLING,  /* after an upgrade's exec: old workers are replaced */
	MASTER_RUNNING,
	MASTER_DRAINING, /* no worker is started any more */
	MASTER_ENDED     /* the last one is gone */
};

struct master {
	struct config config;
	enum master_state state;
	int exit_code;
	bool on_terminal;         /* it logs to its controlling terminal */
	uint64_t hangup_until_ms; /* look whether that is gone, after a SIGHUP */
	char instance[64];
	struct buf folder; /* <state-dir>/<instance> */
	int signal_fd;
	struct shm shm;
	bool segment_started, port_written;
	int bells[SLOTS_MAX][2];
	struct listeners listeners;
	int metrics_fd; /* of --metrics-listen; -1: none */
	struct host_names host;
	struct server_names server_names;
	struct tls_files tls;
	struct keys keys;
	struct names_server names_server;
	struct notify notify;
	struct account account; /* of the workers */
	struct children children;
	struct walls_log walls_log;
	struct supervisor_child supervisor; /* of the agents */
	struct upgrade upgrade;
	struct roll roll;        /* in MASTER_ROLLING */
	struct claims_held held; /* while it is silent */
	bool reload_due;         /* a SIGHUP came meanwhile */
	unsigned members;        /* users known at the start, for the first log line */
	uint64_t tick_due_ms, drain_by_ms;
};

/* After an upgrade's exec: what the master before has left (handover.h). NULL: none. */
struct handover;
/* `config` is taken over. Returns the process's exit code. */
int master_run(struct config *config, struct handover *handover);
/* SIGHUP's work: the configuration and the keys. */
void master_reload(struct master *master);
/* Dead children that are no workers are looked at from now on. */
void master_hear_of_others(struct master *master);

#endif
