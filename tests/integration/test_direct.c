/* docs/protocol.md, "Inbox": direct messages, read marks, full inboxes. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

TestSuite(direct, .fini = owned_finish_all, .timeout = 60);

static const char *known_ref(json_t *line)
{
	const char *ref = text_of(line, "ref");

	must(strlen(ref) == 16 && strspn(ref, "0123456789abcdef") == 16, "ref %s", ref);
	return ref;
}

OwnedTest(direct, a_copy_lies_in_both_inboxes)
{
	struct server *s = server_with(.users = "alice bob carol");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	struct chat *carol = chat_login(s, "carol");

	chat_send(alice, "{'id':'d1','recipient':'bob','content':'got a minute?'}");
	json_t *own =
		chat_expect(alice, "{'type':'message','room':'@alice','seq':1,'timestamp':'*',"
				   "'sender':'alice','recipient':'bob','ref':'*',"
				   "'content':'got a minute?','id':'d1'}");
	chat_expect(alice, "{'type':'ok','id':'d1','room':'@alice','seq':1}");
	json_t *copy = chat_expect(bob,
				   "{'type':'message','room':'@bob','seq':1,'sender':'alice',"
				   "'recipient':'bob','content':'got a minute?','ref':'%s',"
				   "'timestamp':'%s'}",
				   known_ref(own), text_of(own, "timestamp"));
	chat_quiet(carol);
	chat_quiet(bob);
	chat_send(bob, "{'id':'d1','recipient':'alice','content':'yes','reply_to':'%s'}",
		  text_of(copy, "ref"));
	chat_expect(alice,
		    "{'type':'message','room':'@alice','seq':2,'sender':'bob','reply_to':'%s'}",
		    text_of(copy, "ref"));
}

OwnedTest(direct, every_device_of_both_sees_it)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	struct chat *alice2 = chat_login_with(s, "alice", "'device':'two','only':[]");
	struct chat *bob2 = chat_login_with(s, "bob", "'device':'two','only':[]");

	chat_tell(alice, "bob", "d1", "hi");
	chat_expect(alice2, "{'type':'message','room':'@alice','seq':1}");
	chat_expect(bob, "{'type':'message','room':'@bob','seq':1}");
	chat_expect(bob2, "{'type':'message','room':'@bob','seq':1}");
}

OwnedTest(direct, one_who_is_away_finds_it_at_the_next_login)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_send(bob, "{'type':'bye'}");
	chat_closed(bob, 1000);
	chat_tell(alice, "bob", "d1", "one");
	chat_tell(alice, "bob", "d2", "two");
	bob = chat_welcome(s, "bob", NULL);
	chat_await(bob, "{'type':'room','room':'@bob','first':1,'head':2,'after':0,'count':2}");
	chat_expect(bob, "{'type':'message','room':'@bob','seq':1,'content':'one'}");
	chat_expect(bob, "{'type':'message','room':'@bob','seq':2,'content':'two'}");
}

OwnedTest(direct, to_oneself_there_is_one_copy)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'id':'d','recipient':'alice','content':'note to self'}");
	chat_expect(c, "{'type':'message','room':'@alice','seq':1,'recipient':'alice'}");
	chat_expect(c, "{'type':'ok','id':'d','room':'@alice','seq':1}");
	chat_quiet(c);
	must(json_has(chat_room_of(chat_welcome(s, "alice", NULL), "@alice"), "{'head':1}"), "two");
}

OwnedTest(direct, the_inbox_may_be_named_as_the_room)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_send(alice, "{'id':'d','room':'@bob','content':'hi'}");
	chat_expect(alice, "{'type':'message','room':'@alice','recipient':'bob','sender':'alice'}");
	chat_expect(alice, "{'type':'ok','id':'d','room':'@alice','seq':1}");
	chat_expect(bob, "{'type':'message','room':'@bob','recipient':'bob'}");
	chat_send(alice, "{'id':'d','recipient':'bob','content':'hi'}");
	chat_expect(alice, "{'type':'ok','id':'d','room':'@alice','seq':1,'duplicate':true}");
	chat_quiet(bob);
}

OwnedTest(direct, capitals_in_names_are_folded)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_tell(alice, "BOB", "d", "hi");
	chat_expect(bob, "{'type':'message','room':'@bob','recipient':'bob'}");
}

OwnedTest(direct, the_recipient_must_be_known)
{
	struct key key = key_of("bob");
	struct server *s = server_with(.keys = scratch_text("environment=\"CHAT_USER=bob\" %s\n%s",
							    key.line, keys_of("alice carol")));
	struct chat *alice = chat_login(s, "alice");

	chat_send(alice, "{'id':'d1','recipient':'carol','content':'never been here'}");
	chat_refused(alice, "no_such_user");
	chat_tell(alice, "bob", "d2", "pinned, and never been here");
	struct chat *bob = chat_welcome(s, "bob", NULL);
	chat_await(bob, "{'type':'message','room':'@bob','seq':1}");
	chat_login(s, "carol");
	chat_tell(alice, "carol", "d3", "now she has");
}

OwnedTest(direct, the_same_id_again_gets_the_first_ok)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_tell(alice, "bob", "d", "once");
	chat_expect(bob, "{'type':'message','seq':1}");
	chat_send(alice, "{'id':'d','recipient':'bob','content':'once'}");
	chat_expect(alice, "{'type':'ok','id':'d','room':'@alice','seq':1,'duplicate':true}");
	chat_send(alice, "{'id':'d','recipient':'alice','content':'once'}");
	chat_refused(alice, "id_conflict");
	chat_quiet(bob);
}

OwnedTest(direct, one_sender_fills_a_quarter_of_an_inbox_at_most)
{
	struct server *s =
		server_with(.users = "alice bob carol", .args = "--rate 0 --room-lines 256");
	struct chat *alice = chat_login(s, "alice"), *carol = chat_login(s, "carol");
	struct chat *bob = chat_login(s, "bob");
	unsigned sent = 0;
	json_t *line = NULL;

	for (; sent < 100; sent++) {
		chat_send(alice, "{'id':'d%u','recipient':'bob','content':'x'}", sent);
		line = chat_expect(alice, "{'id':'d%u'}", sent);
		if (json_has(line, "{'type':'error'}"))
			break;
		chat_expect(alice, "{'type':'ok','id':'d%u'}", sent);
	}
	must(json_has(line, "{'code':'inbox_full'}"), "never full");
	must(strstr(text_of(line, "message"), "bob") != NULL, "whose inbox? %s",
	     text_of(line, "message"));
	must(sent >= 14 && sent <= 17, "%u unread lines of one sender in an inbox of 64", sent);
	chat_tell(carol, "bob", "d", "carol still can");
	must(json_has(chat_room_of(chat_welcome(s, "alice", NULL), "@alice"), "{'head':%u}", sent),
	     "a copy of a refused line");
	chat_await(bob, "{'type':'message','room':'@bob','seq':%u,'sender':'carol'}", sent + 1);
	chat_send(bob, "{'type':'read','room':'@bob','seq':%u}", sent + 1);
	chat_quiet(bob);
	chat_tell(alice, "bob", "again", "room again");
}

OwnedTest(direct, an_unread_line_is_never_overwritten)
{
	struct server *s = server_with(.users = "alice bob carol dave erin frank",
				       .args = "--rate 0 --room-lines 64");
	const char *names[] = {"alice", "carol", "dave", "erin", "frank"};
	struct chat *bob = chat_login(s, "bob");
	unsigned sent = 0;

	for (size_t i = 0; i < 5; i++) {
		struct chat *c = chat_login(s, names[i]);

		for (unsigned n = 0; n < 10; n++) {
			chat_send(c, "{'id':'d%u','recipient':'bob','content':'x'}", n);
			json_t *line = chat_expect(c, "{'id':'d%u'}", n);

			if (json_has(line, "{'type':'error'}")) {
				must(json_has(line, "{'code':'inbox_full'}"), "another code");
				break;
			}
			chat_expect(c, "{'type':'ok','id':'d%u'}", n);
			sent++;
		}
	}
	must(sent >= 12 && sent <= 16, "%u unread lines in an inbox of 16", sent);
	chat_take_lines(bob, "@bob", 0, sent);
	chat_quiet(bob);
	bob = chat_welcome(s, "bob", NULL);
	chat_await(bob, "{'type':'room','room':'@bob','first':1,'head':%u,'count':%u}", sent, sent);
}

OwnedTest(direct, sent_copies_count_as_read)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0 --room-lines 64");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	for (unsigned i = 1; i <= 60; i++) {
		chat_tell(alice, "bob", scratch_text("d%u", i), "x");
		chat_expect(bob, "{'type':'message','room':'@bob','seq':%u}", i);
		chat_send(bob, "{'type':'read','room':'@bob','seq':%u}", i);
		chat_quiet(bob);
	}
}

OwnedTest(direct, the_welcome_tells_what_was_read)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	struct chat *bob2 = chat_login_with(s, "bob", "'device':'two'");

	chat_tell(alice, "bob", "d1", "one");
	chat_tell(alice, "bob", "d2", "two");
	chat_await(bob2, "{'type':'message','room':'@bob','seq':2}");
	chat_await(bob, "{'type':'message','room':'@bob','seq':2}");
	chat_send(bob, "{'type':'read','room':'@bob','seq':1}");
	chat_expect(bob2, "{'type':'read','room':'@bob','seq':1}");
	chat_quiet(bob);
	must(json_has(chat_room_of(chat_welcome(s, "bob", NULL), "@bob"), "{'head':2,'read':1}"),
	     "read");
}
