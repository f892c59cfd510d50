/* docs/protocol.md, "Limits": sizes of fields, rates, connections, silence. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

TestSuite(limits, .fini = owned_finish_all, .timeout = 60);

/* `count` times the text. */
static char *repeated(const char *text, size_t count)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_append_str(&out, text);
	owned_add(out.data, free, NULL);
	return out.data;
}

static json_t *answer(struct chat *c, const char *id, const char *content)
{
	chat_send(c, "{'id':'%s','room':'lobby','content':'%s'}", id, content);
	return chat_await(c, "{'id':'%s','content':null}", id);
}

OwnedTest(limits, content_may_have_four_thousand_characters)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 0");
	struct chat *c = chat_login(s, "alice");

	must(json_has(answer(c, "a", repeated("x", 4000)), "{'type':'ok'}"), "4000 letters");
	must(json_has(answer(c, "b", repeated("\xf0\x9f\x98\x80", 4000)), "{'type':'ok'}"),
	     "4000 characters of four bytes");
	must(json_has(answer(c, "c", repeated("x", 4001)), "{'type':'error','code':'too_long'}"),
	     "4001 letters");
	must(json_has(answer(c, "d", repeated("\xc3\xa9", 4001)), "{'code':'too_long'}"),
	     "4001 characters of two bytes");
}

OwnedTest(limits, content_is_not_empty_or_blank)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	must(json_has(answer(c, "a", ""), "{'code':'empty'}"), "nothing");
	must(json_has(answer(c, "b", "   "), "{'code':'empty'}"), "blanks");
	must(json_has(answer(c, "c", "\\n\\t \\n"), "{'code':'empty'}"), "blank lines");
}

OwnedTest(limits, control_characters_are_refused)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	must(json_has(answer(c, "a", "bell\\u0007"), "{'code':'bad_field'}"), "C0");
	must(json_has(answer(c, "b", "esc\\u001b[2J"), "{'code':'bad_field'}"), "escape");
	must(json_has(answer(c, "c", "return\\r"), "{'code':'bad_field'}"), "carriage return");
	must(json_has(answer(c, "d", "del\\u007f"), "{'code':'bad_field'}"), "DEL");
	must(json_has(answer(c, "e", "c1\\u009b"), "{'code':'bad_field'}"), "C1");
	must(json_has(answer(c, "f", "one\\n\\ttwo"), "{'type':'ok'}"), "newline and tab");
}

OwnedTest(limits, other_texts_have_their_own_limits)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "{'type':'topic','id':'a','room':'lobby','content':'%s'}", repeated("x", 301));
	chat_refused(c, "too_long");
	chat_send(c, "{'type':'topic','id':'b','room':'lobby','content':'%s'}", repeated("x", 300));
	chat_await(c, "{'type':'ok','id':'b'}");
	chat_send(c, "{'type':'away','id':'c','content':'%s'}", repeated("x", 301));
	chat_refused(c, "too_long");
	chat_send(c, "{'type':'away','id':'d','content':'two\\nlines'}");
	chat_refused(c, "bad_field");
}

OwnedTest(limits, an_id_is_one_to_sixty_four_printable_characters)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *bad[] = {"", repeated("i", 65), "\\u0001", "\xc3\xa9", "tab\\t"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		chat_send(c, "{'id':'%s','content':'hi'}", bad[i]);
		chat_refused(c, "bad_field");
	}
	must(json_has(answer(c, repeated("i", 64), "hi"), "{'type':'ok'}"), "64");
}

OwnedTest(limits, numbers_are_integers_below_two_to_the_53)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *bad[] = {"-1", "9007199254740992", "1.5", "'1'", "true", "[1]", "1e400"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		chat_send(c, "{'type':'join','id':'j','room':'ops','epoch':'x','after':%s}",
			  bad[i]);
		json_t *line = chat_expect(c, "{'type':'error'}");
		must(json_has(line, "{'code':'bad_field'}") ||
			     (i == 6 && json_has(line, "{'code':'bad_json'}")),
		     "after %s: another code", bad[i]);
	}
	chat_send(c, "{'type':'message','id':'m','room':7,'content':'hi'}");
	chat_refused(c, "bad_field");
	chat_send(c, "{'type':'message','id':'m','room':'lobby','content':['hi']}");
	chat_refused(c, "bad_field");
	chat_send(c, "{'type':7,'id':'m','content':'hi'}");
	chat_refused(c, "bad_field");
}

