/*
 * The servers that are measured, as child processes on a CPU of their own, and what the
 * kernel says of them.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct chat_size {
	unsigned workers, cpus; /* cpus: how many from CPU 0 on it may use */
	uint32_t connections, rooms;
	bool no_pings;
};

struct server {
	pid_t pid;
	unsigned port;
	char folder[64]; /* keys, state and log of a chat-master; "" for a floor */
};

struct server_memory {
	uint64_t process_bytes; /* PSS without shared memory, all processes */
	uint64_t shared_bytes;  /* shared memory that is in use */
};

/* Exit with a message if it doesn't start. A floor is on CPU 0. */
void server_start_floor(struct server *server, const char *build, const char *mode,
			unsigned frame_bytes);
/* public_key: the one line of its authorized_keys. All limits are lifted. */
void server_start_chat(struct server *server, const char *build, const char *public_key,
		       const struct chat_size *size);
/* Stops it, and starts it again with what it has kept: names, users, rooms. */
void server_restart_chat(struct server *server, const char *build, const struct chat_size *size);
/* A SIGHUP: what can be changed in a running server is as `size` says from now on. */
void server_reload_chat(struct server *server, const struct chat_size *size);
/* Which of the workers holds the connection from that local port: an index, -1: none. */
int server_worker_of(const struct server *server, unsigned client_port);
void server_stop(struct server *server);

/* CPU time of the process and its living children so far. */
uint64_t server_cpu_ns(const struct server *server);
struct server_memory server_memory(const struct server *server);

#endif
