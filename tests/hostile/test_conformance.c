/* RFC 6455 in the manner of the public suites, against the worker's transport (ws-echo). */
#include "tests/hostile/peer.h"
#include "tests/integration/owned.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(conformance, .fini = owned_finish_all, .timeout = 300);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void frame(struct ws *ws, bool fin, int opcode, const char *payload, size_t len)
{
	const struct ws_frame f = {.fin = fin, .opcode = opcode, .payload = payload, .len = len};

	ws_send_frame(ws, &f);
}

/* The next message is that one; ends the test otherwise. */
static void echoed(struct ws *ws, enum ws_event kind, const char *payload, size_t len,
		   const char *what)
{
	struct buf back = BUF_INIT;
	enum ws_event event;

	do {
		event = ws_receive(ws, PATIENCE_MS, &back);
	} while (event == WS_EVENT_PONG);
	bool same = event == kind && back.len == len &&
		    (len == 0 || memcmp(back.data, payload, len) == 0);
	should(same, "%s: event %d (close %d), %zu bytes of %zu", what, (int)event, ws->close_code,
	       back.len, len);
	buf_finish(&back);
}

/* The close code that comes next: 1006 if the socket is cut, -1 if it stays open. */
static int close_code(struct ws *ws, unsigned patience_ms)
{
	struct buf back = BUF_INIT;
	enum ws_event event;

	do {
		event = ws_receive(ws, patience_ms, &back);
	} while (event != WS_EVENT_CLOSED && event != WS_EVENT_TIMEOUT);
	buf_finish(&back);
	return event == WS_EVENT_CLOSED ? ws->close_code : -1;
}

OwnedTest(conformance, messages_of_every_length_come_back)
{
	static const size_t lengths[] = {0,    1,    124,   125,   126,   127,     128,     1023,
					 1024, 1025, 65535, 65536, 65537, 1 << 20, 16 << 20};
	struct echo echo = echo_start();
	struct ws ws = echo_connect(&echo);
	char *payload = malloc(16 << 20);

	must(payload != NULL, "out of memory");
	for (size_t i = 0; i < 16 << 20; i++)
		payload[i] = (char)('!' + i % 90);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		ws_send(&ws, WS_TEXT, payload, lengths[i]);
		echoed(&ws, WS_EVENT_TEXT, payload, lengths[i], "text");
		ws_send(&ws, WS_BINARY, payload, lengths[i]);
		echoed(&ws, WS_EVENT_BINARY, payload, lengths[i], "binary");
	}
	free(payload);
	ws_drop(&ws);
}

OwnedTest(conformance, fragments_are_put_together_around_control_frames)
{
	static const char text[] = "hello world";
	struct echo echo = echo_start();
	struct ws ws = echo_connect(&echo);

	for (size_t size = 1; size <= 11; size++) {
		for (size_t at = 0; at < 11; at += size) {
			size_t len = 11 - at < size ? 11 - at : size;

			frame(&ws, at + len == 11, at == 0 ? WS_TEXT : WS_CONTINUATION, text + at,
			      len);
			ws_send(&ws, WS_PING, "between", 7);
			ws_send(&ws, WS_PONG, "\xff\xfe nobody asked", 16);
		}
		echoed(&ws, WS_EVENT_TEXT, "hello world", 11, "fragments");
	}
	frame(&ws, false, WS_TEXT, "", 0);
	frame(&ws, false, WS_CONTINUATION, "", 0);
	frame(&ws, true, WS_CONTINUATION, "", 0);
	echoed(&ws, WS_EVENT_TEXT, "", 0, "empty fragments");
	frame(&ws, false, WS_BINARY, "\xff", 1);
	frame(&ws, false, WS_CONTINUATION, "", 0);
	frame(&ws, true, WS_CONTINUATION, "\xfe", 1);
	echoed(&ws, WS_EVENT_BINARY, "\xff\xfe", 2, "binary fragments");
	ws_drop(&ws);
}

OwnedTest(conformance, pings_are_answered_with_what_they_carry)
{
	static const size_t lengths[] = {0, 1, 124, 125};
	struct echo echo = echo_start();
	struct ws ws = echo_connect(&echo);
	struct buf back = BUF_INIT;
	char payload[125];

	memset(payload, 0xfe, sizeof(payload));
	for (size_t i = 0; i < COUNT(lengths); i++) {
		unsigned before = ws.pongs;

		ws_send(&ws, WS_PING, payload, lengths[i]);
		ws_receive(&ws, PATIENCE_MS, &back);
		should(ws.pongs == before + 1, "no pong for %zu bytes", lengths[i]);
	}
	buf_finish(&back);
	ws_drop(&ws);
}

