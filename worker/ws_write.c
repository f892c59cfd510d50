#include "worker/ws_private.h"

#include "worker/flow.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

_Static_assert(WS_HEADROOM >= LWS_PRE, "libwebsockets writes its frame header into the headroom");

/*
 * RFC 6455 §5.2, final and unmasked: it ends where the data begins, in the headroom. Returns its
 * length.
 */
static size_t put_header(char *data, size_t len, bool binary)
{
	unsigned char *end = (unsigned char *)data;
	unsigned char *at;

	if (len < 126) {
		at = end - 2;
		at[1] = (unsigned char)len;
	} else if (len <= UINT16_MAX) {
		at = end - 4;
		at[1] = 126;
	} else {
		at = end - 10;
		at[1] = 127;
	}
	at[0] = binary ? 0x82 : 0x81;
	if (at + 2 != end)
		for (unsigned char *byte = end; byte > at + 2; len >>= 8)
			*--byte = (unsigned char)len;
	return (size_t)(end - at);
}

static enum ws_result write_by_lws(struct ws *ws, char *data, size_t len,
				   enum lws_write_protocol as)
{
	if (lws_write(ws->wsi, (unsigned char *)data, len, as) < 0) {
		ws_kill(ws);
		return WS_FAILED;
	}
	ws->blocked = lws_partial_buffered(ws->wsi);
	return ws->blocked ? WS_BLOCKED : WS_WRITTEN;
}

/* Frames may go straight to its socket: it is plain, and libwebsockets holds nothing back. */
static bool is_straight(const struct ws *ws)
{
	return ws->state == WS_OPEN && ws->fd >= 0 && !lws_partial_buffered(ws->wsi);
}

/* What the socket has not taken is kept by libwebsockets, and sent before anything else. */
static enum ws_result took(struct ws *ws, char *frame, size_t len, ssize_t sent)
{
	if (sent == (ssize_t)len)
		return WS_WRITTEN;
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		ws_kill(ws);
		return WS_FAILED;
	}
	if (sent < 0)
		sent = 0;
	return write_by_lws(ws, frame + sent, len - (size_t)sent, LWS_WRITE_HTTP);
}

/*
 * lws_write makes the header anew for each of a room's subscribers, asks extensions that we don't
 * have, and keeps statistics: 5 % of a delivery. So a plain socket is written to from here.
 */
static ssize_t send_frame(int fd, const char *frame, size_t len)
{
	return send(fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum ws_result ws_write(struct ws *ws, char *data, size_t len, bool binary)
{
	const int off = 0;
	enum ws_result result;
	size_t header;

	if (ws->state != WS_OPEN)
		return WS_FAILED;
	/* A pong of libwebsockets' may be held back, half of it out already. */
	if (!is_straight(ws))
		return write_by_lws(ws, data, len, binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
	header = put_header(data, len, binary);
	data -= header;
	len += header;
	result = took(ws, data, len, send_frame(ws->fd, data, len));
	if (ws->corked) {
		ws->corked = false;
		setsockopt(ws->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	}
	return result;
}

/*
 * Between two writes the kernel has used the near caches for itself, and each look at a connection
 * would wait for memory. So all are looked at first, when the waits overlap, and what the writes
 * need stands in a row.
 */
void ws_write_all(struct ws *const *all, unsigned count, char *data, size_t len,
		  enum ws_result *ret_results)
{
	int fds[WS_WRITE_ALL_MAX];
	size_t header = put_header(data, len, false);

	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(all[i]);
	for (unsigned i = 0; i < count; i++)
		fds[i] = is_straight(all[i]) ? all[i]->fd : -1;
	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= 0)
			ret_results[i] = took(all[i], data - header, len + header,
					      send_frame(fds[i], data - header, len + header));
	/* Last, for libwebsockets writes into the headroom. */
	for (unsigned i = 0; i < count; i++)
		if (fds[i] < 0)
			ret_results[i] = ws_write(all[i], data, len, false);
}

bool ws_is_blocked(const struct ws *ws)
{
	return ws->blocked;
}

bool ws_peer_is_gone(const struct ws *ws)
{
	struct pollfd one = {.fd = lws_get_socket_fd(ws->wsi), .events = POLLRDHUP};

	return poll(&one, 1, 0) == 1;
}

void ws_flow(const struct ws *ws, struct flow *ret_flow)
{
	flow_look(lws_get_socket_fd(ws->wsi), ret_flow);
}

enum ws_result ws_ping(struct ws *ws)
{
	/* libwebsockets 4.1.6 doesn't tell of a pong that carries nothing. */
	char frame[LWS_PRE + 4] = {[LWS_PRE] = 'p', 'i', 'n', 'g'};

	if (ws->state != WS_OPEN)
		return WS_FAILED;
	return write_by_lws(ws, frame + LWS_PRE, 4, LWS_WRITE_PING);
}
