#include "tests/integration/ws.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define WS_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define HANDSHAKE_MS 10000u

static int dial(unsigned port, const struct ws_request *request)
{
	const char *source = request->source;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (request->to != NULL)
		inet_pton(AF_INET, request->to, &to.sin_addr);
	if (request->receive_bytes > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &request->receive_bytes,
			   sizeof(request->receive_bytes));
	if (source != NULL && (inet_pton(AF_INET, source, &from.sin_addr) != 1 ||
			       bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0))
		fd_close(&fd);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fd_close(&fd);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Reads what has come into ws->in: false at the end of the stream or the deadline. */
static bool pull(struct ws *ws, uint64_t deadline_ms, bool *ret_timeout)
{
	struct pollfd pfd = {.fd = ws->fd, .events = POLLIN};
	uint64_t now = clock_mono_ms();
	ssize_t got;

	*ret_timeout = false;
	if (ws->ssl == NULL || SSL_pending(ws->ssl) == 0)
		*ret_timeout = poll(&pfd, 1, now < deadline_ms ? (int)(deadline_ms - now) : 0) != 1;
	if (*ret_timeout)
		return false;
	char *room = buf_reserve(&ws->in, 65536);
	if (room == NULL)
		return false;
	do {
		got = ws->ssl != NULL ? SSL_read(ws->ssl, room, 65536)
				      : recv(ws->fd, room, 65536, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && ws->ssl != NULL && SSL_get_error(ws->ssl, (int)got) == SSL_ERROR_WANT_READ)
		got = 0;
	else if (got <= 0)
		return false;
	ws->in.len += (size_t)got;
	ws->in.data[ws->in.len] = '\0';
	return true;
}

/* The value of a header in the answer's head, or "". */
static void header_value(const char *head, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	out[0] = '\0';
	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " ");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line);
		return;
	}
}

static bool accept_is_right(const char *head, const char *key)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int hash_len = 0;
	char source[128], wanted[64], given[64];

	snprintf(source, sizeof(source), "%s" WS_GUID, key);
	EVP_Digest(source, strlen(source), hash, &hash_len, EVP_sha1(), NULL);
	sodium_bin2base64(wanted, sizeof(wanted), hash, hash_len, sodium_base64_VARIANT_ORIGINAL);
	header_value(head, "Sec-WebSocket-Accept", given, sizeof(given));
	return strcmp(wanted, given) == 0;
}

static bool read_head(struct ws *ws, struct buf *ret_head)
{
	uint64_t deadline = clock_mono_ms() + HANDSHAKE_MS;
	bool timeout = false;
	const char *end;

	while ((end = ws->in.len > 0 ? strstr(ws->in.data, "\r\n\r\n") : NULL) == NULL) {
		if (!pull(ws, deadline, &timeout))
			return false;
	}
	size_t len = (size_t)(end - ws->in.data) + 4;
	buf_append(ret_head, ws->in.data, len);
	buf_consume(&ws->in, len);
	if (sscanf(ret_head->data, "HTTP/1.%*d %d", &ws->status) != 1)
		ws->status = 0;
	return ws->status != 0;
}

static bool shake_hands(struct ws *ws)
{
	ws->ssl_ctx = SSL_CTX_new(TLS_client_method());
	ws->ssl = ws->ssl_ctx != NULL ? SSL_new(ws->ssl_ctx) : NULL;
	if (ws->ssl == NULL || !SSL_set_fd(ws->ssl, ws->fd))
		return false;
	/* SSL_read returns after a ticket, without data: poll then tells when there is some. */
	SSL_clear_mode(ws->ssl, SSL_MODE_AUTO_RETRY);
	return SSL_connect(ws->ssl) == 1;
}

/* TCP_NODELAY is on: each piece is a segment of its own. */
static bool send_preface(struct ws *ws, const struct ws_request *request)
{
	const char *at = request->preface;
	size_t piece = request->preface_slow ? 5 : request->preface_len;

	for (size_t sent = 0; sent < request->preface_len; sent += piece) {
		if (piece > request->preface_len - sent)
			piece = request->preface_len - sent;
		if (!ws_send_raw(ws, at + sent, piece))
			return false;
		if (request->preface_slow)
			poll(NULL, 0, 20);
	}
	return true;
}