struct broken {
	const char *what, *bytes; /* unmasked by a mask of zeros */
	size_t len;
	int code; /* what must come; 1006: a cut will do, too */
};

#define BROKEN(what, bytes, code)                                                                  \
	{                                                                                          \
		what, bytes, sizeof(bytes) - 1, code                                               \
	}
#define M "\0\0\0\0"

static const struct broken broken[] = {
	BROKEN("RSV1", "\xc1\x80" M, 1002),
	BROKEN("RSV2", "\xa1\x80" M, 1002),
	BROKEN("RSV3", "\x91\x80" M, 1002),
	BROKEN("RSV1 on a ping", "\xc9\x80" M, 1002),
	BROKEN("opcode 3", "\x83\x80" M, 1002),
	BROKEN("opcode 7", "\x87\x80" M, 1002),
	BROKEN("opcode 11", "\x8b\x80" M, 1002),
	BROKEN("opcode 15", "\x8f\x80" M, 1002),
	BROKEN("fragmented ping", "\x09\x80" M, 1002),
	BROKEN("fragmented close", "\x08\x80" M, 1002),
	BROKEN("ping of 126 bytes", "\x89\xfe\x00\x7e" M, 1006),
	BROKEN("ping of 64 bit length", "\x89\xff\0\0\0\0\0\0\0\1" M "a", 1006),
	BROKEN("close of 126 bytes", "\x88\xfe\x00\x7e" M, 1006),
	BROKEN("continuation of nothing", "\x80\x80" M, 1002),
	BROKEN("unfinished continuation of nothing", "\x00\x81" M "a", 1002),
	BROKEN("text inside a message", "\x01\x81" M "a\x81\x81" M "b", 1002),
	BROKEN("binary inside a message", "\x01\x81" M "a\x82\x81" M "b", 1002),
	BROKEN("length with bit 63", "\x81\xff\x80\0\0\0\0\0\0\1" M, 1006),
	BROKEN("length of 2^62", "\x81\xff\x40\0\0\0\0\0\0\0" M "a", 1009),
	BROKEN("length over the bound", "\x82\xff\0\0\0\0\x01\0\0\1" M "a", 1009),
	BROKEN("fragments over the bound", "\x02\x81" M "a\x80\xff\0\0\0\0\x01\0\0\0" M "a", 1009),
	BROKEN("close of one byte", "\x88\x81" M "\x03", 1002),
	BROKEN("close with a bad reason", "\x88\x84" M "\x03\xe8\xff\xff", 1007),
	BROKEN("close with half a character", "\x88\x83" M "\x03\xe8\xc3", 1007),
};

OwnedTest(conformance, broken_frames_are_refused_with_their_code)
{
	struct echo echo = echo_start();

	for (size_t i = 0; i < COUNT(broken); i++) {
		struct ws ws = echo_connect(&echo);
		int code;

		ws_send_raw(&ws, broken[i].bytes, broken[i].len);
		code = close_code(&ws, 4000);
		should(code == broken[i].code || (broken[i].code == 1006 && code == 1002),
		       "%s: %d, not %d", broken[i].what, code, broken[i].code);
		ws_drop(&ws);
	}
	must(echo_serves(&echo), "the server has gone");
}

OwnedTest(conformance, closes_are_answered_with_their_code_or_refused)
{
	static const int valid[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
				    1010, 1011, 3000, 3999, 4000, 4999};
	static const int invalid[] = {0,    999,  1004, 1005, 1006, 1015, 1016,
				      1100, 2000, 2999, 5000, 9999, 65535};
	struct echo echo = echo_start();

	for (size_t i = 0; i < COUNT(valid) + COUNT(invalid); i++) {
		bool good = i < COUNT(valid);
		int sent = good ? valid[i] : invalid[i - COUNT(valid)];
		char payload[] = {(char)(sent >> 8), (char)sent, 'b', 'y', 'e'};
		struct ws ws = echo_connect(&echo);
		int code;

		ws_send(&ws, WS_CLOSE, payload, i % 2 == 0 ? 2 : sizeof(payload));
		code = close_code(&ws, 4000);
		should(code == (good ? sent : 1002), "close %d is answered by %d", sent, code);
		ws_drop(&ws);
	}
	struct ws ws = echo_connect(&echo);
	ws_send(&ws, WS_CLOSE, "", 0);
	int code = close_code(&ws, 4000);
	should(code == 1005 || code == 1000, "an empty close is answered by %d", code);
	ws_drop(&ws);
}

