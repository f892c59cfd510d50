#include "worker/ws_gate.h"

#include "auth/proxies.h"
#include "auth/proxy_header.h"
#include "base/clock.h"
#include "base/fd.h"
#include "worker/ws.h"
#include "worker/ws_proxied.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#define TLS_HANDSHAKE 0x16 /* RFC 8446 §5.1: the content type of its first record */

struct guest {
	int fd;
	struct ws_arrival arrival;
	bool has_header; /* the PROXY header it had to send is taken */
};

struct waiting {
	uv_poll_t poll; /* first: libuv gives it back, and we free all of it */
	struct ws_gate *gate;
	struct waiting *next, **prev; /* the gate's list, oldest first */
	struct guest guest;
	uint64_t until_mono_ms;
};

struct ws_gate {
	struct ws_gate_options options;
	struct waiting *first, **end;
	unsigned count;
};

enum look { LOOK_WAIT, LOOK_GONE, LOOK_READY };

/* ---- what it begins with ---------------------------------------------------------------- */

static enum look nothing_yet(ssize_t got)
{
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return LOOK_WAIT;
	return LOOK_GONE;
}

/* So that we are woken when `bytes` are there, and not by each of them. */
static enum look wait_for_bytes(const struct guest *guest, size_t bytes)
{
	int mark = (int)bytes;

	return setsockopt(guest->fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)) < 0 ? LOOK_GONE
										       : LOOK_WAIT;
}

static enum look refuse_header(const struct guest *guest, const char *what)
{
	ws_proxied_log(&guest->arrival.peer, what);
	return LOOK_GONE;
}

/* Takes the PROXY header once all of it is there; LOOK_READY: go on with what is behind it. */
static enum look take_header(struct guest *guest)
{
	uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header header;
	ssize_t got = recv(guest->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	int len;

	if (got <= 0)
		return nothing_yet(got);
	if (got < (ssize_t)PROXY_HEADER_START)
		return wait_for_bytes(guest, PROXY_HEADER_START);
	len = proxy_header_length(bytes);
	if (len < 0)
		return refuse_header(guest, "no PROXY header of version 2, which it is to send");
	if (got < len)
		return wait_for_bytes(guest, (size_t)len);
	if (proxy_header_read(bytes, (size_t)len, &header) < 0)
		return refuse_header(guest, "a PROXY header that is not well formed");
	if (recv(guest->fd, bytes, (size_t)len, MSG_DONTWAIT) != len)
		return LOOK_GONE;
	guest->arrival.client = header.client;
	guest->has_header = true;
	return wait_for_bytes(guest, 1) == LOOK_WAIT ? LOOK_READY : LOOK_GONE;
}

/*
 * Who the client is stands in the request's head: it is looked at as a whole, and not taken. What
 * is missing or wrong in it is answered with 400 (ws_proxied.h).
 */
static enum look look_for_client(const struct proxies *proxies, struct guest *guest)
{
	char bytes[FORWARDED_HEAD_MAX + 4], forwarded[FORWARDED_SIZE];
	ssize_t got = recv(guest->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	struct address client;
	int err;

	if (got <= 0)
		return nothing_yet(got);
	err = proxies_forwarded(bytes, (size_t)got, forwarded);
	if (err == -EAGAIN)
		return wait_for_bytes(guest, (size_t)got + 1);
	if (err == 0 && proxies_client(proxies, forwarded, &client) == 0)
		guest->arrival.client = client;
	return wait_for_bytes(guest, 1) == LOOK_WAIT ? LOOK_READY : LOOK_GONE;
}

static enum look look(const struct proxies *proxies, struct guest *guest)
{
	unsigned char start[PROXY_HEADER_START];
	ssize_t got;

