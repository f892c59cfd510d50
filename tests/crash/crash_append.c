/*
 * Writers are killed at every step of an append, of an id window, of an intent, of a repair,
 * of a reset and of a ring, each $CRASH_ROUNDS (1000) times; so are those who come to
 * mend it. Nothing acknowledged may be lost, nothing doubled, nothing torn, and of a
 * direct message both copies are there in the end, or none.
 */
#include "tests/crash/harness.h"
#include "tests/crash/ledger.h"

#include "shm/doorbell.h"
#include "shm/intent.h"
#include "shm/lock.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS_MAX 128u
#define SHARDS 2u
#define TRIES_A_HIT 60u /* a point that is met less often counts as never reached */
#define RECEIVER 5u     /* the worker that has members everywhere */

static const struct segment_sizes sizes = {
	.max_users = WRITERS + 1 + NOISE_USERS,
	.max_devices = 8,
	.max_connections = 8,
	.max_rooms = 2,
	.rooms_per_user = 4,
	.room_lines = 64,
	.inbox_lines = 32,
	.room_bytes = 4096, /* short: a reader is lapped by few lines */
	.inbox_bytes = 16384,
};

struct crash {
	struct ledger ledger;
	struct shm *shm;
	struct shm receiver;
	const char *point;
	/* What the next child does. */
	uint32_t writer, log, device;
	unsigned steps;
	/* All points of this program, to die at another one too. */
	const char *points[POINTS_MAX];
	unsigned point_count;
};

/* ---- what children do ---- */

static void act_write(void *data)
{
	struct crash *crash = data;

	for (unsigned i = 0; i < crash->steps; i++)
		ledger_say(&crash->ledger, crash->writer);
}

static void act_finish(void *data)
{
	struct crash *crash = data;

	append_finish_intents(crash->shm);
}

static void act_reset(void *data)
{
	struct crash *crash = data;

	room_log_reset(crash->shm, crash->log);
}

static void act_noise(void *data)
{
	struct crash *crash = data;

	ledger_noise(&crash->ledger, crash->log, NOISE_FIRST + crash->writer);
}

static void act_look_up(void *data)
{
	struct crash *crash = data;
	char id[ID_SIZE];

	window_last_id(crash->shm, atomic_load(&crash->ledger.shared->writer[crash->writer].window),
		       id);
}

static void device_name(char out[DEVICE_SIZE], uint32_t number)
{
	snprintf(out, DEVICE_SIZE, "t%u", number);
}

static void act_take_window(void *data)
{
	struct crash *crash = data;
	char device[DEVICE_SIZE];
	uint32_t window;

	device_name(device, crash->device);
	window_take(crash->shm, WRITERS, device, &window);
}

/* ---- after a death ---- */

/* Lines go missing by right in the logs of what w had begun. */
static void slacken(struct crash *crash, uint32_t log)
{
	crash->ledger.log[log].slack = true;
}

static void slacken_message(struct crash *crash, uint32_t w)
{
	uint32_t logs[2];

	ledger_targets(&crash->ledger, w, atomic_load(&crash->ledger.shared->writer[w].sent), logs);
	slacken(crash, logs[0]);
	if (logs[1] != SHM_NONE)
		slacken(crash, logs[1]);
}

/* Noise until nothing more fits: an owed copy has its reserve all the same. */
static void fill_inbox(struct crash *crash, uint32_t user)
{
	uint32_t log = log_of_inbox(crash->shm, user);

	ledger_verify(&crash->ledger, false); /* what is read may go */
	for (uint32_t i = 0; i < NOISE_USERS; i++) {
		while (ledger_noise(&crash->ledger, log, NOISE_FIRST + i) == APPEND_OK)
			;
	}
	crash_check(append_finish_intents(crash->shm) == 0, "the reserve of @u%u is not there",
		    user);
}

static void flood(struct crash *crash, uint32_t log)
{
	if (log_is_inbox(crash->shm, log))
		atomic_store(&segment_user(crash->shm, user_of_inbox(crash->shm, log))->inbox_read,
			     UINT64_MAX);
	for (unsigned i = 0; i < 100; i++)
		ledger_noise(&crash->ledger, log, NOISE_FIRST + i % NOISE_USERS);
	slacken(crash, log);
}