bool ws_dial(struct ws *ws, const struct ws_request *request)
{
	*ws = (struct ws){.fd = dial(request->port, request)};
	if (ws->fd < 0 || !send_preface(ws, request))
		return false;
	return !request->tls || shake_hands(ws);
}

bool ws_open(struct ws *ws, const struct ws_request *request)
{
	unsigned char nonce[16];
	char key[32];
	struct buf text = BUF_INIT, head = BUF_INIT;
	bool upgraded = false;

	if (!ws_dial(ws, request))
		return false;
	random_bytes(nonce, sizeof(nonce));
	sodium_bin2base64(key, sizeof(key), nonce, sizeof(nonce), sodium_base64_VARIANT_ORIGINAL);
	buf_printf(&text,
		   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
		   request->path != NULL ? request->path : "/ws", request->port, key);
	const char *protocol = request->protocol != NULL ? request->protocol : "chat.v1";
	if (*protocol != '\0')
		buf_printf(&text, "Sec-WebSocket-Protocol: %s\r\n", protocol);
	if (request->headers != NULL)
		buf_append_str(&text, request->headers);
	buf_append_str(&text, "\r\n");
	if (ws_send_raw(ws, text.data, text.len) && read_head(ws, &head) && ws->status == 101) {
		header_value(head.data, "Sec-WebSocket-Protocol", ws->protocol,
			     sizeof(ws->protocol));
		upgraded = accept_is_right(head.data, key);
	}
	buf_finish(&text);
	buf_finish(&head);
	return upgraded;
}

void ws_drop(struct ws *ws)
{
	SSL_free(ws->ssl);
	SSL_CTX_free(ws->ssl_ctx);
	ws->ssl = NULL;
	ws->ssl_ctx = NULL;
	fd_close(&ws->fd);
	ws->closed = true;
	buf_finish(&ws->in);
	buf_finish(&ws->pieces);
}

