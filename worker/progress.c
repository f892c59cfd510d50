#include "worker/progress.h"

#include "worker/conn.h"
#include "worker/flow.h"

#include "base/config.h"
#include "shm/counters.h"

#include <stdlib.h>

#define LOOK_EVERY_MS 1000u

void progress_watch(struct conn *conn, uint64_t now_ms)
{
	if (conn->progress != NULL)
		return;
	conn->progress = malloc(sizeof(*conn->progress));
	if (conn->progress == NULL) {
		conn_close(conn, CLOSE_LIMITS, "out of memory");
		return;
	}
	*conn->progress = (struct progress){.look_ms = now_ms + LOOK_EVERY_MS, .since_ms = now_ms};
}

bool progress_watch_waiting(struct conn *conn, uint64_t now_ms)
{
	struct flow flow;

	if (conn->progress != NULL)
		return true;
	ws_flow(conn->ws, &flow);
	if (!flow.waiting)
		return false;
	progress_watch(conn, now_ms);
	if (conn->progress != NULL) {
		conn->progress->taken = flow.taken;
		conn->progress->looked = true;
	}
	return true;
}

void progress_due(struct conn *conn, uint64_t now_ms)
{
	struct progress *progress = conn->progress;
	const struct config *config = conn->worker->config;
	uint64_t slow_ms = (uint64_t)config->slow_timeout * 1000;
	bool moved;
	struct flow flow;

	ws_flow(conn->ws, &flow);
	moved = progress->looked && flow.taken != progress->taken;
	if (moved)
		progress->since_ms = now_ms;
	progress->taken = flow.taken;
	progress->looked = true;
	progress->look_ms = now_ms + LOOK_EVERY_MS;
	if (!conn->blocked && (moved || !flow.waiting)) {
		/* It reads, or has read all: from here on its pongs count again. */
		free(progress);
		conn->progress = NULL;
		conn->unanswered_pings = 0;
		if (config->ping_interval > 0)
			conn->ping_at_ms = now_ms + (uint64_t)config->ping_interval * 1000;
	} else if (slow_ms > 0 && now_ms >= progress->since_ms + slow_ms) {
		counter_add(&conn->worker->shm, COUNTER_slow_closed_total, 1);
		conn_fail(conn, NULL, ERR_too_slow, NULL, CLOSE_LIMITS);
	}
}
