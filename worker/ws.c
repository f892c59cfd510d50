#include "worker/ws_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/tls.h"
#include "worker/ws_proxied.h"
#include "worker/ws_upgrade.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define CLOSE_ANSWER_MS 2000u
#define SKIP_MS 1000u /* for the rest of a refused message */
#define CLOSE_REASON_MAX                                                                           \
	123u          /* RFC 6455 §5.5: a control frame carries 125 bytes, two are the code */
#define RX_BYTES 256u /* most lines fit; libwebsockets keeps as much for each connection */

/* ---- closing -------------------------------------------------------------- */

static void closing_remove(struct ws *ws)
{
	if (ws->closing_prev == NULL)
		return;
	*ws->closing_prev = ws->closing_next;
	if (ws->closing_next != NULL)
		ws->closing_next->closing_prev = ws->closing_prev;
	else
		ws->server->closing_end = ws->closing_prev;
	ws->closing_prev = NULL;
	ws->closing_next = NULL;
}

static void closing_add(struct ws *ws, uint64_t wait_ms)
{
	struct ws_server *server = ws->server;

	ws->close_by_ms = clock_mono_ms() + wait_ms;
	ws->closing_next = NULL;
	ws->closing_prev = server->closing_end;
	*server->closing_end = ws;
	server->closing_end = &ws->closing_next;
}

static void start_close(struct ws *ws)
{
	if (lws_partial_buffered(ws->wsi))
		lws_callback_on_writable(ws->wsi);
	else
		lws_close_free_wsi(ws->wsi, LWS_CLOSE_STATUS_NOSTATUS, "ws_close");
}

void ws_stop_waiting(struct ws *ws)
{
	ws->close_waits = false;
	closing_remove(ws);
	closing_add(ws, CLOSE_ANSWER_MS);
	start_close(ws);
}

/*
 * The documented way, lws_close_reason() and -1 from a callback, cuts the connection without
 * a close frame: Debian's 4.1.6 is built with _DEBUG, where the service function closes every
 * libuv connection twice "to confirm it has no problem", and the second time kills it. So the
 * first step is made from here. While bytes are held back it would skip the close frame, so it
 * waits for WRITEABLE then. While a refused message is still coming it waits for its end: a
 * socket that is closed with unread bytes resets the connection, and the peer would see neither
 * the error line nor the close frame.
 */
void ws_close(struct ws *ws, unsigned code, const char *reason)
{
	unsigned char text[CLOSE_REASON_MAX];
	size_t len = strnlen(reason, CLOSE_REASON_MAX);

	if (ws->state != WS_OPEN)
		return;
	memcpy(text, reason, len);
	lws_close_reason(ws->wsi, (enum lws_close_status)code, text, len);
	ws->state = WS_CLOSING;
	ws->close_code = code;
	ws->close_waits = ws->skipping;
	closing_add(ws, ws->close_waits ? SKIP_MS : CLOSE_ANSWER_MS);
	if (!ws->close_waits)
		start_close(ws);
}

