/*
 * The master: makes everything the workers share, forks them, and then only waits.
 *
 *	master_run
 *	  open      files, segment, sockets, keys, names       (an error here: exit 1 or 2)
 *	  fork      one worker a slot
 *	  loop      signals, deaths, claims, chat-keys, the keys file
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
#include "master/keys_reload.h"
#include "master/listen.h"
#include "master/names_server.h"
#include "master/notify.h"
#include "master/server_names.h"
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
	struct keys keys;
	struct names_server names_server;
	struct notify notify;
	struct children children;
	unsigned members; /* users known at the start, for the first log line */
	uint64_t tick_due_ms, drain_by_ms;
};

/* `config` is taken over. Returns the process's exit code. */
int master_run(struct config *config);

#endif
