/*
 * make bench: our server beside the yardstick (floor.c), in one run, in interleaved rounds;
 * medians of the rounds. Server on CPU 0, this generator on CPU 1.
 *
 *	bench BUILD [--quick] [W1 W2 ...]
 *
 * Each delivery is checked; a run with a lost, doubled or reordered line says so and fails.
 */
#include "bench/client.h"
#include "bench/server.h"

#include "base/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define ROUNDS_MAX 9

enum kind { FLOOR_A, FLOOR_B, CHAT };

struct load {
	const char *name, *what;
	uint32_t rooms, members;
	uint32_t per_s;  /* messages a second in all; 0: flat out */
	uint32_t window; /* unanswered messages of a publisher, flat out */
	unsigned seconds;
	enum kind floor; /* what it is compared with */
};

struct figures {
	double cpu_us; /* of the server, per delivery */
	uint32_t p50_us, p99_us;
	uint64_t deliveries, bad, line_bytes;
};

static const char *build;
static unsigned rounds = 5;
static bool quick;
static bool failed;
/* As long as our lines on the wire, once we have seen one. */
static unsigned frame_bytes = 258;

static void start(struct server *server, struct bench *bench, enum kind kind, uint32_t count)
{
	bench_init(bench, kind == CHAT, count);
	if (kind == CHAT)
		server_start_chat(server, build, bench->authorized_key, 1, 1);
	else
		server_start_floor(server, build, kind == FLOOR_A ? "A" : "B", frame_bytes);
	bench->port = server->port;
}

static void publish_paced(struct bench *bench, const struct load *load, uint64_t until_ns)
{
	uint64_t gap_ns = UINT64_C(1000000000) / load->per_s;
	uint64_t next_ns = clock_mono_ns();
	uint32_t room = 0;

	for (uint64_t now = next_ns; now < until_ns; now = clock_mono_ns()) {
		while (next_ns <= now) {
			client_publish(&bench->clients[(size_t)room * load->members], now);
			room = (room + 1) % load->rooms;
			next_ns += gap_ns;
		}
		bench_poll(bench, next_ns - now > 1500000 ? (int)((next_ns - now) / 1000000) : 0);
	}
}

static void publish_flat_out(struct bench *bench, const struct load *load, uint64_t until_ns)
{
	for (uint64_t now = clock_mono_ns(); now < until_ns; now = clock_mono_ns()) {
		for (uint32_t room = 0; room < load->rooms; room++) {
			struct client *publisher = &bench->clients[(size_t)room * load->members];

			while (publisher->sent - publisher->answered < load->window)
				client_publish(publisher, now);
		}
		bench_poll(bench, 10);
	}
}

static uint64_t expected(const struct bench *bench, const struct load *load)
{
	uint64_t sum = 0;

	for (uint32_t room = 0; room < load->rooms; room++)
		sum += (uint64_t)bench->clients[(size_t)room * load->members].sent * load->members;
	return sum;
}

static struct figures run(const struct load *load, enum kind kind)
{
	struct figures figures = {0};
	struct server server;
	struct bench bench;
	uint64_t begin_ns, begin_cpu, end_ns, due;

	start(&server, &bench, kind, load->rooms * load->members);
	for (uint32_t i = 0; i < bench.count; i++) {
		bench.clients[i].room = i / load->members;
		bench.clients[i].publisher = i % load->members == 0;
	}
	bench_connect_all(&bench, 64);
	bench.sample_every = load->per_s > 0 ? 7 : 997;
	begin_cpu = server_cpu_ns(&server);
	begin_ns = clock_mono_ns();
	end_ns = begin_ns + (uint64_t)load->seconds * 1000000000;
	if (load->per_s > 0)
		publish_paced(&bench, load, end_ns);
	else
		publish_flat_out(&bench, load, end_ns);
	due = expected(&bench, load);
	for (int i = 0; i < 500 && bench.deliveries < due; i++)
		bench_poll(&bench, 10);
	figures.deliveries = bench.deliveries;
	figures.bad = bench.bad + (due - bench.deliveries);
	figures.cpu_us = (double)(server_cpu_ns(&server) - begin_cpu) / 1000 / (double)bench.deliveries;
	figures.p50_us = latencies_percentile(&bench.latencies, 50);
	figures.p99_us = latencies_percentile(&bench.latencies, 99);
	figures.line_bytes = bench.line_bytes;
	bench_finish(&bench);
	server_stop(&server);
	if (figures.bad > 0) {
		fprintf(stderr, "bench: %s (%s): %" PRIu64 " deliveries are lost, doubled or out of order\n",
			load->name, kind == CHAT ? "chat" : "floor", figures.bad);
		failed = true;
	}
	return figures;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare_double);
	return values[count / 2];
}

