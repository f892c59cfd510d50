#include "top/report.h"

#include "base/clock.h"
#include "proto/json_writer.h"

/* Tenths are enough, and the same bytes on each machine. */
static void put_rate(struct json_writer *json, const char *key, double rate)
{
	if (rate < 0)
		return;
	json_put_u64(json, key, 0);
	json->out->len--; /* the number is ours */
	buf_printf(json->out, "%.1f", rate);
}

static void put_seconds(struct json_writer *json, const char *key, double seconds)
{
	if (seconds < 0)
		return;
	json_put_u64(json, key, 0);
	json->out->len--;
	buf_printf(json->out, "%.6f", seconds);
}

static void put_worker(struct json_writer *json, const struct sample_worker *worker)
{
	json_open(json, NULL, '{');
	json_put_u64(json, "worker", worker->slot);
	json_put_i64(json, "pid", worker->pid);
	json_put_u64(json, "starts", worker->starts);
	json_put_u64(json, "deaths", worker->deaths);
	json_put_u64(json, "silent_ms", worker->silent_ms);
	json_put_u64(json, "connections", worker->connections);
	json_put_u64(json, "sessions", worker->sessions);
	json_put_u64(json, "lines_in", worker->lines_in);
	json_put_u64(json, "lines_out", worker->lines_out);
	json_put_u64(json, "bytes_out", worker->bytes_out);
	json_put_u64(json, "memory_bytes", worker->memory);
	json_put_u64(json, "files", worker->files);
	json_put_bool(json, "draining", worker->draining);
	json_put_bool(json, "full", worker->full);
	put_rate(json, "lines_in_per_s", worker->lines_in_rate);
	put_rate(json, "lines_out_per_s", worker->lines_out_rate);
	put_rate(json, "bytes_out_per_s", worker->bytes_out_rate);
	json_close(json, '}');
}

static void put_room(struct json_writer *json, const struct sample_room *room)
{
	json_open(json, NULL, '{');
	json_put_string(json, "room", room->name);
	json_put_u64(json, "members", room->members);
	json_put_u64(json, "head", room->head);
	json_put_u64(json, "first", room->first);
	json_put_u64(json, "idle_s", room->idle_ms / 1000);
	put_rate(json, "lines_per_s", room->rate);
	json_close(json, '}');
}

static void put_user(struct json_writer *json, const struct sample_user *user)
{
	json_open(json, NULL, '{');
	json_put_string(json, "user", user->name);
	json_put_u64(json, "sessions", user->sessions);
	json_put_bool(json, "away", user->away);
	if (user->idle_ms != UINT64_MAX)
		json_put_u64(json, "idle_s", user->idle_ms / 1000);
	json_put_u64(json, "rooms", user->rooms);
	json_put_u64(json, "unread", user->unread);
	json_close(json, '}');
}

void report_json(const struct sample *sample, const char *instance, struct buf *out)
{
	struct json_writer json;
	char now[TIMESTAMP_SIZE];

	clock_format(now, sample->wall_ms);
	json_begin(&json, out);
	json_put_string(&json, "instance", instance);
	json_put_string(&json, "timestamp", now);
	json_put_i64(&json, "master", sample->master);
	json_put_u64(&json, "connections", sample->connections);
	json_put_u64(&json, "sessions", sample->sessions);
	json_put_u64(&json, "present", sample->present);
	json_put_u64(&json, "lines_in", sample->lines_in);
	json_put_u64(&json, "lines_out", sample->lines_out);
	json_put_u64(&json, "bytes_out", sample->bytes_out);
	json_put_u64(&json, "appends", sample->appends);
	json_put_u64(&json, "logins", sample->logins);
	json_put_u64(&json, "errors", sample->errors);
	json_put_u64(&json, "shared_bytes", sample->shared_bytes);
	json_put_u64(&json, "shared_max_bytes", sample->shared_max_bytes);
	put_rate(&json, "lines_in_per_s", sample->lines_in_rate);
	put_rate(&json, "lines_out_per_s", sample->lines_out_rate);
	put_rate(&json, "bytes_out_per_s", sample->bytes_out_rate);
	put_rate(&json, "appends_per_s", sample->append_rate);
	put_rate(&json, "logins_per_s", sample->login_rate);
	put_rate(&json, "errors_per_s", sample->error_rate);
	put_seconds(&json, "latency_50_s", sample->latency_50);
	put_seconds(&json, "latency_99_s", sample->latency_99);
	json_open(&json, "workers", '[');
	for (unsigned i = 0; i < sample->worker_count; i++)
		put_worker(&json, &sample->worker[i]);
	json_close(&json, ']');
	json_open(&json, "rooms", '[');
	for (unsigned i = 0; i < sample->room_count; i++)
		put_room(&json, &sample->room[i]);
	json_close(&json, ']');
	json_open(&json, "users", '[');
	for (unsigned i = 0; i < sample->user_count; i++)
		put_user(&json, &sample->user[i]);
	json_close(&json, ']');
	json_end(&json);
}
