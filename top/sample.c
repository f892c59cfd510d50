#include "top/sample.h"

#include "base/clock.h"
#include "shm/copy.h"
#include "shm/counters.h"
#include "shm/janitor.h"
#include "shm/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define load_acquire(at) atomic_load_explicit((at), memory_order_acquire)

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* ---- workers ---- */

static void take_worker(struct sample *sample, const struct shm *shm, unsigned slot)
{
	const struct worker_slot *worker = &shm->workers[slot];
	struct sample_worker *to = &sample->worker[sample->worker_count];

	if (counter_of(shm, slot, COUNTER_worker_starts_total) == 0)
		return;
	*to = (struct sample_worker){
		.slot = slot,
		.pid = janitor_worker_alive(shm, slot) ? load_relaxed(&worker->pid) : 0,
		.starts = counter_of(shm, slot, COUNTER_worker_starts_total),
		.deaths = counter_of(shm, slot, COUNTER_worker_deaths_total),
		.silent_ms = since(sample->mono_ms, load_relaxed(&worker->heartbeat_mono_ms)),
		.connections = (unsigned)counter_of(shm, slot, COUNTER_connections),
		.sessions = load_relaxed(&worker->sessions),
		.lines_in = counter_of(shm, slot, COUNTER_lines_in_total),
		.lines_out = counter_of(shm, slot, COUNTER_lines_out_total),
		.bytes_out = counter_of(shm, slot, COUNTER_bytes_out_total),
		.appends = counter_of(shm, slot, COUNTER_appends_total),
		.memory = counter_of(shm, slot, COUNTER_worker_memory_bytes),
		.files = counter_of(shm, slot, COUNTER_worker_files),
		.draining = counter_of(shm, slot, COUNTER_worker_draining) != 0,
		.full = counter_of(shm, slot, COUNTER_worker_memory_full) != 0 ||
			counter_of(shm, slot, COUNTER_worker_files_full) != 0,
		.lines_in_rate = RATE_UNKNOWN,
		.lines_out_rate = RATE_UNKNOWN,
		.bytes_out_rate = RATE_UNKNOWN,
	};
	sample->worker_count++;
}

/* ---- rooms ---- */

static bool take_room(struct sample *sample, const struct shm *shm, uint32_t log)
{
	const struct room *room = &shm->rooms[log];
	struct sample_room *to = &sample->room[sample->room_count];
	int64_t idle_since = load_relaxed(&room->idle_since_wall_ms);

	*to = (struct sample_room){
		.log = log,
		.epoch = load_acquire(&room->log.epoch),
		.members = load_relaxed(&room->members),
		.head = load_relaxed(&room->log.next) - 1,
		.first = load_relaxed(&room->log.tail),
		.idle_ms =
			sample->wall_ms > idle_since ? (uint64_t)(sample->wall_ms - idle_since) : 0,
		.rate = RATE_UNKNOWN,
	};
	shm_copy_out(to->name, room->log.name, sizeof(to->name));
	to->name[sizeof(to->name) - 1] = '\0';
	shm_fence(memory_order_acquire);
	return to->epoch != 0 && load_relaxed(&room->log.epoch) == to->epoch;
}

static int take_rooms(struct sample *sample, const struct shm *shm)
{
	/* More may be made meanwhile; the next look finds them. */
	unsigned most = load_relaxed(&shm->header->rooms_used);

	sample->room = calloc(most + 1, sizeof(*sample->room));
	if (sample->room == NULL)
		return -ENOMEM;
	for (uint32_t log = 0; log < shm->sizes->max_rooms && sample->room_count < most; log++) {
		if (load_relaxed(&shm->rooms[log].log.epoch) != 0 && take_room(sample, shm, log))
			sample->room_count++;
	}
	return 0;
}

/* ---- people ---- */

static unsigned count_rooms(const struct shm *shm, uint32_t index)
{
	const struct member *members = segment_members(shm, index);
	unsigned count = 0;

	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++)
		count += (load_relaxed(&members[i].word) & MEMBER_SLOT_MASK) != 0;
	return count;
}

