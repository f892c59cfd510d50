#include "worker/metrics.h"

#include "proto/error.h"
#include "shm/counters.h"
#include "shm/janitor.h"
#include "shm/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define KEYS (KEY_SK_ECDSA256 + 2u) /* and one for "none" */
#define KEY_UNKNOWN (KEYS - 1)

_Static_assert(METRICS_LOGIN_RESULTS *KEYS <= COUNTER_LOGINS_MAX, "room for every pair");
_Static_assert((unsigned)PROTO_ERRORS <= COUNTER_ERRORS_MAX, "room for every error");

static const char *const login_results[] = {
	[METRICS_LOGIN_OK] = "ok",
	[METRICS_LOGIN_AUTH_FAILED] = "auth_failed",
	[METRICS_LOGIN_NAME_TAKEN] = "name_taken",
	[METRICS_LOGIN_WRONG_SERVER] = "wrong_server",
};

void metrics_count_login(struct shm *shm, enum metrics_login result,
			 const struct login_identity *identity)
{
	unsigned key = identity->has_key ? identity->key_type : KEY_UNKNOWN;

	counter_add(shm, COUNTER_logins + (unsigned)result * KEYS + key, 1);
}

/* ---- the format --------------------------------------------------------------------- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP roomkey_%s %s\n# TYPE roomkey_%s %s\n", name, help, name, type);
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
		    uint64_t value)
{
	head(out, name, type, help);
	buf_printf(out, "roomkey_%s %" PRIu64 "\n", name, value);
}

/* ---- counters ------------------------------------------------------------------------- */

static bool is_told(const struct shm *shm, enum counter counter, unsigned slot)
{
	if (counter_shape(counter) == COUNTER_EACH)
		return janitor_worker_alive(shm, slot);
	return counter_of(shm, slot, COUNTER_worker_starts_total) > 0;
}

static void put_by_worker(const struct shm *shm, enum counter counter, struct buf *out)
{
	const char *name = counter_name(counter);

	head(out, name, counter_shape(counter) == COUNTER_EACH ? "gauge" : "counter",
	     counter_help(counter));
	for (unsigned slot = 0; slot < WORKERS_MAX; slot++) {
		if (is_told(shm, counter, slot))
			buf_printf(out, "roomkey_%s{worker=\"%u\"} %" PRIu64 "\n", name, slot,
				   counter_of(shm, slot, counter));
	}
}

static void put_counter(const struct shm *shm, enum counter counter, struct buf *out)
{
	switch (counter_shape(counter)) {
	case COUNTER_TOTAL:
	case COUNTER_GAUGE:
		put_one(out, counter_name(counter),
			counter_shape(counter) == COUNTER_TOTAL ? "counter" : "gauge",
			counter_help(counter), counter_sum(shm, counter));
		break;
	case COUNTER_EACH:
	case COUNTER_BIRTHS:
		put_by_worker(shm, counter, out);
		break;
	}
}

static void put_errors(const struct shm *shm, struct buf *out)
{
	head(out, "errors_total", "counter", "Error lines sent, by their code");
	for (unsigned error = 1; error < PROTO_ERRORS; error++)
		buf_printf(out, "roomkey_errors_total{code=\"%s\"} %" PRIu64 "\n",
			   error_code((enum proto_error)error),
			   counter_sum(shm, COUNTER_errors + error));
}

static void put_logins(const struct shm *shm, struct buf *out)
{
	head(out, "logins_total", "counter",
	     "Logins judged, by result and type of key (none: it was not known whose)");
	for (unsigned result = 0; result < METRICS_LOGIN_RESULTS; result++) {
		for (unsigned key = 0; key < KEYS; key++)
			buf_printf(out,
				   "roomkey_logins_total{result=\"%s\",key=\"%s\"} %" PRIu64 "\n",
				   login_results[result],
				   key == KEY_UNKNOWN ? "none" : key_type_name((enum key_type)key),
				   counter_sum(shm, COUNTER_logins + result * KEYS + key));
	}
}

static void put_latency(const struct shm *shm, struct buf *out)
{
	static const uint32_t bounds_us[] = COUNTER_LATENCY_BOUNDS;
	static const char name[] = "append_to_write_seconds";
	uint64_t count = 0, sum_us = counter_sum(shm, COUNTER_latency_us);

	head(out, name, "histogram",
	     "From the append of a batch's first line to its last write to a subscriber, a "
	     "worker's "
	     "batch each");
	for (unsigned bucket = 0; bucket < COUNTER_LATENCY_BUCKETS; bucket++) {
		count += counter_sum(shm, COUNTER_latency + bucket);
		if (bucket < COUNTER_LATENCY_BUCKETS - 1)
			buf_printf(out, "roomkey_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
				   (double)bounds_us[bucket] / 1e6, count);
		else
			buf_printf(out, "roomkey_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name,
				   count);
	}
	buf_printf(out, "roomkey_%s_sum %" PRIu64 ".%06" PRIu64 "\nroomkey_%s_count %" PRIu64 "\n",
		   name, sum_us / 1000000, sum_us % 1000000, name, count);
}

