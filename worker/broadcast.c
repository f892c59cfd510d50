#include "worker/broadcast.h"

#include "shm/counters.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct broadcast {
	struct local_log *local;
	struct broadcast *next; /* worker->broadcasts, oldest first */
	uint32_t except;
	/* Places in local->subs; who came later knows it from his `room` line. */
	unsigned turn, end;
	size_t len;
	char frame[]; /* WS_HEADROOM, then the lines */
};

static void tell(struct broadcast *news, struct conn *conn)
{
	const struct buf lines = {.data = news->frame + WS_HEADROOM, .len = news->len};

	if (conn->state != CONN_LOGGED_IN || conn->user == news->except)
		return;
	if (!conn_is_ready(conn)) {
		conn_tell_news(conn, &lines);
		return;
	}
	conn->lines_out++;
	counter_add(&conn->worker->shm, COUNTER_lines_out_total, 1);
	conn_write(conn, news->frame + WS_HEADROOM, news->len);
}

static void tell_up_to(struct broadcast *news, unsigned writes)
{
	for (; news->turn < news->end && writes > 0; writes--)
		tell(news, news->local->subs[news->turn++].conn);
}

/* The oldest one, done: its log forgets it. */
static void drop_first(struct worker *worker)
{
	struct broadcast *news = worker->broadcasts;

	worker->broadcasts = news->next;
	if (news->local != NULL)
		news->local->broadcast = NULL;
	free(news);
}

void broadcast_go_on(struct worker *worker)
{
	unsigned left = BROADCAST_WRITES_A_TURN;

	while (worker->broadcasts != NULL && left > 0) {
		struct broadcast *news = worker->broadcasts;
		unsigned before = news->turn;

		tell_up_to(news, left);
		left -= news->turn - before;
		if (news->turn == news->end)
			drop_first(worker);
	}
}

void broadcast_end(struct local_log *local)
{
	struct broadcast *news = local->broadcast;

	if (news == NULL)
		return;
	tell_up_to(news, UINT_MAX);
	/* It stays in the list until its turn comes. */
	news->local = NULL;
	local->broadcast = NULL;
}

bool broadcast(struct worker *worker, struct local_log *local, const struct buf *lines,
	       uint32_t except)
{
	struct broadcast *news;

	if (lines->failed || lines->len > FRAME_MAX_BYTES)
		return false;
	/* One after the other. */
	broadcast_end(local);
	news = malloc(sizeof(*news) + WS_HEADROOM + lines->len);
	if (news == NULL)
		return false;
	news->local = local;
	news->next = NULL;
	news->except = except;
	news->turn = 0;
	news->end = local->count;
	news->len = lines->len;
	memcpy(news->frame + WS_HEADROOM, lines->data, lines->len);
	local->broadcast = news;
	if (worker->broadcasts == NULL)
		worker->broadcasts_end = &worker->broadcasts;
	*worker->broadcasts_end = news;
	worker->broadcasts_end = &news->next;
	return true;
}

void broadcast_finish(struct worker *worker)
{
	while (worker->broadcasts != NULL)
		drop_first(worker);
}
