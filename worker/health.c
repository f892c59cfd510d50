#include "worker/health.h"

#include "base/clock.h"
#include "shm/counters.h"
#include "shm/janitor.h"
#include "shm/segment_memory.h"
#include "shm/session.h"

#include <inttypes.h>
#include <stdio.h>

struct health {
	const struct shm *shm;
	const struct config *config;
	struct buf *out;
	bool ready;
};

static void put(struct health *health, const char *what, bool ok, const char *detail)
{
	buf_printf(health->out, "%s %s: %s\n", what, ok ? "ok" : "FAIL", detail);
	health->ready = health->ready && ok;
}

/* It has said once that it accepts, and its loop turns. */
static bool worker_answers(const struct shm *shm, unsigned slot, uint64_t now_mono_ms)
{
	uint64_t heard =
		atomic_load_explicit(&shm->workers[slot].heartbeat_mono_ms, memory_order_relaxed);

	return janitor_worker_alive(shm, slot) && heard != 0 &&
	       heard + JANITOR_SILENT_MS > now_mono_ms;
}

static void look_at_workers(struct health *health)
{
	uint64_t now = clock_mono_ms();
	unsigned answer = 0, leaving = 0;
	char detail[64];

	for (unsigned slot = 0; slot < health->config->workers; slot++) {
		if (!worker_answers(health->shm, slot, now))
			continue;
		answer++;
		leaving += counter_of(health->shm, slot, COUNTER_worker_draining) != 0;
	}
	snprintf(detail, sizeof(detail), "%u of %u answer", answer, health->config->workers);
	put(health, "workers", answer == health->config->workers, detail);
	snprintf(detail, sizeof(detail), leaving > 0 ? "%u of %u workers" : "no", leaving,
		 health->config->workers);
	put(health, "draining", leaving == 0, detail);
}

/* A table of one entry is no sign of trouble when that is taken: the lobby, the only user. */
static void look_at_table(struct health *health, const char *what, uint64_t used, uint64_t max,
			  const char *option)
{
	char detail[96];

	snprintf(detail, sizeof(detail), "%" PRIu64 " of %" PRIu64 " (%s)", used, max, option);
	put(health, what, used <= 1 || used * 10 < max * 9, detail);
}

static void look_at_tables(struct health *health)
{
	const struct segment_header *header = health->shm->header;
	const struct segment_sizes *sizes = health->shm->sizes;
	char detail[96];

	look_at_table(health, "connections", session_count(health->shm), sizes->max_connections,
		      "--max-connections");
	look_at_table(health, "rooms", atomic_load(&header->rooms_used), sizes->max_rooms,
		      "--max-rooms");
	look_at_table(health, "users", atomic_load(&header->users_used), sizes->max_users,
		      "--max-users");
	snprintf(detail, sizeof(detail),
		 "rooms %" PRIu64 " kB, inboxes %" PRIu64 " kB of %" PRIu64 " kB",
		 atomic_load(&header->room_memory_used) / 1024,
		 atomic_load(&header->inbox_memory_used) / 1024,
		 atomic_load(&header->room_memory) / 1024);
	put(health, "shared memory", !segment_rooms_full(health->shm), detail);
}

/* The worker that is worst off stands for all. */
static void look_at_resource(struct health *health, const char *what, enum counter used,
			     enum counter max, enum counter full, uint64_t unit)
{
	unsigned worst = 0, full_count = 0;
	double most = -1;
	char detail[96];

	for (unsigned slot = 0; slot < health->config->workers; slot++) {
		uint64_t may = counter_of(health->shm, slot, max);
		double part =
			may > 0 ? (double)counter_of(health->shm, slot, used) / (double)may : 0;

		if (!janitor_worker_alive(health->shm, slot))
			continue;
		full_count += counter_of(health->shm, slot, full) != 0;
		if (part > most) {
			most = part;
			worst = slot;
		}
	}
	snprintf(detail, sizeof(detail), "worker %u has %" PRIu64 " of %" PRIu64 "%s", worst,
		 counter_of(health->shm, worst, used) / unit,
		 counter_of(health->shm, worst, max) / unit, unit > 1 ? " kB" : "");
	put(health, what, full_count == 0, detail);
}

bool health_write(const struct worker *worker, struct buf *out)
{
	struct buf lines = BUF_INIT;
	struct health health = {
		.shm = &worker->shm,
		.config = worker->config,
		.out = &lines,
		.ready = true,
	};

	look_at_workers(&health);
	look_at_tables(&health);
	look_at_resource(&health, "files", COUNTER_worker_files, COUNTER_worker_files_max,
			 COUNTER_worker_files_full, 1);
	look_at_resource(&health, "memory", COUNTER_worker_memory_bytes,
			 COUNTER_worker_memory_max_bytes, COUNTER_worker_memory_full, 1024);
	buf_append_str(out, health.ready ? "ready\n" : "not ready\n");
	buf_append(out, lines.data, lines.len);
	out->failed = out->failed || lines.failed;
	buf_finish(&lines);
	return health.ready;
}