OwnedTest(limits, a_burst_above_the_rate_is_refused_with_the_time_to_wait)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	struct buf frame = BUF_INIT;
	unsigned ok = 0, refused = 0;
	long long wait_ms = 0;
	char *late = NULL;

	for (unsigned i = 0; i < 60; i++)
		buf_printf(&frame, "{\"id\":\"m%u\",\"content\":\"%u\"}\n", i, i);
	chat_send_bytes(c, frame.data, frame.len);
	buf_finish(&frame);
	for (unsigned i = 0; i < 60; i++) {
		json_t *line = chat_await(c, "{'id':'m%u','content':null}", i);

		if (json_has(line, "{'type':'ok'}")) {
			ok++;
			continue;
		}
		must(json_has(line, "{'type':'error','code':'rate_limited','retry_after_ms':'*'}"),
		     "another answer");
		wait_ms = number_of(line, "retry_after_ms");
		late = scratch_text("m%u", i);
		refused++;
	}
	must(ok >= 30 && ok <= 35, "%u of 60 at once came through", ok);
	must(refused == 60 - ok && wait_ms > 0 && wait_ms <= 1000, "wait %lld ms", wait_ms);
	chat_send(c, "{'id':'m0','content':'0'}");
	chat_await(c, "{'type':'ok','id':'m0','duplicate':true}");
	poll(NULL, 0, (int)wait_ms + 50);
	chat_send(c, "{'id':'%s','content':'59'}", late);
	chat_await(c, "{'type':'ok','id':'%s','duplicate':null}", late);
}

OwnedTest(limits, the_rate_is_the_users_and_not_the_connections)
{
	struct server *s =
		server_with(.users = "alice bob", .args = "--rate 1 --burst 4", .workers = 2);
	struct chat *one = chat_login(s, "alice"), *two = chat_login(s, "alice");
	struct chat *bob = chat_login(s, "bob");
	unsigned ok = 0;

	for (unsigned i = 0; i < 8; i++) {
		struct chat *c = i % 2 == 0 ? one : two;

		chat_send(c, "{'id':'m%u','content':'x'}", i);
		ok += json_has(chat_await(c, "{'id':'m%u','content':null}", i), "{'type':'ok'}");
	}
	must(ok >= 4 && ok <= 5, "%u came through", ok);
	must(json_has(answer(bob, "b", "others are free"), "{'type':'ok'}"), "bob pays for alice");
}

OwnedTest(limits, a_refused_line_spends_the_rate_as_well)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 1 --burst 3");
	struct chat *c = chat_login(s, "alice");

	for (unsigned i = 0; i < 3; i++) {
		chat_send(c, "{'id':'e%u','room':'nowhere','content':'x'}", i);
		chat_refused(c, "no_such_room");
	}
	chat_send(c, "{'id':'m','room':'lobby','content':'x'}");
	chat_refused(c, "rate_limited");
}

OwnedTest(limits, other_lines_have_a_rate_ten_times_that)
{
	struct server *s = server_with(.users = "alice", .args = "--rate 1 --burst 5");
	struct chat *c = chat_login(s, "alice");
	unsigned answered = 0, sent = 100;
	struct buf frame = BUF_INIT;

	for (unsigned i = 0; i < sent; i++)
		buf_printf(&frame, "{\"type\":\"rooms\",\"id\":\"r%u\"}\n", i);
	chat_send_bytes(c, frame.data, frame.len);
	buf_finish(&frame);
	for (unsigned i = 0; i < sent; i++) {
		json_t *line = chat_await(c, "{'id':'r%u'}", i);

		answered += json_has(line, "{'type':'rooms'}");
		must(json_has(line, "{'type':'rooms'}") ||
			     json_has(line, "{'code':'rate_limited','retry_after_ms':'*'}"),
		     "another answer");
	}
	must(answered >= 45 && answered <= 65, "%u of %u at once, not about 50", answered, sent);
	must(json_has(answer(c, "m", "has a bucket of its own"), "{'type':'ok'}"), "refused");
}

OwnedTest(limits, a_user_has_so_many_connections)
{
	struct server *s =
		server_with(.users = "alice bob", .args = "--max-connections-per-user 2");
	struct key alice = key_of("alice");
	struct chat *one = chat_login(s, "alice");

	chat_login(s, "alice");
	struct chat *third = chat_open(s, "third");
	chat_send_login(third, "alice", &alice, NULL);
	chat_expect(third, "{'type':'error','code':'too_many_connections','fatal':true}");
	chat_closed(third, 4002);
	chat_login(s, "bob");
	chat_send(one, "{'type':'bye'}");
	chat_closed(one, 1000);
	chat_login(s, "alice");
}

/* Opens until one is refused: how many were let in. They stay open. */
static unsigned open_until_refused(struct server *s, unsigned most, const char *source)
{
	for (unsigned i = 0; i < most; i++) {
		struct chat *c = chat_try_open(s, source, &(struct ws_request){.source = source});
		json_t *line = c != NULL ? chat_next(c, PATIENCE_MS) : NULL;

		if (c == NULL)
			return i;
		must(line != NULL, "closed without a word");
		if (!json_has(line, "{'type':'challenge'}")) {
			must(json_has(line, "{'code':'too_many_connections'}"), "another word");
			return i;
		}
	}
	return most;
}

OwnedTest(limits, an_address_has_so_many_logins_pending)
{
	struct server *s = server_with(.users = "alice", .args = "--max-pending-logins 3");

	must(open_until_refused(s, 6, "127.0.0.2") == 3, "not 3 of 127.0.0.2");
	must(open_until_refused(s, 3, "127.0.0.3") == 3, "127.0.0.3 pays for 127.0.0.2");
}

