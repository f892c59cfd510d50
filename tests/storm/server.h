/*
 * The real chat-master in a folder and an instance of its own, started, killed and started
 * again by the storm. Nothing here waits but server_finish: the programs go on meanwhile.
 */
#ifndef TESTS_STORM_SERVER_H
#define TESTS_STORM_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_WORKERS 4u
#define CHILDREN_MAX 64u

struct server {
	pid_t pid;     /* 0: not running */
	unsigned port; /* 0: not known yet */
	char program[256];
	char folder[64], keys[96], config[96], port_file[96], log[96], shm[96];
};

/* Makes the folder and the files; `keys` is the text of the authorized_keys. Exits on failure. */
void server_init(struct server *server, const char *build, const char *keys);
/* Stops it if it runs, and removes the folder; `keep` leaves it there for people. */
void server_finish(struct server *server, bool keep);

/* The port is kept over starts. */
void server_start(struct server *server);
/* True once it has said that it accepts. */
bool server_is_ready(struct server *server);
void server_signal(const struct server *server, int signal_number);
/* True if it has ended; *ret_status is its exit code, or 128 + the signal. */
bool server_has_ended(struct server *server, int *ret_status);
/* The pids of the workers: how many. */
unsigned server_workers(const struct server *server, pid_t ret_pids[CHILDREN_MAX]);
/* "chat-worker-2": its pid, or 0. */
pid_t server_worker_named(const struct server *server, const char *name);
/* The worker that logged the user's login last, or 0. */
pid_t server_worker_of(const struct server *server, const char *user);
bool server_left_segment(const struct server *server);

#endif