static void compare(const struct load *load)
{
	double ratio[ROUNDS_MAX], floor_us[ROUNDS_MAX], chat_us[ROUNDS_MAX];
	double p50[ROUNDS_MAX], p99[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++) {
		struct figures chat = run(load, CHAT), floor;

		frame_bytes = (unsigned)chat.line_bytes;
		floor = run(load, load->floor);
		ratio[i] = chat.cpu_us / floor.cpu_us;
		floor_us[i] = floor.cpu_us;
		chat_us[i] = chat.cpu_us;
		p50[i] = chat.p50_us;
		p99[i] = chat.p99_us;
	}
	printf("| %s: %s | %.3f | %.3f | **%.2f** | %.2f | %.0f / %.0f |\n", load->name, load->what,
	       median(floor_us, rounds), median(chat_us, rounds), median(ratio, rounds),
	       1 / median(chat_us, rounds), median(p50, rounds), median(p99, rounds));
	fflush(stdout);
}

/* W4: what an idle connection costs. */
static void idle_connections(void)
{
	uint32_t count = quick ? 2000 : 10000;
	struct server_memory before, after;
	struct server server;
	struct bench bench;
	uint64_t begin_cpu, begin_ns;

	start(&server, &bench, CHAT, count);
	before = server_memory(&server);
	bench_connect_all(&bench, 64);
	for (int i = 0; i < 200; i++)
		bench_poll(&bench, 10);
	after = server_memory(&server);
	begin_cpu = server_cpu_ns(&server);
	begin_ns = clock_mono_ns();
	while (clock_mono_ns() - begin_ns < UINT64_C(5000000000))
		bench_poll(&bench, 100);
	printf("| W4: %u idle connections | %.2f kB of process memory each, %.2f kB shared | %.2f %% CPU |\n",
	       count, (double)(after.process_bytes - before.process_bytes) / count / 1000,
	       (double)(after.shared_bytes - before.shared_bytes) / count / 1000,
	       (double)(server_cpu_ns(&server) - begin_cpu) / (double)(clock_mono_ns() - begin_ns) *
		       100);
	bench_finish(&bench);
	server_stop(&server);
}

/* W5: CPU of the server per connection. */
static double connect_us(enum kind kind, bool only_handshake)
{
	uint32_t count = quick ? 1000 : 4000;
	struct server server;
	struct bench bench;
	uint64_t begin;
	double us;

	start(&server, &bench, kind, count);
	bench.only_handshake = only_handshake;
	begin = server_cpu_ns(&server);
	bench_connect_all(&bench, 32);
	us = (double)(server_cpu_ns(&server) - begin) / 1000 / count;
	bench_finish(&bench);
	server_stop(&server);
	return us;
}

static void connects(void)
{
	double floor[ROUNDS_MAX], handshake[ROUNDS_MAX], login[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++) {
		floor[i] = connect_us(FLOOR_A, true);
		handshake[i] = connect_us(CHAT, true);
		login[i] = connect_us(CHAT, false);
	}
	printf("| W5: connect | floor %.1f µs | handshake %.1f µs (%.2f ×) | + login and join %.1f µs |\n",
	       median(floor, rounds), median(handshake, rounds),
	       median(handshake, rounds) / median(floor, rounds),
	       median(login, rounds) - median(handshake, rounds));
}

static bool wanted(int argc, char **argv, const char *name)
{
	bool any = false;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return true;
		any |= argv[i][0] == 'W';
	}
	return !any;
}

int main(int argc, char **argv)
{
	struct load loads[] = {
		{"W1", "1 room × 1000 members, 50 msg/s", 1, 1000, 50, 0, 4, FLOOR_A},
		{"W2", "the same flat out, window 32", 1, 1000, 0, 32, 4, FLOOR_B},
		{"W3", "200 rooms × 10 members, 4000 msg/s", 200, 10, 4000, 0, 4, FLOOR_A},
	};
	struct rlimit files;
	struct utsname machine;
	cpu_set_t cpus;

	if (argc < 2) {
		fprintf(stderr, "usage: bench BUILD [--quick] [W1 W2 W3 W4 W5]\n");
		return 2;
	}
	build = argv[1];
	for (int i = 2; i < argc; i++)
		quick |= strcmp(argv[i], "--quick") == 0;
	if (quick)
		rounds = 1;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	uname(&machine);
	printf("Linux %s %s, %u rounds, medians\n\n", machine.release, machine.machine, rounds);
	printf("| workload | floor, CPU µs per delivery | Roomkey | ratio | M deliveries per CPU second "
	       "| p50 / p99 µs |\n|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (quick)
			loads[i].seconds = 2;
		if (wanted(argc, argv, loads[i].name))
			compare(&loads[i]);
	}
	if (wanted(argc, argv, "W4"))
		idle_connections();
	if (wanted(argc, argv, "W5"))
		connects();
	return failed ? 1 : 0;
}