OwnedTest(conformance, nothing_behind_a_close_is_read)
{
	static const char sent[] = "\x88\x82" M "\x03\xe8\x81\x82" M "hi\x89\x82" M "hi";
	struct echo echo = echo_start();
	struct ws ws = echo_connect(&echo);
	struct buf back = BUF_INIT;

	ws_send_raw(&ws, sent, sizeof(sent) - 1);
	must(ws_receive(&ws, 4000, &back) == WS_EVENT_CLOSED && ws.close_code == 1000,
	     "something was answered before the close (%d)", ws.close_code);
	buf_finish(&back);
	ws_drop(&ws);
}

struct text_case {
	const char *bytes;
	size_t bad; /* the index of the first byte no valid text can have; 0: valid */
};

static const struct text_case texts[] = {
	{"plain", 0},
	{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", 0},
	{"\xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf", 0},
	{"\xef\xbf\xbe\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 0},
	{"a\x80", 1},
	{"a\xc0\xaf", 1},
	{"a\xc1\xbf", 1},
	{"a\xe0\x80\xaf", 2},
	{"a\xf0\x80\x80\xaf", 2},
	{"a\xed\xa0\x80", 2},
	{"a\xed\xbf\xbf", 2},
	{"a\xf4\x90\x80\x80", 2},
	{"a\xf5\x80\x80\x80", 1},
	{"a\xff", 1},
	{"a\xc3(", 2},
	{"long enough for eight bytes at a time \xc3(", 39},
};

/* Byte by byte: the refusal comes with the first byte that is wrong, not with the last. */
OwnedTest(conformance, invalid_text_is_refused_at_its_first_wrong_byte)
{
	struct echo echo = echo_start();

	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct text_case *t = &texts[i];
		size_t len = strlen(t->bytes);
		struct ws ws = echo_connect(&echo);

		if (t->bad == 0) {
			for (size_t at = 0; at < len; at++)
				frame(&ws, at + 1 == len, at == 0 ? WS_TEXT : WS_CONTINUATION,
				      t->bytes + at, 1);
			echoed(&ws, WS_EVENT_TEXT, t->bytes, len, t->bytes);
			ws_send(&ws, WS_TEXT, t->bytes, len);
			echoed(&ws, WS_EVENT_TEXT, t->bytes, len, t->bytes);
		} else {
			for (size_t at = 0; at <= t->bad; at++)
				frame(&ws, false, at == 0 ? WS_TEXT : WS_CONTINUATION,
				      t->bytes + at, 1);
			int code = close_code(&ws, 500);
			should(code == 1007, "text %zu: %d at byte %zu", i, code, t->bad);
		}
		ws_drop(&ws);
	}
}

OwnedTest(conformance, text_that_ends_inside_a_character_is_refused)
{
	static const char cut[] = "abcdef\xf0\x9f\x98";
	struct echo echo = echo_start();
	struct ws ws;

	for (size_t len = 1; len <= 9; len++) {
		ws = echo_connect(&echo);
		ws_send(&ws, WS_TEXT, cut + 9 - len, len);
		int code = close_code(&ws, 2000);
		should(code == 1007, "%zu bytes: %d", len, code);
		ws_drop(&ws);
	}
	ws = echo_connect(&echo);
	frame(&ws, false, WS_TEXT, "\xc3", 1);
	frame(&ws, true, WS_CONTINUATION, "", 0);
	int code = close_code(&ws, 2000);
	should(code == 1007, "an empty fragment hides it: %d", code);
	ws_drop(&ws);
	/* A binary message may hold anything, and says nothing about the text after it. */
	ws = echo_connect(&echo);
	ws_send(&ws, WS_BINARY, "\xc3\xff", 2);
	echoed(&ws, WS_EVENT_BINARY, "\xc3\xff", 2, "binary");
	ws_send(&ws, WS_TEXT, "\xc3\xa4", 2);
	echoed(&ws, WS_EVENT_TEXT, "\xc3\xa4", 2, "text after binary");
	ws_drop(&ws);
}
