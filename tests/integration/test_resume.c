/* docs/protocol.md: cursors over a lost connection. What was missed comes, exactly once. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

TestSuite(resume, .fini = owned_finish_all, .timeout = 60);

static char *cursor(const char *room, const char *epoch, long long after)
{
	return scratch_text("{'room':'%s','epoch':'%s','after':%lld}", room, epoch, after);
}

OwnedTest(resume, the_lines_after_the_cursor_come_and_then_live_ones)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	const char *ops = text_of(chat_join(bob, "ops", NULL), "epoch");
	const char *inbox = text_of(chat_room_of(bob, "@bob"), "epoch");

	chat_join(alice, "ops", NULL);
	for (unsigned i = 1; i <= 4; i++)
		chat_say(alice, "ops", scratch_text("m%u", i), "before");
	chat_tell(alice, "bob", "d1", "before");
	chat_drop(bob);
	for (unsigned i = 5; i <= 8; i++)
		chat_say(alice, "ops", scratch_text("m%u", i), "meanwhile");
	chat_tell(alice, "bob", "d2", "meanwhile");
	bob = chat_login_with(
		s, "bob",
		scratch_text("'resume':[%s,%s]", cursor("ops", ops, 3), cursor("@bob", inbox, 1)));
	must(chat_saw(bob, "{'type':'room','room':'ops','head':8,'after':3,'count':5}"), "ops");
	must(chat_saw(bob, "{'type':'room','room':'@bob','head':2,'after':1,'count':1}"), "inbox");
	must(chat_saw(bob, "{'room':'@bob','seq':2,'content':'meanwhile'}"), "the line");
	chat_quiet(bob);
	chat_say(alice, "ops", "m9", "live");
	chat_expect(bob, "{'type':'message','room':'ops','seq':9}");
}

OwnedTest(resume, a_cursor_at_the_head_brings_nothing)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *lobby = text_of(chat_room_of(c, "lobby"), "epoch");

	chat_say(c, "lobby", "m", "one");
	chat_drop(c);
	c = chat_login_with(s, "alice", scratch_text("'resume':[%s]", cursor("lobby", lobby, 1)));
	must(chat_saw(c, "{'type':'room','room':'lobby','head':1,'after':1,'count':0}"), "lobby");
	chat_quiet(c);
}

OwnedTest(resume, a_cursor_of_another_epoch_is_reset)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_say(c, "lobby", "m", "one");
	chat_drop(c);
	c = chat_welcome(s, "alice", scratch_text("'resume':[%s]", cursor("lobby", "gone", 7)));
	chat_await(c, "{'type':'reset','room':'lobby','epoch':'*','head':'*'}");
	chat_expect(c, "{'type':'room','room':'lobby','after':0,'count':1}");
	chat_take_lines(c, "lobby", 0, 1);
}

OwnedTest(resume, a_cursor_below_the_memory_is_told_the_gap)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0 --room-lines 16");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	const char *lobby = text_of(chat_room_of(bob, "lobby"), "epoch");

	chat_drop(bob);
	for (unsigned i = 1; i <= 50; i++)
		chat_say(alice, "lobby", scratch_text("m%u", i), "meanwhile");
	bob = chat_welcome(s, "bob", scratch_text("'resume':[%s]", cursor("lobby", lobby, 0)));
	json_t *room =
		chat_await(bob, "{'type':'room','room':'lobby','head':50,'after':0,'count':0}");
	chat_await(bob, "{'type':'gap','room':'lobby','after':0,'next':%lld,'head':50}",
		   number_of(room, "first"));
	for (long long seq = number_of(room, "first"); seq <= 50; seq++)
		must(number_of(chat_await(bob, "{'room':'lobby','seq':'*'}"), "seq") == seq,
		     "line %lld is not the next", seq);
}

OwnedTest(resume, entries_for_rooms_of_others_are_ignored)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice");

	chat_join(alice, "ops", NULL);
	chat_say(alice, "ops", "m", "secret");
	chat_tell(alice, "alice", "d", "secret");
	struct chat *bob =
		chat_login_with(s, "bob",
				scratch_text("'resume':[%s,%s,%s]", cursor("ops", "x", 0),
					     cursor("@alice", "x", 0), cursor("nowhere", "x", 0)));
	chat_quiet(bob);
	must(!chat_saw(bob, "{'room':'ops'}") && !chat_saw(bob, "{'room':'@alice'}") &&
		     !chat_saw(bob, "{'room':'nowhere'}"),
	     "a line of another's room");
}

OwnedTest(resume, a_message_whose_ok_was_lost_is_not_doubled)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login_with(s, "alice", "'device':'laptop'"),
		    *bob = chat_login(s, "bob");

	chat_send(alice, "{'id':'k-1','room':'lobby','content':'once'}");
	chat_expect(bob, "{'type':'message','seq':1,'content':'once'}");
	chat_drop(alice);
	alice = chat_login_with(s, "alice", "'device':'laptop'");
	must(json_has(alice->welcome, "{'last_id':'k-1'}"), "the last id");
	chat_send(alice, "{'id':'k-1','room':'lobby','content':'once'}");
	chat_expect(alice, "{'type':'ok','id':'k-1','room':'lobby','seq':1,'duplicate':true}");
	chat_quiet(bob);
}

OwnedTest(resume, two_devices_have_cursors_and_ids_of_their_own)
{
	struct server *s = server_with(.users = "alice");
	struct chat *laptop = chat_login_with(s, "alice", "'device':'laptop'");
	struct chat *phone = chat_login_with(s, "alice", "'device':'phone'");
	const char *lobby = text_of(chat_room_of(laptop, "lobby"), "epoch");

	chat_say(laptop, "lobby", "l-1", "from the laptop");
	chat_expect(phone, "{'type':'message','seq':1}");
	chat_drop(laptop);
	chat_say(phone, "lobby", "p-1", "from the phone");
	laptop = chat_welcome(
		s, "alice",
		scratch_text("'device':'laptop','resume':[%s]", cursor("lobby", lobby, 1)));
	must(json_has(laptop->welcome, "{'last_id':'l-1'}"), "the laptop's last id");
	chat_await(laptop, "{'type':'room','room':'lobby','after':1,'count':1}");
	chat_expect(laptop, "{'type':'message','seq':2,'content':'from the phone'}");
}

OwnedTest(resume, the_death_of_a_worker_loses_and_doubles_nothing)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2, .args = "--rate 0");
	struct chat *alice = chat_login_on(s, "alice", "'device':'laptop'", 0);
	struct chat *bob = chat_login_on(s, "bob", NULL, 1);
	const char *epoch = text_of(chat_join(alice, "ops", NULL), "epoch");

	chat_join(bob, "ops", NULL);
	for (unsigned round = 1; round <= 5; round++) {
		char *id = scratch_text("m%u", round);

		chat_send(alice, "{'id':'%s','room':'ops','content':'%s'}", id, id);
		server_kill_worker(s, 0);
		alice = chat_login_with(s, "alice",
					scratch_text("'device':'laptop','resume':[%s]",
						     cursor("ops", epoch, round - 1)));
		chat_send(alice, "{'id':'%s','room':'ops','content':'%s'}", id, id);
		chat_await(alice, "{'type':'ok','id':'%s','room':'ops','seq':%u}", id, round);
		chat_expect(bob, "{'type':'message','room':'ops','seq':%u,'id':'%s'}", round, id);
		chat_send(alice, "{'type':'bye'}");
		chat_closed(alice, 1000);
		alice = chat_login_on(s, "alice", "'device':'laptop'", 0);
	}
	chat_quiet(bob);
}

OwnedTest(resume, one_whose_worker_died_goes_on_where_he_was)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2, .args = "--rate 0");
	struct chat *alice = chat_login_on(s, "alice", NULL, 1),
		    *bob = chat_login_on(s, "bob", NULL, 0);
	const char *epoch = text_of(chat_room_of(bob, "lobby"), "epoch");

	chat_say(alice, "lobby", "m1", "seen");
	chat_expect(bob, "{'type':'message','seq':1}");
	server_kill_worker(s, 0);
	chat_closed(bob, 1006);
	chat_say(alice, "lobby", "m2", "missed");
	bob = chat_login_with(s, "bob", scratch_text("'resume':[%s]", cursor("lobby", epoch, 1)));
	must(json_has(chat_room_of(bob, "lobby"), "{'epoch':'%s','head':2}", epoch),
	     "another room");
	must(chat_saw(bob, "{'type':'room','room':'lobby','after':1,'count':1}"), "the cursor");
	must(chat_saw(bob, "{'type':'message','seq':2,'content':'missed'}"), "the line");
	chat_quiet(bob);
}
