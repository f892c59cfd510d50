/* docs/protocol.md, "Frames and lines": what a frame may hold, and what ends a connection. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 65536

TestSuite(frames, .fini = owned_finish_all, .timeout = 60);

/* A typing line padded to exactly `size` bytes, without newline. */
static char *line_of(size_t size, const char *id)
{
	char *line = malloc(size + 1);
	int head = snprintf(line, size, "{\"type\":\"ping\",\"id\":\"%s\",\"pad\":\"", id);

	must(line != NULL && head > 0, "out of memory");
	memset(line + head, 'x', size - (size_t)head);
	memcpy(line + size - 2, "\"}", 3);
	owned_add(line, free, NULL);
	return line;
}

/* A pong may come before or behind the lines around it, but it comes. */
static void await_pong(struct chat *c)
{
	struct buf frame = BUF_INIT;

	while (c->ws.pongs == 0) {
		enum ws_event event = ws_receive(&c->ws, PATIENCE_MS, &frame);

		must(event != WS_EVENT_CLOSED && event != WS_EVENT_TIMEOUT, "no pong");
	}
	buf_finish(&frame);
}

OwnedTest(frames, a_line_may_fill_the_frame)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send_bytes(c, line_of(LINE_BYTES, "full"), LINE_BYTES);
	chat_expect(c, "{'type':'pong','id':'full'}");
}

OwnedTest(frames, a_frame_above_the_limit_ends_the_connection)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send_bytes(c, line_of(LINE_BYTES + 1, "over"), LINE_BYTES + 1);
	chat_closed(c, 1009);
	json_t *last = json_array_get(c->seen, json_array_size(c->seen) - 1);
	must(json_has(last, "{'type':'error','code':'too_large','fatal':true}"), "no too_large");
}

OwnedTest(frames, a_frame_that_declares_too_much_is_not_waited_for)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	ws_send_frame(&c->ws, &(struct ws_frame){.fin = true,
						 .opcode = WS_TEXT,
						 .payload = "{",
						 .len = 1,
						 .declared = 1u << 30});
	chat_closed(c, 1009);
}

OwnedTest(frames, pieces_above_the_limit_end_the_connection)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	char *half = line_of(40000, "half");

	ws_send_frame(&c->ws, &(struct ws_frame){.opcode = WS_TEXT, .payload = half, .len = 40000});
	ws_send_frame(&c->ws, &(struct ws_frame){.fin = true,
						 .opcode = WS_CONTINUATION,
						 .payload = half,
						 .len = 40000});
	chat_closed(c, 1009);
}

OwnedTest(frames, before_the_login_sixteen_kib_are_the_limit)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "stranger");

	chat_send_bytes(c, line_of(16384, "fits"), 16384);
	chat_expect(c, "{'type':'pong','id':'fits'}");
	chat_send_bytes(c, line_of(16385, "over"), 16385);
	chat_closed(c, 1009);
}

OwnedTest(frames, a_binary_frame_ends_the_connection)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	ws_send(&c->ws, WS_BINARY, "{}", 2);
	chat_expect(c, "{'type':'error','code':'binary','fatal':true}");
	chat_closed(c, 1003);
}

OwnedTest(frames, invalid_utf8_ends_the_connection)
{
	struct server *s = server_with(.users = "alice");
	const char *bad[] = {"{\"content\":\"\xff\"}", "{\"content\":\"\xc0\xaf\"}",
			     "{\"content\":\"\xed\xa0\x80\"}", "{\"content\":\"\xf4\x90\x80\x80\"}",
			     "{\"content\":\"\xe2\x82"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct chat *c = chat_login(s, "alice");

		chat_send_bytes(c, bad[i], strlen(bad[i]));
		chat_closed(c, 1007);
	}
}

