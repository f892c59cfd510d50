/*
 * The options of chat-master, from the one table in options.def:
 *
 *	defaults < config file < CHAT_* environment < flags
 *
 *	err = config_load(&config, argc, argv, environ, &text);
 *	-EINVAL: each line of `text` is one thing that is wrong: print it, exit 2
 *	config.help, .version, .print_config, .check_config: the master answers and exits 0
 *
 * A list (server-name) given in one place replaces the one from the place before.
 * An empty environment variable counts as not set. In the file `[section]` is a
 * heading without meaning, but for [agent.NAME] (config_agent.h); `#` begins a comment at a line's start or behind white
 * space, and "..." keeps a value's blanks.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buf.h"
#include "base/config_agent.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_NAMES_MAX 32u

struct config_names {
	char *name[SERVER_NAMES_MAX]; /* owned; as written: auth makes them canonical */
	unsigned count;
};

/* What config_load was called with, kept for config_reload. Owned. */
struct config_call {
	int argc;
	char **argv;
	char **envp; /* CHAT_*, HOME and XDG_STATE_HOME only */
};

/*
 * Strings are owned, never NULL, "" where there is none. Of numbers whose option
 * says so, 0 means "no limit".
 */
struct config {
	/* listen */
	char *host;      /* "*": every address; "localhost": 127.0.0.1 and ::1 */
	uint32_t port;   /* 0: any free one */
	char *port_file; /* "": none */
	struct config_names server_names;
	uint32_t workers;     /* 1 .. WORKERS_MAX */
	char *metrics_listen; /* "ADDR:PORT"; "": on the same port, for loopback peers */
	/* tls */
	char *tls_cert; /* "": one of our own */
	char *tls_key;  /* "": in tls_cert's file */
	bool insecure_plain;
	struct config_names trusted_proxies; /* as written: auth reads them */
	/* keys */
	char *authorized_keys;
	uint32_t names_per_key;
	uint32_t max_keys;
	/* walls */
	char *user; /* of the workers; "": see base/account.h */
	/* state */
	char *state_dir;
	char *instance; /* "": the port, once it is bound */
	/* log */
	enum log_format log_format;
	enum log_level log_level;
	uint32_t stats_interval; /* s; 0: none */
	/* tables: all > 0 */
	uint32_t max_users;
	uint32_t max_devices;
	uint32_t max_connections;
	uint32_t max_rooms;
	uint32_t room_bytes; /* an inbox a quarter */
	uint32_t room_lines; /* an inbox a quarter */
	uint32_t max_penalties;
	uint32_t max_worker_memory; /* 0: the machine's, divided by the workers */
	/* sizes: all > 0 */
	uint32_t max_frame, max_line; /* bytes */
	uint32_t max_content;         /* characters, at most CONTENT_CHARS_LIMIT */
	/* limits: 0 means none */
	uint32_t rate; /* messages a second per user */
	uint32_t burst;
	uint32_t max_connections_per_user;
	uint32_t max_connections_per_address;
	uint32_t max_pending_logins; /* per address */
	uint32_t max_rooms_per_user;
	uint32_t room_capacity;
	uint32_t presence_limit;
	uint32_t max_startups;  /* not logged in yet, in all */
	uint32_t penalty_after; /* failures in a minute; never 0 */
	uint32_t penalty_auth_failed, penalty_auth_timeout, penalty_max; /* s */
	uint32_t login_timeout; /* s */
	uint32_t idle_timeout;  /* s */
	uint32_t ping_interval; /* s */
	struct config_agents agents; /* the [agent.NAME] sections; live: SIGHUP changes them */
	uint32_t slow_timeout;  /* s */
	/* call */
	char *config_file; /* "": none */
	bool check_config, print_config, fingerprint, version, help;

	struct config_call call;
};

/*
 * Fills all of `ret_config`: 0; -EINVAL with one complaint a line in `errors`
 * (without a final newline); or -ENOMEM. On failure there is nothing to finish.
 * argv[0] is skipped; argv and envp are copied. With --help or --version nothing
 * else is looked at.
 */
int config_load(struct config *ret_config, int argc, char **argv, char **envp, struct buf *errors);

/*
 * Loads once more what `running` was loaded from, for SIGHUP. Options that can't
 * change in a running server keep their values; each of them that would have
 * changed is a line in `notes` ("port: 8080 stays, 9090 needs a restart").
 * Results as config_load's, complaints in `notes`; on failure go on with `running`.
 */
int config_reload(const struct config *running, struct config *ret_config, struct buf *notes);

/* What a reload has changed, a line each: `rate: "20" was "10"`. */
void config_changes(const struct config *before, const struct config *now, struct buf *out);

/*
 * The same as config_reload for one option, by its name and its value as text: for a new process that takes over
 * what a running one has made. Other kinds of options and unknown names are left alone. 0, or
 * -EINVAL: this build can't have that value; -ENOMEM.
 */
int config_keep(struct config *fresh, const char *name, const char *value, struct buf *notes);

/* Accepts a zeroed struct. */
void config_finish(struct config *config);

/* All options as a config file that reads back as the same. */
void config_print(const struct config *config, struct buf *out);
/* What --help prints. */
void config_help(struct buf *out);

#endif
