/*
 * Noise on the wire: broken requests, broken frames, broken lines, from people
 * who are logged in and from strangers. Nobody else may notice; the stop at the
 * end finds a worker that died of it.
 */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(noise, .fini = owned_finish_all, .timeout = 90);

/* Not random_below(): a failure must come back with the same seed. */
static unsigned dice(unsigned below)
{
	return (unsigned)rand() % below;
}

static void noise_bytes(char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (char)dice(256);
}

/* A good request, cut or with some bytes changed. */
static void broken_request(struct server *s)
{
	char text[1024];
	int len = snprintf(text, sizeof(text),
			   "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
			   "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat.v1\r\n\r\n",
			   s->port);
	struct ws_request request = {.port = s->port};
	struct ws ws;
	struct buf frame = BUF_INIT;

	for (unsigned changes = dice(6); changes > 0; changes--)
		text[dice((unsigned)len)] = (char)dice(256);
	if (dice(4) == 0)
		noise_bytes(text, (size_t)len);
	ws_dial(&ws, &request);
	ws_send_raw(&ws, text, dice(3) == 0 ? dice((unsigned)len) : (size_t)len);
	ws_receive(&ws, dice(3), &frame);
	ws_drop(&ws);
	buf_finish(&frame);
}

/* A line that means something, or nearly. */
static size_t broken_line(char *out, size_t size)
{
	static const char *const lines[] = {
		"{\"type\":\"join\",\"id\":\"1\",\"room\":\"noise-%u\",\"limit\":%u}",
		"{\"type\":\"message\",\"id\":\"%u\",\"room\":\"lobby\",\"content\":\"%u\"}",
		"{\"recipient\":\"alice\",\"id\":\"%u\",\"content\":\"%u\"}",
		"{\"type\":\"history\",\"room\":\"lobby\",\"around\":%u,\"limit\":%u}",
		"{\"type\":\"topic\",\"room\":\"lobby\",\"id\":\"%u\",\"content\":\"%u\"}",
		"{\"type\":\"leave\",\"room\":\"noise-%u\",\"id\":\"%u\"}",
		"{\"type\":\"read\",\"room\":\"lobby\",\"seq\":%u,\"x\":%u}",
		"{\"type\":\"users\",\"room\":\"lobby\",\"cursor\":\"%u\",\"id\":\"%u\"}",
		"{\"type\":\"login\",\"user\":\"alice\",\"signature\":\"%u\",\"server\":\"%u\"}",
		"{\"type\":\"login\",\"resume\":[{\"after\":%u,\"epoch\":\"%u\"}]}",
		"{\"type\":\"rooms\",\"match\":\"%u\",\"cursor\":\"%u\"}",
		"{\"type\":\"away\",\"content\":\"%u%u\"}",
	};
	const char *line = lines[dice(sizeof(lines) / sizeof(lines[0]))];
	char *filled = scratch_text("%s", line);
	size_t len = 0;

	/* The two numbers. */
	for (const char *at = filled; *at != '\0' && len + 16 < size; at++) {
		if (at[0] == '%' && at[1] == 'u') {
			len += (size_t)snprintf(out + len, size - len, "%u", dice(300));
			at++;
		} else {
			out[len++] = *at;
		}
	}
	for (unsigned changes = dice(4); changes > 0; changes--)
		out[dice((unsigned)len)] = (char)(dice(2) == 0 ? dice(256) : 32 + dice(95));
	return len;
}

static void broken_frames(struct chat *c)
{
	static const int opcodes[] = {WS_TEXT,         WS_TEXT,   WS_TEXT,  WS_TEXT,
				      WS_CONTINUATION, WS_BINARY, WS_CLOSE, WS_PING,
				      WS_PONG,         3,         11};
	char payload[512];

	for (unsigned n = dice(40); n > 0; n--) {
		size_t len = broken_line(payload, sizeof(payload));
		int opcode = dice(3) == 0 ? opcodes[dice(sizeof(opcodes) / sizeof(opcodes[0]))]
					  : WS_TEXT;

		if (dice(20) == 0)
			noise_bytes(payload, len);
		if (!ws_send_frame(&c->ws, &(struct ws_frame){.fin = dice(8) != 0,
							      .opcode = opcode,
							      .unmasked = dice(30) == 0,
							      .payload = payload,
							      .len = len}))
			return;
	}
	if (dice(3) == 0) {
		noise_bytes(payload, sizeof(payload));
		ws_send_raw(&c->ws, payload, dice(sizeof(payload)));
	}
}

OwnedTest(noise, harms_nobody)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2,
				       .args = "--rate 0 --max-pending-logins 0 "
					       "--max-connections-per-user 0 --room-lines 64");
	struct chat *bob = chat_login_with(s, "bob", "'only':[]");
	uint64_t end_ms = clock_mono_ms() + 4000;
	unsigned rounds = 0;

	const char *seed = getenv("CHAT_TEST_SEED");
	srand(seed != NULL ? (unsigned)atoi(seed) : 20261120);
	for (; clock_mono_ms() < end_ms; rounds++) {
		struct buf frame = BUF_INIT;
		struct chat *c;

		broken_request(s);
		c = dice(2) == 0 ? chat_open_raw(s, "stranger", NULL)
				 : chat_welcome(s, "alice", dice(2) == 0 ? "'only':[]" : NULL);
		broken_frames(c);
		/* Some read what comes of it, some go away at once. */
		for (unsigned reads = dice(4); reads > 0; reads--)
			ws_receive(&c->ws, 5, &frame);
		chat_forget(c);
		buf_finish(&frame);
		chat_quiet(bob);
	}
	must(rounds > 50, "only %u rounds", rounds);
	chat_tell(bob, "alice", "d", "is anybody there?");
}
