#include "client/loop.h"
#include "client/transport.h"

#include "auth/base64.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the server of a test does with its one connection. */
enum play {
	HANG_UP,       /* at once */
	HANG_UP_LATER, /* after it read the request */
	NOT_FOUND,     /* answers as a web server would */
	TALK,          /* a message in two fragments, a ping; then closes with 4001 */
	SAY_NOTHING,   /* upgrades, and reads until the end */
};

struct server {
	enum play play;
	int listener;
	unsigned port;
	pthread_t thread;
	struct buf heard; /* all that came */
};

static struct loop *loop;
static struct transport *transport;
static struct transport_end ended;
static struct buf received;
static unsigned opens, closes;
static bool close_at_open;
static struct buf output;

static void nothing(void *owner)
{
	(void)owner;
}

static void no_signal(void *owner, int number)
{
	(void)owner;
	(void)number;
}

static void on_open(void *owner, const struct tls_peer *peer)
{
	(void)owner;
	(void)peer;
	opens++;
	if (close_at_open)
		transport_close(transport);
	else
		transport_send(transport, &output);
}

static void on_message(void *owner, const char *data, size_t len)
{
	(void)owner;
	buf_append(&received, data, len);
	buf_append_char(&received, '|');
}

static void on_closed(void *owner, const struct transport_end *end)
{
	(void)owner;
	closes++;
	ended = *end;
	loop_stop(loop);
}

static void setup(void)
{
	struct loop_events events = {
		.input = nothing, .timer = nothing, .output_gone = nothing, .signal = no_signal};
	struct transport_events transport_events = {
		.open = on_open, .message = on_message, .closed = on_closed};

	cr_assert_eq(loop_create(&events, &loop), 0);
	cr_assert_eq(transport_create(loop_handle(loop), false, &transport_events, &transport), 0);
}

static void teardown(void)
{
	loop_close(loop);
	transport_destroy(transport);
	loop_destroy(loop);
	buf_finish(&received);
	buf_finish(&output);
}

TestSuite(transport, .init = setup, .fini = teardown);

/* ---- the other side */

static void send_text(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* RFC 6455 §4.2.2: the key, with a text behind it, hashed. */
static void upgrade(int fd, const char *request)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	const char *key = strstr(request, name);
	struct buf text = BUF_INIT, answer = BUF_INIT;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	cr_assert_not_null(key);
	key += strlen(name);
	buf_printf(&text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, "\r"), key);
	cr_assert_eq(EVP_Digest(text.data, text.len, hash, &len, EVP_sha1(), NULL), 1);
	buf_append_str(&answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				"Connection: Upgrade\r\nSec-WebSocket-Protocol: chat.v1\r\n"
				"Sec-WebSocket-Accept: ");
	base64_encode(&answer, hash, len, 0);
	buf_append_str(&answer, "\r\n\r\n");
	send_text(fd, answer.data);
	buf_finish(&text);
	buf_finish(&answer);
}

static void hear_all(struct server *server, int fd)
{
	char bytes[1024];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		buf_append(&server->heard, bytes, (size_t)n);
}

static void *serve(void *data)
{
	struct server *server = data;
	int fd = accept(server->listener, NULL, NULL);
	char request[2048];
	ssize_t n;

	cr_assert_geq(fd, 0);
	close(server->listener); /* no one else is wanted */
	if (server->play != HANG_UP) {
		n = recv(fd, request, sizeof(request) - 1, 0);
		cr_assert_gt(n, 0);
		request[n] = '\0';
		buf_append_str(&server->heard, request);
	}
	switch (server->play) {
	case HANG_UP:
	case HANG_UP_LATER:
		break;
	case NOT_FOUND:
		send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
		hear_all(server, fd);
		break;
	case TALK:
		upgrade(fd, request);
		send_text(fd, "\x01\x03one\x89\x01p\x80\x04 two\x81\x05three");
		send_text(fd, "\x88\x06\x0f\xa1why?");
		hear_all(server, fd);
		break;
	case SAY_NOTHING:
		upgrade(fd, request);
		hear_all(server, fd);
		break;
	}
	close(fd);
	return NULL;
}

