#include "worker/worker.h"

#include "worker/broadcast.h"
#include "worker/deliver.h"
#include "worker/follow.h"
#include "worker/judge.h"
#include "worker/peers.h"
#include "worker/presence.h"
#include "worker/stranger.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/event.h"
#include "shm/counters.h"
#include "shm/doorbell.h"
#include "shm/limit.h"
#include "shm/room_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_FULL_MS 10000u

/* ---- its life ------------------------------------------------------------------- */

bool worker_frame_fits(struct worker *worker, size_t need)
{
	char *memory;

	if (need <= worker->frame_cap)
		return true;
	memory = realloc(worker->frame_memory, WS_HEADROOM + need);
	if (memory == NULL)
		return false;
	worker->frame_memory = memory;
	worker->frame = memory + WS_HEADROOM;
	worker->frame_cap = need;
	return true;
}

int worker_init(struct worker *worker, const struct inherit *inherit)
{
	const struct segment_sizes *sizes = inherit->shm.sizes;
	uint64_t now = clock_mono_ms();

	memset(worker, 0, sizeof(*worker));
	worker->inherit = inherit;
	worker->config = inherit->config;
	worker->keyring = inherit->keyring;
	worker->shm = inherit->shm;
	segment_enter_worker(&worker->shm, inherit->slot);
	timers_init(&worker->timers, now, conn_due);
	watch_init(&worker->watch, &worker->shm, worker->config);
	worker->log_next_ms = now + (uint64_t)worker->config->stats_interval * 1000;
	worker->log_at =
		calloc((size_t)sizes->max_rooms + sizes->max_users, sizeof(struct local_log *));
	worker->user_at = calloc(sizes->max_users, sizeof(struct local_user));
	if (worker->log_at == NULL || worker->user_at == NULL ||
	    !worker_frame_fits(worker, FRAME_MAX_BYTES) ||
	    message_parser_create(&worker->parser) < 0) {
		worker_finish(worker);
		return -ENOMEM;
	}
	message_parser_limit(worker->parser, worker->config->max_line, worker->config->max_content);
	judge_all(worker);
	return 0;
}

void worker_finish(struct worker *worker)
{
	while (worker->spare_count > 0)
		outbox_destroy(worker->spare[--worker->spare_count]);
	broadcast_finish(worker);
	judged_finish(&worker->judged);
	watch_finish(&worker->watch);
	message_parser_destroy(worker->parser);
	worker->parser = NULL;
	buf_finish(&worker->line);
	buf_finish(&worker->line_tail);
	free(worker->frame_memory);
	free(worker->logs);
	free(worker->log_at);
	free(worker->user_at);
	worker->frame_memory = NULL;
	worker->frame = NULL;
	worker->logs = NULL;
	worker->log_at = NULL;
	worker->user_at = NULL;
}

unsigned worker_connections(const struct worker *worker)
{
	return worker->conn_count;
}

/* ---- its wake-ups ------------------------------------------------------------------ */

void worker_bell(struct worker *worker)
{
	counter_add(&worker->shm, COUNTER_rings_in_total, 1);
	doorbell_drain(&worker->shm, peers_handle, worker);
	worker->dirty = true;
}

void worker_flush(struct worker *worker)
{
	uint64_t now = clock_mono_ms();

	/* A loop that is woken by SIGCONT turns once more before it reads. */
	worker->woke_late = worker->awake_ms != 0 && now - worker->awake_ms >= WORKER_STALL_MS;
	worker->awake_ms = now;
	deliver_turn(worker);
}

void worker_janitor(struct worker *worker)
{
	struct worker_slot *slot = &worker->shm.workers[worker->shm.slot];
	struct janitor_report report = {0};

	atomic_store_explicit(&slot->heartbeat_mono_ms, clock_mono_ms(), memory_order_relaxed);
	watch_publish(&worker->watch, &worker->shm);
	if (!janitor_run(&worker->shm, &worker->janitor, &report))
		return;
	if (report.rooms_collected > 0)
		log_info("rooms given back", "count=%u", report.rooms_collected);
	for (unsigned i = 0; i < report.logs_reset; i++) {
		if (i == sizeof(report.reset_log) / sizeof(report.reset_log[0]))
			break;
		log_error("log reset", "room=%s why=%s",
			  segment_log(&worker->shm, report.reset_log[i])->name,
			  "it failed its check after a process died");
	}
}

