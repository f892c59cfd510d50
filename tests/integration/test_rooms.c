/* docs/protocol.md, "Rooms are logs": joining, leaving, cursors, announcements. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdlib.h>
#include <string.h>

TestSuite(rooms, .fini = owned_finish_all, .timeout = 60);

/* Fills the room with lines "1", "2" ... by one who is in it. */
static void fill(struct chat *c, const char *room, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++) {
		char *id = scratch_text("fill-%u", i);

		chat_say(c, room, id, scratch_text("line %u", i));
	}
}

OwnedTest(rooms, a_join_makes_the_room_that_is_not_there)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_send(alice, "{'type':'join','id':'j','room':'ops'}");
	json_t *made =
		chat_expect(alice, "{'type':'room','id':'j','room':'ops','epoch':'*','first':1,"
				   "'head':0,'after':0,'count':0,'members':1,'topic':'',"
				   "'created':true}");
	chat_send(bob, "{'type':'join','id':'j','room':'ops'}");
	json_t *joined =
		chat_expect(bob, "{'type':'room','id':'j','room':'ops','count':0,'members':2}");
	must(strcmp(text_of(made, "epoch"), text_of(joined, "epoch")) == 0, "two epochs");
	must(!json_is_true(json_object_get(joined, "created")), "made twice");
	chat_quiet(bob);
}

OwnedTest(rooms, names_are_folded_and_a_leading_hash_is_dropped)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'type':'join','id':'j','room':'#Ops.Room-1'}");
	chat_expect(c, "{'type':'room','id':'j','room':'ops.room-1'}");
	chat_send(c, "{'room':'OPS.ROOM-1','id':'m','content':'hi'}");
	chat_expect(c, "{'type':'message','room':'ops.room-1'}");
	chat_expect(c, "{'type':'ok','id':'m','room':'ops.room-1','seq':1}");
}

OwnedTest(rooms, names_outside_the_rule_are_refused)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *names[] = {"has space", "-dash", "",
			       "#",         "a/b",   "abcdefghijklmnopqrstuvwxyz0123456"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		chat_send(c, "{'type':'join','id':'j%zu','room':'%s'}", i, names[i]);
		json_t *line = chat_expect(c, "{'type':'error','id':'j%zu'}", i);
		must(json_has(line, "{'code':'bad_name'}") ||
			     json_has(line, "{'code':'bad_field'}"),
		     "%s: another code", names[i]);
	}
	chat_send(c, "{'type':'join','id':'long','room':'abcdefghijklmnopqrstuvwxyz012345'}");
	chat_expect(c, "{'type':'room','id':'long'}");
}

OwnedTest(rooms, another_ones_inbox_is_forbidden)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice");

	chat_login(s, "bob");
	chat_send(alice, "{'type':'join','id':'j','room':'@bob'}");
	chat_refused(alice, "forbidden");
	chat_send(alice, "{'type':'history','id':'h','room':'@bob','before':10,'limit':5}");
	chat_refused(alice, "forbidden");
}

OwnedTest(rooms, a_join_brings_the_last_fifty_lines)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	fill(alice, "ops", 1, 60);
	json_t *line = chat_join(bob, "ops", NULL);
	must(json_has(line, "{'first':1,'head':60,'after':10,'count':50}"), "another announcement");
	chat_quiet(bob);
}

OwnedTest(rooms, a_join_brings_as_many_lines_as_asked_for)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	fill(alice, "ops", 1, 20);
	must(json_has(chat_join(bob, "ops", "'limit':5"), "{'head':20,'after':15,'count':5}"), "5");
	chat_quiet(bob);
	must(json_has(chat_join(bob, "ops", "'limit':0"), "{'head':20,'after':20,'count':0}"), "0");
	chat_quiet(bob);
	must(json_has(chat_join(bob, "ops", "'limit':200"), "{'after':0,'count':20}"), "200");
	chat_quiet(bob);
	chat_send(bob, "{'type':'join','id':'more','room':'ops','limit':201}");
	chat_refused(bob, "bad_field");
}

OwnedTest(rooms, a_cursor_that_holds_brings_what_is_new)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	char *epoch = quoted("'epoch':'%s'", text_of(chat_join(alice, "ops", NULL), "epoch"));

	fill(alice, "ops", 1, 20);
	must(json_has(chat_join(bob, "ops", scratch_text("%s,'after':17", epoch)),
		      "{'first':1,'head':20,'after':17,'count':3}"),
	     "17");
	must(json_has(chat_join(bob, "ops", scratch_text("%s,'after':20", epoch)),
		      "{'head':20,'after':20,'count':0}"),
	     "20");
	must(json_has(chat_join(bob, "ops", scratch_text("%s,'after':0", epoch)),
		      "{'after':0,'count':20}"),
	     "0");
	chat_quiet(bob);
	chat_say(alice, "ops", "live", "now");
	chat_expect(bob, "{'type':'message','seq':21,'content':'now'}");
}

