/* Lines and logins that are nearly right, and peers that say nothing, against a whole server. */
#include "base/clock.h"
#include "tests/hostile/peer.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(broken_lines, .fini = owned_finish_all, .timeout = 3600);

#define FRAME_BYTES 16000u

static const char *const lines[] = {
	"{\"type\":\"join\",\"id\":\"1\",\"room\":\"noise\",\"epoch\":\"9f2c\",\"after\":3,"
	"\"limit\":5}",
	"{\"type\":\"message\",\"id\":\"a-1\",\"room\":\"lobby\",\"content\":\"h\\u00e4llo\","
	"\"reply_to\":1}",
	"{\"recipient\":\"alice\",\"id\":\"2\",\"content\":\"hi\",\"format\":\"markdown\",\"kind\":"
	"\"me\"}",
	"{\"type\":\"history\",\"room\":\"lobby\",\"around\":7,\"limit\":2}",
	"{\"type\":\"history\",\"room\":\"lobby\",\"at\":\"2026-11-20T17:00:00.123Z\",\"limit\":2}",
	"{\"type\":\"topic\",\"room\":\"lobby\",\"id\":\"3\",\"content\":\"tea\"}",
	"{\"type\":\"leave\",\"room\":\"noise\",\"id\":\"4\"}",
	"{\"type\":\"read\",\"room\":\"lobby\",\"seq\":9007199254740991}",
	"{\"type\":\"users\",\"room\":\"lobby\",\"cursor\":\"0\",\"id\":\"5\"}",
	"{\"type\":\"rooms\",\"match\":\"no\",\"cursor\":\"1\",\"id\":\"6\"}",
	"{\"type\":\"who\",\"user\":\"alice\",\"id\":\"7\"}",
	"{\"type\":\"away\",\"content\":\"tea\",\"x\":[[[[[[1e308,-0,null]]]]]]}",
	"{\"type\":\"moderation\",\"action\":\"kick\",\"user\":\"alice\",\"seconds\":5}",
	"{\"type\":\"login\",\"user\":\"alice\",\"server\":\"x\",\"resume\":[{\"room\":\"a\","
	"\"after\":1}]}",
};

/*
 * Lines until the frame is full. A byte that isn't text has the whole frame refused before any
 * line is read, so only few frames hold any.
 */
static void fill(struct buf *frame, size_t size)
{
	bool any_byte = dice(20) == 0;
	char line[1024];

	buf_reset(frame);
	for (;;) {
		const char *good = lines[dice(sizeof(lines) / sizeof(lines[0]))];
		size_t len = strlen(good);

		memcpy(line, good, len);
		if (dice(10) > 0)
			len = mutate(line, len, sizeof(line));
		for (size_t i = 0; i < len && !any_byte; i++)
			line[i] = (char)(line[i] & 0x7f);
		if (frame->len + len + 1 > size)
			return;
		buf_append(frame, line, len);
		buf_append_char(frame, '\n');
	}
}

/* Everything has been answered, or the connection is closed. */
static bool answered(struct ws *ws)
{
	struct buf back = BUF_INIT;
	enum ws_event event = WS_EVENT_TEXT;
	bool pong = false;

	ws_send(ws, WS_TEXT, "{\"type\":\"ping\",\"id\":\"the-end\"}", 30);
	while (!pong && (event = ws_receive(ws, PATIENCE_MS, &back)) == WS_EVENT_TEXT)
		pong = back.len > 0 && strstr(back.data, "\"the-end\"") != NULL;
	must(event != WS_EVENT_TIMEOUT, "no answer");
	buf_finish(&back);
	return pong;
}

static long worker_memory(struct server *s)
{
	return health_of(server_worker(s, 0)).memory_kb;
}

/* An honest person still gets in, within the harness's patience. */
static void expect_login(struct server *s)
{
	chat_forget(chat_welcome(s, "bob", "'only':[]"));
}

