/* A room in which nearly everybody never reads, while some write as fast as they can. */
#include "base/clock.h"
#include "tests/hostile/figures.h"
#include "tests/hostile/peer.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(slow_room, .fini = owned_finish_all, .timeout = 900);

#define SENDERS 4u
#define LAGGARDS 10u /* those who read again before it is too late */
#define ACCOUNTED_KB 64
/* The short form needs fewer lines for more than all sockets hold. */
#define TEXT_MAX 2000u
#define LINES_ENOUGH 8000u

struct sender {
	struct chat *chat;
	unsigned number;
	_Atomic bool *stop;
	struct latencies *latencies;
	bool failed;
};

/* One line after the other, each when the one before it is answered; it reads the room, too. */
static int run_sender(void *data)
{
	struct sender *sender = data;
	struct ws *ws = &sender->chat->ws;
	struct buf back = BUF_INIT;
	char line[TEXT_MAX + 256], text[TEXT_MAX + 1], id[32], wanted[64], busy[96];

	memset(text, 'x', sizeof(text));
	text[figure(TEXT_MAX, 128)] = '\0';
	for (unsigned n = 0; !*sender->stop; n++) {
		uint64_t start = now_us();
		enum ws_event event;

		snprintf(id, sizeof(id), "%d-%u", (int)getpid(), n);
		snprintf(line, sizeof(line),
			 "{\"id\":\"%s\",\"room\":\"lobby\",\"content\":\"%s\"}", id, text);
		snprintf(wanted, sizeof(wanted), "{\"type\":\"ok\",\"id\":\"%s\"", id);
		snprintf(busy, sizeof(busy), "{\"type\":\"error\",\"id\":\"%s\",\"code\":\"busy\"",
			 id);
		do {
			if (!ws_send(ws, WS_TEXT, line, strlen(line)))
				return 1;
			do
				event = ws_receive(ws, PATIENCE_MS, &back);
			while (event == WS_EVENT_PING ||
			       (event == WS_EVENT_TEXT && strstr(back.data, wanted) == NULL &&
				strstr(back.data, busy) == NULL));
			/* A machine that is busy elsewhere: again, and all of it counts. */
		} while (event == WS_EVENT_TEXT && strstr(back.data, busy) != NULL);
		if (event != WS_EVENT_TEXT)
			return 1;
		latencies_add(sender->latencies, now_us() - start);
	}
	return 0;
}

struct flood {
	_Atomic bool *stop;
	struct sender senders[SENDERS];
	pid_t children[SENDERS];
	struct latencies *latencies;
	uint64_t since_ms;
};

static void flood_start(struct server *s, struct flood *flood)
{
	flood->stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	flood->latencies = latencies_create();
	flood->since_ms = clock_mono_ms();
	for (unsigned i = 0; i < SENDERS; i++) {
		flood->senders[i] = (struct sender){.chat = chat_login(s, scratch_text("s%u", i)),
						    .stop = flood->stop,
						    .latencies = flood->latencies};
		flood->children[i] = figures_fork(run_sender, &flood->senders[i]);
	}
}

static void flood_stop(struct flood *flood)
{
	int status;

	*flood->stop = true;
	for (unsigned i = 0; i < SENDERS; i++) {
		must(child_wait(flood->children[i], PATIENCE_MS, &status) && status == 0,
		     "a sender got no answer");
		chat_forget(flood->senders[i].chat);
	}
}

static void pass_ms(uint64_t ms)
{
	poll(NULL, 0, (int)ms);
}

static long workers_kb(struct server *s)
{
	long kb = 0;

	for (unsigned w = 0; w < s->workers; w++)
		kb += health_of(server_worker(s, w)).memory_kb;
	return kb;
}

static struct chat *member_who_never_reads(struct server *s, const char *user)
{
	struct chat *c = chat_open_raw(s, user, &(struct ws_request){.receive_bytes = 4096});
	struct key key = key_of(user);

	chat_expect(c, "{'type':'challenge'}");
	chat_send_login(c, user, &key, NULL);
	chat_await(c, "{'type':'room','room':'@%s'}", user);
	return c;
}

static const char *everybody(unsigned members)
{
	struct buf users = BUF_INIT;

	for (unsigned i = 0; i < SENDERS; i++)
		buf_printf(&users, "s%u ", i);
	for (unsigned i = 0; i < members; i++)
		buf_printf(&users, "m%u ", i);
	owned_add(users.data, free, NULL);
	return users.data;
}

static void tell_latency(const char *when, struct latencies *latencies)
{
	told("%s: %u lines answered, p50 %.2f ms, p99 %.2f ms, longest %.1f ms", when,
	     (unsigned)latencies->count, latencies_ms(latencies, 500), latencies_ms(latencies, 990),
	     latencies_ms(latencies, 1000));
}

OwnedTest(slow_room, of_members_who_never_read_costs_the_others_nothing)
{
	unsigned members = figure(40, 1000), seconds = figure(2, 60), slow_s = figure(4, 60);
	struct server *s = server_with(.users = everybody(members), .workers = 2,
				       .args = scratch_text(
					       "--rate 0 --max-pending-logins 0 --slow-timeout %u "
					       "--log-level warn",
					       slow_s));
	struct chat **slow = calloc(members, sizeof(struct chat *));
	struct flood alone = {0}, flood = {0};
	uint64_t deadline;
	long before, after;
	double closed = 0;

	owned_add(slow, free, NULL);
	flood_start(s, &alone);
	pass_ms(seconds * 1000);
	flood_stop(&alone);
	tell_latency("senders alone", alone.latencies);

	for (unsigned i = 0; i < members; i++)
		slow[i] = member_who_never_reads(s, scratch_text("m%u", i));
	before = workers_kb(s);
	flood_start(s, &flood);
	pass_ms(seconds * 1000 * 3 / 4);
	deadline = clock_mono_ms() + 60000;
	while (flood.latencies->count < LINES_ENOUGH && clock_mono_ms() < deadline)
		pass_ms(20);
	after = workers_kb(s);
	for (unsigned i = 0; i < LAGGARDS; i++)
		chat_await(slow[i], "{'type':'gap','room':'lobby'}");
	pass_ms(seconds * 1000 / 4);
	flood_stop(&flood);
	tell_latency(scratch_text("%u members never read", members), flood.latencies);
	told("p99 %.2f times as long",
	     latencies_ms(flood.latencies, 990) / latencies_ms(alone.latencies, 990));
	told("%.1f kB of worker memory for each of them", (double)(after - before) / members);
	told("%u that read again were told the gap", LAGGARDS);
	must(SANITIZED || after - before < (long)members * ACCOUNTED_KB + 1024, "%ld kB more",
	     after - before);

	/* The laggards have stopped again, later: all others are too slow by now or soon. */
	deadline = clock_mono_ms() + slow_s * 1000ull + 20000;
	while (closed < members - LAGGARDS) {
		must(clock_mono_ms() < deadline, "only %.0f were too slow", closed);
		closed = server_metric(s, "roomkey_slow_closed_total");
		pass_ms(50);
	}
	told("%.0f were too slow, %.1f s after the first line", closed,
	     (double)(clock_mono_ms() - flood.since_ms) / 1000);
}