/* What a lost doorbell would have said. */
static void look_at_logs(struct worker *worker)
{
	/* Downward: a log that is moved or goes takes the last one's place. */
	for (unsigned i = worker->log_count; i > 0; i--) {
		struct local_log *local;
		const struct log_head *head;

		if (i > worker->log_count)
			continue;
		local = worker->logs[i - 1];
		head = segment_log(&worker->shm, local->log);
		if (atomic_load_explicit(&head->epoch, memory_order_acquire) != local->epoch) {
			follow_reset(worker, local);
		} else if (room_log_next(&worker->shm, local->log) != local->until + 1) {
			doorbell_mark(&worker->shm, local->log);
			worker->dirty = true;
		}
	}
}

static void look_at_users(struct worker *worker)
{
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next)
		if (conn->user_prev != NULL &&
		    conn->user_prev == &worker->user_at[conn->user].conns)
			follow_list(worker, conn->user, NULL);
}

static void log_connections(struct worker *worker)
{
	uint64_t now = clock_mono_ms();
	uint32_t interval_s = worker->config->stats_interval;

	if (interval_s == 0 || now < worker->log_next_ms)
		return;
	worker->log_next_ms = now + (uint64_t)interval_s * 1000;
	log_info("connections",
		 "active=%u everywhere=%" PRIu64 " rooms_here=%u lines_in=%" PRIu64
		 " lines_out=%" PRIu64,
		 worker->conn_count, counter_sum(&worker->shm, COUNTER_connections),
		 worker->log_count,
		 counter_of(&worker->shm, worker->shm.slot, COUNTER_lines_in_total),
		 counter_of(&worker->shm, worker->shm.slot, COUNTER_lines_out_total));
}

/*
 * A number that another append, member, list, epoch or process anywhere makes another one. What it
 * misses are changes of a process that died right after them; a bell follows each death.
 */
static uint64_t changes_everywhere(const struct worker *worker)
{
	const struct shm *shm = &worker->shm;
	uint64_t sum = atomic_load(&shm->header->changes);

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
		sum += atomic_load_explicit(&shm->workers[slot].generation, memory_order_relaxed);
	return sum + counter_sum(shm, COUNTER_appends_total);
}

/* Ten thousand idle people would be ten thousand cache misses a second for nothing. */
static bool has_to_look(struct worker *worker)
{
	uint64_t now = clock_mono_ms();
	uint64_t changes = changes_everywhere(worker);

	if (changes == worker->looked_changes && now < worker->look_full_ms)
		return false;
	worker->looked_changes = changes;
	worker->look_full_ms = now + LOOK_FULL_MS;
	return true;
}

void worker_look(struct worker *worker)
{
	judge_all(worker);
	stranger_look(worker);
	watch_look(&worker->watch, &worker->shm, worker->config);
	log_connections(worker);
	if (!has_to_look(worker))
		return;
	look_at_logs(worker);
	look_at_users(worker);
	presence_look(worker);
}

/* ---- orders -------------------------------------------------------------------------- */

void worker_reload(struct worker *worker, const struct config *config)
{
	uint64_t now = clock_mono_ms();

	worker->config = config;
	message_parser_limit(worker->parser, config->max_line, config->max_content);
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next) {
		if (!conn_is_open(conn))
			continue;
		conn->ping_at_ms = config->ping_interval > 0
					   ? now + (uint64_t)config->ping_interval * 1000
					   : 0;
		conn_schedule(conn);
	}
}

void worker_say_bye(struct conn *conn)
{
	struct worker *worker = conn->worker;
	const char *code = worker->restarting ? "restart" : "shutting_down";
	const char *text = worker->restarting ? "the server is restarting: connect again at once"
					      : error_message(ERR_shutting_down);

	buf_reset(&worker->line);
	event_bye(&worker->line, code, text,
		  worker->retry_after_ms > 0 ? (int64_t)worker->retry_after_ms : -1);
	conn_tell(conn, &worker->line);
	conn_close(conn, worker->restarting ? CLOSE_RESTART : CLOSE_GOING_AWAY, code);
}

void worker_drain(struct worker *worker, bool restart, unsigned retry_after_ms)
{
	worker->draining = true;
	counter_set(&worker->shm, COUNTER_worker_draining, 1);
	worker->restarting = restart;
	worker->retry_after_ms = retry_after_ms;
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next)
		if (conn_is_open(conn))
			worker_say_bye(conn);
}