OwnedTest(limits, an_address_has_so_many_connections)
{
	struct server *s =
		server_with(.users = "alice",
			    .args = "--max-connections-per-address 2 --max-pending-logins 0");

	must(open_until_refused(s, 6, "127.0.0.2") == 2, "not 2 of 127.0.0.2");
	must(open_until_refused(s, 2, "127.0.0.3") == 2, "127.0.0.3 pays for 127.0.0.2");
}

OwnedTest(limits, one_who_answers_no_ping_is_closed)
{
	struct server *s = server_with(.users = "alice bob", .args = "--ping-interval 1");
	struct chat *mute = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	struct buf frame = BUF_INIT;
	unsigned pings = 0;
	uint64_t start = clock_mono_ms();

	mute->ws.mute = true;
	while (!mute->ws.closed || pings < 4) {
		ws_receive(&mute->ws, 20, &frame);
		pings += ws_receive(&bob->ws, 20, &frame) == WS_EVENT_PING;
		must(!bob->ws.closed, "bob answers, and is closed");
		must(clock_mono_ms() - start < PATIENCE_MS, "%u pings, and mute is%s closed", pings,
		     mute->ws.closed ? "" : " not");
		must(!mute->ws.closed || clock_mono_ms() - start > 1000, "closed too early");
	}
	buf_finish(&frame);
	chat_quiet(bob);
}

OwnedTest(limits, one_who_says_nothing_is_idle_where_that_is_asked_for)
{
	struct server *s = server_with(.users = "alice", .args = "--idle-timeout 1");
	struct chat *c = chat_login(s, "alice");

	chat_await(c, "{'type':'error','code':'idle','fatal':true}");
	chat_closed(c, 4002);
}

OwnedTest(limits, a_pipe_is_never_idle)
{
	struct server *s = server_with(.users = "alice", .args = "--idle-timeout 1");
	struct chat *pipe = chat_login_with(s, "alice", "'only':['lobby']");
	struct chat *person = chat_login(s, "alice");

	chat_await(person, "{'type':'error','code':'idle','fatal':true}");
	chat_closed(person, 4002);
	/* It has been silent for longer. */
	chat_quiet(pipe);
}

OwnedTest(limits, the_welcome_tells_the_limits_that_were_set)
{
	struct server *s = server_with(
			.users = "alice",
			.args = "--rate 5 --burst 7 --max-connections-per-user 3 "
				"--max-rooms-per-user 9 --presence-limit 11 --ping-interval 13 "
				"--max-line 5000 --max-frame 6000 --max-content 17 "
				"--max-connections-per-address 19 --max-connections 23 "
				"--room-capacity 29 --idle-timeout 31");
	json_t *welcome = chat_welcome(s, "alice", NULL)->welcome;

	must(json_has(welcome, "{'limits':{'rate':[5,7],'connections':3,'rooms':9,'presence':11,"
			       "'ping':13,'line':5000,'frame':6000,'content':17,"
			       "'address_connections':19,'server_connections':23,'capacity':29,"
			       "'idle':31}}"),
	     "other limits: %s", json_text(welcome));
}

OwnedTest(limits, sizes_that_were_set_are_the_ones_that_hold)
{
	struct server *s = server_with(.users = "alice", .args = "--max-line 5000 --max-frame 6000 "
								  "--max-content 10 --rate 0");
	struct chat *c = chat_login(s, "alice");
	char *blanks = repeated(" ", 1000);

	must(json_has(answer(c, "a", "0123456789"), "{'type':'ok'}"), "10 characters");
	must(json_has(answer(c, "b", "01234567890"), "{'code':'too_long'}"), "11 characters");
	/* Two lines in one frame that is within its bound. */
	chat_send(c, "{'type':'ping','id':'p1'}%s%s%s\n{'type':'ping','id':'p2'}%s%s", blanks,
		  blanks, blanks, blanks, blanks);
	chat_expect(c, "{'type':'pong','id':'p1'}");
	chat_expect(c, "{'type':'pong','id':'p2'}");
	chat_send(c, "{'type':'ping','id':'p3'}%s%s%s%s%s", blanks, blanks, blanks, blanks, blanks);
	chat_await(c, "{'type':'error','code':'too_large','fatal':true}");
	chat_closed(c, 1009);
	c = chat_login(s, "alice");
	chat_send(c, "{'type':'ping'}\n%s%s%s%s%s%s", blanks, blanks, blanks, blanks, blanks, blanks);
	chat_await(c, "{'type':'error','code':'too_large','fatal':true}");
	chat_closed(c, 1009);
}

OwnedTest(limits, eight_thousand_characters_are_let_through_where_that_is_asked_for)
{
	struct server *s = server_with(.users = "alice bob", .args = "--max-content 8000 --rate 0");
	struct chat *c = chat_login(s, "alice");

	must(json_has(answer(c, "a", repeated("\xf0\x9f\x98\x80", 8000)), "{'type':'ok'}"),
	     "8000 characters of four bytes");
	must(json_has(answer(c, "b", repeated("\\\"", 8000)), "{'type':'ok'}"), "8000 quotes");
	must(json_has(answer(c, "c", repeated("x", 8001)), "{'code':'too_long'}"), "8001");
}
