/* Many at once: joins amid traffic, a full room, races for a name. */
#include "base/buf.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <string.h>

TestSuite(crowd, .fini = owned_finish_all, .timeout = 90);

/* Sends without waiting for the answers; those are taken elsewhere. */
static void pour(struct chat *c, unsigned from, unsigned to)
{
	struct buf frame = BUF_INIT;

	for (unsigned i = from; i <= to; i++)
		buf_printf(&frame, "{\"id\":\"p%u\",\"room\":\"ops\",\"content\":\"%u\"}\n", i, i);
	chat_send_bytes(c, frame.data, frame.len);
	buf_finish(&frame);
}

OwnedTest(crowd, whoever_joins_amid_traffic_misses_nothing)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2, .args = "--rate 0");
	struct chat *alice = chat_login_on(s, "alice", "'only':[]", 0);
	struct chat *bob = chat_login_on(s, "bob", "'only':[]", 1);
	const unsigned rounds = 30, each = 50;

	chat_join(alice, "ops", NULL);
	for (unsigned round = 0; round < rounds; round++) {
		pour(alice, round * each + 1, (round + 1) * each);
		chat_send(bob, "{'type':'join','id':'j%u','room':'ops','limit':%u}", round,
			  round * 5);
		/* Live lines of the membership so far come before the announcement. */
		json_t *room = chat_await(bob, "{'type':'room','id':'j%u'}", round);
		long long after = number_of(room, "after"), count = number_of(room, "count");
		must(count <= round * 5 && after + count <= number_of(room, "head"),
		     "the announcement");
		chat_take_lines(bob, "ops", after, count);
		for (long long seq = after + count + 1; seq <= (round + 1) * each; seq++)
			chat_expect(bob, "{'type':'message','room':'ops','seq':%lld}", seq);
	}
	chat_quiet(bob);
}

OwnedTest(crowd, whoever_resumes_amid_traffic_misses_nothing)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2, .args = "--rate 0");
	struct chat *alice = chat_login_on(s, "alice", "'only':[]", 0), *bob = chat_login(s, "bob");
	const char *epoch = text_of(chat_join(alice, "ops", NULL), "epoch");
	const unsigned rounds = 20, each = 50;
	long long after = 0;

	chat_join(bob, "ops", NULL);
	for (unsigned round = 0; round < rounds; round++) {
		chat_drop(bob);
		pour(alice, round * each + 1, (round + 1) * each);
		bob = chat_welcome(s, "bob",
				   scratch_text("'only':['ops'],'resume':[{'room':'ops','epoch':'%"
						"s','after':%lld}]",
						epoch, after));
		chat_await(bob, "{'type':'room','room':'ops','after':%lld}", after);
		/* Not all of them: the next round goes on where this one was cut. */
		long long until = (round + 1) * each - (round % 2 == 0 ? 20 : 0);
		while (after < until) {
			json_t *line = chat_next(bob, PATIENCE_MS);

			must(line != NULL, "line %lld never came", after + 1);
			if (json_has(line, "{'room':'ops','seq':'*'}"))
				must(number_of(line, "seq") == ++after, "a hole or a double");
		}
	}
}

OwnedTest(crowd, a_hundred_people_hear_everything)
{
	enum { PEOPLE = 100, LINES = 20 };
	struct chat *people[PEOPLE];
	struct buf names = BUF_INIT;

	for (unsigned i = 0; i < PEOPLE; i++)
		buf_printf(&names, "user%u ", i);
	struct server *s =
		server_with(.users = names.data, .workers = 2, .args = "--max-pending-logins 0");
	for (unsigned i = 0; i < PEOPLE; i++)
		people[i] = chat_login(s, scratch_text("user%u", i));
	for (unsigned n = 0; n < LINES; n++)
		chat_say(people[n * 7 % PEOPLE], "lobby", scratch_text("m%u", n), "heard?");
	for (unsigned i = 0; i < PEOPLE; i++) {
		if (!chat_saw(people[i], "{'type':'message','room':'lobby','seq':%d}", LINES))
			chat_await(people[i], "{'type':'message','room':'lobby','seq':%d}", LINES);
	}
	for (unsigned i = 0; i < PEOPLE; i++) {
		json_t *line;
		size_t at;
		long long seq = 0;

		json_array_foreach(people[i]->seen, at, line)
		{
			if (json_has(line, "{'type':'message'}"))
				must(number_of(line, "seq") == ++seq, "user%u: a hole or a double",
				     i);
		}
		must(seq == LINES, "user%u heard %lld", i, seq);
	}
	chat_send(people[0], "{'type':'rooms','id':'r'}");
	chat_await(people[0], "{'type':'rooms','id':'r','rooms':[{'room':'lobby','members':%d}]}",
		   PEOPLE);
	buf_finish(&names);
}

OwnedTest(crowd, a_long_list_of_users_goes_on_at_its_cursor)
{
	enum { PEOPLE = 150 };
	struct buf names = BUF_INIT;
	unsigned found = 0;
	char *cursor = scratch_text("%s", "");

	for (unsigned i = 0; i < PEOPLE; i++)
		buf_printf(&names, "user%u ", i);
	struct server *s = server_with(.users = names.data, .args = "--max-pending-logins 0");
	struct chat *c = NULL;
	for (unsigned i = 0; i < PEOPLE; i++)
		c = chat_login(s, scratch_text("user%u", i));
	for (unsigned pages = 0; cursor != NULL; pages++) {
		must(pages < PEOPLE, "it never ends");
		chat_send(c, "{'type':'users','id':'p%u','room':'lobby'%s}", pages, cursor);
		json_t *line = chat_expect(c, "{'type':'users','id':'p%u'}", pages);
		json_t *next = json_object_get(line, "cursor");

		found += (unsigned)json_array_size(json_object_get(line, "users"));
		cursor = next != NULL ? scratch_text(",'cursor':%s", json_text(next)) : NULL;
	}
	must(found == PEOPLE, "%u of %d", found, PEOPLE);
	buf_finish(&names);
}

OwnedTest(crowd, of_two_who_want_a_free_name_at_once_one_gets_it)
{
	struct server *s =
		server_with(.users = "alice bob", .workers = 2, .args = "--names-per-key 100");
	struct key keys[2] = {key_of("alice"), key_of("bob")};

	for (unsigned round = 0; round < 10; round++) {
		char *name = scratch_text("name-%u", round);
		struct chat *both[2] = {chat_open(s, "alice"), chat_open(s, "bob")};
		unsigned welcome = 0, taken = 0;

		for (unsigned i = 0; i < 2; i++)
			chat_send_login(both[i], name, &keys[i], NULL);
		for (unsigned i = 0; i < 2; i++) {
			json_t *line = chat_next(both[i], PATIENCE_MS);

			welcome += json_has(line, "{'type':'welcome','user':'%s'}", name);
			taken += json_has(line, "{'type':'error','code':'name_taken'}");
		}
		must(welcome == 1 && taken == 1, "%u welcome, %u refused", welcome, taken);
		chat_drop(both[0]);
		chat_drop(both[1]);
	}
}
