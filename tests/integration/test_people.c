/* docs/protocol.md: who is here. rooms, users, who, away, presence, typing, read marks. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

#define GRACE_MS 10000

TestSuite(people, .fini = owned_finish_all, .timeout = 60);

/* The element of an array of objects whose `field` is `value`, or NULL. */
static json_t *element(json_t *array, const char *field, const char *value)
{
	json_t *entry;
	size_t i;

	json_array_foreach(array, i, entry)
	{
		if (strcmp(text_of(entry, field), value) == 0)
			return entry;
	}
	return NULL;
}

OwnedTest(people, rooms_lists_every_room_but_inboxes)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	chat_say(alice, "ops", "m", "one");
	chat_tell(alice, "bob", "d", "direct");
	chat_expect(bob, "{'type':'message','room':'@bob'}");
	chat_send(bob, "{'type':'rooms','id':'r'}");
	json_t *rooms =
		json_object_get(chat_expect(bob, "{'type':'rooms','id':'r','rooms':'*'}"), "rooms");
	must(json_array_size(rooms) == 2, "%zu rooms", json_array_size(rooms));
	must(json_has(element(rooms, "room", "ops"), "{'members':1,'topic':'','head':1}"), "ops");
	must(json_has(element(rooms, "room", "lobby"), "{'members':2,'topic':'*','head':0}"),
	     "lobby");
	chat_send(bob, "{'type':'rooms','id':'r2','match':'ops'}");
	chat_expect(bob, "{'type':'rooms','id':'r2','rooms':[{'room':'ops'}]}");
	chat_send(bob, "{'type':'rooms','id':'r3','match':'nothing-like-it'}");
	chat_expect(bob, "{'type':'rooms','id':'r3','rooms':[]}");
}

OwnedTest(people, a_long_list_of_rooms_goes_on_at_its_cursor)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 0 --max-rooms-per-user 0");
	struct chat *c = chat_login(s, "alice");
	unsigned found = 0, wanted = 250;
	char *cursor = scratch_text("%s", "");

	for (unsigned i = 0; i < wanted; i++)
		chat_join(c, scratch_text("room-%03u", i), NULL);
	for (unsigned pages = 0; cursor != NULL; pages++) {
		must(pages < wanted, "it never ends");
		chat_send(c, "{'type':'rooms','id':'p%u','match':'room-'%s}", pages, cursor);
		json_t *line = chat_expect(c, "{'type':'rooms','id':'p%u'}", pages);
		json_t *next = json_object_get(line, "cursor");
		found += (unsigned)json_array_size(json_object_get(line, "rooms"));
		cursor = next == NULL ? NULL : scratch_text(",'cursor':%s", json_text(next));
	}
	must(found == wanted, "%u rooms of %u", found, wanted);
}

OwnedTest(people, users_tells_who_is_in_a_room)
{
	struct key key = key_of("alice");
	struct server *s = server_with(.keys = scratch_text("environment=\"CHAT_ROLE=op\" %s\n%s",
							    key.line, keys_of("bob carol")));
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_login_with(s, "bob", "'device':'second'");
	chat_login(s, "carol");
	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	chat_send(bob, "{'type':'away','id':'a','content':'at lunch'}");
	chat_expect(bob, "{'type':'ok','id':'a'}");
	chat_send(alice, "{'type':'users','id':'u','room':'ops'}");
	json_t *line = chat_expect(alice, "{'type':'users','id':'u','room':'ops','users':'*'}");
	json_t *users = json_object_get(line, "users");
	must(json_array_size(users) == 2, "%zu users", json_array_size(users));
	must(json_has(element(users, "user", "bob"), "{'connections':2,'away':'at lunch'}"), "bob");
	must(json_has(element(users, "user", "alice"), "{'connections':1,'role':'op'}"), "alice");
	chat_send(bob, "{'type':'away','id':'b'}");
	chat_expect(bob, "{'type':'ok','id':'b'}");
	chat_send(alice, "{'type':'users','id':'u2','room':'ops'}");
	line = chat_expect(alice, "{'type':'users','id':'u2'}");
	json_t *back = element(json_object_get(line, "users"), "user", "bob");
	must(back != NULL && !json_has(back, "{'away':'at lunch'}"), "still away");
}