OwnedTest(broken_lines, harm_nobody_and_cost_no_memory)
{
	struct server *s = server_with(.users = "alice bob", .workers = 1,
				       .args = "--rate 0 --max-pending-logins 0 --max-rooms 64 "
					       "--max-connections-per-user 0 --room-lines 64");
	unsigned frames = rounds_of(250), connections = 0;
	struct chat *c = NULL;
	struct buf frame = BUF_INIT;
	long middle = 0;

	dice_start();
	for (unsigned i = 0; i < frames; i++) {
		if (c == NULL) {
			c = i % 2 == 0 ? chat_welcome(s, "alice", "'only':[]")
				       : chat_open(s, "a stranger");
			connections++;
		}
		fill(&frame, FRAME_BYTES);
		ws_send(&c->ws, WS_TEXT, frame.data, frame.len);
		if (!answered(&c->ws)) {
			chat_forget(c);
			c = NULL;
		}
		if (i == frames / 2)
			middle = worker_memory(s);
	}
	/* What the server itself has read as lines, not what was sent. */
	double count = server_metric(s, "roomkey_lines_in_total");
	must(count >= frames * 50.0, "only %.0f lines", count);
	told("%.0f broken lines on %u connections: %ld kB half way, %ld at the end", count,
	     connections, middle, worker_memory(s));
	must(worker_memory(s) < middle + 16384, "memory grows: %ld to %ld kB (%u connections)",
	     middle, worker_memory(s), connections);
	expect_login(s);
	buf_finish(&frame);
}

#define GUESTS 100u

/* Signatures that were one once: each connection has its three tries. */
OwnedTest(broken_lines, broken_logins_are_refused_and_forgotten)
{
	struct server *s = server_with(.users = "alice bob", .workers = 1,
				       .args = "--max-pending-logins 0 --penalty-max 0");
	pid_t worker = server_worker(s, 0);
	struct chat *guests[GUESTS];
	unsigned rounds = rounds_of(2);
	struct key key = key_of("alice");
	struct health start;

	dice_start();
	expect_login(s);
	start = health_of(worker);
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < GUESTS; i++)
			guests[i] = chat_open(s, "a guest");
		for (unsigned try = 0; try < 3; try++) {
			for (unsigned i = 0; i < GUESTS; i++) {
				char *text =
					login_text(s->address, "alice", key.fingerprint,
						   "gkvzBIZeJHgGgeds7kfDFy1oEC2EiLkufDrAuTfOi_k",
						   1795197660, "none");
				char *good = key_sign(&key, LOGIN_NAMESPACE, text);
				char broken[2048];
				size_t len = strlen(good);

				memcpy(broken, good, len);
				len = mutate(broken, len, sizeof(broken) - 1);
				for (size_t at = 0; at < len; at++) {
					if (broken[at] <= ' ' || broken[at] == '"' ||
					    broken[at] == '\\' || broken[at] == '\'' ||
					    broken[at] == 127)
						broken[at] = 'A';
				}
				broken[len] = '\0';
				chat_send_signature(guests[i], "alice", broken, NULL);
			}
			for (unsigned i = 0; i < GUESTS; i++)
				chat_await(guests[i], "{'type':'error','code':'%s'}",
					   try < 2 ? "auth_failed" : "too_many_attempts");
		}
		expect_login(s);
		for (unsigned i = 0; i < GUESTS; i++) {
			chat_closed(guests[i], 4001);
			chat_forget(guests[i]);
		}
	}
	must(descriptors_return(worker, start.descriptors, 30000), "descriptors are left");
	told("%u broken logins: %ld kB at first, %ld at the end", 3 * GUESTS * rounds,
	     start.memory_kb, health_of(worker).memory_kb);
	must(health_of(worker).memory_kb < start.memory_kb + 16384, "memory grows");
}

#define SILENT 600u

/* Connects, header dribbles, upgrades, all without a login: gone at their deadline. */
OwnedTest(broken_lines, that_never_come_are_not_waited_for)
{
	struct server *s =
		server_with(.users = "alice bob", .workers = 1,
			    .args = "--max-pending-logins 0 --login-timeout 3 --penalty-max 0");
	struct ws_request request = {.port = s->port};
	pid_t worker = server_worker(s, 0);
	struct ws peers[SILENT];
	struct health start;

	expect_login(s);
	start = health_of(worker);
	for (unsigned i = 0; i < SILENT; i++) {
		if (i % 3 == 2) {
			must(ws_open(&peers[i], &request), "no upgrade");
			continue;
		}
		must(ws_dial(&peers[i], &request), "nobody listens");
		if (i % 3 == 1)
			ws_send_raw(&peers[i], "GET /ws HT", 10);
	}
	uint64_t deadline = clock_mono_ms() + 15000;
	while (health_of(worker).descriptors > start.descriptors) {
		must(clock_mono_ms() < deadline, "%u descriptors are left, %u before",
		     health_of(worker).descriptors, start.descriptors);
		expect_login(s);
		for (unsigned i = 1; i < SILENT; i += 3) {
			if (!peers[i].closed && !ws_send_raw(&peers[i], "T", 1))
				ws_drop(&peers[i]);
		}
	}
	for (unsigned i = 0; i < SILENT; i++)
		ws_drop(&peers[i]);
}