	if (guest->arrival.proxy == PROXY_V2 && !guest->has_header) {
		enum look what = take_header(guest);

		if (what != LOOK_READY)
			return what;
	}
	got = recv(guest->fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT);
	if (got <= 0)
		return nothing_yet(got);
	if (proxy_header_begins(start, (size_t)got))
		return refuse_header(guest, guest->has_header ? "a second PROXY header"
							      : "a PROXY header");
	guest->arrival.tls = start[0] == TLS_HANDSHAKE;
	if (guest->arrival.proxy != PROXY_XFF)
		return LOOK_READY;
	/* Its head is only there for libwebsockets to read, which isn't strict enough for this. */
	if (guest->arrival.tls)
		return refuse_header(guest, "TLS, but xff is for plain HTTP: proxy2 goes with TLS");
	return look_for_client(proxies, guest);
}

/* Anything but LOOK_WAIT. The socket is ours no more. */
static void decide(struct ws_gate *gate, struct guest *guest, enum look what)
{
	struct ws_arrival *arrival = &guest->arrival;

	/* This is about the way to us, so about the peer, and not about whom it speaks for. */
	arrival->plain_refused = !arrival->tls && !address_is_loopback(&guest->arrival.peer) &&
				 !gate->options.insecure_plain;
	if (what == LOOK_GONE)
		fd_close(&guest->fd);
	else
		(void)ws_server_accept(gate->options.server, guest->fd, arrival);
}

/* ---- those that wait ---------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	/* `poll` is its first member */
	free(handle);
}

/* The socket is the caller's again, and libuv has let go of it. */
static int release(struct waiting *waiting)
{
	struct ws_gate *gate = waiting->gate;

	*waiting->prev = waiting->next;
	if (waiting->next != NULL)
		waiting->next->prev = waiting->prev;
	else
		gate->end = waiting->prev;
	gate->count--;
	uv_poll_stop(&waiting->poll);
	uv_close((uv_handle_t *)&waiting->poll, on_closed);
	return waiting->guest.fd;
}

static void turn_out(struct waiting *waiting)
{
	int fd = release(waiting);

	fd_close(&fd);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct waiting *waiting = poll->data;
	struct ws_gate *gate = waiting->gate;
	enum look what = status < 0 ? LOOK_GONE : look(gate->options.proxies, &waiting->guest);
	struct guest guest;

	/* It hung up: nothing more comes, so don't be woken for ever. */
	if (what == LOOK_WAIT && (events & UV_DISCONNECT) != 0)
		what = LOOK_GONE;
	if (what == LOOK_WAIT)
		return;
	guest = waiting->guest;
	release(waiting);
	decide(gate, &guest, what);
}

static void wait_for(struct ws_gate *gate, const struct guest *guest)
{
	int fd = guest->fd;
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (gate->count >= WS_GATE_WAITING_MAX)
		turn_out(gate->first);
	if (waiting == NULL || uv_poll_init(gate->options.loop, &waiting->poll, fd) < 0) {
		free(waiting);
		fd_close(&fd);
		return;
	}
	waiting->poll.data = waiting;
	waiting->gate = gate;
	waiting->guest = *guest;
	waiting->until_mono_ms = clock_mono_ms() + (uint64_t)gate->options.silence_s * 1000;
	waiting->prev = gate->end;
	*gate->end = waiting;
	gate->end = &waiting->next;
	gate->count++;
	if (uv_poll_start(&waiting->poll, UV_READABLE | UV_DISCONNECT, on_event) < 0)
		turn_out(waiting);
}

/* ---- the gate -------------------------------------------------------------------------- */

struct ws_gate *ws_gate_create(const struct ws_gate_options *options)
{
	struct ws_gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	gate->options = *options;
	gate->end = &gate->first;
	return gate;
}

void ws_gate_destroy(struct ws_gate *gate)
{
	if (gate == NULL)
		return;
	while (gate->first != NULL)
		turn_out(gate->first);
	free(gate);
}

void ws_gate_allow_plain(struct ws_gate *gate, bool insecure_plain)
{
	gate->options.insecure_plain = insecure_plain;
}

void ws_gate_take(struct ws_gate *gate, int fd, const struct sockaddr *peer)
{
	struct guest guest = {.fd = fd};
	enum look what;

	address_from_sockaddr(peer, &guest.arrival.peer);
	guest.arrival.proxy = proxies_find(gate->options.proxies, &guest.arrival.peer);
	what = look(gate->options.proxies, &guest);
	if (what == LOOK_WAIT)
		wait_for(gate, &guest);
	else
		decide(gate, &guest, what);
}

unsigned ws_gate_waiting(const struct ws_gate *gate)
{
	return gate->count;
}

void ws_gate_drop_oldest(struct ws_gate *gate)
{
	if (gate->first != NULL)
		turn_out(gate->first);
}

void ws_gate_tick(struct ws_gate *gate, uint64_t now_mono_ms)
{
	while (gate->first != NULL && gate->first->until_mono_ms <= now_mono_ms)
		turn_out(gate->first);
}