void ws_kill(struct ws *ws)
{
	if (ws->state == WS_DEAD)
		return;
	ws->state = WS_DEAD;
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

void ws_server_tick(struct ws_server *server, uint64_t now_mono_ms)
{
	while (server->closing != NULL && server->closing->close_by_ms <= now_mono_ms) {
		struct ws *ws = server->closing;

		if (ws->close_waits) {
			ws_stop_waiting(ws);
		} else {
			closing_remove(ws);
			ws_kill(ws);
		}
	}
}

/* ---- strangers ---------------------------------------------------------------- */

void ws_known(struct ws *ws)
{
	ws_strangers_remove(&ws->server->strangers, ws->wsi);
}

unsigned ws_server_strangers(const struct ws_server *server)
{
	return server->strangers.count;
}

void ws_server_drop_stranger(struct ws_server *server)
{
	struct lws *wsi = ws_strangers_draw(&server->strangers);
	struct ws *ws = wsi != NULL ? lws_wsi_user(wsi) : NULL;

	if (wsi == NULL)
		return;
	ws_strangers_remove(&server->strangers, wsi);
	if (ws != NULL && ws->server != NULL)
		ws_kill(ws);
	else
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* ---- the connection's life ---------------------------------------------------- */

/* May this request be answered, with what it is asking for? 0, or the HTTP status and a text. */
static unsigned look_at_request(const struct ws_server *server, struct lws *wsi,
				const char **ret_text)
{
	const struct ws_arrival *arrival = ws_strangers_arrival(&server->strangers, wsi);

	/* Who isn't known by now has no request to make. */
	if (arrival == NULL || arrival->plain_refused) {
		*ret_text = WS_PLAIN_REFUSED;
		return 426;
	}
	return ws_proxied_look(wsi, arrival, ret_text);
}

static int filter_upgrade(struct ws_server *server, struct lws *wsi)
{
	struct ws_upgrade upgrade = {
		.path = server->options.path,
		.origin_is_ours = server->handler.origin_is_ours,
		.data = server->data,
	};

	upgrade.refusal = look_at_request(server, wsi, &upgrade.refusal_text);

	return ws_upgrade_check(wsi, &upgrade);
}

static int find_peer(const struct ws_server *server, struct lws *wsi, struct ws_peer *ret_peer)
{
	const struct ws_arrival *arrival = ws_strangers_arrival(&server->strangers, wsi);

	if (arrival == NULL)
		return -EPROTO;
	ret_peer->proxied = arrival->proxy != PROXY_NONE;
	ret_peer->address = arrival->client.family != 0 ? arrival->client : arrival->peer;
	ret_peer->tls = lws_is_ssl(wsi);
	if (ret_peer->tls)
		ret_peer->has_exporter = tls_exporter(lws_get_ssl(wsi), ret_peer->exporter);
	return 0;
}

void ws_local_address(const struct ws *ws, struct sockaddr_storage *ret_address)
{
	socklen_t len = sizeof(*ret_address);

	memset(ret_address, 0, sizeof(*ret_address));
	(void)!getsockname(lws_get_socket_fd(ws->wsi), (struct sockaddr *)ret_address, &len);
}

static int established(struct ws_server *server, struct ws *ws, struct lws *wsi)
{
	struct ws_peer peer = {0};

	ws->wsi = wsi;
	ws->server = server;
	ws->fd = lws_is_ssl(wsi) ? -1 : lws_get_socket_fd(wsi);
	ws->corked = ws->fd >= 0;
	ws->close_code = 1006;
	ws->state = WS_OPEN;
	if (find_peer(server, wsi, &peer) < 0)
		return -1;
	ws->conn = server->handler.open(server->data, ws, &peer);
	return ws->conn != NULL || ws->state == WS_CLOSING ? 0 : -1;
}

/*
 * libwebsockets has begun to close by itself (a broken frame): its close frame goes out before
 * anything else, so we write nothing more, and wait no longer than for an answer to our own.
 */
static void dropped(struct ws *ws)
{
	if (ws == NULL || ws->server == NULL || ws->state != WS_OPEN)
		return;
	ws->state = WS_CLOSING;
	closing_add(ws, CLOSE_ANSWER_MS);
}

static void closed(struct ws *ws)
{
	if (ws->server == NULL)
		return;
	closing_remove(ws);
	ws_drop_message(ws);
	ws->state = WS_DEAD;
	if (ws->conn != NULL)
		ws->server->handler.closed(ws->conn, ws->close_code);
	ws->conn = NULL;
}

static bool is_proxied(const struct ws_server *server, struct lws *wsi)
{
	const struct ws_arrival *arrival = ws_strangers_arrival(&server->strangers, wsi);

	return arrival == NULL || arrival->proxy != PROXY_NONE;
}

/* ---- plain HTTP -------------------------------------------------------------- */

/*
 * One request a connection: a next one, pipelined or after any while, would have libwebsockets
 * keep the socket, and take its headers to pieces in states that only strangers put it into.
 */
static void answer_http(struct ws_server *server, struct lws *wsi, const char *path)
{
	unsigned char headers[LWS_PRE + 512] = {0};
	unsigned char *at = headers + LWS_PRE, *end = headers + sizeof(headers) - 1;
	struct buf body = BUF_INIT;
	const char *type = "text/plain; charset=utf-8", *refusal = NULL;
	unsigned status;
	struct sockaddr_storage peer = {0};
	socklen_t peer_len = sizeof(peer);
	size_t len;

	buf_append(&body, headers, LWS_PRE); /* headroom */
	/* On failure, and behind a proxy, it has no family: nobody's neighbour. */
	if (!is_proxied(server, wsi))
		(void)!getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &peer_len);
	status = look_at_request(server, wsi, &refusal);
	if (status != 0) {
		buf_append_str(&body, refusal);
	} else if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0) {
		status = HTTP_STATUS_METHOD_NOT_ALLOWED;
		buf_append_str(&body, "only GET\n");
	} else if (strcmp(path, server->options.path) == 0) {
		status = 426;
		buf_append_str(&body, "this is a WebSocket endpoint\n");
	} else if (server->handler.http != NULL) {
		status = server->handler.http(server->data, &peer, path, &body, &type);
	} else {
		status = HTTP_STATUS_NOT_FOUND;
		buf_append_str(&body, "not found\n");
	}
	if (body.failed)
		goto out;
	len = body.len - LWS_PRE;
	if (lws_add_http_common_headers(wsi, status, type, len, &at, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, (const unsigned char *)"close",
					 5, &at, end) ||
	    lws_finalize_write_http_header(wsi, headers + LWS_PRE, &at, end))
		goto out;
	/* It is closed in any case, and what the socket doesn't take at once is sent before. */
	(void)!lws_write(wsi, (unsigned char *)body.data + LWS_PRE, len, LWS_WRITE_HTTP_FINAL);
out:
	buf_finish(&body);
}

