#include "top/report.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A worker that has been silent for so long is worth a look; the master ends it at 5 s. */
#define SILENT_MS 2000u

struct page {
	struct buf *out;
	unsigned rows_left, columns;
	bool bounded, color;
};

/* ---- numbers that fit ---- */

/* "1234", "12.3k", "4.5M": at most six characters. */
static const char *short_number(double value, char text[16])
{
	static const char units[] = " kMGT";
	unsigned unit = 0;

	if (value < 0)
		return "-";
	while (value >= 10000 && unit + 2 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(text, 16, value < 10 && value > 0 ? "%.1f" : "%.0f", value);
	else
		snprintf(text, 16, "%.4g%c", value, units[unit]);
	return text;
}

static const char *short_time(uint64_t ms, char text[16])
{
	uint64_t s = ms / 1000;

	if (ms == UINT64_MAX)
		return "-";
	if (s < 100)
		snprintf(text, 16, "%us", (unsigned)s);
	else if (s < 100 * 60)
		snprintf(text, 16, "%um", (unsigned)(s / 60));
	else if (s < 100 * 3600)
		snprintf(text, 16, "%uh", (unsigned)(s / 3600));
	else
		snprintf(text, 16, "%lud", (unsigned long)(s / 86400));
	return text;
}

static const char *short_latency(double seconds, char text[16])
{
	if (seconds < 0)
		return "-";
	if (seconds < 0.001)
		snprintf(text, 16, "%.0f us", seconds * 1e6);
	else if (seconds < 1)
		snprintf(text, 16, "%.4g ms", seconds * 1e3);
	else
		snprintf(text, 16, "%.4g s", seconds);
	return text;
}

/* ---- lines ---- */

/* sgr: how it looks, or "". */
static void put_line(struct page *page, const char *sgr, const char *text)
{
	size_t len = strlen(text);

	if (page->bounded && page->rows_left == 0)
		return;
	page->rows_left -= page->bounded;
	if (page->columns > 0 && len > page->columns)
		len = page->columns;
	if (page->color && sgr[0] != '\0')
		buf_printf(page->out, "\033[%sm%.*s\033[0m\n", sgr, (int)len, text);
	else
		buf_printf(page->out, "%.*s\n", (int)len, text);
}

static void put_header(struct page *page, const struct sample *sample, const char *instance)
{
	char line[256], a[16], b[16], c[16], d[16], e[16], f[16], now[TIMESTAMP_SIZE];

	clock_format(now, sample->wall_ms);
	snprintf(line, sizeof(line),
		 "chat-top: %s, pid %d   %.8s UTC   %llu logged in, %llu connections, %u of %u "
		 "people",
		 instance, sample->master, now + 11, (unsigned long long)sample->sessions,
		 (unsigned long long)sample->connections, sample->present, sample->user_count);
	put_line(page, "1", line);
	snprintf(line, sizeof(line),
		 "lines/s in %s, out %s, appended %s   bytes/s out %s   logins/s %s   errors/s %s",
		 short_number(sample->lines_in_rate, a), short_number(sample->lines_out_rate, b),
		 short_number(sample->append_rate, c), short_number(sample->bytes_out_rate, d),
		 short_number(sample->login_rate, e), short_number(sample->error_rate, f));
	put_line(page, "", line);
	snprintf(line, sizeof(line),
		 "append to write: half within %s, 99 of 100 within %s   shared memory %s of %s",
		 short_latency(sample->latency_50, a), short_latency(sample->latency_99, b),
		 short_number((double)sample->shared_bytes, c),
		 short_number((double)sample->shared_max_bytes, d));
	put_line(page, "", line);
}

static const char *state_of(const struct sample_worker *worker)
{
	if (worker->pid == 0)
		return "gone";
	if (worker->silent_ms >= SILENT_MS)
		return "silent";
	if (worker->draining)
		return "leaving";
	return worker->full ? "full" : "ok";
}

static void put_workers(struct page *page, const struct sample *sample)
{
	char line[256], a[16], b[16], c[16], d[16];

	put_line(page, "", "");
	put_line(page, "7",
		 "worker     pid state   conns logged    in/s   out/s bytes/s  memory  files "
		 "deaths");
	for (unsigned i = 0; i < sample->worker_count; i++) {
		const struct sample_worker *worker = &sample->worker[i];
		const char *state = state_of(worker);

		snprintf(line, sizeof(line), "%6u %7d %-7s %5u %6u %7s %7s %7s %7s %6llu %6llu",
			 worker->slot, worker->pid, state, worker->connections, worker->sessions,
			 short_number(worker->lines_in_rate, a),
			 short_number(worker->lines_out_rate, b),
			 short_number(worker->bytes_out_rate, c),
			 short_number((double)worker->memory, d), (unsigned long long)worker->files,
			 (unsigned long long)worker->deaths);
		put_line(page, strcmp(state, "ok") == 0 ? "" : "31", line);
	}
}

/* ---- what matters first ---- */

/* The busiest first, then the biggest, then by name. */
static int by_rate(const void *one, const void *other)
{
	const struct sample_room *a = one, *b = other;

	if (a->rate != b->rate)
		return a->rate > b->rate ? -1 : 1;
	if (a->members != b->members)
		return a->members > b->members ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Who is here first, the latest to say something first. */
static int by_activity(const void *one, const void *other)
{
	const struct sample_user *a = one, *b = other;

	if ((a->sessions > 0) != (b->sessions > 0))
		return a->sessions > 0 ? -1 : 1;
	if (a->idle_ms != b->idle_ms)
		return a->idle_ms < b->idle_ms ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void put_rooms(struct page *page, const struct sample *sample, unsigned count)
{
	char line[256], a[16], b[16];

	put_line(page, "", "");
	put_line(page, "7",
		 "room                             members    head    kept lines/s   idle");
	for (unsigned i = 0; i < count; i++) {
		const struct sample_room *room = &sample->room[i];
		uint64_t kept = room->head + 1 > room->first ? room->head + 1 - room->first : 0;

		snprintf(line, sizeof(line), "%-32s %7u %7llu %7llu %7s %6s", room->name,
			 room->members, (unsigned long long)room->head, (unsigned long long)kept,
			 short_number(room->rate, a), short_time(room->idle_ms, b));
		put_line(page, room->rate > 0 ? "32" : "", line);
	}
	if (count < sample->room_count) {
		snprintf(line, sizeof(line), "... and %u rooms more", sample->room_count - count);
		put_line(page, "2", line);
	}
}

static void put_users(struct page *page, const struct sample *sample, unsigned count)
{
	char line[256], a[16];

	put_line(page, "", "");
	put_line(page, "7", "user                             logged   rooms  unread    idle");
	for (unsigned i = 0; i < count; i++) {
		const struct sample_user *user = &sample->user[i];

		snprintf(line, sizeof(line), "%-32s %6u %7u %7llu %7s%s", user->name,
			 user->sessions, user->rooms, (unsigned long long)user->unread,
			 short_time(user->idle_ms, a), user->away ? "  away" : "");
		put_line(page, user->sessions > 0 ? "" : "2", line);
	}
	if (count < sample->user_count) {
		snprintf(line, sizeof(line), "... and %u people more", sample->user_count - count);
		put_line(page, "2", line);
	}
}

/* Of `rows`, one of two lists gets half, or what the other one leaves. */
static unsigned share(unsigned rows, unsigned own, unsigned other)
{
	unsigned half = rows / 2;

	if (own <= half)
		return own;
	return other <= rows - half ? (own < rows - other ? own : rows - other) : half;
}

void report_page(struct sample *sample, const char *instance, unsigned rows, unsigned columns,
		 bool color, struct buf *out)
{
	struct page page = {.out = out,
			    .rows_left = rows,
			    .columns = columns,
			    .bounded = rows > 0,
			    .color = color};
	unsigned rooms = sample->room_count, users = sample->user_count, left;

	qsort(sample->room, sample->room_count, sizeof(*sample->room), by_rate);
	qsort(sample->user, sample->user_count, sizeof(*sample->user), by_activity);
	put_header(&page, sample, instance);
	put_workers(&page, sample);
	if (page.bounded) {
		/* Each list has two lines above it and maybe one below. */
		left = page.rows_left > 6 ? page.rows_left - 6 : 0;
		rooms = share(left, sample->room_count, sample->user_count);
		users = share(left, sample->user_count, sample->room_count);
	}
	put_rooms(&page, sample, rooms);
	put_users(&page, sample, users);
}
