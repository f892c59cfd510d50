#include "bench/load.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define QUIET_MS 5000u /* what has not come when nothing has come for so long is lost */

void load_publish_paced(struct bench *bench, const struct load *load, uint64_t until_ns)
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

			while (publisher->fd >= 0 &&
			       publisher->sent - publisher->answered < load->window)
				client_publish(publisher, now);
		}
		bench_poll(bench, 10);
	}
}

uint64_t load_due(const struct bench *bench, const struct load *load)
{
	uint64_t sum = 0;

	for (uint32_t room = 0; room < load->rooms; room++) {
		uint32_t reading = load->members - (room == 0 ? load->mute : 0);

		sum += (uint64_t)bench->clients[(size_t)room * load->members].sent * reading;
	}
	return sum;
}

void load_wait_for_all(struct bench *bench, uint64_t due)
{
	uint64_t had = bench->deliveries, since_ms = clock_mono_ms();

	while (bench->deliveries < due && clock_mono_ms() - since_ms < QUIET_MS) {
		bench_poll(bench, 10);
		if (bench->deliveries != had)
			since_ms = clock_mono_ms();
		had = bench->deliveries;
	}
}

static unsigned local_port(const struct client *client)
{
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);

	if (getsockname(client->fd, (struct sockaddr *)&address, &len) < 0)
		return 0;
	return ntohs(address.sin_port);
}

/* Who sits on another worker than the publisher is group 1. */
static void tell_apart(struct bench *bench, const struct server *server)
{
	int home = server_worker_of(server, local_port(&bench->clients[0]));

	for (uint32_t i = 0; i < bench->count; i++)
		bench->clients[i].group =
			server_worker_of(server, local_port(&bench->clients[i])) != home;
}

static void start(struct server *server, struct bench *bench, const struct load *load,
		  enum kind kind, const char *build, unsigned frame_bytes)
{
	const struct chat_size size = {
		.workers = load->workers > 0 ? load->workers : 1,
		.cpus = load->workers > 1 ? load->workers : 1,
		.connections = load->rooms * load->members,
		.rooms = load->rooms,
	};

	bench_init(bench, kind == CHAT, load->rooms * load->members);
	if (kind == CHAT)
		server_start_chat(server, build, bench->authorized_key, &size);
	else
		server_start_floor(server, build, kind == FLOOR_A ? "A" : "B", frame_bytes);
	bench->port = server->port;
	for (uint32_t i = 0; i < bench->count; i++) {
		bench->clients[i].room = i / load->members;
		bench->clients[i].publisher = i % load->members == 0;
	}
	bench_connect_all(bench, 64);
	for (uint32_t i = 0; i < load->mute; i++)
		client_mute(&bench->clients[load->members - 1 - i]);
	if (load->apart)
		tell_apart(bench, server);
}

struct figures load_run(const struct load *load, enum kind kind, const char *build,
			unsigned frame_bytes)
{
	struct figures figures = {0};
	struct server server;
	struct bench bench;
	uint64_t begin_ns, begin_cpu, end_ns, due;

	start(&server, &bench, load, kind, build, frame_bytes);
	bench.sample_every = load->per_s > 0 ? 7 : 997;
	begin_cpu = server_cpu_ns(&server);
	begin_ns = clock_mono_ns();
	end_ns = begin_ns + (uint64_t)load->seconds * 1000000000;
	if (load->per_s > 0)
		load_publish_paced(&bench, load, end_ns);
	else
		publish_flat_out(&bench, load, end_ns);
	due = load_due(&bench, load);
	load_wait_for_all(&bench, due);
	figures.cut = bench.cut;
	figures.deliveries = bench.deliveries;
	figures.bad = bench.bad;
	if (figures.cut == 0 && bench.deliveries != due)
		figures.bad +=
			due > bench.deliveries ? due - bench.deliveries : bench.deliveries - due;
	figures.cpu_us = (double)(server_cpu_ns(&server) - begin_cpu) / 1000 /
			 (double)(bench.deliveries > 0 ? bench.deliveries : 1);
	figures.per_s = (double)bench.deliveries * 1e9 / (double)(clock_mono_ns() - begin_ns);
	figures.lines_per_frame =
		(double)bench.deliveries / (double)(bench.frames > 0 ? bench.frames : 1);
	for (unsigned i = 0; i < LATENCY_GROUPS; i++) {
		figures.p50_us[i] = latencies_percentile(&bench.latencies[i], 50);
		figures.p99_us[i] = latencies_percentile(&bench.latencies[i], 99);
	}
	figures.line_bytes = bench.line_bytes;
	bench_finish(&bench);
	server_stop(&server);
	if (figures.bad > 0)
		fprintf(stderr,
			"bench: %s (%s): %" PRIu64
			" deliveries are lost, doubled or out of order; gaps %" PRIu64 "\n",
			load->name, kind == CHAT ? "chat" : "floor", figures.bad, bench.gaps);
	return figures;
}
