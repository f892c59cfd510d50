/* One who reads slowly falls behind in the log: it costs nobody else anything. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

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

/* Has all the lines written, each answered, and seen by a neighbour of the slow one. */
static void write_lines(struct chat *writer, struct chat *neighbour)
{
	char content[4001];

	memset(content, 'x', sizeof(content) - 1);
	content[sizeof(content) - 1] = '\0';
	for (unsigned i = 1; i <= LINES; i++) {
		must(chat_say(writer, "lobby", scratch_text("m%u", i), content) == i, "line %u", i);
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