/* What others do between a writer's death and its successor. */
static void interlude(struct crash *crash, uint32_t w)
{
	uint32_t other = (w + 1 + crash_random(WRITERS - 1)) % WRITERS, logs[2];
	uint32_t log = crash_random(ledger_logs(&crash->ledger));

	ledger_targets(&crash->ledger, w, atomic_load(&crash->ledger.shared->writer[w].sent), logs);
	switch (crash_random(32)) {
	case 0:
	case 1:
	case 2:
	case 3:
		ledger_noise(&crash->ledger, logs[0], NOISE_FIRST);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		ledger_noise(&crash->ledger, logs[1] != SHM_NONE ? logs[1] : logs[0], NOISE_FIRST);
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		for (unsigned i = 0; i < KINDS; i++)
			ledger_say(&crash->ledger, other);
		break;
	case 12:
	case 13:
	case 14:
		append_finish_intents(crash->shm);
		break;
	case 15:
	case 16:
		fill_inbox(crash, w);
		break;
	case 17:
		/* What was committed there is gone, so a copy may be owed for ever. */
		slacken_message(crash, w);
		slacken(crash, log);
		room_log_reset(crash->shm, log);
		break;
	case 18:
		flood(crash, logs[crash_random(2)] != SHM_NONE ? logs[0] : log);
		break;
	case 19:
		flood(crash, logs[1] != SHM_NONE ? logs[1] : logs[0]);
		break;
	default:
		break;
	}
}

/* Who comes to mend it may die as well. */
static void second_death(struct crash *crash, uint32_t w)
{
	static void (*const acts[])(void *) = {act_write, act_finish, act_noise, act_look_up};

	if (crash_random(4) != 0)
		return;
	crash->writer = w;
	crash->steps = 1;
	crash->log = crash_random(ledger_logs(&crash->ledger));
	crash_child(crash->points[crash_random(crash->point_count)], 1 + crash_random(2),
		    acts[crash_random(4)], crash);
}

/* ---- one round each: true if the child died at crash->point ---- */

static bool round_write(struct crash *crash, bool last_resort)
{
	uint32_t w = crash_random(WRITERS);
	uint64_t until = atomic_load(&crash->ledger.shared->writer[w].sent) + KINDS;
	bool died;

	crash->writer = w;
	crash->steps = KINDS;
	died = crash_child(crash->point, last_resort ? 1 : 1 + crash_random(6), act_write, crash);
	if (died) {
		interlude(crash, w);
		second_death(crash, w);
	}
	ledger_settle(&crash->ledger, w, until);
	return died;
}

/* A direct message is cut short, and whoever comes to finish it dies at the point. */
static bool round_finish(struct crash *crash, bool last_resort)
{
	static const char *const first[] = {
		"append_marked",      "append_committed",    "append_tail_moved",  "append_copied",
		"append_intent_open", "append_unlocked",     "window_entry_named", "window_last_id",
		"append_marked",      "append_front_copied",
	};
	static void (*const acts[])(void *) = {act_write, act_finish, act_look_up, act_noise,
					       act_reset};
	uint32_t w = crash_random(WRITERS), logs[2];
	struct ledger *ledger = &crash->ledger;
	uint64_t n = atomic_load(&ledger->shared->writer[w].sent);
	void (*act)(void *);
	bool died = false;

	while (n % 2 == 0 || n % KINDS == 0) {
		if (!ledger_say(ledger, w))
			ledger_verify(ledger, false);
		n = atomic_load(&ledger->shared->writer[w].sent);
	}
	crash->writer = w;
	crash->steps = 1;
	if (crash_child(first[last_resort ? 0 : crash_random(10)],
			last_resort ? 1 : 1 + crash_random(2), act_write, crash)) {
		ledger_targets(ledger, w, n, logs);
		if (crash_random(3) == 0)
			ledger_noise(ledger, logs[crash_random(2)], NOISE_FIRST);
		crash->log = logs[crash_random(2)];
		act = acts[last_resort ? crash_random(2) : crash_random(5)];
		if (act == act_reset) {
			slacken(crash, logs[0]);
			slacken(crash, logs[1]);
		}
		died = crash_child(crash->point, last_resort ? 1 : 1 + crash_random(2), act, crash);
		second_death(crash, w);
	}
	ledger_settle(&crash->ledger, w, n + 1);
	return died;
}

static bool round_reset(struct crash *crash, bool last_resort)
{
	char before[TOPIC_SIZE], after[TOPIC_SIZE];
	uint32_t log = last_resort ? 1 : crash_random(ledger_logs(&crash->ledger));
	struct shm *shm = crash->shm;
	uint64_t epoch = log_epoch(shm, log);
	bool died;

	crash_check(room_log_topic(shm, log, epoch, before), "%u has no epoch", log);
	crash->log = log;
	died = crash_child(crash->point, 1, act_reset, crash);
	slacken(crash, log);
	/* Its next user mends it, whoever that is. */
	if (crash_random(2) == 0)
		crash_child(crash->point, 1, act_noise, crash);
	crash_check(ledger_noise(&crash->ledger, log, NOISE_FIRST) == APPEND_OK, "%u takes nothing",
		    log);
	crash_check(log_epoch(shm, log) != 0, "%u was freed", log);
	crash_check(log_epoch(shm, log) == epoch || room_log_next(shm, log) == 2 ||
			    room_log_next(shm, log) == 3,
		    "%u began its new life with line %" PRIu64, log, room_log_next(shm, log) - 1);
	crash_check(room_log_topic(shm, log, log_epoch(shm, log), after) &&
			    strcmp(before, after) == 0,
		    "the topic was \"%s\", is \"%s\"", before, after);
	ledger_verify(&crash->ledger, true);
	return died;
}