OwnedTest(people, users_without_room_tells_of_everyone)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice");

	chat_login(s, "bob");
	chat_send(alice, "{'type':'users','id':'u'}");
	json_t *users = json_object_get(chat_expect(alice, "{'type':'users','id':'u'}"), "users");
	must(element(users, "user", "alice") != NULL && element(users, "user", "bob") != NULL,
	     "not everyone");
}

OwnedTest(people, who_tells_about_one_user)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice");

	chat_login(s, "bob");
	chat_send(alice, "{'type':'who','id':'w','user':'bob'}");
	json_t *line = chat_expect(alice, "{'type':'who','id':'w','user':'bob','keys':'*',"
					  "'connections':1,'idle_s':'*'}");
	must(number_of(line, "idle_s") >= 0 && number_of(line, "idle_s") < 30, "idle");
	must(json_is_array(json_object_get(line, "keys")), "keys is no list");
	must(strcmp(json_string_value(json_array_get(json_object_get(line, "keys"), 0)),
		    key_of("bob").fingerprint) == 0,
	     "not bob's key");
	chat_send(alice, "{'type':'who','id':'w2','user':'nobody'}");
	chat_refused(alice, "no_such_user");
}

/* It must count `members`, too. */
static void await_presence(struct chat *c, const char *room, const char *field, const char *user,
			   int members)
{
	json_t *line = chat_await_presence(c, room, field, user);

	must(json_has(line, "{'members':%d}", members), "%s %s: another count", user, field);
}

OwnedTest(people, coming_and_going_is_told_to_the_room)
{
	struct server *s = server_with(.users = "alice bob carol");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login_with(s, "bob", "'only':[]");

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	await_presence(alice, "ops", "joined", "bob", 2);
	chat_join(bob, "dev", NULL);
	chat_send(bob, "{'type':'leave','id':'l','room':'ops'}");
	chat_expect(bob, "{'type':'ok','id':'l'}");
	await_presence(alice, "ops", "left", "bob", 1);
	struct chat *carol = chat_login_with(s, "carol", "'only':[]");
	chat_join(carol, "ops", NULL);
	await_presence(alice, "ops", "joined", "carol", 2);
	uint64_t start = clock_mono_ms();
	chat_send(carol, "{'type':'bye'}");
	chat_closed(carol, 1000);
	await_presence(alice, "ops", "left", "carol", 1);
	must(clock_mono_ms() - start < 5000, "a bye waited for the grace");
}

OwnedTest(people, a_lost_connection_counts_as_left_after_the_grace)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	json_t *line;

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	await_presence(alice, "ops", "joined", "bob", 2);
	uint64_t start = clock_mono_ms();
	chat_drop(bob);
	chat_send(alice, "{'type':'users','id':'u','room':'ops'}");
	chat_await(alice, "{'type':'users','id':'u','users':[{'user':'*'},{'user':'*'}]}");
	do {
		line = chat_next(alice, 2 * GRACE_MS);
		must(line != NULL, "bob never left");
	} while (!json_has(line, "{'type':'presence','room':'ops'}"));
	must(json_has(line, "{'joined':[],'left':['bob'],'members':1}"), "another presence");
	uint64_t took = clock_mono_ms() - start;
	must(took >= GRACE_MS - 300 && took < GRACE_MS + 4000, "after %llu ms",
	     (unsigned long long)took);
}

