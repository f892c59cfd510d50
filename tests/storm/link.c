#include "tests/storm/link.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (64u << 10)
#define NO_CLOSE_FRAME 1006u

enum opcode { CONTINUATION = 0, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

static void watch(struct link *link, int operation)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};

	if (link->state == LINK_CONNECTING || link->out.len > 0)
		event.events |= EPOLLOUT;
	link->wants_out = (event.events & EPOLLOUT) != 0;
	epoll_ctl(link->epoll_fd, operation, link->fd, &event);
}

bool link_open(struct link *link, unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1;

	buf_reset(&link->in);
	buf_reset(&link->out);
	buf_reset(&link->pieces);
	link->close_code = NO_CLOSE_FRAME;
	link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0)
		return false;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(link->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
		fd_close(&link->fd);
		return false;
	}
	link->state = LINK_CONNECTING;
	watch(link, EPOLL_CTL_ADD);
	return true;
}

void link_close(struct link *link, bool reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (link->fd >= 0 && reset)
		setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	fd_close(&link->fd);
	link->state = LINK_CLOSED;
}

void link_finish(struct link *link)
{
	link_close(link, false);
	buf_finish(&link->in);
	buf_finish(&link->out);
	buf_finish(&link->pieces);
}

/* ---- out --------------------------------------------------------------------------------- */

/* False: the connection is gone. */
static bool flush(struct link *link)
{
	ssize_t sent;

	if (link->out.len == 0)
		return true;
	sent = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (sent > 0)
		buf_consume(&link->out, (size_t)sent);
	if (link->wants_out != (link->out.len > 0))
		watch(link, EPOLL_CTL_MOD);
	return true;
}

/* RFC 6455 §5.2. The mask is all zeros: it protects proxies, and there is none here. */
static void put_frame(struct link *link, enum opcode opcode, const char *payload, size_t len)
{
	static const char mask[4];

	buf_append_char(&link->out, (char)(0x80 | opcode));
	if (len < 126) {
		buf_append_char(&link->out, (char)(0x80 | len));
	} else {
		buf_append_char(&link->out, (char)(0x80 | 126));
		buf_append_char(&link->out, (char)(len >> 8));
		buf_append_char(&link->out, (char)len);
	}
	buf_append(&link->out, mask, sizeof(mask));
	buf_append(&link->out, payload, len);
}

void link_send(struct link *link, const char *text, size_t len)
{
	if (link->state != LINK_OPEN)
		return;
	put_frame(link, TEXT, text, len);
	/* A lost connection shows at the next event. */
	flush(link);
}

/* ---- in ------------------------------------------------------------------------------------ */

static void take_text(struct link *link, const char *text, size_t len)
{
	while (len > 0 && link->state == LINK_OPEN) {
		const char *end = memchr(text, '\n', len);
		size_t line = end != NULL ? (size_t)(end - text) : len;
		size_t taken = end != NULL ? line + 1 : len;

		if (line > 0)
			link->on_line(link->data, text, line);
		text += taken;
		len -= taken;
	}
}

/* False: the connection is over. */
static bool take_frame(struct link *link, unsigned char first, const char *payload, size_t len)
{
	switch (first & 0x0f) {
	case CLOSE:
		if (len >= 2)
			link->close_code = (unsigned)(unsigned char)payload[0] << 8 |
					   (unsigned char)payload[1];
		return false;
	case PING:
		put_frame(link, PONG, payload, len);
		return flush(link);
	case PONG:
		return true;
	case TEXT:
	case CONTINUATION:
		if ((first & 0x80) != 0 && link->pieces.len == 0) {
			take_text(link, payload, len);
			return true;
		}
		buf_append(&link->pieces, payload, len);
		if ((first & 0x80) != 0) {
			take_text(link, link->pieces.data, link->pieces.len);
			buf_reset(&link->pieces);
		}
		return true;
	default:
		return false;
	}
}

static bool take_frames(struct link *link)
{
	const unsigned char *bytes = (const unsigned char *)link->in.data;
	size_t at = 0;
	bool alive = true;

	while (alive && link->state == LINK_OPEN && link->in.len - at >= 2) {
		size_t left = link->in.len - at, len = bytes[at + 1] & 127, head = 2;

		if (len == 126)
			head = 4;
		else if (len == 127)
			head = 10;
		if (left < head)
			break;
		if (head > 2)
			len = 0;
		for (size_t i = 2; i < head; i++)
			len = len << 8 | bytes[at + i];
		if (left - head < len)
			break;
		alive = take_frame(link, bytes[at], link->in.data + at + head, len);
		at += head + len;
	}
	buf_consume(&link->in, at);
	return alive;
}

static bool take_upgrade(struct link *link)
{
	const char *end = memmem(link->in.data, link->in.len, "\r\n\r\n", 4);

	if (end == NULL)
		return true;
	if (strncmp(link->in.data, "HTTP/1.1 101", 12) != 0)
		return false;
	buf_consume(&link->in, (size_t)(end - link->in.data) + 4);
	link->state = LINK_OPEN;
	return true;
}

static bool receive(struct link *link)
{
	char *room = buf_reserve(&link->in, READ_BYTES);
	ssize_t got;

	if (room == NULL)
		return false;
	got = recv(link->fd, room, READ_BYTES, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got <= 0)
		return false;
	link->in.len += (size_t)got;
	if (link->state == LINK_UPGRADING && !take_upgrade(link))
		return false;
	return link->state != LINK_OPEN || take_frames(link);
}

static bool connected(struct link *link)
{
	static const char request[] =
		"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Protocol: chat.v1\r\n\r\n";
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
		return false;
	link->state = LINK_UPGRADING;
	buf_append(&link->out, request, sizeof(request) - 1);
	return flush(link);
}

bool link_event(struct link *link, uint32_t events)
{
	if (link->state == LINK_CLOSED)
		return true;
	if (link->state == LINK_CONNECTING) {
		if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
			return connected(link);
		return true;
	}
	if ((events & EPOLLOUT) != 0 && !flush(link))
		return false;
	/* What came before the end still counts. */
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		return receive(link);
	return true;
}