static void expect_reset(struct chat *c, const char *cursor, const char *epoch)
{
	chat_send(c, "{'type':'join','id':'j','room':'ops',%s}", cursor);
	chat_expect(c, "{'type':'reset','room':'ops','epoch':'%s','head':'*'}", epoch);
	chat_expect(c,
		    "{'type':'room','id':'j','room':'ops','epoch':'%s','first':1,'head':5,"
		    "'after':0,'count':5}",
		    epoch);
	chat_take_lines(c, "ops", 0, 5);
	chat_quiet(c);
}

OwnedTest(rooms, a_cursor_of_another_life_of_the_log_is_reset)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	const char *epoch = text_of(chat_join(alice, "ops", NULL), "epoch");

	fill(alice, "ops", 1, 5);
	expect_reset(bob, "'epoch':'no epoch of ours','after':2", epoch);
	expect_reset(bob, "'epoch':'0123456789abcdef','after':5", epoch);
	expect_reset(bob, scratch_text("'epoch':'%s','after':6", epoch), epoch);
}

OwnedTest(rooms, a_cursor_below_the_memory_is_told_the_gap)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0 --room-lines 16");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	const char *epoch = text_of(chat_join(alice, "ops", NULL), "epoch");

	fill(alice, "ops", 1, 60);
	chat_send(bob, "{'type':'join','id':'j','room':'ops','epoch':'%s','after':2}", epoch);
	json_t *room = chat_expect(bob, "{'type':'room','id':'j','head':60,'after':2,'count':0}");
	long long first = number_of(room, "first");
	must(first > 3 && first <= 60, "first is %lld", first);
	chat_expect(bob, "{'type':'gap','room':'ops','after':2,'next':%lld,'head':60}", first);
	chat_take_lines(bob, "ops", first - 1, 60 - first + 1);
	chat_quiet(bob);
}

OwnedTest(rooms, leaving_ends_the_membership_on_every_connection)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *one = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(one, "ops", NULL);
	chat_join(bob, "ops", NULL);
	struct chat *two = chat_login(s, "alice");
	chat_send(one, "{'type':'leave','id':'l','room':'ops'}");
	chat_expect(one, "{'type':'ok','id':'l'}");
	chat_await(two, "{'type':'left','room':'ops'}");
	chat_say(bob, "ops", "m", "without alice");
	chat_send(one, "{'room':'ops','id':'m','content':'still here?'}");
	chat_refused(one, "not_member");
	chat_send(two, "{'room':'ops','id':'m2','content':'still here?'}");
	chat_refused(two, "not_member");
	chat_quiet(one);
	chat_quiet(two);
	must(chat_room_of(chat_welcome(s, "alice", NULL), "ops") == NULL, "a member again");
}

OwnedTest(rooms, a_join_holds_for_every_connection_that_follows_all)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *one = chat_login_on(s, "alice", NULL, 0);
	struct chat *two = chat_login_on(s, "alice", "'device':'two'", 1);
	struct chat *some = chat_login_with(s, "alice", "'device':'some','only':['lobby']");
	struct chat *bob = chat_login(s, "bob");

	chat_join(bob, "ops", NULL);
	chat_say(bob, "ops", "m1", "before");
	chat_join(one, "ops", NULL);
	chat_say(bob, "ops", "m2", "after");
	chat_expect(one, "{'type':'message','room':'ops','seq':2}");
	chat_await(two, "{'type':'message','room':'ops','seq':2}");
	chat_send(two, "{'id':'m','room':'ops','content':'from the other one'}");
	chat_expect(two, "{'type':'message','room':'ops','seq':3}");
	chat_expect(two, "{'type':'ok','id':'m','seq':3}");
	chat_quiet(some);
}

OwnedTest(rooms, a_room_that_everyone_left_is_kept)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	const char *epoch = text_of(chat_join(alice, "ops", NULL), "epoch");

	chat_say(alice, "ops", "m", "still here?");
	chat_send(alice, "{'type':'leave','id':'l','room':'ops'}");
	chat_expect(alice, "{'type':'ok','id':'l'}");
	must(json_has(chat_join(bob, "ops", NULL),
		      "{'epoch':'%s','head':1,'count':1,'members':1,'created':null}", epoch),
	     "another room");
}

OwnedTest(rooms, a_message_to_a_room_that_is_not_there_is_refused)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'room':'nowhere','id':'m','content':'hi'}");
	chat_refused(c, "no_such_room");
	chat_send(c, "{'type':'leave','id':'l','room':'nowhere'}");
	json_t *line = chat_expect(c, "{'type':'error','id':'l'}");
	must(json_has(line, "{'code':'no_such_room'}") || json_has(line, "{'code':'not_member'}"),
	     "another code");
}

