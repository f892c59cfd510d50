/* Frames out of order, out of shape and cut off, thousands of them, against ws-echo. */
#include "tests/hostile/peer.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(broken_frames, .fini = owned_finish_all, .timeout = 3600);

/* One frame that may be right: any opcode, length, mask; now and then a length that lies. */
static void add_frame(struct buf *out)
{
	static const unsigned char firsts[] = {0x81, 0x81, 0x01, 0x00, 0x80, 0x82, 0x02,
					       0x88, 0x89, 0x8a, 0x89, 0x8a, 0x09, 0xc1};
	static const size_t lengths[] = {0, 0, 1, 2, 3, 125, 126, 127, 1023, 1024, 1025, 3000};
	unsigned char first =
		dice(20) == 0 ? (unsigned char)dice(256) : firsts[dice(sizeof(firsts))];
	size_t len = (first & 8) != 0 && dice(10) > 0 ? dice(126) : lengths[dice(12)];
	uint64_t declared = dice(40) == 0 ? (uint64_t)rand() << dice(33) : len;
	bool masked = dice(10) > 0;
	unsigned bytes = declared > 65535 ? 8 : declared > 125 ? 2 : 0;
	char mask[4] = {0};

	buf_append_char(out, (char)first);
	buf_append_char(out, (char)((masked ? 0x80 : 0) | (bytes == 8   ? 127u
							   : bytes == 2 ? 126u
									: (unsigned)declared)));
	for (unsigned i = bytes; i-- > 0;)
		buf_append_char(out, (char)(declared >> 8 * i));
	if (masked) {
		for (size_t i = 0; i < 4 && dice(2) == 0; i++)
			mask[i] = (char)dice(256);
		buf_append(out, mask, sizeof(mask));
	}
	bool text = dice(8) > 0;
	for (size_t i = 0; i < len; i++)
		buf_append_char(out, (char)((text ? 'a' + (int)(i % 26) : (int)dice(256)) ^
					    (masked ? mask[i % 4] : 0)));
}

static unsigned send_frames(const struct echo *echo)
{
	struct ws_request request = {.port = echo->port, .path = "/"};
	struct linger reset = {.l_onoff = 1};
	unsigned count = 1 + dice(60);
	struct buf out = BUF_INIT, back = BUF_INIT;
	struct ws ws;

	must(ws_open(&ws, &request), "no upgrade: %d", ws.status);
	for (unsigned i = 0; i < count; i++)
		add_frame(&out);
	if (dice(4) == 0)
		out.len -= dice((unsigned)out.len);
	for (size_t at = 0; at < out.len;) {
		size_t piece = dice(3) == 0 ? 1 + dice(2000) : out.len;

		piece = piece < out.len - at ? piece : out.len - at;
		if (!ws_send_raw(&ws, out.data + at, piece))
			break;
		at += piece;
	}
	if (dice(8) == 0)
		shutdown(ws.fd, SHUT_WR);
	for (unsigned reads = dice(3); reads > 0; reads--)
		ws_receive(&ws, 1, &back);
	if (dice(4) == 0)
		setsockopt(ws.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	ws_drop(&ws);
	buf_finish(&out);
	buf_finish(&back);
	return count;
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
	must(frames >= rounds * 20, "only %u frames", frames);
	must(echo_serves(&echo), "the server has gone");
	must(descriptors_return(echo.program->pid, start.descriptors, 30000),
	     "descriptors are left: %u, not %u", health_of(echo.program->pid).descriptors,
	     start.descriptors);
	end = health_of(echo.program->pid);
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
