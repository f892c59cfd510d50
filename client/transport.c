#include "client/transport.h"

#include "base/limits.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define MESSAGE_MAX ((size_t)4 * 1024 * 1024) /* no server of ours sends a frame so long */
#define RX_BUFFER 65536u
#define CONNECT_MS 8000u /* an address gets so long to answer the upgrade */
#define CONNECT_S 30u    /* libwebsockets' own patience, longer than ours */
#define EXPLAIN_MS 300

struct transport {
	struct transport_events events;
	uv_loop_t *loop;
	struct lws_context *context;
	struct lws *wsi; /* the connection, or the attempt; NULL: none */
	struct lookup *lookup;
	uv_timer_t *timer; /* owned; freed when libuv is done with it */

	struct addrinfo *addresses; /* owned */
	struct addrinfo *next;      /* the next to try */
	struct addrinfo *tried;     /* the last one tried */
	char server[300];
	unsigned port;
	void *tls; /* owned: tls_context_new's; NULL: no TLS is spoken */
	char host[256];
	bool local_only;
	bool busy;        /* connecting or connected: `closed` is owed */
	bool trying;      /* an address is being tried */
	bool shook_hands; /* TLS stands, what comes is HTTP */

	struct buf *output; /* borrowed; NULL: nothing to send */
	struct buf received;
	struct buf frame; /* LWS_PRE and the bytes being sent */
	struct transport_end end;
};

/* A name being looked up; outlives a transport that is destroyed meanwhile. */
struct lookup {
	uv_getaddrinfo_t request;
	struct transport *transport; /* NULL: nobody waits any more */
};

static void try_next(struct transport *transport);
static void on_timer(uv_timer_t *timer);

static void finish(struct transport *transport)
{
	struct transport_end end = transport->end;

	if (!transport->busy)
		return;
	transport->busy = false;
	transport->wsi = NULL;
	transport->output = NULL;
	uv_timer_stop(transport->timer);
	uv_freeaddrinfo(transport->addresses);
	transport->addresses = NULL;
	transport->next = NULL;
	transport->tried = NULL;
	transport->events.closed(transport->events.owner, &end);
}

/* ---- why it did not work */

