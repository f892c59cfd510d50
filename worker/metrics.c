#include "worker/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "shm/counters.h"
#include "shm/janitor.h"
#include "shm/session.h"

#include <inttypes.h>
#include <string.h>

static void put_metric(struct buf *out, const char *name, const char *type, const char *help,
		       uint64_t value)
{
	buf_printf(out, "# HELP chat_%s %s\n# TYPE chat_%s %s\nchat_%s %" PRIu64 "\n", name, help,
		   name, type, name, value);
}

/* Names that end in _total only grow; the others are gauges. */
static const char *type_of(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && strcmp(name + len - 6, "_total") == 0 ? "counter" : "gauge";
}

static unsigned workers_alive(const struct shm *shm)
{
	unsigned alive = 0;

	for (unsigned slot = 0; slot < WORKERS_MAX; slot++)
		alive += janitor_worker_alive(shm, slot);
	return alive;
}

void metrics_write(const struct shm *shm, struct buf *out)
{
	const struct segment_header *header = shm->header;
	uint64_t tables, bodies;

	for (unsigned c = 0; c < COUNTER_COUNT; c++) {
		enum counter counter = (enum counter)c;
		const char *name = counter_name(counter);

		put_metric(out, name, type_of(name), counter_help(counter),
			   counter_sum(shm, counter));
	}
	put_metric(out, "workers", "gauge", "Worker processes alive", workers_alive(shm));
	put_metric(out, "sessions", "gauge", "Connections that are logged in", session_count(shm));
	put_metric(out, "rooms", "gauge", "Rooms there are", atomic_load(&header->rooms_used));
	put_metric(out, "users", "gauge", "People the server knows",
		   atomic_load(&header->users_used));
	segment_memory(shm, &tables, &bodies);
	put_metric(out, "shared_table_bytes", "gauge", "Shared memory of the tables", tables);
	put_metric(out, "shared_log_bytes", "gauge", "Shared memory of rooms and inboxes", bodies);
	put_metric(out, "log_lines_dropped_total", "counter",
		   "Log lines this worker could not write", log_dropped());
}
