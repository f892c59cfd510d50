/* docs/protocol.md, sentence by sentence: what no other suite here asks for. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdlib.h>
#include <string.h>

TestSuite(letter, .fini = owned_finish_all, .timeout = 60);

OwnedTest(letter, a_welcome_carries_the_id_of_its_login)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "alice");
	struct key alice = key_of("alice");

	chat_send_login(c, "alice", &alice, "'id':'the login'");
	chat_expect(c, "{'type':'welcome','id':'the login'}");
}

OwnedTest(letter, an_error_that_ends_the_connection_is_fatal)
{
	struct server *s = server_with(.users = "alice bob", .args = "--max-connections 1");
	struct key bob = key_of("bob");

	chat_login(s, "alice");
	struct chat *c = chat_open(s, "bob");
	chat_send_login(c, "bob", &bob, "'id':'b'");
	chat_expect(c, "{'type':'error','id':'b','code':'server_full','fatal':true}");
	chat_closed(c, 4002);
}

OwnedTest(letter, a_history_request_without_limit_brings_fifty_lines)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 0");
	struct chat *c = chat_login(s, "alice");

	for (unsigned i = 1; i <= 60; i++)
		chat_say(c, "lobby", scratch_text("m%u", i), "a line");
	chat_send(c, "{'type':'history','id':'h','room':'lobby','before':61}");
	chat_expect(c, "{'type':'history','id':'h','first':11,'last':60,'count':50,'more':true}");
	chat_take_lines(c, "lobby", 10, 50);
	chat_quiet(c);
}

/* Each line comes before its ok, though all of them together are far more than the log holds. */
OwnedTest(letter, the_lines_of_one_frame_do_not_push_each_other_out_of_a_small_log)
{
	struct server *s = server_with(.users = "alice bob", .args = "--rate 0 --room-lines 32");
	struct chat *alice = chat_login(s, "alice");
	struct buf frame = BUF_INIT;

	for (unsigned i = 1; i <= 200; i++)
		buf_printf(&frame, "{\"id\":\"m%u\",\"content\":\"line %u\"}\n", i, i);
	owned_add(frame.data, free, NULL);
	chat_send_bytes(alice, frame.data, frame.len);
	for (unsigned lines = 0, oks = 0; oks < 200;) {
		json_t *line = chat_next(alice, PATIENCE_MS);

		must(line != NULL, "no answer after %u lines and %u oks", lines, oks);
		if (json_has(line, "{'type':'message'}")) {
			lines++;
			must(json_has(line, "{'seq':%u,'id':'m%u'}", lines, lines), "not line %u",
			     lines);
		} else if (json_has(line, "{'type':'ok'}")) {
			oks++;
			must(json_has(line, "{'seq':%u,'id':'m%u'}", oks, oks), "not ok %u", oks);
			must(oks <= lines, "ok %u came before its line", oks);
		} else {
			must(json_has(line, "{'type':'presence'}"), "neither line nor ok: %s",
			     json_text(line));
		}
	}
}

OwnedTest(letter, a_burst_of_0_is_no_limit)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 1 --burst 0");
	struct chat *c = chat_login(s, "alice");

	for (unsigned i = 1; i <= 100; i++)
		chat_say(c, "lobby", scratch_text("m%u", i), "a line");
}