/* A window is taken, or taken over; nobody else's may suffer. */
static bool round_window(struct crash *crash, bool last_resort)
{
	static uint32_t device;
	struct shm *shm = crash->shm;
	uint32_t window = SHM_NONE, found, same = 0;
	char name[DEVICE_SIZE], id[ID_SIZE] = "?";
	bool died, busy;

	crash->device = ++device;
	device_name(name, device);
	/* A rebuild is made only after a death under the table's lock. */
	if (strncmp(crash->point, "window_rebuild", strlen("window_rebuild")) == 0)
		crash_child(last_resort ? "window_keyed" : "window_chained_half", 1,
			    act_take_window, crash);
	died = crash_child(crash->point, 1, act_take_window, crash);
	crash_check(window_take(shm, WRITERS, name, &window) == 0, "no window is to be had");
	found = window_find(shm, WRITERS, name, &busy);
	crash_check(!busy && found == window, "%s is window %u, found %u", name, window, found);
	for (uint32_t i = 0; i < sizes.max_devices; i++)
		same += atomic_load(&shm->windows[i].state) == WINDOW_USED &&
			strcmp(shm->windows[i].device, name) == 0;
	crash_check(same == 1, "%s has %u windows", name, same);
	crash_check(window_last_id(shm, window, id) == 0 && id[0] == '\0', "it knows \"%s\"", id);
	for (uint32_t w = 0; w < WRITERS; w++) {
		snprintf(name, sizeof(name), "d%u", w);
		found = window_find(shm, w, name, &busy);
		crash_check(found == atomic_load(&crash->ledger.shared->writer[w].window),
			    "writer %u's window is %u now", w, found);
		ledger_repeat(&crash->ledger, w);
	}
	return died;
}