OwnedTest(frames, what_is_not_one_object_is_bad_json_and_the_connection_stays)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *bad[] = {
		"hello",
		"[1]",
		"\"text\"",
		"7",
		"null",
		"{\"content\":\"a\"",
		"{\"content\":\"a\"} {\"content\":\"b\"}",
		"{\"content\":\"a\",\"content\":\"b\"}",
		"{\"content\":\"a\",\"x\":{\"y\":1,\"y\":2}}",
		"{\"content\":\"nul \\u0000\"}",
		"{\"content\":\"lone \\ud800\"}",
		"{'content':'a'}",
		"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":1}}}}}}}}}",
		"{\"content\":\"a\",\"a\":[[[[[[[[1]]]]]]]]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		chat_send_bytes(c, bad[i], strlen(bad[i]));
		json_t *line = chat_expect(c, "{'type':'error','code':'*'}");
		must(json_has(line, "{'code':'bad_json','fatal':null}"), "%s: another answer",
		     bad[i]);
	}
	const char nul[] = "{\"content\":\"a\"}\0";
	chat_send_bytes(c, nul, sizeof(nul));
	chat_await(c, "{'type':'error','code':'bad_json'}");
	const char eight[] =
		"{\"type\":\"ping\",\"id\":\"8\",\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":"
		"{\"g\":{}}}}}}}}";
	chat_send_bytes(c, eight, strlen(eight));
	chat_await(c, "{'type':'pong','id':'8'}");
}

OwnedTest(frames, a_bad_line_spoils_no_other_of_its_frame)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	chat_send(c, "\n{'type':'ping','id':'1'}\n\n nonsense \n{'type':'ping','id':'2'}\n");
	chat_expect(c, "{'type':'pong','id':'1'}");
	chat_refused(c, "bad_json");
	chat_expect(c, "{'type':'pong','id':'2'}");
	chat_quiet(c);
}

OwnedTest(frames, a_message_may_come_in_pieces_with_a_ping_between)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	const char *parts[] = {"{\"type\":\"ping\",\"id\":\"pie", "", "ces \\u00e", "9\xc3",
			       "\xa9\"}"};

	for (int i = 0; i < 5; i++) {
		ws_send_frame(&c->ws,
			      &(struct ws_frame){.fin = i == 4,
						 .opcode = i == 0 ? WS_TEXT : WS_CONTINUATION,
						 .payload = parts[i],
						 .len = strlen(parts[i])});
		if (i == 1)
			ws_send(&c->ws, WS_PING, "between", 7);
	}
	/* The id is not ASCII, which is told only once the pieces are one line. */
	chat_refused(c, "bad_field");
	chat_quiet(c);
	await_pong(c);
}

OwnedTest(frames, pings_are_answered)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	ws_send(&c->ws, WS_PING, "hello", 5);
	await_pong(c);
	ws_send(&c->ws, WS_PONG, "unasked", 7);
	chat_quiet(c);
}

OwnedTest(frames, an_empty_frame_is_nothing)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	ws_send(&c->ws, WS_TEXT, "", 0);
	chat_quiet(c);
	ws_send(&c->ws, WS_TEXT, "\n\n", 2);
	chat_quiet(c);
}

OwnedTest(frames, a_reserved_opcode_ends_the_connection)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	ws_send_frame(&c->ws,
		      &(struct ws_frame){.fin = true, .opcode = 3, .payload = "x", .len = 1});
	while (chat_next(c, PATIENCE_MS) != NULL)
		continue;
	must(c->ws.closed, "still open");
}

OwnedTest(frames, a_close_is_answered)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");

	ws_send(&c->ws, WS_CLOSE, "\x03\xe8", 2);
	while (chat_next(c, PATIENCE_MS) != NULL)
		continue;
	must(c->ws.closed && c->ws.close_code == 1000, "closed with %d", c->ws.close_code);
}

OwnedTest(frames, bad_frames_of_one_harm_no_other)
{
	struct server *s = server_with(.users = "alice bob", .workers = 1);
	struct chat *bob = chat_login(s, "bob");

	for (unsigned i = 0; i < 8; i++) {
		struct chat *c = chat_login(s, "alice");

		ws_send_frame(&c->ws, &(struct ws_frame){.fin = i % 2 == 0,
							 .opcode = (int)(i * 2 % 16),
							 .payload = "\xff\xfe\xfd",
							 .len = i % 4});
		chat_drop(c);
	}
	chat_quiet(bob);
	chat_say(bob, "lobby", "m", "unharmed");
}
