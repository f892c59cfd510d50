#include "worker/peers.h"

#include "worker/announce.h"
#include "worker/broadcast.h"
#include "worker/follow.h"

#include "shm/news.h"

#include <string.h>

/* ---- sending ------------------------------------------------------------------- */

void peers_list_changed(struct worker *worker, uint32_t user, const struct joined *joined)
{
	struct room_ref inbox = announce_inbox(&worker->shm, user);
	struct news datagram;

	follow_list(worker, user, joined);
	news_fill(&datagram, NEWS_LIST, user, inbox.epoch, NULL, 0);
	if (joined != NULL) {
		datagram.len = sizeof(*joined);
		memset(datagram.line, 0, sizeof(*joined));
		memcpy(datagram.line, joined, sizeof(*joined));
	}
	news_send_to_readers(&worker->shm, inbox.log, &datagram);
}

static void tell_user_here(struct worker *worker, uint32_t user, const struct buf *line,
			   const struct conn *except)
{
	for (struct conn *conn = worker->user_at[user].conns; conn != NULL; conn = conn->user_next)
		if (conn != except && conn->state == CONN_LOGGED_IN)
			conn_tell_news(conn, line);
}

void peers_tell_user(struct worker *worker, uint32_t user, const struct buf *line,
		     const struct conn *except)
{
	struct room_ref inbox = announce_inbox(&worker->shm, user);
	struct news datagram;

	tell_user_here(worker, user, line, except);
	if (!line->failed &&
	    news_fill(&datagram, NEWS_USER, user, inbox.epoch, line->data, line->len))
		news_send_to_readers(&worker->shm, inbox.log, &datagram);
}

static void tell_room_here(struct worker *worker, enum news_kind kind, struct room_ref ref,
			   const struct buf *line, uint32_t except)
{
	struct local_log *local = subscribe_log(worker, ref.log, ref.epoch);

	if (local == NULL)
		return;
	(void)broadcast(worker, local, line, except); /* it may be lost */
	if (kind == NEWS_ROOM)
		broadcast_end(local);
}

static void tell_room(struct worker *worker, enum news_kind kind, struct room_ref ref,
		      const struct buf *line, uint32_t except)
{
	struct news datagram;

	tell_room_here(worker, kind, ref, line, except);
	if (line->failed || !news_fill(&datagram, kind, ref.log, ref.epoch, line->data, line->len))
		return;
	datagram.except = except;
	news_send_to_readers(&worker->shm, ref.log, &datagram);
}

void peers_tell_room(struct worker *worker, struct room_ref ref, const struct buf *line,
		     uint32_t except)
{
	tell_room(worker, NEWS_ROOM, ref, line, except);
}

void peers_tell_typing(struct worker *worker, struct room_ref ref, const struct buf *line,
		       uint32_t except)
{
	tell_room(worker, NEWS_TYPING, ref, line, except);
}

/* ---- receiving ------------------------------------------------------------------- */

static bool is_current_user(const struct worker *worker, const struct news *datagram)
{
	return datagram->index < worker->shm.sizes->max_users &&
	       announce_inbox(&worker->shm, datagram->index).epoch == datagram->epoch;
}

static void list_changed(struct worker *worker, const struct news *datagram)
{
	struct joined joined;

	memcpy(&joined, datagram->line, sizeof(joined));
	follow_list(worker, datagram->index, datagram->len == sizeof(joined) ? &joined : NULL);
}

void peers_handle(void *data, const void *bytes, size_t len)
{
	struct worker *worker = data;
	struct news datagram;
	struct buf line;

	if (!news_read(bytes, len, &datagram))
		return;
	line = (struct buf){.data = datagram.line, .len = datagram.len, .cap = datagram.len};
	switch ((enum news_kind)datagram.kind) {
	case NEWS_LIST:
		if (is_current_user(worker, &datagram))
			list_changed(worker, &datagram);
		break;
	case NEWS_USER:
		if (is_current_user(worker, &datagram))
			tell_user_here(worker, datagram.index, &line, NULL);
		break;
	case NEWS_ROOM:
	case NEWS_TYPING:
		if (datagram.index < worker->shm.sizes->max_rooms)
			tell_room_here(
				worker, (enum news_kind)datagram.kind,
				(struct room_ref){.log = datagram.index, .epoch = datagram.epoch},
				&line, datagram.except);
		break;
	case NEWS_ORDER:
		break; /* the supervisor's */
	}
}