OwnedTest(people, a_reconnect_within_the_grace_is_silent)
{
	struct server *s = server_with(.users = "alice bob carol");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	struct chat *carol = chat_login_with(s, "carol", "'only':[]");
	json_t *line;

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	await_presence(alice, "ops", "joined", "bob", 2);
	size_t mark = alice->taken;
	chat_drop(bob);
	chat_login(s, "bob");
	/* Two looks for others later, bob's going would have been told, too. */
	chat_join(carol, "ops", NULL);
	await_presence(alice, "ops", "joined", "carol", 3);
	chat_send(carol, "{'type':'bye'}");
	chat_closed(carol, 1000);
	await_presence(alice, "ops", "left", "carol", 2);
	for (size_t i = mark; (line = json_array_get(alice->seen, i)) != NULL; i++)
		must(!json_lists(json_object_get(line, "left"), "bob") &&
			     !json_lists(json_object_get(line, "joined"), "bob"),
		     "not silent");
}

OwnedTest(people, one_who_went_is_known_and_not_present)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(bob, "ops", NULL);
	chat_send(bob, "{'type':'bye'}");
	chat_closed(bob, 1000);
	chat_send(alice, "{'type':'who','id':'w','user':'bob'}");
	chat_await(alice, "{'type':'who','id':'w','user':'bob','connections':0}");
	must(json_has(chat_join(alice, "ops", NULL), "{'members':1,'created':null}"),
	     "bob counts as present");
	chat_send(alice, "{'type':'users','id':'u','room':'ops'}");
	chat_await(alice, "{'type':'users','id':'u','users':[{'user':'alice'}]}");
	must(chat_room_of(chat_welcome(s, "bob", NULL), "ops") != NULL,
	     "bob is no member any more");
}

OwnedTest(people, presence_comes_at_most_once_a_second)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	uint64_t start = clock_mono_ms();
	unsigned count = 0;
	json_t *line;

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	while (clock_mono_ms() - start < 3500) {
		chat_send(bob, "{'type':'leave','room':'ops'}");
		chat_send(bob, "{'type':'join','room':'ops','limit':0}");
		for (uint64_t until = clock_mono_ms() + 100; clock_mono_ms() < until;) {
			line = chat_next(alice, 20);
			count += line != NULL && json_has(line, "{'type':'presence','room':'ops'}");
		}
	}
	must(count <= 5, "%u presences in 3.5 s", count);
}

OwnedTest(people, a_big_room_is_told_only_the_count)
{
	struct server *s = server_with(.users = "alice bob carol", .args = "--presence-limit 2");
	struct chat *alice = chat_login(s, "alice");

	chat_login(s, "bob");
	chat_await(alice, "{'type':'presence','room':'lobby','members':2}");
	chat_login(s, "carol");
	json_t *line = chat_await(alice, "{'type':'presence','room':'lobby','members':3}");
	must(json_array_size(json_object_get(line, "joined")) == 0, "carol is named");
}

OwnedTest(people, typing_reaches_the_others)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	chat_send(alice, "{'type':'typing','room':'ops'}");
	json_t *line = chat_expect(bob, "{'type':'typing','room':'ops','seq':null}");
	must(json_has(line, "{'user':'alice'}") || json_has(line, "{'sender':'alice'}"),
	     "who types?");
	chat_quiet(alice);
}

OwnedTest(people, a_read_mark_is_kept_and_goes_to_the_users_other_connections)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *one = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_join(one, "ops", NULL);
	chat_join(bob, "ops", NULL);
	chat_say(bob, "ops", "m1", "one");
	chat_say(bob, "ops", "m2", "two");
	struct chat *two = chat_login_with(s, "alice", "'device':'two'");
	chat_send(one, "{'type':'read','room':'ops','seq':2}");
	chat_await(two, "{'type':'read','room':'ops','seq':2}");
	chat_quiet(bob);
	chat_send(one, "{'type':'read','room':'ops','seq':1}");
	chat_send(one, "{'type':'ping','id':'p'}");
	chat_await(one, "{'type':'pong','id':'p'}");
	must(json_has(chat_room_of(chat_welcome(s, "alice", NULL), "ops"), "{'head':2,'read':2}"),
	     "the mark");
}
