#include "worker/ws_gate.h"

#include "auth/address.h"
#include "base/clock.h"
#include "base/fd.h"
#include "worker/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#define TLS_HANDSHAKE 0x16 /* RFC 8446 §5.1: the content type of its first record */

struct waiting {
	uv_poll_t poll; /* first: libuv gives it back, and we free all of it */
	struct ws_gate *gate;
	struct waiting *next, **prev; /* the gate's list, oldest first */
	int fd;
	bool local; /* the peer is on loopback */
	uint64_t until_mono_ms;
};

struct ws_gate {
	struct ws_gate_options options;
	struct waiting *first, **end;
	unsigned count;
};

enum look { LOOK_WAIT, LOOK_GONE, LOOK_PLAIN, LOOK_TLS };

static enum look look(int fd)
{
	unsigned char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? LOOK_WAIT
										 : LOOK_GONE;
	if (got == 0)
		return LOOK_GONE;
	return byte == TLS_HANDSHAKE ? LOOK_TLS : LOOK_PLAIN;
}

/* Anything but LOOK_WAIT. The socket is ours no more. */
static void decide(struct ws_gate *gate, int fd, bool local, enum look what)
{
	const struct ws_arrival arrival = {
		.tls = what == LOOK_TLS,
		.plain_refused = what == LOOK_PLAIN && !local && !gate->options.insecure_plain,
	};

	if (what == LOOK_GONE)
		fd_close(&fd);
	else
		(void)ws_server_accept(gate->options.server, fd, &arrival);
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
	return waiting->fd;
}

static void turn_out(struct waiting *waiting)
{
	int fd = release(waiting);

	fd_close(&fd);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct waiting *waiting = poll->data;
	enum look what = status < 0 ? LOOK_GONE : look(waiting->fd);

	/* It hung up: nothing more comes, so don't be woken for ever. */
	if (what == LOOK_WAIT && (events & UV_DISCONNECT) != 0)
		what = LOOK_GONE;
	if (what != LOOK_WAIT)
		decide(waiting->gate, release(waiting), waiting->local, what);
}

static void wait_for(struct ws_gate *gate, int fd, bool local)
{
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
	waiting->fd = fd;
	waiting->local = local;
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
	struct address address;
	enum look what = look(fd);

	address_from_sockaddr(peer, &address);
	if (what == LOOK_WAIT)
		wait_for(gate, fd, address_is_loopback(&address));
	else
		decide(gate, fd, address_is_loopback(&address), what);
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
