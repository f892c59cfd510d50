#include "bench/idle.h"

#include "bench/load.h"
#include "bench/report.h"

#include "base/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_MAX 9
#define GENERATORS 4u
#define MEMBERS 10u
#define AT_A_TIME 250u
#define PING_MS 25000u  /* the server's ping interval */
#define QUIET_MS 10000u /* without pings */
#define QUICK_MS 3000u
#define USERS_MAX 6000u /* whoever has more connections has them as several devices */

static void poll_for(struct bench *bench, unsigned ms)
{
	uint64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until)
		bench_poll(bench, 50);
}

/* The server's share of a CPU while nobody says anything, in %. */
static double idle_percent(struct bench *bench, const struct server *server, unsigned ms)
{
	uint64_t begin_cpu = server_cpu_ns(server), begin_ns = clock_mono_ns();

	poll_for(bench, ms);
	return (double)(server_cpu_ns(server) - begin_cpu) / (double)(clock_mono_ns() - begin_ns) *
	       100;
}

void idle_connections(const char *build, uint32_t count, bool quick)
{
	struct chat_size size = {.workers = 1, .cpus = 1, .connections = count, .rooms = 8};
	struct server_memory before, after;
	struct server server;
	struct bench bench;
	char pings[32] = "";

	/* The first time names are taken, which is memory that connections don't cost. */
	bench_init(&bench, true, count);
	server_start_chat(&server, build, bench.authorized_key, &size);
	bench.port = server.port;
	bench_connect_all(&bench, 64);
	bench_disconnect_all(&bench);
	server_restart_chat(&server, build, &size);
	bench.port = server.port;
	poll_for(&bench, 1000);
	before = server_memory(&server);
	bench_connect_all(&bench, 64);
	poll_for(&bench, 3000);
	after = server_memory(&server);
	/* A whole interval: each is pinged once. */
	if (!quick)
		snprintf(pings, sizeof(pings), "%.2f %% CPU, ",
			 idle_percent(&bench, &server, PING_MS));
	size.no_pings = true;
	server_reload_chat(&server, &size);
	poll_for(&bench, 1000);
	report_row("| W4: %u idle connections | %.2f kB of process memory each, %.2f kB shared | "
		   "%s%.2f %% between pings |\n",
		   count, (double)(after.process_bytes - before.process_bytes) / count / 1000,
		   (double)(after.shared_bytes - before.shared_bytes) / count / 1000, pings,
		   idle_percent(&bench, &server, quick ? QUICK_MS : QUIET_MS));
	bench_finish(&bench);
	server_stop(&server);
}

/*
 * CPU of the server per connection. A worker holds only so many that have not logged in, so they
 * come AT_A_TIME and hang up, which isn't counted. Each has a name of its own.
 */
static double connect_us(struct server *server, struct bench *bench, uint32_t count)
{
	uint64_t cpu = 0;

	bench->port = server->port;
	for (uint32_t done = 0; done < count; done += bench->count) {
		uint64_t begin;

		for (uint32_t i = 0; i < bench->count; i++)
			bench->clients[i].number = done + i;
		poll_for(bench, 100);
		begin = server_cpu_ns(server);
		bench_connect_all(bench, 32);
		cpu += server_cpu_ns(server) - begin;
		bench_disconnect_all(bench);
	}
	return (double)cpu / 1000 / count;
}

static double floor_us(const char *build, uint32_t count)
{
	struct server server;
	struct bench bench;
	double us;

	bench_init(&bench, false, AT_A_TIME);
	server_start_floor(&server, build, "A", 0);
	us = connect_us(&server, &bench, count);
	bench_finish(&bench);
	server_stop(&server);
	return us;
}

void idle_connects(const char *build, uint32_t count, unsigned rounds)
{
	const struct chat_size size = {.workers = 1, .cpus = 1, .connections = count, .rooms = 8};
	double floor[ROUNDS_MAX], handshake[ROUNDS_MAX], first[ROUNDS_MAX], known[ROUNDS_MAX];
	double ratio[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++) {
		struct server server;
		struct bench bench;

		floor[i] = floor_us(build, count);
		bench_init(&bench, true, AT_A_TIME);
		bench.users = count;
		server_start_chat(&server, build, bench.authorized_key, &size);
		bench.only_handshake = true;
		handshake[i] = connect_us(&server, &bench, count);
		ratio[i] = handshake[i] / floor[i];
		bench.only_handshake = false;
		bench.only_login = true;
		first[i] = connect_us(&server, &bench, count) - handshake[i];
		server_restart_chat(&server, build, &size);
		known[i] = connect_us(&server, &bench, count) - handshake[i];
		bench_finish(&bench);
		server_stop(&server);
	}
	report_row("| W5: connect | floor %.1f µs, handshake and challenge %.1f µs (**%.2f** ×) | "
		   "+ login of a known name **%.1f** µs, of a new name %.1f µs |\n",
		   report_median(floor, rounds), report_median(handshake, rounds),
		   report_median(ratio, rounds), report_median(known, rounds),
		   report_median(first, rounds));
}

