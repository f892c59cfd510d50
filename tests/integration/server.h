/*
 * A real chat-master with its workers, on loopback, in a folder and an instance of its own.
 *
 *	struct server *s = server_with(.users = "alice bob", .args = "--room-lines 16");
 *
 * The test's end stops it and looks whether it went as it should: exit 0 within
 * 10 s, no worker and no /dev/shm/chat-<instance> left behind.
 */
#ifndef TESTS_INTEGRATION_SERVER_H
#define TESTS_INTEGRATION_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SERVER_WORKERS_MAX 8

struct server_options {
	const char *users;      /* whose derived keys may come in; NULL: alice bob carol dave */
	const char *keys;       /* the whole authorized_keys instead */
	unsigned workers;       /* 0: 2 */
	const char *program;    /* a path; NULL: chat-master of this build */
	const char *args;       /* more flags, separated by spaces */
	const char *const *env; /* "CHAT_X=y", ends with NULL */
	bool port_is_kept;      /* a restart takes the same port again */
	bool faults_expected;   /* workers may die of other signals than 9 */
	unsigned open_files;    /* RLIMIT_NOFILE, soft and hard; 0: as here */
	const char *log_path;   /* NULL: in the test's folder */
};

struct server {
	pid_t pid; /* 0: not running */
	unsigned port;
	char address[32]; /* "127.0.0.1:PORT", what a login names */
	char instance[64];
	char shm_path[96]; /* /dev/shm/chat-INSTANCE */
	char *state_dir;
	char *keys_path;
	char *port_file;
	char *log_path;
	unsigned workers;
	struct server_options options; /* strings borrowed for the test's life */
};

/* Returns when the port file is there: the server accepts. */
struct server *server_start(const struct server_options *options);
#define server_with(...) server_start(&(struct server_options){__VA_ARGS__})

/* The text of an authorized_keys file with the derived keys of these users. */
char *keys_of(const char *users);

/* SIGTERM; exit 0 within 10 s, nothing left behind. */
void server_stop(struct server *s);
/* kill -9 of the master alone; returns when it is gone. */
void server_kill(struct server *s);
/* Starts again after one of these: same folder, keys, instance (and port, if kept). */
void server_restart(struct server *s);
/* Starts without waiting for readiness, for tests of starts that fail: the pid. */
pid_t server_spawn(struct server *s);
/* Waits for the port file of a spawned server. */
void server_wait_ready(struct server *s);
void server_signal(struct server *s, int signal);

/* The pid of the process named chat-worker-N below this master; waits for it. */
pid_t server_worker(struct server *s, unsigned n);
/* kill -9 of worker N; returns when its successor is there. */
void server_kill_worker(struct server *s, unsigned n);

/* The first log line at or after *offset (NULL: 0) that holds both texts, parsed; waits for it. */
json_t *server_log_await(struct server *s, size_t *offset, const char *text, const char *text2);
/* Bytes in the log now. */
size_t server_log_size(struct server *s);
/* The number N of the worker that logged the user's login last. */
unsigned server_worker_of(struct server *s, const char *user);

/* A number from /metrics: the sum of all samples of that name; -1 if there is none. */
double server_metric(struct server *s, const char *name);

#endif
