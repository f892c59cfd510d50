/* Frames out of order, out of shape and cut off, thousands of them, against ws-echo. */
#include "tests/hostile/peer.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(broken_frames, .fini = owned_finish_all, .timeout = 3600);

/* What has been sent on a connection. */
struct flow {
	bool inside;   /* a message */
	bool broken;   /* the server reads no further */
	unsigned read; /* frames up to there, the first broken one included */
};

/* Mostly what may come next; now and then anything. */
static unsigned char first_byte(struct flow *flow)
{
	static const unsigned char begin[] = {0x81, 0x81, 0x81, 0x01, 0x82, 0x02};
	static const unsigned char go_on[] = {0x00, 0x00, 0x80};
	static const unsigned char control[] = {0x89, 0x8a};
	unsigned char first;

	if (dice(40) == 0) {
		flow->broken = true;
		return dice(2) == 0 ? 0x88 : (unsigned char)dice(256);
	}
	if (dice(4) == 0)
		return control[dice(sizeof(control))];
	first = flow->inside ? go_on[dice(sizeof(go_on))] : begin[dice(sizeof(begin))];
	flow->inside = (first & 0x80) == 0;
	return first;
}

/* Any length and mask; now and then a length that lies. */
static void add_frame(struct buf *out, struct flow *flow)
{
	static const size_t lengths[] = {0, 0, 1, 2, 3, 125, 126, 127, 1023, 1024, 1025, 3000};
	unsigned char first = first_byte(flow);
	size_t len = (first & 8) != 0 ? dice(126) : lengths[dice(12)];
	bool lies = dice(80) == 0;
	uint64_t declared = lies ? (uint64_t)rand() << dice(33) : len;
	bool masked = dice(10) > 0, text = dice(100) > 0;
	unsigned bytes = declared > 65535 ? 8 : declared > 125 ? 2 : 0;
	unsigned size = bytes == 8 ? 127 : bytes == 2 ? 126 : (unsigned)declared;
	char mask[4] = {0};

	buf_append_char(out, (char)first);
	buf_append_char(out, (char)((masked ? 0x80 : 0) | size));
	for (unsigned i = bytes; i-- > 0;)
		buf_append_char(out, (char)(declared >> 8 * i));
	if (masked) {
		for (size_t i = 0; i < 4 && dice(4) > 0; i++)
			mask[i] = (char)dice(256);
		buf_append(out, mask, sizeof(mask));
	}
	for (size_t i = 0; i < len; i++)
		buf_append_char(out, (char)((text ? 'a' + (int)(i % 26) : (int)dice(256)) ^
					    (masked ? mask[i % 4] : 0)));
	flow->broken |= lies || (!text && (first & 8) == 0);
}

/* How many frames the server had to read. */
static unsigned send_frames(const struct echo *echo)
{
	struct ws_request request = {.port = echo->port, .path = "/"};
	struct linger reset = {.l_onoff = 1};
	struct buf out = BUF_INIT, back = BUF_INIT;
	struct flow flow = {0};
	struct ws ws;

	must(ws_open(&ws, &request), "no upgrade: %d", ws.status);
	for (unsigned left = 1 + dice(100); left > 0; left--) {
		flow.read += !flow.broken;
		add_frame(&out, &flow);
	}
	if (dice(4) == 0)
		out.len -= dice((unsigned)out.len < 40 ? (unsigned)out.len : 40);
	for (size_t at = 0; at < out.len;) {
		size_t piece = dice(3) == 0 ? 1 + dice(2000) : out.len;

		piece = piece < out.len - at ? piece : out.len - at;
		if (!ws_send_raw(&ws, out.data + at, piece))
			break;
		at += piece;
	}
	/* Most wait until all is read, or refused; the others go at any moment. */
	shutdown(ws.fd, SHUT_WR);
	if (dice(4) > 0) {
		while (ws_receive(&ws, 3000, &back) != WS_EVENT_CLOSED)
			continue;
	}
	if (dice(2) == 0)
		setsockopt(ws.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	ws_drop(&ws);
	buf_finish(&out);
	buf_finish(&back);
	return flow.read;
}

OwnedTest(broken_frames, leave_nothing_behind)
{
	struct echo echo = echo_start();
	struct health start, middle, end;
	unsigned rounds = rounds_of(2000), frames = 0;

	dice_start();
	must(echo_serves(&echo), "the server doesn't serve");
	start = middle = health_of(echo.program->pid);
	for (unsigned i = 0; i < rounds; i++) {
		frames += send_frames(&echo);
		if (i == rounds / 2)
			middle = health_of(echo.program->pid);
	}
	must(frames >= rounds * 10, "only %u frames to be read", frames);
	must(echo_serves(&echo), "the server has gone");
	must(descriptors_return(echo.program->pid, start.descriptors, 30000),
	     "descriptors are left: %u, not %u", health_of(echo.program->pid).descriptors,
	     start.descriptors);
	end = health_of(echo.program->pid);
	told("%u broken frames on %u connections: %ld kB at first, %ld half way, %ld at the end",
	     frames, rounds, start.memory_kb, middle.memory_kb, end.memory_kb);
	must(end.memory_kb < middle.memory_kb + 8192, "memory grows: %ld, %ld, %ld kB",
	     start.memory_kb, middle.memory_kb, end.memory_kb);
}

OwnedTest(broken_frames, that_ping_without_reading_cost_no_memory)
{
	struct echo echo = echo_start();
	struct ws_request request = {.port = echo.port, .path = "/", .receive_bytes = 4096};
	struct health start = health_of(echo.program->pid);
	struct buf out = BUF_INIT;
	struct ws ws;

	must(ws_open(&ws, &request), "no upgrade: %d", ws.status);
	for (unsigned i = 0; i < 200000 && out.len < 1 << 20; i++)
		buf_append(&out,
			   "\x89\xfd\0\0\0\0"
			   "123456789 123456789 123456789 123456789 123456789 123456789 "
			   "123456789 123456789 123456789 123456789 123456789 123456789 12345",
			   131);
	for (unsigned i = 0; i < 16 && send(ws.fd, out.data, out.len, MSG_DONTWAIT) > 0; i++)
		must(echo_serves(&echo), "others aren't served");
	must(health_of(echo.program->pid).memory_kb < start.memory_kb + 8192, "memory grows");
	ws_drop(&ws);
	buf_finish(&out);
}