static bool take_user(struct sample *sample, const struct shm *shm, uint32_t index)
{
	const struct user *user = segment_user(shm, index);
	struct sample_user *to = &sample->user[sample->user_count];
	uint64_t head = load_acquire(&user->inbox.next) - 1, read = load_relaxed(&user->inbox_read);
	uint64_t active = load_relaxed(&user->active_mono_ms);
	char name[ROOM_SIZE];

	*to = (struct sample_user){
		.user = index,
		.life = load_acquire(&user->life),
		.sessions = load_relaxed(&user->sessions),
		.away = load_relaxed(&user->away) != 0,
		.idle_ms = active > 0 ? since(sample->mono_ms, active) : UINT64_MAX,
		.rooms = count_rooms(shm, index),
		.unread = load_relaxed(&user->inbox.made) != 0 && head > read ? head - read : 0,
	};
	/* "@alice" */
	shm_copy_out(name, user->inbox.name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	shm_fence(memory_order_acquire);
	if (load_relaxed(&user->life) != to->life || load_relaxed(&user->state) != USER_USED ||
	    name[0] != '@')
		return false;
	memcpy(to->name, name + 1, strlen(name));
	sample->present += to->sessions > 0;
	return true;
}

static int take_users(struct sample *sample, const struct shm *shm)
{
	uint32_t high = load_acquire(&shm->header->users_high);

	sample->user = calloc((size_t)high + 1, sizeof(*sample->user));
	if (sample->user == NULL)
		return -ENOMEM;
	for (uint32_t index = 0; index < high && index < shm->sizes->max_users; index++) {
		if (load_relaxed(&segment_user(shm, index)->state) == USER_USED &&
		    take_user(sample, shm, index))
			sample->user_count++;
	}
	return 0;
}

/* ---- all ---- */

static uint64_t sum_of(const struct shm *shm, unsigned first, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += counter_sum(shm, first + i);
	return sum;
}

static void take_sums(struct sample *sample, const struct shm *shm)
{
	uint64_t tables, bodies;

	segment_memory(shm, &tables, &bodies);
	sample->connections = counter_sum(shm, COUNTER_connections);
	sample->sessions = session_count(shm);
	sample->lines_in = counter_sum(shm, COUNTER_lines_in_total);
	sample->lines_out = counter_sum(shm, COUNTER_lines_out_total);
	sample->bytes_out = counter_sum(shm, COUNTER_bytes_out_total);
	sample->appends = counter_sum(shm, COUNTER_appends_total);
	sample->logins = sum_of(shm, COUNTER_logins, COUNTER_LOGINS_MAX);
	sample->errors = sum_of(shm, COUNTER_errors, COUNTER_ERRORS_MAX);
	sample->shared_bytes = tables + bodies;
	sample->shared_max_bytes = tables + load_relaxed(&shm->header->room_memory);
	for (unsigned i = 0; i < COUNTER_LATENCY_BUCKETS; i++) {
		sample->latency[i] = counter_sum(shm, COUNTER_latency + i);
		sample->latency_count += sample->latency[i];
	}
}

_Static_assert(sizeof(((struct sample *)0)->latency) / sizeof(uint64_t) == COUNTER_LATENCY_BUCKETS,
	       "a place for each bucket");

int sample_take(struct sample *ret_sample, const struct shm *shm)
{
	struct sample sample = {
		.mono_ms = clock_mono_ms(),
		.wall_ms = clock_wall_ms(),
		.master = load_relaxed(&shm->header->master_pid),
		.lines_in_rate = RATE_UNKNOWN,
		.lines_out_rate = RATE_UNKNOWN,
		.bytes_out_rate = RATE_UNKNOWN,
		.append_rate = RATE_UNKNOWN,
		.login_rate = RATE_UNKNOWN,
		.error_rate = RATE_UNKNOWN,
		.latency_50 = RATE_UNKNOWN,
		.latency_99 = RATE_UNKNOWN,
	};
	int err;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
		take_worker(&sample, shm, slot);
	err = take_rooms(&sample, shm);
	if (err == 0)
		err = take_users(&sample, shm);
	if (err < 0) {
		sample_finish(&sample);
		return err;
	}
	take_sums(&sample, shm);
	*ret_sample = sample;
	return 0;
}

/* ---- the difference of two ---- */

static double rate(uint64_t now, uint64_t before, uint64_t ms)
{
	/* A counter that went back is another server's. */
	return ms > 0 && now >= before ? (double)(now - before) * 1000 / (double)ms : RATE_UNKNOWN;
}

static const struct sample_worker *worker_in(const struct sample *sample, unsigned slot)
{
	for (unsigned i = 0; i < sample->worker_count; i++) {
		if (sample->worker[i].slot == slot)
			return &sample->worker[i];
	}
	return NULL;
}

/* The upper bound of the bucket that the part falls into: never better than it was. */
static double latency_at(const struct sample *now, const struct sample *before, double part)
{
	static const uint32_t bounds_us[] = COUNTER_LATENCY_BOUNDS;
	uint64_t all = now->latency_count - before->latency_count, sum = 0;

	if (now->latency_count <= before->latency_count)
		return RATE_UNKNOWN;
	for (unsigned i = 0; i < COUNTER_LATENCY_BUCKETS - 1; i++) {
		sum += now->latency[i] - before->latency[i];
		if ((double)sum >= (double)all * part)
			return (double)bounds_us[i] / 1e6;
	}
	return (double)bounds_us[COUNTER_LATENCY_BUCKETS - 2] / 1e6;
}

void sample_rates(struct sample *now, const struct sample *before)
{
	uint64_t ms = before != NULL ? since(now->mono_ms, before->mono_ms) : 0;

	if (ms == 0)
		return;
	for (unsigned i = 0; i < now->worker_count; i++) {
		struct sample_worker *worker = &now->worker[i];
		const struct sample_worker *old = worker_in(before, worker->slot);

		if (old == NULL)
			continue;
		worker->lines_in_rate = rate(worker->lines_in, old->lines_in, ms);
		worker->lines_out_rate = rate(worker->lines_out, old->lines_out, ms);
		worker->bytes_out_rate = rate(worker->bytes_out, old->bytes_out, ms);
	}
	/* Both are in the order of their slots. */
	for (unsigned i = 0, j = 0; i < now->room_count; i++) {
		struct sample_room *room = &now->room[i];

		while (j < before->room_count && before->room[j].log < room->log)
			j++;
		if (j < before->room_count && before->room[j].log == room->log &&
		    before->room[j].epoch == room->epoch)
			room->rate = rate(room->head, before->room[j].head, ms);
	}
	now->lines_in_rate = rate(now->lines_in, before->lines_in, ms);
	now->lines_out_rate = rate(now->lines_out, before->lines_out, ms);
	now->bytes_out_rate = rate(now->bytes_out, before->bytes_out, ms);
	now->append_rate = rate(now->appends, before->appends, ms);
	now->login_rate = rate(now->logins, before->logins, ms);
	now->error_rate = rate(now->errors, before->errors, ms);
	now->latency_50 = latency_at(now, before, 0.5);
	now->latency_99 = latency_at(now, before, 0.99);
}

void sample_finish(struct sample *sample)
{
	free(sample->room);
	free(sample->user);
	*sample = (struct sample){0};
}