/* libwebsockets does not tell errno: ask the address once more, briefly. */
static int explain(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		error = errno;
	if (error == EINPROGRESS) {
		error = ETIMEDOUT;
		if (poll(&pollfd, 1, EXPLAIN_MS) == 1 &&
		    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
	}
	close(fd);
	return -error;
}

/*
 * This address will not do. The next one is tried from the loop, not from inside a callback of
 * the connection that is being torn down.
 */
static void attempt_over(struct transport *transport, const char *words, int error)
{
	transport->wsi = NULL;
	transport->trying = false;
	snprintf(transport->end.reason, sizeof(transport->end.reason), "%s", words ? words : "");
	transport->end.error = error;
	if (error == 0 && transport->tried)
		transport->end.error = explain(transport->tried);
	/* someone listens there: the fault is in what they said */
	transport->end.answered = transport->end.error == 0;
	transport->end.tls = transport->end.answered && transport->tls && !transport->shook_hands;
	if (transport->end.answered)
		transport->next = NULL;
	uv_timer_start(transport->timer, on_timer, 0, 0);
}

/* At once: a peer that says nothing would not answer a close frame either. */
static void hang_up(struct lws *wsi)
{
	shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static void on_timer(uv_timer_t *timer)
{
	struct transport *transport = timer->data;
	struct lws *late = transport->wsi;

	if (late && !transport->end.was_open) {
		attempt_over(transport, NULL, -ETIMEDOUT);
		hang_up(late);
	} else if (transport->busy && !late) {
		try_next(transport);
	}
}

/* ---- libwebsockets */

static int send_some(struct transport *transport)
{
	struct buf *output = transport->output;
	size_t len;
	char *room;

	if (!output || output->len == 0)
		return 0;
	/* a line never spans frames, and a frame holds no more than the server takes */
	len = output->len;
	if (len > FRAME_MAX_BYTES) {
		const char *last = memrchr(output->data, '\n', FRAME_MAX_BYTES);

		if (!last)
			last = memchr(output->data, '\n', output->len);
		len = last ? (size_t)(last - output->data) + 1 : output->len;
	}
	buf_reset(&transport->frame);
	room = buf_reserve(&transport->frame, LWS_PRE + len);
	if (!room)
		return -1;
	memcpy(room + LWS_PRE, output->data, len);
	if (lws_write(transport->wsi, (unsigned char *)room + LWS_PRE, len, LWS_WRITE_TEXT) < 0)
		return -1;
	buf_consume(output, len);
	if (output->len > 0)
		lws_callback_on_writable(transport->wsi);
	return 0;
}

static int established(struct transport *transport, struct lws *wsi)
{
	struct tls_peer peer;

	if (transport->tls && tls_peer_look(lws_get_ssl(wsi), transport->host, &peer) < 0)
		return -1;
	transport->end.was_open = true;
	uv_timer_stop(transport->timer);
	transport->events.open(transport->events.owner, transport->tls ? &peer : NULL);
	return 0;
}

static int receive(struct transport *transport, struct lws *wsi, const char *data, size_t len)
{
	buf_append(&transport->received, data, len);
	if (transport->received.failed || transport->received.len > MESSAGE_MAX)
		return -1;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
		return 0;
	transport->events.message(transport->events.owner,
				  transport->received.data ? transport->received.data : "",
				  transport->received.len);
	buf_reset(&transport->received);
	return 0;
}

static void peer_closes(struct transport *transport, const unsigned char *data, size_t len)
{
	transport->end.close_code = 1005;
	if (len < 2)
		return;
	transport->end.close_code = (unsigned)data[0] << 8 | data[1];
	snprintf(transport->end.reason, sizeof(transport->end.reason), "%.*s", (int)(len - 2),
		 (const char *)data + 2);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len)
{
	struct transport *transport = lws_context_user(lws_get_context(wsi));

	(void)user;
	if (!transport || !transport->busy || wsi != transport->wsi)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		attempt_over(transport, in, 0);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		/* a peer that hangs up before it answers the upgrade is told in no other way */
		if (transport->end.was_open)
			finish(transport);
		else
			attempt_over(transport, "the connection was closed at once", 0);
		return 0;
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		transport->shook_hands = true;
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return established(transport, wsi);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(transport, wsi, in, len);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return send_some(transport);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		peer_closes(transport, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		finish(transport);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "chat.v1", .callback = on_lws, .rx_buffer_size = RX_BUFFER},
	{.name = NULL},
};

/* No timers of its own: the server pings, and the session looks after silence. */
static const lws_retry_bo_t no_policy = {0};

int transport_create(void *uv_loop, bool tls, const struct transport_events *events,
		     struct transport **ret_transport)
{
	struct transport *transport = calloc(1, sizeof(*transport));
	struct lws_context_creation_info info = {0};
	void *loops[1] = {uv_loop};

	if (!transport)
		return -ENOMEM;
	transport->timer = calloc(1, sizeof(*transport->timer));
	if (tls)
		transport->tls = tls_context_new();
	if (!transport->timer || (tls && !transport->tls)) {
		tls_context_free(transport->tls);
		free(transport->timer);
		free(transport);
		return -ENOMEM;
	}
	transport->events = *events;
	transport->loop = uv_loop;
	lws_set_log_level(0, NULL);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.options = LWS_SERVER_OPTION_LIBUV;
	if (tls) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.provided_client_ssl_ctx = transport->tls;
		info.alpn = "http/1.1";
	}
	info.foreign_loops = loops;
	info.user = transport;
	info.gid = -1;
	info.uid = -1;
	info.connect_timeout_secs = CONNECT_S;
	info.timeout_secs = CONNECT_S;
	info.retry_and_idle_policy = &no_policy;
	transport->context = lws_create_context(&info);
	if (!transport->context) {
		tls_context_free(transport->tls);
		free(transport->timer);
		free(transport);
		return -EIO;
	}
	uv_timer_init(transport->loop, transport->timer);
	transport->timer->data = transport;
	*ret_transport = transport;
	return 0;
}

static void free_timer(uv_handle_t *timer)
{
	free(timer);
}

void transport_destroy(struct transport *transport)
{
	bool looking_up;

	if (!transport)
		return;
	looking_up = transport->lookup != NULL;
	if (transport->wsi)
		hang_up(transport->wsi);
	transport->busy = false; /* nobody wants to hear of it any more */
	if (transport->lookup) {
		uv_cancel((uv_req_t *)&transport->lookup->request);
		transport->lookup->transport = NULL;
	}
	uv_timer_stop(transport->timer);
	uv_close((uv_handle_t *)transport->timer, free_timer);
	/*
	 * The first call begins to close libwebsockets' handles, the second frees everything and
	 * unloads the plugin that their callbacks are in: not before the last one is closed. The
	 * first uv_run forgets a uv_stop from before.
	 */
	lws_context_destroy(transport->context);
	uv_run(transport->loop, UV_RUN_NOWAIT);
	if (looking_up) {
		/* no one waits for a name server here: what is left goes with the process */
		uv_run(transport->loop, UV_RUN_NOWAIT);
		return;
	}
	uv_run(transport->loop, UV_RUN_DEFAULT);
	lws_context_destroy(transport->context);
	tls_context_free(transport->tls);
	uv_freeaddrinfo(transport->addresses);
	buf_finish(&transport->received);
	buf_finish(&transport->frame);
	free(transport);
}

/* ---- connecting */

static bool is_local(const struct sockaddr *address)
{
	char text[NI_MAXHOST];
	socklen_t len = address->sa_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
						       : (socklen_t)sizeof(struct sockaddr_in);

	if (getnameinfo(address, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		return false;
	return strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0;
}

static void try_address(struct transport *transport, struct addrinfo *address)
{
	struct lws_client_connect_info info = {0};
	char text[NI_MAXHOST];

	transport->tried = address;
	transport->trying = true;
	transport->shook_hands = false;
	if (getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) != 0) {
		attempt_over(transport, NULL, -EAFNOSUPPORT);
		return;
	}
	info.context = transport->context;
	info.address = text;
	info.port = (int)transport->port;
	info.path = "/ws";
	info.host = transport->server;
	info.protocol = "chat.v1";
	info.ietf_version_or_minus_one = -1;
	info.retry_and_idle_policy = &no_policy;
	info.pwsi = &transport->wsi;
	if (transport->tls) {
		info.ssl_connection = LCCSCF_USE_SSL;
		info.alpn = "http/1.1";
	}
	uv_timer_start(transport->timer, on_timer, CONNECT_MS, 0);
	/* a failure at once may have been told to on_lws already */
	if (!lws_client_connect_via_info(&info) && transport->trying)
		attempt_over(transport, NULL, 0);
}

static void try_next(struct transport *transport)
{
	struct addrinfo *address = transport->next;

	while (address && transport->local_only && !is_local(address->ai_addr)) {
		transport->end.error = -EPERM;
		address = address->ai_next;
	}
	if (!address) {
		finish(transport);
		return;
	}
	transport->next = address->ai_next;
	try_address(transport, address);
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
	struct lookup *lookup = request->data;
	struct transport *transport = lookup->transport;

	free(lookup);
	if (!transport) {
		uv_freeaddrinfo(addresses);
		return;
	}
	transport->lookup = NULL;
	if (status < 0) {
		transport->end.error = -ENXIO;
		snprintf(transport->end.reason, sizeof(transport->end.reason), "%s",
			 status == UV_EAI_NONAME || status == UV_EAI_NODATA
				 ? "there is no such host"
				 : uv_strerror(status));
		finish(transport);
		return;
	}
	transport->addresses = addresses;
	transport->next = addresses;
	try_next(transport);
}

int transport_connect(struct transport *transport, const char *host, unsigned port,
		      const char *server, bool local_only)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	char service[16];
	struct lookup *lookup;
	int rc;

	if (transport->busy)
		return -EBUSY;
	/* "localhost" must work on a machine without a network, where AI_ADDRCONFIG finds nothing
	 */
	if (local_only)
		hints.ai_flags = 0;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	lookup->request.data = lookup;
	lookup->transport = transport;
	snprintf(service, sizeof(service), "%u", port);
	transport->end = (struct transport_end){0};
	buf_reset(&transport->received);
	snprintf(transport->server, sizeof(transport->server), "%s", server);
	snprintf(transport->host, sizeof(transport->host), "%s", host);
	transport->port = port;
	transport->local_only = local_only;
	rc = uv_getaddrinfo(transport->loop, &lookup->request, on_lookup, host, service, &hints);
	if (rc < 0) {
		free(lookup);
		return rc;
	}
	transport->lookup = lookup;
	transport->busy = true;
	return 0;
}

void transport_send(struct transport *transport, struct buf *output)
{
	transport->output = output;
	if (transport->wsi && transport->end.was_open && output->len > 0)
		lws_callback_on_writable(transport->wsi);
}

void transport_close(struct transport *transport)
{
	if (transport->wsi)
		hang_up(transport->wsi);
}
