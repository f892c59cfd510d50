/*
 * Members of a room, thousands in one process: connect, upgrade, log in, join, publish, and
 * check every delivery for loss, doubles and order.
 *
 * The content of a message is CONTENT_BYTES long and begins with 8 hex digits of the
 * publisher's count and 16 of the time it was sent (ns, monotonic).
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define CONTENT_BYTES 128u
#define LATENCY_GROUPS 2u

enum client_state {
	CLIENT_CONNECTING,
	CLIENT_UPGRADING,
	CLIENT_LOGGING_IN,
	CLIENT_JOINING,
	CLIENT_READY
};

struct bench;

struct client {
	struct bench *bench;
	int fd;
	enum client_state state;
	uint32_t number; /* the user is "u<number % bench->users>", the device its own */
	uint32_t room;
	bool publisher;
	bool mute;               /* doesn't read any more */
	unsigned group;          /* whose latencies it adds to */
	uint32_t sent, answered; /* of a publisher */
	uint32_t got;            /* count of the message that came last */
	struct buf in;
};

struct latencies {
	uint32_t *us; /* samples; owned */
	uint32_t count, cap;
};

/* All clients of one run. */
struct bench {
	bool chat;           /* else a floor */
	bool only_handshake; /* ready once the challenge is there */
	bool only_login;     /* ready once the welcome is there */
	unsigned port;
	int epoll_fd;
	struct client *clients;
	uint32_t count, ready, users;
	uint32_t cut;             /* by a floor that met a full socket */
	uint64_t deliveries, bad; /* bad: doubled or out of order */
	uint64_t gaps;            /* lines the server says it can't deliver any more */
	uint64_t frames;          /* that carried them */
	size_t content_at;        /* where a line's content was last */
	uint64_t line_bytes;      /* length of a delivered line, the last one seen */
	uint64_t login_ns;        /* our own time spent on signing */
	struct latencies latencies[LATENCY_GROUPS];
	unsigned sample_every;
	unsigned char secret[64], public_key[32];
	char *authorized_key; /* the line; owned */
};

/* Makes the key pair; `count` clients, not connected. */
void bench_init(struct bench *bench, bool chat, uint32_t count);
void bench_finish(struct bench *bench);
/* Starts connecting; room and publisher are set by the caller before. */
void client_connect(struct client *client);
void client_publish(struct client *client, uint64_t now_ns);
/* Handles what has come for at most wait_ms. */
void bench_poll(struct bench *bench, int wait_ms);
/* Connects all, at most `at_once` under way. */
void bench_connect_all(struct bench *bench, uint32_t at_once);
/* Reads nothing from it any more. */
void client_mute(struct client *client);
/* Closes all connections; the clients may connect again. */
void bench_disconnect_all(struct bench *bench);
uint32_t latencies_percentile(struct latencies *latencies, double percent);

#endif