static bool receiver_is_rung(const struct crash *crash)
{
	struct pollfd fd = {.fd = doorbell_fd(&crash->receiver, RECEIVER), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void no_datagram(void *data, const void *bytes, size_t len)
{
	(void)data, (void)bytes;
	crash_check(false, "a datagram of %zu bytes", len);
}

static void receiver_listens(struct crash *crash)
{
	uint32_t cursor = 0;

	doorbell_drain(&crash->receiver, no_datagram, NULL);
	while (doorbell_take(&crash->receiver, &cursor) != SHM_NONE)
		;
}

/* A ring may be lost with its ringer, but not those that come after the master's. */
static bool round_bell(struct crash *crash, bool last_resort)
{
	uint32_t w = crash_random(WRITERS), cursor = 0;
	uint64_t until = atomic_load(&crash->ledger.shared->writer[w].sent) + 1;
	bool died;

	receiver_listens(crash);
	crash->writer = w;
	crash->steps = 1;
	died = crash_child(crash->point, last_resort ? 1 : 1 + crash_random(2), act_write, crash);
	doorbell_ring(crash->shm, RECEIVER);
	crash_check(receiver_is_rung(crash), "the master's ring is not heard");
	ledger_settle(&crash->ledger, w, until);
	receiver_listens(crash);
	crash_check(!receiver_is_rung(crash), "it rings on");
	ledger_noise(&crash->ledger, 0, NOISE_FIRST);
	crash_check(receiver_is_rung(crash), "a later ring is not heard");
	doorbell_drain(&crash->receiver, no_datagram, NULL);
	crash_check(doorbell_take(&crash->receiver, &cursor) == 0, "a later line is not marked");
	ledger_verify(&crash->ledger, true);
	return died;
}

/* ---- the reader: others write while it copies ---- */

static void hook_write(void *data)
{
	struct crash *crash = data;

	if (crash_random(8) == 0)
		room_log_reset(crash->shm, 0);
	for (unsigned i = crash_random(3 * sizes.room_lines); i > 0; i--)
		ledger_noise(&crash->ledger, 0, NOISE_FIRST + crash_random(NOISE_USERS));
}

static bool round_read(struct crash *crash, bool last_resort)
{
	static char out[ROOM_LOG_LINE_MAX + 1];
	struct shm *shm = crash->shm;
	uint64_t epoch = log_epoch(shm, 0), first = 1, head = 0;
	struct room_log_slice slice = {0};
	char start[100];

	for (uint32_t w = 0; w < WRITERS; w++) {
		for (unsigned i = 0; i < KINDS; i++)
			ledger_say(&crash->ledger, w);
	}
	ledger_verify(&crash->ledger, true);
	room_log_bounds(shm, 0, epoch, &first, &head);
	crash_hook(crash->point, hook_write, crash);
	if (!last_resort && head > first)
		first += crash_random((uint32_t)(head + 1 - first));
	switch (room_log_read(shm, 0, epoch, first, UINT64_MAX, out, ROOM_LOG_LINE_MAX, &slice)) {
	case ROOM_LOG_LINES:
		/* Not lapped: it is what stood there, so its first line has its number. */
		out[slice.len] = '\0';
		snprintf(start, sizeof(start),
			 "{\"type\":\"message\",\"room\":\"r0\",\"seq\":%" PRIu64 ",", slice.first);
		crash_check(strncmp(out, start, strlen(start)) == 0 && log_epoch(shm, 0) == epoch,
			    "torn: a lapped reader got %.60s for line %" PRIu64, out, slice.first);
		break;
	case ROOM_LOG_LAPPED:
		room_log_bounds(shm, 0, epoch, &slice.first, &head);
		crash_check(slice.first > first, "lapped by nobody");
		break;
	case ROOM_LOG_RESET:
		crash_check(log_epoch(shm, 0) != epoch, "reset by nobody");
		break;
	case ROOM_LOG_NONE:
		crash_check(false, "nothing to read");
		break;
	}
	crash_hook(NULL, NULL, NULL);
	slacken(crash, 0);
	ledger_verify(&crash->ledger, true);
	return true;
}

/* ---- all points ---- */

static const struct {
	const char *prefix;
	bool (*round)(struct crash *crash, bool last_resort);
} rounds[] = {
	/* The first that fits. */
	{"append_", round_write},        {"window_entry", round_write},
	{"window_entered", round_write}, {"window_last_id", round_write},
	{"window_closed", round_write},  {"window_", round_window},
	{"finish_", round_finish},       {"repair_", round_finish},
	{"reset_", round_reset},         {"bell_", round_bell},
	{"read_", round_read},
};

static void point_run(struct crash *crash, const char *point)
{
	unsigned wanted = crash_rounds(), hits = 0, misses = 0;
	size_t kind = 0;

	while (strncmp(point, rounds[kind].prefix, strlen(rounds[kind].prefix)) != 0)
		kind++;
	crash->point = point;
	while (hits < wanted && misses < TRIES_A_HIT) {
		crash_context(point, hits);
		if (rounds[kind].round(crash, misses > 3)) {
			hits++;
			misses = 0;
		} else {
			misses++;
		}
	}
	crash_check(hits == wanted, "reached %u times, not %u", hits, wanted);
}

static void crash_begin(struct crash *crash)
{
	static const char *const prefixes[] = {"append_", "window_", "finish_", "repair_",
					       "reset_",  "bell_",   "read_",   NULL};

	memset(crash, 0, sizeof(*crash));
	ledger_start(&crash->ledger, &sizes);
	crash->shm = &crash->ledger.fixture.shm;
	crash->receiver = *crash->shm;
	crash->receiver.slot = RECEIVER;
	for (uint32_t log = 0; log < ledger_logs(&crash->ledger); log++)
		room_log_subscribe(&crash->receiver, log);
	crash->point_count = crash_points(prefixes, crash->points, POINTS_MAX);
}

static void shard_run(unsigned shard, unsigned shards, const char *only)
{
	static struct crash crash;

	crash_seed(shard + 1);
	crash_begin(&crash);
	for (unsigned i = shard; i < crash.point_count; i += shards) {
		if (only == NULL || strcmp(only, crash.points[i]) == 0)
			point_run(&crash, crash.points[i]);
	}
	ledger_finish(&crash.ledger);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;
	pid_t pids[SHARDS];

	crash_start();
	for (unsigned shard = 0; shard < SHARDS; shard++) {
		pids[shard] = fork();
		if (pids[shard] == 0) {
			crash_die_with_parent();
			shard_run(shard, SHARDS, only);
			_exit(0);
		}
	}
	for (unsigned shard = 0; shard < SHARDS; shard++) {
		int status = -1;

		waitpid(pids[shard], &status, 0);
		crash_check(status == 0, "shard %u ended with status 0x%x", shard,
			    (unsigned)status);
	}
	return crash_report();
}