OwnedTest(rooms, nobody_leaves_the_only_room)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'type':'leave','id':'l','room':'lobby'}");
	chat_refused(c, "last_room");
	chat_join(c, "ops", NULL);
	chat_send(c, "{'type':'leave','id':'l2','room':'lobby'}");
	chat_expect(c, "{'type':'ok','id':'l2'}");
	chat_send(c, "{'type':'leave','id':'l3'}");
	chat_refused(c, "last_room");
}

OwnedTest(rooms, a_leave_without_room_means_the_room_of_the_last_join)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_join(c, "ops", NULL);
	chat_join(c, "dev", NULL);
	chat_send(c, "{'type':'leave','id':'l'}");
	chat_expect(c, "{'type':'ok','id':'l'}");
	chat_send(c, "{'room':'dev','id':'m','content':'hi'}");
	chat_refused(c, "not_member");
	chat_say(c, "ops", "m2", "still here");
}

OwnedTest(rooms, membership_outlives_the_connection)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_join(c, "ops", NULL);
	chat_say(c, "ops", "m", "before");
	chat_send(c, "{'type':'bye'}");
	chat_closed(c, 1000);
	c = chat_welcome(s, "alice", NULL);
	must(json_has(chat_room_of(c, "ops"), "{'room':'ops','epoch':'*','first':1,'head':1}"),
	     "ops is gone");
	chat_await(c, "{'type':'room','room':'ops','after':0,'count':1}");
	chat_expect(c, "{'type':'message','room':'ops','seq':1,'content':'before'}");
}

OwnedTest(rooms, only_the_rooms_asked_for_are_followed)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *all = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(all, "ops", NULL);
	chat_join(all, "dev", NULL);
	chat_join(bob, "ops", NULL);
	chat_join(bob, "dev", NULL);
	struct chat *some = chat_welcome(s, "alice", "'only':['ops','not-mine']");
	chat_await(some, "{'type':'room','room':'*'}");
	chat_say(bob, "dev", "m1", "not for some");
	chat_say(bob, "ops", "m2", "for some");
	chat_tell(bob, "alice", "m3", "for some, too");
	chat_await(some, "{'type':'message','room':'ops','content':'for some'}");
	chat_expect(some, "{'type':'message','room':'@alice','content':'for some, too'}");
	must(!chat_saw(some, "{'room':'dev'}") && !chat_saw(some, "{'room':'lobby'}") &&
		     !chat_saw(some, "{'room':'not-mine'}"),
	     "a line of another room");
	chat_join(some, "dev", NULL);
	chat_say(bob, "dev", "m4", "now for some");
	chat_expect(some, "{'type':'message','room':'dev','content':'now for some'}");
}

OwnedTest(rooms, a_login_with_only_stays_out_of_the_lobby)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_welcome(s, "alice", "'only':['ops']");

	must(chat_room_of(c, "lobby") == NULL, "in the lobby");
	chat_expect(c, "{'type':'room','room':'@alice'}");
	chat_quiet(c);
	chat_join(c, "ops", NULL);
	chat_say(c, "ops", "m", "hi");
}

OwnedTest(rooms, the_topic_is_a_line_of_the_log)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	chat_send(alice, "{'type':'topic','id':'t','room':'ops','content':'Release Friday'}");
	chat_expect(alice, "{'type':'topic','room':'ops','seq':1,'sender':'alice','timestamp':'*',"
			   "'content':'Release Friday','id':'t'}");
	chat_expect(alice, "{'type':'ok','id':'t','room':'ops','seq':1}");
	chat_expect(bob, "{'type':'topic','room':'ops','seq':1,'content':'Release Friday'}");
	must(json_has(chat_join(bob, "ops", "'limit':0"), "{'topic':'Release Friday'}"),
	     "no topic");
	must(json_has(chat_room_of(chat_welcome(s, "bob", NULL), "ops"),
		      "{'topic':'Release Friday'}"),
	     "not in the welcome");
	chat_send(alice, "{'type':'topic','id':'t2','room':'ops','content':'two\\nlines'}");
	chat_refused(alice, "bad_field");
}

OwnedTest(rooms, a_stranger_to_the_room_sets_no_topic)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	chat_send(bob, "{'type':'topic','id':'t','room':'ops','content':'mine'}");
	chat_refused(bob, "not_member");
}

OwnedTest(rooms, limits_of_rooms_are_told_by_their_codes)
{
	struct server *s =
		server_with(.users = "alice bob dave",
			    .args = "--max-rooms-per-user 2 --room-capacity 2 --max-rooms 3");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	chat_send(alice, "{'type':'join','id':'third','room':'dev'}");
	chat_refused(alice, "too_many_rooms");
	chat_join(bob, "ops", NULL);
	struct chat *dave = chat_login_with(s, "dave", "'only':[]");
	chat_send(dave, "{'type':'join','id':'full','room':'ops'}");
	chat_refused(dave, "room_full");
	chat_join(dave, "dev", NULL);
	chat_send(dave, "{'type':'join','id':'table','room':'fourth'}");
	chat_refused(dave, "server_full");
	chat_say(dave, "dev", "m", "still here");
}