/* ---- a great many ---- */

struct share {
	_Atomic unsigned connected; /* generators that have all theirs */
	struct {
		uint64_t due, came, bad;
		uint32_t p50_us, p99_us, held;
	} part[GENERATORS];
};

/* One generator's part: `bench` is a copy of the one that has the key. */
static void generate(struct bench *key, struct share *share, unsigned part, uint32_t count,
		     uint32_t all, unsigned seconds)
{
	struct load load = {.rooms = count / MEMBERS, .members = MEMBERS};
	struct bench bench;
	uint64_t due;

	load.per_s = load.rooms;
	bench_init(&bench, true, count);
	memcpy(bench.secret, key->secret, sizeof(bench.secret));
	memcpy(bench.public_key, key->public_key, sizeof(bench.public_key));
	bench.port = key->port;
	bench.users = all < USERS_MAX ? all : USERS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		bench.clients[i].number = part * count + i;
		bench.clients[i].room = (part * count + i) / MEMBERS;
		bench.clients[i].publisher = i % MEMBERS == 0;
	}
	bench_connect_all(&bench, 16);
	share->part[part].held = bench.ready;
	atomic_fetch_add(&share->connected, 1);
	while (atomic_load(&share->connected) < GENERATORS)
		bench_poll(&bench, 50);
	load_publish_paced(&bench, &load, clock_mono_ns() + (uint64_t)seconds * 1000000000);
	due = load_due(&bench, &load);
	load_wait_for_all(&bench, due);
	share->part[part].due = due;
	share->part[part].came = bench.deliveries;
	share->part[part].bad = bench.bad;
	share->part[part].p50_us = latencies_percentile(&bench.latencies[0], 50);
	share->part[part].p99_us = latencies_percentile(&bench.latencies[0], 99);
	bench_finish(&bench);
}

static void report_many(const struct share *share, uint32_t count, unsigned seconds, bool whole)
{
	uint64_t due = 0, came = 0, bad = 0;
	uint32_t held = 0;

	for (unsigned i = 0; i < GENERATORS; i++) {
		due += share->part[i].due;
		came += share->part[i].came;
		bad += share->part[i].bad;
		held += share->part[i].held;
	}
	bad += due > came ? due - came : came - due;
	report_bad(bad + !whole);
	report_row("| W9: %u connections over 4 workers, a message a second in each of %u rooms | "
		   "%u held for %u s%s, %.1f M deliveries, %lu wrong | p50 / p99 %u / %u µs |\n",
		   count, count / MEMBERS, held, seconds, whole ? "" : " (a generator failed)",
		   (double)came / 1e6, (unsigned long)bad, share->part[0].p50_us,
		   share->part[0].p99_us);
}

void idle_many(const char *build, uint32_t count, unsigned seconds)
{
	const struct chat_size size = {
		.workers = 4, .cpus = 2, .connections = count, .rooms = count / MEMBERS};
	struct share *share = mmap(NULL, sizeof(*share), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[GENERATORS];
	struct server server;
	struct bench key;
	bool whole = true;

	if (share == MAP_FAILED)
		return;
	bench_init(&key, true, 1);
	server_start_chat(&server, build, key.authorized_key, &size);
	key.port = server.port;
	fflush(stdout);
	for (unsigned i = 0; i < GENERATORS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			generate(&key, share, i, count / GENERATORS, count, seconds);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < GENERATORS; i++) {
		int status = 0;

		whole &= pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0;
		/* The others would wait for it for ever. */
		for (unsigned j = i + 1; !whole && j < GENERATORS; j++)
			if (pids[j] > 0)
				kill(pids[j], SIGKILL);
	}
	report_many(share, count, seconds, whole);
	bench_finish(&key);
	server_stop(&server);
	munmap(share, sizeof(*share));
}