bool ws_send_raw(struct ws *ws, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t sent = ws->ssl != NULL ? SSL_write(ws->ssl, at, (int)len)
					       : send(ws->fd, at, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

bool ws_send_frame(struct ws *ws, const struct ws_frame *frame)
{
	uint64_t len = frame->declared != 0 ? frame->declared : frame->len;
	unsigned mask_bit = frame->unmasked ? 0 : 0x80;
	const unsigned char *payload = frame->payload;
	unsigned char mask[4];
	struct buf out = BUF_INIT;

	buf_append_char(&out, (char)((frame->fin ? 0x80 : 0) | frame->opcode));
	if (len < 126) {
		buf_append_char(&out, (char)(mask_bit | len));
	} else if (len < 65536) {
		buf_append_char(&out, (char)(mask_bit | 126));
		buf_append_char(&out, (char)(len >> 8));
		buf_append_char(&out, (char)len);
	} else {
		buf_append_char(&out, (char)(mask_bit | 127));
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_append_char(&out, (char)(len >> shift));
	}
	random_bytes(mask, sizeof(mask));
	if (!frame->unmasked)
		buf_append(&out, mask, sizeof(mask));
	for (size_t i = 0; i < frame->len; i++)
		buf_append_char(&out,
				(char)(frame->unmasked ? payload[i] : payload[i] ^ mask[i % 4]));
	bool sent = ws_send_raw(ws, out.data, out.len);
	buf_finish(&out);
	return sent;
}

bool ws_send(struct ws *ws, enum ws_opcode opcode, const void *payload, size_t len)
{
	return ws_send_frame(
		ws, &(struct ws_frame){
			    .fin = true, .opcode = (int)opcode, .payload = payload, .len = len});
}

/* Looks for one whole frame at the start of ws->in; server frames are never masked. */
static bool frame_take(struct ws *ws, int *ret_first, const char **ret_payload, size_t *ret_len,
		       size_t *ret_whole)
{
	const unsigned char *at = (const unsigned char *)ws->in.data;
	size_t head = 2;
	uint64_t len;

	if (ws->in.len < 2)
		return false;
	len = at[1] & 0x7f;
	if (len == 126)
		head = 4;
	else if (len == 127)
		head = 10;
	if (ws->in.len < head)
		return false;
	if (head > 2) {
		len = 0;
		for (size_t i = 2; i < head; i++)
			len = len << 8 | at[i];
	}
	if (ws->in.len - head < len)
		return false;
	*ret_first = at[0];
	*ret_payload = ws->in.data + head;
	*ret_len = (size_t)len;
	*ret_whole = head + (size_t)len;
	return true;
}

static void take_close(struct ws *ws, const char *payload, size_t len)
{
	ws->closed = true;
	ws->close_code = 1005;
	if (len >= 2) {
		ws->close_code = (unsigned char)payload[0] << 8 | (unsigned char)payload[1];
		snprintf(ws->close_reason, sizeof(ws->close_reason), "%.*s", (int)len - 2,
			 payload + 2);
	}
	ws_send(ws, WS_CLOSE, payload, len < 2 ? 0 : 2);
}

/* What one frame means; WS_EVENT_TIMEOUT: nothing to tell yet. */
static enum ws_event take_frame(struct ws *ws, int first, const char *payload, size_t len,
				struct buf *ret_payload)
{
	int opcode = first & 0x0f;

	switch (opcode) {
	case WS_CLOSE:
		take_close(ws, payload, len);
		return WS_EVENT_CLOSED;
	case WS_PING:
		if (!ws->mute)
			ws_send(ws, WS_PONG, payload, len);
		return WS_EVENT_PING;
	case WS_PONG:
		ws->pongs++;
		return WS_EVENT_PONG;
	default:
		break;
	}
	if (opcode != WS_CONTINUATION) {
		ws->pieces_opcode = opcode;
		buf_reset(&ws->pieces);
	}
	buf_append(&ws->pieces, payload, len);
	if ((first & 0x80) == 0)
		return WS_EVENT_TIMEOUT;
	buf_reset(ret_payload);
	buf_append(ret_payload, ws->pieces.data, ws->pieces.len);
	return ws->pieces_opcode == WS_TEXT ? WS_EVENT_TEXT : WS_EVENT_BINARY;
}

enum ws_event ws_receive(struct ws *ws, unsigned patience_ms, struct buf *ret_payload)
{
	uint64_t deadline = clock_mono_ms() + patience_ms;
	const char *payload = NULL;
	size_t len = 0, whole = 0;
	int first = 0;

	while (!ws->closed) {
		bool timeout = false;

		if (frame_take(ws, &first, &payload, &len, &whole)) {
			enum ws_event event = take_frame(ws, first, payload, len, ret_payload);

			buf_consume(&ws->in, whole);
			if (event != WS_EVENT_TIMEOUT)
				return event;
		} else if (!pull(ws, deadline, &timeout)) {
			if (timeout)
				return WS_EVENT_TIMEOUT;
			ws->closed = true;
			ws->close_code = 1006;
		}
	}
	return WS_EVENT_CLOSED;
}

int http_get(unsigned port, const char *path, struct buf *ret_body)
{
	struct ws ws = {.fd = dial(port, &(struct ws_request){0})};
	struct buf text = BUF_INIT, head = BUF_INIT;
	uint64_t deadline = clock_mono_ms() + HANDSHAKE_MS;
	bool timeout = false;

	buf_reset(ret_body);
	buf_printf(&text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n",
		   path, port);
	if (ws.fd >= 0 && ws_send_raw(&ws, text.data, text.len) && read_head(&ws, &head)) {
		while (pull(&ws, deadline, &timeout))
			continue;
		buf_append(ret_body, ws.in.data != NULL ? ws.in.data : "", ws.in.len);
	}
	buf_finish(&text);
	buf_finish(&head);
	ws_drop(&ws);
	return ws.status;
}
