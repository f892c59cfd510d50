/* One who reads slowly falls behind in the log: it costs nobody else anything. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LINES 2000 /* of 4000 characters: more than any socket buffer holds */

TestSuite(slow, .fini = owned_finish_all, .timeout = 90);

/* Logs in with a small window, and reads no more once that is done. */
static struct chat *slow_reader(struct server *s, const char *user)
{
	struct chat *c = chat_open_raw(s, user, &(struct ws_request){.receive_bytes = 4096});
	struct key key = key_of(user);

	chat_expect(c, "{'type':'challenge'}");
	chat_send_login(c, user, &key, NULL);
	chat_await(c, "{'type':'room','room':'@%s'}", user);
	return c;
}

static const char *long_line(void)
{
	static char content[4001];

	memset(content, 'x', sizeof(content) - 1);
	return content;
}

/* Has all the lines written, each answered, and seen by a neighbour of the slow one. */
static void write_lines(struct chat *writer, struct chat *neighbour)
{
	for (unsigned i = 1; i <= LINES; i++) {
		must(chat_say(writer, "lobby", scratch_text("m%u", i), long_line()) == i, "line %u",
		     i);
		chat_expect(neighbour, "{'type':'message','room':'lobby','seq':%u}", i);
	}
}

OwnedTest(slow, a_slow_reader_is_told_the_gap_and_goes_on)
{
	struct server *s = server_with(.users = "alice bob carol", .workers = 1,
				       .args = "--rate 0 --room-lines 64");
	struct chat *alice = chat_login(s, "alice"), *carol = chat_login(s, "carol");
	struct chat *bob = slow_reader(s, "bob");
	long long after = 0;
	unsigned gaps = 0;

	write_lines(alice, carol);
	while (after < LINES) {
		json_t *line = chat_await(bob, "{'room':'lobby'}");

		if (json_has(line, "{'type':'presence'}"))
			continue;
		if (json_has(line, "{'type':'gap'}")) {
			must(number_of(line, "after") == after, "a gap after %lld, and not %lld",
			     number_of(line, "after"), after);
			must(number_of(line, "next") > after + 1, "a gap of nothing");
			after = number_of(line, "next") - 1;
			gaps++;
			continue;
		}
		must(number_of(line, "seq") == after + 1, "line %lld behind %lld",
		     number_of(line, "seq"), after);
		after++;
	}
	must(gaps > 0, "the test wrote too little to make him fall behind");
	chat_quiet(bob);
	chat_say(alice, "lobby", "last", "he is back");
	chat_expect(bob, "{'type':'message','content':'he is back'}");
}

OwnedTest(slow, one_who_never_reads_holds_up_no_stop)
{
	struct server *s = server_with(.users = "alice bob carol", .workers = 1,
				       .args = "--rate 0 --room-lines 64");
	struct chat *alice = chat_login(s, "alice"), *carol = chat_login(s, "carol");

	slow_reader(s, "bob");
	write_lines(alice, carol);
	server_stop(s);
	chat_closed(alice, 1001);
}

#define STUCK 16u

static long worker_memory(pid_t worker)
{
	const char *status = file_read(scratch_text("/proc/%d/status", (int)worker));
	const char *rss = status != NULL ? strstr(status, "VmRSS:") : NULL;

	must(rss != NULL, "worker %d is gone", (int)worker);
	return atol(rss + 6);
}

OwnedTest(slow, one_who_takes_nothing_is_closed_and_costs_little_until_then)
{
	struct server *s =
		server_with(.users = "alice bob carol", .workers = 1,
			    .args = "--rate 0 --room-lines 64 --slow-timeout 3 --ping-interval 1");
	struct chat *alice = chat_login(s, "alice"), *carol = chat_login(s, "carol");
	struct chat *stuck[STUCK];
	uint64_t deadline;
	pid_t worker = server_worker(s, 0);
	long before;

	for (unsigned i = 0; i < STUCK; i++)
		stuck[i] = slow_reader(s, "bob");
	before = worker_memory(worker);
	write_lines(alice, carol);
	should(SANITIZED || worker_memory(worker) - before < (long)STUCK * 64 + 1024,
	       "%ld kB more for %u that don't read", worker_memory(worker) - before, STUCK);
	deadline = clock_mono_ms() + PATIENCE_MS;
	while (server_metric(s, "roomkey_slow_closed_total") < STUCK ||
	       server_metric(s, "roomkey_connections") > 2) {
		must(clock_mono_ms() < deadline, "%.0f of %u closed, %.0f are there",
		     server_metric(s, "roomkey_slow_closed_total"), STUCK,
		     server_metric(s, "roomkey_connections"));
		/* These two answer their pings. */
		chat_quiet(alice);
		chat_quiet(carol);
	}
	must(!stuck[0]->ws.closed, "found out by reading");
	chat_say(alice, "lobby", "last", "without them");
}

/* Takes some bytes of what waits for it. */
static void sip(struct chat *c, size_t most)
{
	char some[16384];

	must(recv(c->ws.fd, some, most, MSG_DONTWAIT) != 0, "%s was closed", c->name);
}

/* A little now and then is progress: pings, which stand behind what waits, don't count meanwhile.
 */
OwnedTest(slow, one_who_reads_a_little_is_left_alone)
{
	struct server *s =
		server_with(.users = "alice bob carol", .workers = 1,
			    .args = "--rate 0 --room-lines 64 --slow-timeout 2 --ping-interval 1");
	struct chat *alice = chat_login(s, "alice"), *carol = chat_login(s, "carol");
	struct chat *bob = slow_reader(s, "bob");
	uint64_t until = 0;

	/* First more than fits anywhere, then longer than silence of either kind is borne with. */
	for (unsigned i = 1; i <= LINES || clock_mono_ms() < until; i++) {
		chat_say(alice, "lobby", scratch_text("m%u", i), long_line());
		chat_expect(carol, "{'type':'message','room':'lobby','seq':%u}", i);
		sip(bob, 1024);
		if (i == LINES)
			until = clock_mono_ms() + 5000;
		if (i >= LINES)
			poll(NULL, 0, 20);
	}
	must(server_metric(s, "roomkey_slow_closed_total") == 0, "too slow");
	must(server_metric(s, "roomkey_connections") == 3, "closed for its pings");
}
