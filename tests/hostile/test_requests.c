/* Requests that are no upgrade, or a wrong one: what strangers reach before anything else. */
#include "base/clock.h"
#include "tests/hostile/peer.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(requests, .fini = owned_finish_all, .timeout = 600);

#define FIELDS "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
#define HOST "Host: 127.0.0.1\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define WANTS "Upgrade: websocket\r\n"
#define GET "GET / HTTP/1.1\r\n"

struct request {
	const char *what, *text;
	int status; /* 0: cut without an answer; 101: upgraded */
};

static const struct request requests[] = {
	{"good", GET WANTS HOST FIELDS KEY "\r\n", 101},
	{"two protocols", GET WANTS HOST FIELDS KEY "Sec-WebSocket-Protocol: x, chat.v1\r\n\r\n",
	 101},
	{"foreign protocol", GET WANTS HOST FIELDS KEY "Sec-WebSocket-Protocol: x\r\n\r\n", 0},
	{"unknown upgrade", GET "Upgrade: nobody/1\r\n" HOST FIELDS KEY "\r\n", 403},
	{"unknown upgrade, kept alive",
	 GET "Upgrade: nobody/1\r\nConnection: keep-alive\r\n" HOST KEY "\r\n", 403},
	{"unknown upgrade, pipelined",
	 GET "Upgrade: a\r\n" HOST FIELDS "\r\n" GET "Upgrade: a\r\n" HOST FIELDS "\r\n", 403},
	{"h2c", GET "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" HOST FIELDS "\r\n", 0},
	{"CONNECT", "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 0},
	{"CONNECT and upgrade", "CONNECT / HTTP/1.1\r\n" WANTS HOST FIELDS KEY "\r\n", 0},
	{"POST and upgrade", "POST / HTTP/1.1\r\n" WANTS HOST FIELDS KEY "\r\n", 404},
	{"POST", "POST /x HTTP/1.1\r\nContent-Length: 9\r\n" HOST "\r\nname=john", 405},
	{"POST without its body", "POST /x HTTP/1.1\r\nContent-Length: 99999\r\n" HOST "\r\nabc",
	 405},
	{"GET with a body", "GET /x HTTP/1.1\r\nContent-Length: 3\r\n" HOST "\r\nabc", 404},
	{"pipelined", "GET /x HTTP/1.1\r\n" HOST "\r\nGET /y HTTP/1.1\r\n" HOST "\r\n", 404},
	{"upgrade behind a request",
	 "GET /x HTTP/1.1\r\n" HOST "\r\n" GET WANTS HOST FIELDS KEY "\r\n", 404},
	{"unknown upgrade behind a request",
	 "GET /x HTTP/1.1\r\n" HOST "\r\n" GET "Upgrade: nobody/1\r\n" HOST FIELDS KEY "\r\n", 404},
	{"another path", "GET /nope HTTP/1.1\r\n" WANTS HOST FIELDS KEY "\r\n", 404},
	{"a way out", "GET /../../etc HTTP/1.1\r\n" WANTS HOST FIELDS KEY "\r\n", 404},
	{"absolute URI", "GET http://a/ HTTP/1.1\r\n" WANTS HOST FIELDS KEY "\r\n", 404},
	{"old version",
	 GET WANTS HOST KEY "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n", 426},
	{"no version", GET WANTS HOST KEY "Connection: Upgrade\r\n\r\n", 426},
	{"no key", GET WANTS HOST FIELDS "\r\n", 400},
	{"short key", GET WANTS HOST FIELDS "Sec-WebSocket-Key: AAAA\r\n\r\n", 400},
	{"no base64", GET WANTS HOST FIELDS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n\r\n",
	 400},
	{"two keys", GET WANTS HOST FIELDS KEY KEY "\r\n", 400},
	{"no host", GET WANTS FIELDS KEY "\r\n", 400},
	{"no connection", GET WANTS HOST "Sec-WebSocket-Version: 13\r\n" KEY "\r\n", 0},
	{"HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 403},
	{"TLS", "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n\r\n", 403},
};

/* The status of the first answer once the server has closed, or upgraded; -1: it does neither. */
static int status_of(unsigned port, const char *text, size_t len)
{
	struct ws_request request = {.port = port};
	struct ws ws;
	char answer[4096];
	size_t got = 0;
	int status = 0;
	struct timeval patience = {.tv_sec = 5};
	ssize_t n = 1;

	must(ws_dial(&ws, &request), "nobody listens");
	setsockopt(ws.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ws_send_raw(&ws, text, len);
	while (status != 101 && got < sizeof(answer) - 1 &&
	       (n = recv(ws.fd, answer + got, sizeof(answer) - 1 - got, 0)) > 0) {
		got += (size_t)n;
		answer[got] = '\0';
		if (sscanf(answer, "HTTP/1.%*d %d", &status) != 1)
			status = 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		status = -1;
	ws_drop(&ws);
	return status;
}

OwnedTest(requests, are_answered_and_closed_unless_they_are_a_good_upgrade)
{
	struct echo echo = echo_start();

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request *r = &requests[i];
		int status = status_of(echo.port, r->text, strlen(r->text));

		should(status == r->status, "%s: %d, not %d", r->what, status, r->status);
	}
	must(echo_serves(&echo), "the server has gone");
}

OwnedTest(requests, with_endless_headers_are_cut)
{
	struct echo echo = echo_start();
	static const char *const lines[] = {"X-A: b\r\n", "Cookie: a\r\n", "Host: h\r\n",
					    "Sec-WebSocket-Protocol: x\r\n", "aaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf text = BUF_INIT;

		buf_append_str(&text, GET);
		while (text.len < 200000)
			buf_append_str(&text, lines[i]);
		int status = status_of(echo.port, text.data, text.len);
		should(status != 101 && status != -1, "%s without end: %d", lines[i], status);
		buf_finish(&text);
	}
	must(echo_serves(&echo), "the server has gone");
}

/* Sends it in up to three pieces, and leaves at any moment, by FIN or by a reset. */
static void send_broken(unsigned port, const char *text, size_t len)
{
	struct ws_request request = {.port = port};
	struct linger reset = {.l_onoff = 1};
	struct buf frame = BUF_INIT;
	size_t at = 0;
	struct ws ws;

	must(ws_dial(&ws, &request), "nobody listens");
	for (unsigned pieces = 1 + dice(3); pieces > 0 && at < len; pieces--) {
		size_t piece =
			pieces == 1 && dice(4) > 0 ? len - at : dice((unsigned)(len - at) + 1);

		if (!ws_send_raw(&ws, text + at, piece))
			break;
		at += piece;
	}
	if (dice(8) == 0)
		shutdown(ws.fd, SHUT_WR);
	if (dice(4) == 0)
		ws_receive(&ws, 2, &frame);
	if (dice(4) == 0)
		setsockopt(ws.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	ws_drop(&ws);
	buf_finish(&frame);
}

OwnedTest(requests, broken_in_any_way_leave_nothing_behind)
{
	struct echo echo = echo_start();
	struct health start, middle, end;
	unsigned rounds = rounds_of(3000);
	char text[4096];

	dice_start();
	must(echo_serves(&echo), "the server doesn't serve");
	start = middle = health_of(echo.program->pid);
	for (unsigned i = 0; i < rounds; i++) {
		const struct request *r = &requests[dice(sizeof(requests) / sizeof(requests[0]))];
		size_t len = strlen(r->text);

		memcpy(text, r->text, len);
		if (dice(4) > 0)
			len = mutate(text, len, sizeof(text));
		send_broken(echo.port, text, len);
		if (i == rounds / 2)
			middle = health_of(echo.program->pid);
	}
	must(echo_serves(&echo), "the server has gone");
	must(descriptors_return(echo.program->pid, start.descriptors, 30000),
	     "descriptors are left: %u, not %u", health_of(echo.program->pid).descriptors,
	     start.descriptors);
	end = health_of(echo.program->pid);
	told("%u broken requests: %ld kB at first, %ld half way, %ld at the end", rounds,
	     start.memory_kb, middle.memory_kb, end.memory_kb);
	must(end.memory_kb < middle.memory_kb + 8192, "memory grows: %ld, %ld, %ld kB",
	     start.memory_kb, middle.memory_kb, end.memory_kb);
}