/* ---- libwebsockets ------------------------------------------------------------ */

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct lws_vhost *vhost = wsi != NULL ? lws_get_vhost(wsi) : NULL;
	struct ws_server *server = vhost != NULL ? lws_get_vhost_user(vhost) : NULL;
	struct ws *ws = user;

	if (server == NULL)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		/* `user` is the virtual host's SSL_CTX, which has nothing in it yet. */
		return tls_context_prepare(server->options.tls, user) < 0 ? -1 : 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return filter_upgrade(server, wsi);
	case LWS_CALLBACK_RAW_ADOPT:
		/* A CONNECT request: it would get a socket without any deadline. */
		return -1;
	case LWS_CALLBACK_ESTABLISHED:
		return established(server, ws, wsi);
	case LWS_CALLBACK_RECEIVE:
		if ((ws->state == WS_OPEN && !ws->peer_has_closed) || ws->close_waits)
			ws_receive_piece(ws, in, len);
		return 0;
	case LWS_CALLBACK_RECEIVE_PONG:
		if (ws->state == WS_OPEN)
			server->handler.pong(ws->conn);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		if (ws->state == WS_CLOSING && !ws->close_waits)
			start_close(ws);
		if (ws->state == WS_OPEN && ws->blocked) {
			ws->blocked = lws_partial_buffered(wsi);
			if (!ws->blocked)
				server->handler.writable(ws->conn);
		}
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return ws_peer_closes(ws, in, len);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		dropped(ws);
		return 0;
	case LWS_CALLBACK_CLOSED:
		closed(ws);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		ws_strangers_remove(&server->strangers, wsi);
		return 0;
	case LWS_CALLBACK_HTTP:
		answer_http(server, wsi, in);
		return -1;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

struct ws_server *ws_server_create(const struct ws_options *options,
				   const struct ws_handler *handler, void *data)
{
	struct ws_server *server = calloc(1, sizeof(*server));
	struct ws_context_options context = {
		.loop = options->loop,
		.handshake_s = options->handshake_s,
		.user = server,
		.tls = options->tls != NULL,
	};

	if (server == NULL)
		return NULL;
	server->options = *options;
	server->handler = *handler;
	server->data = data;
	server->closing_end = &server->closing;
	server->protocols[0] = (struct lws_protocols){
		.name = options->subprotocol,
		.callback = callback,
		.per_session_data_size = sizeof(struct ws),
		.rx_buffer_size = RX_BYTES,
		.tx_packet_size = 1u << 20, /* 0 caps each send and copies the rest */
	};
	context.protocols = server->protocols;
	context.keepalive = &server->no_keepalive;
	if (ws_context_open(&context, &server->context) < 0) {
		free(server);
		return NULL;
	}
	return server;
}

void ws_server_destroy(struct ws_server *server)
{
	if (server == NULL)
		return;
	/*
	 * The first call starts closing lws's handles, the second frees everything and unloads
	 * the plugin that their callbacks are in: so not before the last one is closed.
	 */
	lws_context_destroy(server->context.lws);
	uv_run(server->options.loop, UV_RUN_DEFAULT);
	lws_context_destroy(server->context.lws);
	ws_strangers_finish(&server->strangers);
	free(server);
}

int ws_server_accept(struct ws_server *server, int fd, const struct ws_arrival *arrival)
{
	lws_adopt_desc_t desc = {
		.vh = arrival->tls ? server->context.tls : server->context.plain,
		.type = LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
		.fd = {.sockfd = fd},
	};

	int on = 1;
	struct lws *wsi;

	/* So that our first frame goes out with the answer to the upgrade. */
	if (!arrival->tls)
		setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
	/* On failure libwebsockets has closed the socket. */
	wsi = lws_adopt_descriptor_vhost_via_info(&desc);
	if (wsi == NULL)
		return -ENOMEM;
	if (ws_strangers_add(&server->strangers, wsi, arrival))
		return 0;
	/* What nobody knows anything of must not be served. */
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	return -ENOMEM;
}
