/* docs/protocol.md, `history`: stored lines by seq and by time. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <string.h>

TestSuite(history, .fini = owned_finish_all, .timeout = 60);

static struct server *start(const char *args)
{
	return server_with(.users = "alice bob", .args = args);
}

/* Joins ops and writes lines 1 to `count`. */
static struct chat *writer(struct server *s, unsigned count)
{
	struct chat *c = chat_login(s, "alice");

	chat_join(c, "ops", NULL);
	for (unsigned i = 1; i <= count; i++)
		chat_say(c, "ops", scratch_text("m%u", i), scratch_text("line %u", i));
	return c;
}

/* Asks, takes the answer and exactly its lines, which must be first..last. */
static json_t *ask(struct chat *c, const char *fields, long long first, long long last, bool more)
{
	chat_send(c, "{'type':'history','id':'h','room':'ops',%s}", fields);
	json_t *line =
		chat_expect(c,
			    "{'type':'history','id':'h','room':'ops','first':%lld,'last':%lld,"
			    "'count':%lld,'more':%s}",
			    first, last, last - first + 1, more ? "true" : "false");
	for (long long seq = first; seq <= last; seq++)
		chat_expect(c, "{'type':'message','room':'ops','seq':%lld,'content':'line %lld'}",
			    seq, seq);
	chat_quiet(c);
	return line;
}

OwnedTest(history, before_after_and_around_bring_lines_in_order)
{
	struct server *s = start("--rate 0");
	struct chat *c = writer(s, 30);

	ask(c, "'before':31,'limit':5", 26, 30, true);
	ask(c, "'before':26,'limit':5", 21, 25, true);
	ask(c, "'before':4,'limit':5", 1, 3, false);
	ask(c, "'after':0,'limit':5", 1, 5, true);
	ask(c, "'after':5,'limit':5", 6, 10, true);
	ask(c, "'after':28,'limit':5", 29, 30, false);
	chat_send(c, "{'type':'history','id':'a','room':'ops','around':15,'limit':5}");
	json_t *line = chat_expect(c, "{'type':'history','id':'a','count':5}");
	must(number_of(line, "first") <= 15 && number_of(line, "last") >= 15, "15 is not in it");
	chat_take_lines(c, "ops", number_of(line, "first") - 1, 5);
	chat_quiet(c);
}

OwnedTest(history, nothing_to_bring_is_an_answer_too)
{
	struct server *s = start("--rate 0");
	struct chat *c = writer(s, 3);

	chat_send(c, "{'type':'history','id':'h','room':'ops','after':3,'limit':5}");
	chat_expect(c, "{'type':'history','id':'h','room':'ops','count':0,'more':false}");
	chat_quiet(c);
	chat_send(c, "{'type':'history','id':'h2','room':'ops','before':1,'limit':5}");
	chat_expect(c, "{'type':'history','id':'h2','room':'ops','count':0,'more':false}");
	chat_quiet(c);
}

OwnedTest(history, a_request_brings_two_hundred_lines_at_most)
{
	struct server *s = start("--rate 0");
	struct chat *c = writer(s, 210);

	ask(c, "'before':211,'limit':200", 11, 210, true);
	chat_send(c, "{'type':'history','id':'h','room':'ops','before':211,'limit':201}");
	chat_refused(c, "bad_field");
	chat_send(c, "{'type':'history','id':'h','room':'ops','before':211,'limit':-1}");
	chat_refused(c, "bad_field");
}

OwnedTest(history, a_time_finds_the_lines_from_then_on)
{
	struct server *s = start("--rate 0");
	struct chat *c = writer(s, 5);
	char now[TIMESTAMP_SIZE];

	poll(NULL, 0, 20);
	clock_format(now, clock_wall_ms());
	poll(NULL, 0, 20);
	for (unsigned i = 6; i <= 10; i++)
		chat_say(c, "ops", scratch_text("m%u", i), scratch_text("line %u", i));
	chat_send(c, "{'type':'history','id':'h','room':'ops','at':'%s','limit':4}", now);
	json_t *line = chat_expect(c, "{'type':'history','id':'h','room':'ops','count':4}");
	must(number_of(line, "first") <= 6 && number_of(line, "last") >= 6, "6 is not in it");
	chat_take_lines(c, "ops", number_of(line, "first") - 1, 4);
	chat_send(c, "{'type':'history','id':'t','room':'ops','at':'yesterday','limit':4}");
	chat_refused(c, "bad_field");
}

OwnedTest(history, lines_out_of_memory_are_gone)
{
	struct server *s = start("--rate 0 --room-lines 16");
	struct chat *c = writer(s, 60);
	long long first = number_of(chat_join(c, "ops", "'limit':0"), "first");

	chat_send(c, "{'type':'history','id':'h','room':'ops','before':5,'limit':5}");
	json_t *line = chat_expect(c, "{'id':'h'}");
	must(json_has(line, "{'type':'error','code':'gone'}") ||
		     json_has(line, "{'type':'history','count':0}"),
	     "another answer");
	ask(c, scratch_text("'before':%lld,'limit':5", first + 2), first, first + 1, false);
}

OwnedTest(history, it_leaves_the_live_lines_alone)
{
	struct server *s = start("--rate 0");
	struct chat *alice = writer(s, 10), *bob = chat_login(s, "bob");

	chat_join(bob, "ops", "'limit':0");
	ask(bob, "'before':11,'limit':10", 1, 10, false);
	chat_say(alice, "ops", "m11", "line 11");
	chat_expect(bob, "{'type':'message','seq':11}");
	ask(bob, "'before':11,'limit':2", 9, 10, true);
	chat_say(alice, "ops", "m12", "line 12");
	chat_expect(bob, "{'type':'message','seq':12}");
	chat_quiet(bob);
}

OwnedTest(history, it_is_for_members)
{
	struct server *s = start("--rate 0");
	struct chat *bob;

	writer(s, 3);
	bob = chat_login(s, "bob");
	chat_send(bob, "{'type':'history','id':'h','room':'ops','before':4,'limit':3}");
	chat_refused(bob, "not_member");
	chat_send(bob, "{'type':'history','id':'h','room':'nowhere','before':4,'limit':3}");
	chat_refused(bob, "no_such_room");
}

OwnedTest(history, an_inbox_has_a_history_for_its_owner)
{
	struct server *s = start("--rate 0");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_tell(alice, "bob", "d1", "one");
	chat_tell(alice, "bob", "d2", "two");
	chat_await(bob, "{'type':'message','room':'@bob','seq':2}");
	chat_send(bob, "{'type':'history','id':'h','room':'@bob','before':3,'limit':5}");
	chat_expect(bob, "{'type':'history','id':'h','room':'@bob','first':1,'last':2,'count':2}");
	chat_expect(bob, "{'type':'message','room':'@bob','seq':1,'content':'one'}");
	chat_expect(bob, "{'type':'message','room':'@bob','seq':2,'content':'two'}");
}