static void server_start(struct server *server, enum play play)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*server = (struct server){.play = play};
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(server->listener, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(server->listener, 1), 0);
	cr_assert_eq(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
	server->port = ntohs(address.sin_port);
	cr_assert_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void connect_to(unsigned port)
{
	char name[32];

	snprintf(name, sizeof(name), "localhost:%u", port);
	cr_assert_eq(transport_connect(transport, "127.0.0.1", port, name, true), 0);
	loop_run(loop);
	cr_assert_eq(closes, 1);
}

static void play(enum play play_it, struct server *server)
{
	server_start(server, play_it);
	connect_to(server->port);
	pthread_join(server->thread, NULL);
}

/* ---- what comes of it */

Test(transport, asks_for_our_protocol_and_names_the_server)
{
	struct server server;

	play(NOT_FOUND, &server);
	cr_assert_not_null(strstr(server.heard.data, "GET /ws HTTP/1.1\r\n"));
	cr_assert_not_null(strstr(server.heard.data, "Sec-WebSocket-Protocol: chat.v1\r\n"));
	cr_assert_not_null(strstr(server.heard.data, "Host: localhost:"));
	cr_assert_null(strstr(server.heard.data, "Origin:"));
	cr_assert_not(ended.was_open);
	cr_assert_eq(opens, 0);
	buf_finish(&server.heard);
}

Test(transport, puts_fragments_together_and_tells_the_close_code)
{
	struct server server;

	buf_append_str(&output, "{\"type\":\"ping\"}\n");
	play(TALK, &server);
	cr_assert_eq(opens, 1);
	cr_assert_str_eq(received.data, "one two|three|");
	cr_assert(ended.was_open);
	cr_assert_eq(ended.close_code, 4001);
	cr_assert_str_eq(ended.reason, "why?");
	buf_finish(&server.heard);
}

Test(transport, a_server_that_hangs_up_is_told_soon)
{
	struct server server;
	uint64_t begin = clock_mono_ms();

	play(HANG_UP, &server);
	cr_assert_not(ended.was_open);
	cr_assert_lt(clock_mono_ms() - begin, 5000);
	buf_finish(&server.heard);
}

Test(transport, so_is_one_that_hangs_up_after_the_request)
{
	struct server server;
	uint64_t begin = clock_mono_ms();

	play(HANG_UP_LATER, &server);
	cr_assert_not(ended.was_open);
	cr_assert_lt(clock_mono_ms() - begin, 5000);
	buf_finish(&server.heard);
}

Test(transport, a_silent_connection_is_closed_without_its_help)
{
	struct server server;
	uint64_t begin = clock_mono_ms();

	close_at_open = true;
	play(SAY_NOTHING, &server);
	cr_assert(ended.was_open);
	cr_assert_eq(ended.close_code, 0);
	cr_assert_lt(clock_mono_ms() - begin, 5000);
	buf_finish(&server.heard);
}

Test(transport, a_refused_connection_says_so)
{
	struct server server;
	int fd;

	/* a port that was free a moment ago */
	server_start(&server, HANG_UP);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(fd,
			     (struct sockaddr *)&(struct sockaddr_in){
				     .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)server.port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			     sizeof(struct sockaddr_in)),
		     0);
	pthread_join(server.thread, NULL);
	close(fd);
	connect_to(server.port);
	cr_assert_eq(ended.error, -ECONNREFUSED);
	cr_assert_not(ended.answered);
}

Test(transport, another_machine_is_not_even_tried)
{
	cr_assert_eq(transport_connect(transport, "192.0.2.1", 9, "192.0.2.1:9", true), 0);
	loop_run(loop);
	cr_assert_eq(closes, 1);
	cr_assert_eq(ended.error, -EPERM);
}

Test(transport, a_name_that_is_none_is_told)
{
	cr_assert_eq(transport_connect(transport, "no such host", 9, "x:9", true), 0);
	cr_assert_eq(transport_connect(transport, "again", 9, "x:9", true), -EBUSY);
	loop_run(loop);
	cr_assert_eq(closes, 1);
	cr_assert_eq(ended.error, -ENXIO);
	cr_assert_gt(strlen(ended.reason), 0);
}
