#include "worker/control.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Packets read in one turn: a sender that never stops must not hold the loop. */
#define PACKETS_A_TURN 64

struct claim {
	uint64_t request; /* 0: free */
	uint64_t until_mono_ms;
	control_claimed_fn *claimed;
	void *data;
};

struct control {
	int fd; /* borrowed */
	const struct control_handler *handler;
	void *data;
	uint64_t last_request;
	struct claim claims[CONTROL_CLAIMS_MAX];
};

/* ---- packets ------------------------------------------------------------------ */

int control_pair(int *ret_master_fd, int *ret_worker_fd)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	*ret_master_fd = fds[0];
	*ret_worker_fd = fds[1];
	return 0;
}

/* Room for one descriptor, aligned as the kernel wants it. */
union along {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int control_send(int fd, const struct control_packet *packet)
{
	ssize_t put;

	/* Not sendmsg, which a worker's filter doesn't allow: it could be addressed elsewhere. */
	do {
		put = send(fd, packet, sizeof(*packet), MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (put < 0 && errno == EINTR);
	return put >= 0 ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
}

int control_send_fd(int fd, const struct control_packet *packet, int along)
{
	/* sendmsg doesn't write to it; the type can't say so. */
	struct control_packet copy = *packet;
	struct iovec bytes = {.iov_base = &copy, .iov_len = sizeof(copy)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	union along room;
	ssize_t put;

	if (along >= 0) {
		memset(&room, 0, sizeof(room));
		room.header.cmsg_level = SOL_SOCKET;
		room.header.cmsg_type = SCM_RIGHTS;
		room.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&room.header), &along, sizeof(int));
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof(room.bytes);
	}
	do {
		put = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (put < 0 && errno == EINTR);
	if (put >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

/* Both sides check: a worker that was overrun must not take the master along. */
static bool packet_is_sound(const struct control_packet *packet)
{
	if (packet->zero != 0)
		return false;
	switch (packet->kind) {
	case CONTROL_CLAIM:
		return packet->request != 0 &&
		       memchr(packet->claim.name, '\0', sizeof(packet->claim.name)) != NULL &&
		       packet->claim.kind < NAME_RELEASED;
	case CONTROL_CLAIMED:
		return packet->request != 0 && packet->claimed.verdict <= CONTROL_UNAVAILABLE;
	case CONTROL_RELOAD:
		return packet->request == 0 && packet->reload.count <= CONFIG_LIVE_MAX;
	case CONTROL_READY:
	case CONTROL_STOPPED:
	case CONTROL_DRAIN:
	case CONTROL_KEYRING:
		return packet->request == 0;
	default: /* a number from another process, not our enum */
		return false;
	}
}

int control_read(int fd, struct control_packet *ret_packet)
{
	return control_read_fd(fd, ret_packet, NULL);
}

/* Only the first counts, and none that was cut off. */
static int take_along(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int along;

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&along, CMSG_DATA(header), sizeof(int));
	return along;
}

/* Where nobody asks for a descriptor there is no room for one, and the kernel closes it. */
static ssize_t receive(int fd, struct control_packet *packet, int *ret_along)
{
	struct iovec bytes = {.iov_base = packet, .iov_len = sizeof(*packet)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	union along room;
	ssize_t got;

	if (ret_along != NULL) {
		*ret_along = -1;
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof(room.bytes);
	}
	do {
		/* MSG_TRUNC: the packet's real size, so that a longer one is noticed. */
		got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got > 0 && ret_along != NULL)
		*ret_along = take_along(&message);
	return got;
}

int control_read_fd(int fd, struct control_packet *ret_packet, int *ret_along)
{
	struct control_packet packet;
	ssize_t got = receive(fd, &packet, ret_along);

	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (got < 0)
		return -errno;
	if ((size_t)got != sizeof(packet) || !packet_is_sound(&packet)) {
		if (ret_along != NULL)
			fd_close(ret_along);
		return -EBADMSG;
	}
	*ret_packet = packet;
	return 1;
}

/* ---- the worker's side ---------------------------------------------------------- */

struct control *control_create(int fd, const struct control_handler *handler, void *data)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return NULL;
	control->fd = fd;
	control->handler = handler;
	control->data = data;
	return control;
}

void control_destroy(struct control *control)
{
	free(control);
}

int control_ready(struct control *control, const struct walls_report *walls)
{
	return control_send(control->fd,
			    &(struct control_packet){.kind = CONTROL_READY, .walls = *walls});
}

int control_stopped(struct control *control)
{
	return control_send(control->fd, &(struct control_packet){.kind = CONTROL_STOPPED});
}

static struct claim *claim_find(struct control *control, uint64_t request)
{
	for (size_t i = 0; i < CONTROL_CLAIMS_MAX; i++) {
		if (control->claims[i].request == request)
			return &control->claims[i];
	}
	return NULL;
}

int control_claim(struct control *control, const struct name_claim *claim,
		  control_claimed_fn *claimed, void *data, uint64_t *ret_request)
{
	struct control_packet packet;
	struct claim *slot = claim_find(control, 0);
	int err;

	if (slot == NULL)
		return -EAGAIN;
	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_CLAIM;
	packet.request = control->last_request + 1;
	packet.claim = *claim;
	err = control_send(control->fd, &packet);
	if (err < 0)
		return err;
	control->last_request = packet.request;
	*slot = (struct claim){
		.request = packet.request,
		.until_mono_ms = clock_mono_ms() + CONTROL_CLAIM_WAIT_MS,
		.claimed = claimed,
		.data = data,
	};
	*ret_request = packet.request;
	return 0;
}

void control_cancel(struct control *control, uint64_t request)
{
	struct claim *slot = request != 0 ? claim_find(control, request) : NULL;

	if (slot != NULL)
		*slot = (struct claim){0};
}

/* The slot is free before the call: the callee may claim again. */
static void claim_answer(struct claim *slot, enum control_verdict verdict)
{
	struct claim claim = *slot;

	*slot = (struct claim){0};
	claim.claimed(claim.data, verdict);
}

/* The answer is what the master waits for; without one it lets us go. */
static void keyring_handle(struct control *control, int along)
{
	if (along < 0)
		log_warn("order ignored", "why=%s", "a keyring without its descriptor");
	else if (control->handler->keyring(control->data, along) == 0)
		control_send(control->fd, &(struct control_packet){.kind = CONTROL_KEYRING});
}

static void packet_handle(struct control *control, const struct control_packet *packet, int along)
{
	struct claim *slot;

	switch (packet->kind) {
	case CONTROL_CLAIMED:
		/* Cancelled or given up meanwhile: nobody waits. */
		slot = claim_find(control, packet->request);
		if (slot != NULL)
			claim_answer(slot, (enum control_verdict)packet->claimed.verdict);
		break;
	case CONTROL_RELOAD:
		control->handler->reload(control->data, packet->reload.value, packet->reload.count);
		break;
	case CONTROL_DRAIN:
		control->handler->drain(control->data, &packet->drain);
		break;
	case CONTROL_KEYRING:
		keyring_handle(control, along);
		break;
	default: /* sound, but nothing that a master says */
		log_warn("order ignored", "kind=%u", packet->kind);
	}
}

int control_receive(struct control *control)
{
	struct control_packet packet;
	int got = 1;

	for (int i = 0; i < PACKETS_A_TURN && (got > 0 || got == -EBADMSG); i++) {
		int along = -1;

		got = control_read_fd(control->fd, &packet, &along);
		if (got > 0)
			packet_handle(control, &packet, along);
		else if (got == -EBADMSG)
			log_warn("order ignored", "why=%s", "malformed packet");
		fd_close(&along);
	}
	return got < 0 && got != -EBADMSG ? got : 0;
}

void control_tick(struct control *control, uint64_t now_mono_ms)
{
	for (size_t i = 0; i < CONTROL_CLAIMS_MAX; i++) {
		struct claim *slot = &control->claims[i];

		if (slot->request != 0 && now_mono_ms >= slot->until_mono_ms)
			claim_answer(slot, CONTROL_UNAVAILABLE);
	}
}
