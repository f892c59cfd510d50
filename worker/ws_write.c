#include "worker/ws_private.h"

#include "worker/flow.h"

#include <errno.h>
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

/*
 * lws_write makes the header anew for each of a room's subscribers, asks extensions that we don't
 * have, and keeps statistics: 5 % of a delivery. So a plain socket is written to from here. What it
 * doesn't take libwebsockets keeps, as bytes that it sends as they are (LWS_WRITE_HTTP), before
 * anything else of its own.
 */
enum ws_result ws_write(struct ws *ws, char *data, size_t len, bool binary)
{
	size_t header;
	ssize_t sent;

	if (ws->state != WS_OPEN)
		return WS_FAILED;
	/* A pong of libwebsockets' may be held back, half of it out already. */
	if (ws->fd < 0 || lws_partial_buffered(ws->wsi))
		return write_by_lws(ws, data, len, binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
	header = put_header(data, len, binary);
	data -= header;
	len += header;
	sent = send(ws->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent == (ssize_t)len)
		return WS_WRITTEN;
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		ws_kill(ws);
		return WS_FAILED;
	}
	if (sent < 0)
		sent = 0;
	return write_by_lws(ws, data + sent, len - (size_t)sent, LWS_WRITE_HTTP);
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
