/*
 * Echoes what it gets, text and binary, up to 16 MiB: the worker's own WebSocket
 * transport (worker/ws.c) with nothing behind it, for public conformance suites.
 *
 *	build/ws-echo PORT        listens on 127.0.0.1 until killed; port 0 prints the one taken
 */
#include "base/clock.h"
#include "base/log.h"
#include "worker/ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#define MESSAGE_MAX (16u << 20)

struct echo {
	struct ws *ws;
	struct buf pending; /* frames that wait for `writable`: 8 bytes length, 1 byte kind,
			       headroom, data */
};

static struct ws_server *server;

static void *echo_open(void *data, struct ws *ws, const struct ws_peer *peer)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	(void)data;
	(void)peer;
	if (echo != NULL)
		echo->ws = ws;
	return echo;
}

static void queue_frame(struct echo *echo, const char *data, size_t len, bool binary)
{
	char headroom[WS_HEADROOM] = {0};
	uint64_t size = len;
	char kind = binary;

	buf_append(&echo->pending, &size, sizeof(size));
	buf_append(&echo->pending, &kind, 1);
	buf_append(&echo->pending, headroom, sizeof(headroom));
	buf_append(&echo->pending, data, len);
}

static void flush_frames(struct echo *echo)
{
	while (echo->pending.len > 0 && !ws_is_blocked(echo->ws)) {
		char *frame = echo->pending.data;
		uint64_t size;

		memcpy(&size, frame, sizeof(size));
		if (ws_write(echo->ws, frame + sizeof(size) + 1 + WS_HEADROOM, size,
			     frame[sizeof(size)] != 0) == WS_FAILED)
			return;
		buf_consume(&echo->pending, sizeof(size) + 1 + WS_HEADROOM + size);
	}
}

static void echo_receive(void *conn, const char *text, size_t len, bool binary)
{
	struct echo *echo = conn;

	queue_frame(echo, text, len, binary);
	if (echo->pending.failed)
		ws_close(echo->ws, 1011, "out of memory");
	else
		flush_frames(echo);
}

static void echo_refused(void *conn, enum ws_refusal why)
{
	struct echo *echo = conn;

	ws_close(echo->ws, why == WS_TOO_BIG ? 1009 : 1003, "refused");
}

static void echo_writable(void *conn)
{
	flush_frames(conn);
}

static void echo_pong(void *conn)
{
	(void)conn;
}

static void echo_closed(void *conn, unsigned code)
{
	struct echo *echo = conn;

	(void)code;
	buf_finish(&echo->pending);
	free(echo);
}

static size_t echo_message_max(void *conn)
{
	(void)conn;
	return MESSAGE_MAX;
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
	int listen_fd = *(int *)poll->data;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)status;
	(void)events;
	if (fd >= 0)
		ws_server_accept(server, fd, &(struct ws_arrival){0});
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
	ws_server_tick(server, clock_mono_ms());
}

static int listen_on(unsigned short port, unsigned short *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -errno;
	*ret_port = ntohs(at.sin_port);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct ws_handler handler = {
		.open = echo_open,
		.receive = echo_receive,
		.refused = echo_refused,
		.writable = echo_writable,
		.pong = echo_pong,
		.closed = echo_closed,
		.message_max = echo_message_max,
	};
	struct ws_options options = {.path = "/", .allow_binary = true, .handshake_s = 20};
	uv_loop_t loop;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned short port = 0;
	int listen_fd;

	if (argc != 2) {
		fprintf(stderr, "usage: ws-echo PORT\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_init("ws-echo", LOG_FORMAT_TEXT, LOG_LEVEL_WARN, 2);
	listen_fd = listen_on((unsigned short)atoi(argv[1]), &port);
	if (listen_fd < 0) {
		fprintf(stderr, "ws-echo: port %s: %s\n", argv[1], strerror(-listen_fd));
		return 1;
	}
	uv_loop_init(&loop);
	options.loop = &loop;
	options.subprotocol = "chat.v1";
	server = ws_server_create(&options, &handler, NULL);
	if (server == NULL)
		return 1;
	uv_poll_init(&loop, &poll, listen_fd);
	poll.data = &listen_fd;
	uv_poll_start(&poll, UV_READABLE, on_listen);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_tick, 100, 100);
	printf("%u\n", port);
	fflush(stdout);
	uv_run(&loop, UV_RUN_DEFAULT);
	return 0;
}
