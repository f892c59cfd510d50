#include "worker/peers.h"

#include "worker/announce.h"
#include "worker/deliver.h"
#include "worker/follow.h"

#include "shm/doorbell.h"

#include <stddef.h>
#include <string.h>

enum peer_kind { PEER_LIST = 1, PEER_USER, PEER_ROOM };

struct peer_datagram {
	uint8_t kind; /* first, never 0: a plain ring begins with 0 */
	uint8_t zero[3];
	uint32_t index;  /* a user, or a log */
	uint64_t epoch;  /* of his inbox, or of the log: an index may mean another one by now */
	uint32_t except; /* user, or SHM_NONE */
	uint32_t len;
	char line[DOORBELL_DATAGRAM_MAX - 24];
};
_Static_assert(sizeof(struct peer_datagram) == DOORBELL_DATAGRAM_MAX, "no padding");

#define HEAD_BYTES offsetof(struct peer_datagram, line)

/* To all workers that have members in the log, but ourselves. */
static void send_to_readers(struct worker *worker, uint32_t log, struct peer_datagram *datagram)
{
	uint64_t bits = atomic_load_explicit(&segment_log(&worker->shm, log)->workers,
					     memory_order_acquire);

	bits &= ~(UINT64_C(1) << worker->shm.slot);
	while (bits != 0) {
		unsigned slot = (unsigned)__builtin_ctzll(bits);

		bits &= bits - 1;
		doorbell_send(&worker->shm, slot, datagram, HEAD_BYTES + datagram->len);
	}
}

static bool fill(struct peer_datagram *datagram, enum peer_kind kind, uint32_t index,
		 uint64_t epoch, const struct buf *line)
{
	memset(datagram, 0, HEAD_BYTES);
	datagram->kind = (uint8_t)kind;
	datagram->index = index;
	datagram->epoch = epoch;
	datagram->except = SHM_NONE;
	if (line == NULL)
		return true;
	if (line->failed || line->len > sizeof(datagram->line))
		return false;
	datagram->len = (uint32_t)line->len;
	memcpy(datagram->line, line->data, line->len);
	return true;
}

/* ---- sending ------------------------------------------------------------------- */

void peers_list_changed(struct worker *worker, uint32_t user, const struct joined *joined)
{
	struct room_ref inbox = announce_inbox(&worker->shm, user);
	struct peer_datagram datagram;

	if (worker->user_at[user] != NULL)
		follow_list(worker, worker->user_at[user], joined);
	fill(&datagram, PEER_LIST, user, inbox.epoch, NULL);
	if (joined != NULL) {
		datagram.len = sizeof(*joined);
		memset(datagram.line, 0, sizeof(*joined));
		memcpy(datagram.line, joined, sizeof(*joined));
	}
	send_to_readers(worker, inbox.log, &datagram);
}

static void tell_user_here(struct worker *worker, uint32_t user, const struct buf *line,
			   const struct conn *except)
{
	struct local_user *local = worker->user_at[user];

	if (local == NULL)
		return;
	for (struct conn *conn = local->conns; conn != NULL; conn = conn->user_next)
		if (conn != except && conn->state == CONN_LOGGED_IN)
			conn_tell_news(conn, line);
}

void peers_tell_user(struct worker *worker, uint32_t user, const struct buf *line,
		     const struct conn *except)
{
	struct room_ref inbox = announce_inbox(&worker->shm, user);
	struct peer_datagram datagram;

	tell_user_here(worker, user, line, except);
	if (fill(&datagram, PEER_USER, user, inbox.epoch, line))
		send_to_readers(worker, inbox.log, &datagram);
}

static void tell_room_here(struct worker *worker, struct room_ref ref, const struct buf *line,
			   uint32_t except)
{
	struct local_log *local = subscribe_log(worker, ref.log, ref.epoch);

	if (local != NULL)
		deliver_news(worker, local, line, except);
}

void peers_tell_room(struct worker *worker, struct room_ref ref, const struct buf *line,
		     uint32_t except)
{
	struct peer_datagram datagram;

	tell_room_here(worker, ref, line, except);
	if (!fill(&datagram, PEER_ROOM, ref.log, ref.epoch, line))
		return;
	datagram.except = except;
	send_to_readers(worker, ref.log, &datagram);
}

/* ---- receiving ------------------------------------------------------------------- */

static bool is_current_user(const struct worker *worker, const struct peer_datagram *datagram)
{
	return datagram->index < worker->shm.sizes->max_users &&
	       announce_inbox(&worker->shm, datagram->index).epoch == datagram->epoch;
}

static void list_changed(struct worker *worker, const struct peer_datagram *datagram)
{
	struct local_user *local = worker->user_at[datagram->index];
	struct joined joined;

	if (local == NULL)
		return;
	memcpy(&joined, datagram->line, sizeof(joined));
	follow_list(worker, local, datagram->len == sizeof(joined) ? &joined : NULL);
}

void peers_handle(void *data, const void *bytes, size_t len)
{
	struct worker *worker = data;
	struct peer_datagram datagram;
	struct buf line;

	if (len < HEAD_BYTES || len > sizeof(datagram))
		return;
	memcpy(&datagram, bytes, len);
	if (datagram.len != len - HEAD_BYTES)
		return;
	line = (struct buf){.data = datagram.line, .len = datagram.len, .cap = datagram.len};
	switch ((enum peer_kind)datagram.kind) {
	case PEER_LIST:
		if (is_current_user(worker, &datagram))
			list_changed(worker, &datagram);
		break;
	case PEER_USER:
		if (is_current_user(worker, &datagram))
			tell_user_here(worker, datagram.index, &line, NULL);
		break;
	case PEER_ROOM:
		if (datagram.index < worker->shm.sizes->max_rooms)
			tell_room_here(
				worker,
				(struct room_ref){.log = datagram.index, .epoch = datagram.epoch},
				&line, datagram.except);
		break;
	}
}
