/* docs/protocol.md, "Messages": rooms, ids, defaults. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

TestSuite(messages, .fini = owned_finish_all, .timeout = 60);

OwnedTest(messages, the_line_comes_before_its_ok)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");

	chat_send(alice, "{'type':'message','id':'k3v9-17','room':'lobby','content':'deployed'}");
	json_t *line =
		chat_expect(alice, "{'type':'message','room':'lobby','seq':1,'timestamp':'*',"
				   "'sender':'alice','content':'deployed','id':'k3v9-17',"
				   "'prev':null,'recipient':null,'ref':null}");
	chat_expect(alice, "{'type':'ok','id':'k3v9-17','room':'lobby','seq':1,'duplicate':null}");
	must(json_equal(line, chat_expect(bob, "{'type':'message'}")), "bob got other fields");
	chat_quiet(bob);
}

OwnedTest(messages, a_line_without_type_is_a_message_to_the_lobby)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'content':'hi'}");
	chat_expect(c, "{'type':'message','room':'lobby','content':'hi','id':null}");
	chat_quiet(c);
}

OwnedTest(messages, without_room_the_last_join_of_the_connection_counts)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_join(c, "ops", NULL);
	chat_join(c, "dev", NULL);
	chat_send(c, "{'id':'m','content':'hi'}");
	chat_expect(c, "{'type':'message','room':'dev'}");
	chat_expect(c, "{'type':'ok','id':'m','room':'dev','seq':1}");
	struct chat *two = chat_login_with(s, "alice", "'device':'two'");
	chat_send(two, "{'id':'m','content':'resuming changes nothing'}");
	chat_await(two, "{'type':'ok','id':'m','room':'lobby'}");
}

OwnedTest(messages, the_sender_may_be_named_but_not_chosen)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'sender':'alice','id':'a','content':'me'}");
	chat_expect(c, "{'type':'message','sender':'alice'}");
	chat_expect(c, "{'type':'ok','id':'a'}");
	chat_send(c, "{'sender':'bob','id':'b','content':'not me'}");
	chat_refused(c, "wrong_sender");
	chat_quiet(c);
}

OwnedTest(messages, format_kind_and_reply_are_carried)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_say(c, "lobby", "first", "question");
	chat_send(c, "{'id':'m','content':'waves','kind':'me','format':'markdown','reply_to':1}");
	chat_expect(c, "{'type':'message','content':'waves','kind':'me','format':'markdown',"
		       "'reply_to':1}");
	chat_expect(c, "{'type':'ok','id':'m'}");
	chat_send(c, "{'id':'f','content':'x','format':'html'}");
	chat_refused(c, "bad_field");
	chat_send(c, "{'id':'k','content':'x','kind':'shout'}");
	chat_refused(c, "bad_field");
}

OwnedTest(messages, content_arrives_character_by_character)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	const char *content =
		"tab\tline\nquote\" back\\slash / \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 "
		"\xe2\x80\xa8 </script> %s";

	chat_say(alice, "lobby", "m", content);
	must(strcmp(text_of(chat_expect(bob, "{'type':'message'}"), "content"), content) == 0,
	     "changed on the way");
	const char escaped[] = "{\"id\":\"e\",\"content\":\"\\u00e9\\ud83d\\ude00\\/\"}";
	chat_send_bytes(alice, escaped, strlen(escaped));
	must(strcmp(text_of(chat_expect(bob, "{'type':'message'}"), "content"),
		    "\xc3\xa9\xf0\x9f\x98\x80/") == 0,
	     "escapes");
}

OwnedTest(messages, the_same_id_again_gets_the_first_ok)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_say(c, "lobby", "m1", "once");
	chat_say(c, "lobby", "m2", "between");
	chat_send(c, "{'id':'m1','room':'lobby','content':'once'}");
	chat_expect(c, "{'type':'ok','id':'m1','room':'lobby','seq':1,'duplicate':true}");
	chat_quiet(c);
	chat_send(c, "{'id':'m1','room':'lobby','content':'once','kind':'me','format':'code'}");
	chat_expect(c, "{'type':'ok','id':'m1','room':'lobby','seq':1,'duplicate':true}");
	chat_quiet(c);
	chat_send(c, "{'id':'m1','room':'lobby','content':'other words'}");
	must(json_has(chat_refused(c, "id_conflict"), "{'id':'m1'}"), "no id");
	chat_join(c, "ops", NULL);
	chat_send(c, "{'id':'m1','room':'ops','content':'once'}");
	chat_refused(c, "id_conflict");
	chat_send(c, "{'type':'topic','id':'m1','room':'lobby','content':'once'}");
	chat_refused(c, "id_conflict");
	chat_quiet(c);
}

OwnedTest(messages, an_id_belongs_to_a_device_and_not_to_a_connection)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login_with(s, "alice", "'device':'laptop'");

	chat_say(c, "lobby", "m1", "once");
	struct chat *same = chat_login_with(s, "alice", "'device':'laptop'");
	chat_send(same, "{'id':'m1','room':'lobby','content':'once'}");
	chat_expect(same, "{'type':'ok','id':'m1','seq':1,'duplicate':true}");
	struct chat *other = chat_login_with(s, "alice", "'device':'phone'");
	must(chat_say(other, "lobby", "m1", "once") == 2, "not appended");
}

OwnedTest(messages, an_id_is_remembered_over_every_room_and_a_leave)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 0");
	struct chat *c = chat_login(s, "alice");

	chat_join(c, "ops", NULL);
	chat_say(c, "ops", "first", "once");
	for (unsigned i = 0; i < 63; i++)
		chat_say(c, i % 2 == 0 ? "lobby" : "ops", scratch_text("m%u", i), "more");
	chat_send(c, "{'type':'leave','id':'l','room':'ops'}");
	chat_expect(c, "{'type':'ok','id':'l'}");
	chat_send(c, "{'id':'first','room':'ops','content':'once'}");
	chat_expect(c, "{'type':'ok','id':'first','room':'ops','seq':1,'duplicate':true}");
}

OwnedTest(messages, the_welcome_names_the_last_id_of_the_device)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login_with(s, "alice", "'device':'laptop'");

	chat_say(c, "lobby", "k-1", "one");
	chat_say(c, "lobby", "k-2", "two");
	must(json_has(chat_welcome(s, "alice", "'device':'laptop'")->welcome, "{'last_id':'k-2'}"),
	     "not k-2");
	must(!json_has(chat_welcome(s, "alice", "'device':'phone'")->welcome, "{'last_id':'k-2'}"),
	     "another device's");
}

OwnedTest(messages, a_connection_that_does_not_follow_the_room_gets_the_ok_alone)
{
	struct server *s = server_with(.users = "alice");

	chat_login(s, "alice");
	struct chat *c = chat_login_with(s, "alice", "'only':[],'device':'pipe'");
	chat_send(c, "{'id':'m','room':'lobby','content':'hi'}");
	chat_expect(c, "{'type':'ok','id':'m','room':'lobby','seq':1}");
	chat_quiet(c);
}

OwnedTest(messages, lines_of_one_frame_are_taken_in_order)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0");
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	struct buf frame = BUF_INIT;

	for (unsigned i = 1; i <= 200; i++)
		buf_printf(&frame, "{\"id\":\"m%u\",\"content\":\"%u\"}\n%s", i, i,
			   i % 7 == 0 ? "\n" : "");
	chat_send_bytes(alice, frame.data, frame.len);
	buf_finish(&frame);
	for (unsigned i = 1; i <= 200; i++) {
		chat_expect(bob, "{'type':'message','seq':%u,'content':'%u','id':'m%u'}", i, i, i);
		chat_await(alice, "{'type':'ok','id':'m%u','seq':%u}", i, i);
	}
}

OwnedTest(messages, unknown_fields_are_ignored_and_an_unknown_type_is_answered)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'id':'m','content':'hi','color':'red','nested':{'a':[1,2]}}");
	chat_expect(c, "{'type':'message','content':'hi','color':null,'nested':null}");
	chat_expect(c, "{'type':'ok','id':'m'}");
	chat_send(c, "{'type':'dance','id':'d'}");
	must(json_has(chat_refused(c, "unknown_type"), "{'id':'d'}"), "no id");
	chat_quiet(c);
}

OwnedTest(messages, an_error_comes_without_an_id_too)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'room':'nowhere','content':'hi'}");
	must(json_has(chat_refused(c, "no_such_room"), "{'id':null}"), "an id from nowhere");
	chat_send(c, "{'room':'lobby'}");
	chat_refused(c, "missing_field");
}

OwnedTest(messages, what_is_not_built_yet_says_so)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *lines[] = {
		"'type':'search','query':'x','limit':5",
		"'type':'edit','room':'lobby','target':1,'content':'x'",
		"'type':'delete','room':'lobby','target':1",
		"'type':'reaction','room':'lobby','target':1,'emoji':'+1'",
		"'type':'moderation','action':'kick','room':'lobby','user':'alice'",
	};
	json_t *told;
	size_t i;

	chat_say(c, "lobby", "m", "hi");
	json_array_foreach(json_object_get(c->welcome, "capabilities"), i, told)
		must(strcmp(json_string_value(told), "search") != 0, "search is promised");
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		chat_send(c, "{'id':'n%zu',%s}", i, lines[i]);
		must(json_has(chat_refused(c, "not_supported"), "{'id':'n%zu'}", i), "no id");
	}
}

OwnedTest(messages, bye_ends_the_connection_with_1000)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'type':'bye','reason':'tea'}");
	chat_closed(c, 1000);
}
