#include "worker/ws_private.h"

#include <stdlib.h>
#include <sys/ioctl.h>

bool ws_server_has_more(const struct ws_server *server)
{
	int bytes = 0;

	/* What TLS holds can't be seen from here. */
	return server->heard_fd < 0 || ioctl(server->heard_fd, FIONREAD, &bytes) < 0 || bytes > 0;
}

static void free_message(struct buf *message)
{
	if (message != NULL)
		buf_finish(message);
	free(message);
}

void ws_drop_message(struct ws *ws)
{
	free_message(ws->message);
	ws->message = NULL;
}

/* Keeps a piece of the message. False: out of memory. */
static bool keep_piece(struct ws *ws, const char *piece, size_t len)
{
	if (ws->message == NULL)
		ws->message = calloc(1, sizeof(*ws->message));
	if (ws->message == NULL)
		return false;
	buf_append(ws->message, piece, len);
	return !ws->message->failed;
}

static void refuse(struct ws *ws, enum ws_refusal why)
{
	ws->skipping = true;
	ws_drop_message(ws);
	ws->server->handler.refused(ws->conn, why);
}

static void skip_piece(struct ws *ws, bool last)
{
	if (!last)
		return;
	ws->skipping = false;
	if (ws->close_waits)
		ws_stop_waiting(ws);
}

/*
 * A message comes in pieces: fragments of the peer's making, and of ours where it is longer
 * than our receive buffer. One that fits a piece is handed on where it lies.
 */
void ws_receive_piece(struct ws *ws, const char *piece, size_t len)
{
	const struct ws_handler *handler = &ws->server->handler;
	size_t remaining = lws_remaining_packet_payload(ws->wsi);
	size_t before = ws->message != NULL ? ws->message->len : 0;
	bool last = lws_is_final_fragment(ws->wsi) && remaining == 0;

	if (lws_is_first_fragment(ws->wsi)) {
		ws->binary = lws_frame_is_binary(ws->wsi);
		ws->skipping = false;
		ws->text = (struct utf8){0};
		if (ws->binary && !ws->server->options.allow_binary)
			refuse(ws, WS_BINARY);
	}
	if (ws->skipping) {
		skip_piece(ws, last);
		return;
	}
	if (before + len + remaining > handler->message_max(ws->conn)) {
		refuse(ws, WS_TOO_BIG);
		skip_piece(ws, last);
		return;
	}
	if (!ws->binary &&
	    (!utf8_take(&ws->text, piece, len) || (last && !utf8_is_whole(&ws->text)))) {
		ws_drop_message(ws);
		ws_close(ws, 1007, "invalid UTF-8");
		return;
	}
	ws->server->heard_fd = ws->fd;
	if (last && before == 0) {
		handler->receive(ws->conn, len > 0 ? piece : "", len, ws->binary);
		return;
	}
	if (!keep_piece(ws, piece, len)) {
		refuse(ws, WS_TOO_BIG);
		skip_piece(ws, last);
		return;
	}
	if (last) {
		struct buf *whole = ws->message;

		ws->message = NULL;
		handler->receive(ws->conn, whole->data, whole->len, ws->binary);
		free_message(whole);
	}
}

/*
 * libwebsockets answers with what the peer sent, and with 1002 for codes that nobody may send;
 * the rest of RFC 6455 §5.5.1 and §7.4 is here. Nonzero closes with our own reason.
 */
int ws_peer_closes(struct ws *ws, const char *payload, size_t len)
{
	struct utf8 reason = {0};
	unsigned code = 1005;
	unsigned answer = 0;

	ws->peer_has_closed = true;
	if (ws->state != WS_OPEN)
		return 0;
	if (len >= 2)
		code = (unsigned)(unsigned char)payload[0] << 8 | (unsigned char)payload[1];
	if (len == 1 || (len >= 2 && code > 4999))
		answer = 1002;
	else if (len > 2 && (!utf8_take(&reason, payload + 2, len - 2) || !utf8_is_whole(&reason)))
		answer = 1007;
	ws->close_code = answer > 0 ? answer : code;
	if (answer > 0)
		lws_close_reason(ws->wsi, (enum lws_close_status)answer, NULL, 0);
	return answer > 0 ? -1 : 0;
}