/* ---- what there is ---------------------------------------------------------------------- */

static unsigned workers_alive(const struct shm *shm)
{
	unsigned alive = 0;

	for (unsigned slot = 0; slot < WORKERS_MAX; slot++)
		alive += janitor_worker_alive(shm, slot);
	return alive;
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	put_one(out, name, "gauge", help, value);
}

static void put_tables(const struct shm *shm, const struct config *config, struct buf *out)
{
	const struct segment_header *header = shm->header;
	uint64_t tables, bodies;

	segment_memory(shm, &tables, &bodies);
	put_gauge(out, "workers", "Worker processes alive", workers_alive(shm));
	put_gauge(out, "workers_wanted", "Worker processes there should be", config->workers);
	put_gauge(out, "sessions", "Connections that are logged in", session_count(shm));
	put_gauge(out, "sessions_max", "Connections that may be logged in (--max-connections)",
		  shm->sizes->max_connections);
	put_gauge(out, "rooms", "Rooms there are", atomic_load(&header->rooms_used));
	put_gauge(out, "rooms_max", "Rooms there may be (--max-rooms)", shm->sizes->max_rooms);
	put_gauge(out, "users", "People the server knows", atomic_load(&header->users_used));
	put_gauge(out, "users_max", "People the server can know (--max-users)",
		  shm->sizes->max_users);
	put_gauge(out, "devices", "Programs of people whose ids are remembered",
		  atomic_load(&header->windows_used));
	put_gauge(out, "devices_max", "Programs that can be remembered (--max-devices)",
		  shm->sizes->max_devices);
	put_gauge(out, "shared_table_bytes", "Shared memory of the tables", tables);
	put_gauge(out, "shared_log_bytes", "Shared memory of rooms and inboxes", bodies);
	put_gauge(out, "shared_log_max_bytes", "Shared memory that rooms and inboxes may take",
		  atomic_load(&header->room_memory));
}

void metrics_write(const struct shm *shm, const struct config *config, struct buf *out)
{
	head(out, "build_info", "gauge", "The program's version");
	buf_printf(out, "roomkey_build_info{version=\"%s\"} 1\n", ROOMKEY_VERSION);
	for (unsigned c = 0; c < COUNTER_COUNT; c++)
		put_counter(shm, (enum counter)c, out);
	put_logins(shm, out);
	put_errors(shm, out);
	put_latency(shm, out);
	put_tables(shm, config, out);
}

/* ---- agents ----------------------------------------------------------------------------- */

enum agent_sum { SUM_TURNS, SUM_FAILURES, SUM_RESTARTS, SUM_BUSY, SUM_COST, SUM_QUEUE };

static const struct {
	const char *name, *type, *help;
} agent_sums[] = {
	[SUM_TURNS] = {"agent_turns_total", "counter", "Messages that an agent has worked on"},
	[SUM_FAILURES] = {"agent_failures_total", "counter", "Of these, the ones that failed"},
	[SUM_RESTARTS] = {"agent_restarts_total", "counter",
			  "Times that an agent's program was started again"},
	[SUM_BUSY] = {"agent_busy_seconds_total", "counter", "Time that an agent was at work"},
	[SUM_COST] = {"agent_cost_dollars_total", "counter", "What an agent says that it has cost"},
	[SUM_QUEUE] = {"agent_queue", "gauge", "Messages that wait for an agent"},
};

static void put_agent(enum agent_sum sum, const struct agent_entry *entry, struct buf *out)
{
	uint64_t value = 0;

	buf_printf(out, "roomkey_%s{agent=\"%s\"} ", agent_sums[sum].name, entry->name);
	switch (sum) {
	case SUM_TURNS:
		value = atomic_load(&entry->turns);
		break;
	case SUM_FAILURES:
		value = atomic_load(&entry->failures);
		break;
	case SUM_RESTARTS:
		value = atomic_load(&entry->restarts);
		break;
	case SUM_QUEUE:
		value = atomic_load(&entry->queue);
		break;
	case SUM_BUSY:
		value = atomic_load(&entry->busy_ms);
		buf_printf(out, "%" PRIu64 ".%03" PRIu64 "\n", value / 1000, value % 1000);
		return;
	case SUM_COST:
		value = atomic_load(&entry->cost_microusd);
		buf_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", value / 1000000, value % 1000000);
		return;
	}
	buf_printf(out, "%" PRIu64 "\n", value);
}

void metrics_write_agents(const struct agent_board *board, struct buf *out)
{
	unsigned count = agent_board_count(board);
	struct agent_entry entry;

	for (unsigned sum = 0; count > 0 && sum < sizeof(agent_sums) / sizeof(agent_sums[0]);
	     sum++) {
		head(out, agent_sums[sum].name, agent_sums[sum].type, agent_sums[sum].help);
		for (unsigned i = 0; i < count; i++)
			if (agent_board_read(board, i, &entry))
				put_agent((enum agent_sum)sum, &entry, out);
	}
}
