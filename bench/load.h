/*
 * A load: rooms with members, one publisher each, paced or flat out, against one server; every
 * delivery is counted.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/client.h"
#include "bench/server.h"

#include <stdbool.h>
#include <stdint.h>

enum kind { FLOOR_A, FLOOR_B, CHAT };

struct load {
	const char *name, *what;
	uint32_t rooms, members;
	uint32_t per_s;  /* messages a second in all; 0: flat out */
	uint32_t window; /* unanswered messages of a publisher, flat out */
	unsigned seconds;
	enum kind floor;  /* what it is compared with */
	unsigned workers; /* 0: one */
	uint32_t mute;    /* of the first room: the last ones, who never read */
	bool apart;       /* group 1 is on another worker than its publisher; on all CPUs */
};

struct figures {
	double cpu_us;          /* of the server, per delivery */
	double per_s;           /* deliveries by the wall clock */
	double lines_per_frame; /* how many came together */
	uint32_t p50_us[LATENCY_GROUPS], p99_us[LATENCY_GROUPS];
	uint64_t deliveries, line_bytes;
	uint64_t bad; /* lost, doubled or out of order */
	uint32_t cut; /* members a floor has cut since their sockets were full: not comparable */
};

/* frame_bytes: how long a floor's frames are. */
struct figures load_run(const struct load *load, enum kind kind, const char *build,
			unsigned frame_bytes);

/* For other loads: what is under way; returns when all is there or nothing has come for 5 s. */
void load_wait_for_all(struct bench *bench, uint64_t due);
/* per_s messages a second, the rooms in turn. */
void load_publish_paced(struct bench *bench, const struct load *load, uint64_t until_ns);
/* Deliveries that the messages sent so far make. */
uint64_t load_due(const struct bench *bench, const struct load *load);

#endif
