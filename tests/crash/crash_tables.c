/*
 * Workers are killed at every step of a change of the tables: rooms made and given back, users
 * made, emptied and passed on, joins and leaves, sessions and presence, bodies, addresses,
 * penalties, and what the janitor does; each $CRASH_ROUNDS (1000) times, now and then upon what
 * another left half done. Afterwards a janitor works once, and then nothing may be leaked, lost,
 * double or miscounted, and what a worker was told is so.
 */
#include "tests/crash/harness.h"
#include "tests/shm_segment.h"

#include "shm/janitor.h"
#include "shm/limit.h"
#include "shm/member.h"
#include "shm/penalty.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user_table.h"

#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS_MAX 128u
#define SHARDS 2u
#define USERS 5u
#define ROOMS 6u
#define STEPS 120u
#define SOURCES 14u /* of failed logins: more than there are places */
#define PENALTY_COST_MS 5000u
#define TRIES_A_HIT 60u /* a point that is met less often counts as never reached */
#define DAY_MS (24 * 3600 * INT64_C(1000))

static const struct penalty_rule penalty_rule = {.after = PENALTY_FAILURES_MAX, .max_ms = 60000};
static const char *const room_names[ROOMS] = {"lobby", "ops", "dev", "bots", "off", "quiet"};
static const char *const user_names[USERS] = {"alice", "bob", "carol", "dave", "erin"};

/* What workers were told, shared with them. A change under way is UNKNOWN until it is answered. */
enum fact { NO, YES, UNKNOWN };
struct told {
	_Atomic uint8_t member[USERS][ROOMS];
	_Atomic uint64_t serial[USERS]; /* 0: unknown */
};

struct crash {
	struct segment_fixture fixture;
	struct shm worker; /* slot 0: killed */
	struct shm heir;   /* slot 1: mends */
	struct janitor janitor;
	struct told *told;
	uint32_t seed;
	bool coaxing; /* the point is met rarely: all that leads there is laid out */
};

/* ---- what a worker does ---- */

struct hand {
	struct crash *crash;
	struct shm *shm;
	uint32_t session[16];
	unsigned sessions;
	uint32_t address;
};

static void tell_user(struct crash *crash, unsigned u, enum fact fact)
{
	for (unsigned r = 0; r < ROOMS; r++)
		atomic_store(&crash->told->member[u][r], fact);
}

static bool get_user(struct hand *hand, unsigned u, uint32_t *ret_user)
{
	return user_make(hand->shm, user_names[u], ret_user) == USER_OK;
}

static void do_join(struct hand *hand, unsigned u, unsigned r)
{
	_Atomic uint8_t *told = &hand->crash->told->member[u][r];
	enum member_result result;
	struct room_ref room;
	uint32_t user;
	bool created;

	if (!get_user(hand, u, &user) ||
	    room_make(hand->shm, room_names[r], &room, &created) != ROOM_OK)
		return;
	atomic_store(told, UNKNOWN);
	result = member_join(hand->shm, user, room, 0, 0);
	if (result == MEMBER_OK || result == MEMBER_ALREADY)
		atomic_store(told, YES);
}

static void do_leave(struct hand *hand, unsigned u, unsigned r)
{
	_Atomic uint8_t *told = &hand->crash->told->member[u][r];
	enum member_result result;
	struct room_ref room;
	uint32_t user;

	if (!get_user(hand, u, &user) || room_find(hand->shm, room_names[r], &room) != ROOM_OK)
		return;
	atomic_store(told, UNKNOWN);
	result = member_leave(hand->shm, user, room, true);
	if (result == MEMBER_OK || result == MEMBER_NOT)
		atomic_store(told, NO);
}

static void do_attach(struct hand *hand, unsigned u)
{
	static const char *const devices[] = {"phone", "laptop", "desk"};
	uint32_t user;

	if (hand->sessions == 16 || !get_user(hand, u, &user))
		return;
	if (session_attach(hand->shm, user, devices[crash_random(3)], 0,
			   &hand->session[hand->sessions]) == SESSION_OK)
		hand->sessions++;
}

static void do_detach(struct hand *hand)
{
	unsigned which;

	if (hand->sessions == 0)
		return;
	which = crash_random(hand->sessions);
	if (crash_random(2) == 0)
		session_lose(hand->shm, hand->session[which], 5000);
	else
		session_end(hand->shm, hand->session[which]);
	hand->session[which] = hand->session[--hand->sessions];
}

static void do_forget(struct hand *hand, unsigned u)
{
	struct told *told = hand->crash->told;
	enum user_result result;

	tell_user(hand->crash, u, UNKNOWN);
	atomic_store(&told->serial[u], 0);
	result = user_forget(hand->shm, user_names[u]);
	if (result == USER_OK || result == USER_NONE)
		tell_user(hand->crash, u, NO);
}

static void do_own(struct hand *hand, unsigned u)
{
	struct told *told = hand->crash->told;
	uint64_t serial = 1 + crash_random(3), was;
	uint32_t user;

	if (!get_user(hand, u, &user))
		return;
	was = atomic_load(&segment_user(hand->shm, user)->name_serial);
	if (was != 0 && was != serial)
		tell_user(hand->crash, u, UNKNOWN);
	atomic_store(&told->serial[u], 0);
	if (user_own(hand->shm, user, serial) != USER_OK)
		return;
	if (was != 0 && was != serial)
		tell_user(hand->crash, u, NO);
	atomic_store(&told->serial[u], serial);
}

static void do_read(struct hand *hand, unsigned u, unsigned r)
{
	struct room_ref room;
	uint32_t user;

	if (get_user(hand, u, &user) && room_find(hand->shm, room_names[r], &room) == ROOM_OK)
		member_raise_read(hand->shm, user, room, 3);
}

static void do_address(struct hand *hand)
{
	uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [15] = (uint8_t)crash_random(4)};

	limit_disconnect(hand->shm, hand->address, true);
	limit_connect(hand->shm, ip, 0, 0, &hand->address);
}

static const uint8_t *source_ip(unsigned source)
{
	static uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};

	ip[15] = (uint8_t)source;
	return ip;
}

/* More sources than places: those who fail push each other out. */
static void do_penalty(struct hand *hand)
{
	const uint8_t *ip = source_ip(crash_random(SOURCES));

	for (unsigned i = crash_random(12); i > 0; i--)
		penalty_add(hand->shm, ip, &penalty_rule, PENALTY_COST_MS, clock_mono_ms());
	if (crash_random(2) == 0)
		penalty_forgive(hand->shm, ip, clock_mono_ms());
}

static void do_janitor(struct hand *hand)
{
	struct janitor janitor = {0};
	struct janitor_report report;

	janitor_run(hand->shm, &janitor, &report);
}

static void one_step(struct hand *hand)
{
	unsigned u = crash_random(USERS), r = crash_random(ROOMS);
	uint32_t user;

	switch (crash_random(28)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
		do_join(hand, u, r);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		do_leave(hand, u, r);
		break;
	case 10:
	case 11:
	case 12:
		do_attach(hand, u);
		break;
	case 13:
	case 14:
		do_detach(hand);
		break;
	case 15:
		session_sweep(hand->shm, clock_mono_ms() + crash_random(2) * 60000, 5000);
		break;
	case 16:
		if (get_user(hand, u, &user))
			user_set_away(hand->shm, user, crash_random(2) ? "out" : NULL);
		break;
	case 17:
		do_forget(hand, u);
		break;
	case 18:
		do_own(hand, u);
		break;
	case 19:
		room_collect(hand->shm, clock_wall_ms() + 2 * DAY_MS, DAY_MS);
		break;
	case 20:
		if (get_user(hand, u, &user))
			user_make_inbox(hand->shm, user);
		break;
	case 21:
		do_janitor(hand);
		break;
	case 22:
	case 23:
	case 24:
		do_read(hand, u, r);
		break;
	case 25:
		do_address(hand);
		break;
	case 26:
	case 27:
		do_penalty(hand);
		break;
	}
}

static void act_work(void *data)
{
	struct crash *crash = data;
	struct hand hand = {.crash = crash, .shm = &crash->worker, .address = SHM_NONE};

	crash_seed(crash->seed);
	segment_enter_worker(hand.shm, 0);
	/* Who takes over from a dead janitor begins with what it left. */
	if (crash->coaxing || crash_random(2) == 0)
		do_janitor(&hand);
	for (unsigned i = 0; i < STEPS; i++)
		one_step(&hand);
}

/* ---- between the workers ---- */

/*
 * Nobody is at work: memory that was taken is given up, so that it is taken again, and work is
 * laid out for the next janitor. As no running server does it.
 */
static void lay_out(struct crash *crash)
{
	struct shm *shm = &crash->heir;

	for (uint32_t log = 0; log < shm->sizes->max_rooms + shm->sizes->max_users; log++) {
		struct log_head *head = segment_log(shm, log);
		bool inbox = log_is_inbox(shm, log);

		if (head->made == 0 || (!inbox && head->epoch != 0) || crash_random(2) == 0)
			continue;
		atomic_store(&head->made, 0);
		atomic_fetch_sub(
			inbox ? &shm->header->inbox_memory_used : &shm->header->room_memory_used,
			inbox ? shm->header->inbox_body_bytes : shm->header->room_body_bytes);
	}
	if (crash->coaxing || crash_random(2) == 0) {
		struct room_ref room;

		if (room_at(shm, crash_random(shm->sizes->max_rooms), &room))
			room_log_quarantine(shm, room.log);
	}
	if (crash->coaxing || crash_random(4) == 0)
		atomic_store(&shm->workers[2].needs_audit, clock_mono_ns());
}

/* What was told is so; what was under way when somebody died may be either, but is now. */
static void check_told(struct crash *crash)
{
	struct shm *shm = &crash->heir;

	for (unsigned u = 0; u < USERS; u++) {
		uint64_t serial = atomic_load(&crash->told->serial[u]);
		uint32_t user = SHM_NONE;

		user_find(shm, user_names[u], &user);
		if (serial != 0)
			crash_check(user != SHM_NONE &&
					    segment_user(shm, user)->name_serial == serial,
				    "%s belongs to another owner than was told", user_names[u]);
		for (unsigned r = 0; r < ROOMS; r++) {
			enum fact told = atomic_load(&crash->told->member[u][r]);
			struct room_ref room;
			enum fact is =
				user != SHM_NONE &&
						room_find(shm, room_names[r], &room) == ROOM_OK &&
						member_is(shm, user, room)
					? YES
					: NO;

			if (told != UNKNOWN)
				crash_check(told == is, "%s is%s on the list of %s", room_names[r],
					    is == YES ? "" : "n't", user_names[u]);
			atomic_store(&crash->told->member[u][r], is);
		}
	}
}

static void check_sound(struct crash *crash, const char *when)
{
	struct buf why = BUF_INIT;

	int unsound = segment_is_consistent(&crash->heir, &why);

	crash_check(unsound == 0, "%s: %s", when, why.data != NULL ? why.data : "");
	buf_finish(&why);
}

static void check_addresses(struct crash *crash)
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [15] = (uint8_t)i};
		uint32_t address;

		/* The dead worker's connections don't count. */
		crash_check(limit_connect(&crash->heir, ip, 1, 1, &address) == LIMIT_OK &&
				    address != SHM_NONE,
			    "a dead worker's connections still count");
		limit_disconnect(&crash->heir, address, true);
	}
}

/* Nobody pays for another one, and the lock of the dead one is had again. */
static void check_penalties(struct crash *crash)
{
	struct shm *shm = &crash->heir;
	uint64_t now = clock_mono_ms();

	for (uint32_t i = 0; i < shm->sizes->max_penalties; i++) {
		struct penalty *entry = &shm->penalties[i];
		unsigned failures = 0;

		for (unsigned n = 0; n < PENALTY_FAILURES_MAX; n++)
			failures += entry->failure_ms[n] != 0;
		crash_check(entry->source == 0 || entry->until_mono_ms == 0 ||
				    failures == PENALTY_FAILURES_MAX,
			    "a source waits after %u failures", failures);
		crash_check(entry->until_mono_ms <= now + penalty_rule.max_ms,
			    "a source waits for longer than the most");
		for (uint32_t n = 0; n < i; n++)
			crash_check(entry->source == 0 || shm->penalties[n].source != entry->source,
				    "a source stands in two places");
	}
	crash_check(penalty_wait_ms(shm, source_ip(SOURCES), now) == 0, "a stranger waits");
	for (unsigned i = 0; i < PENALTY_FAILURES_MAX; i++)
		penalty_add(shm, source_ip(SOURCES + 1), &penalty_rule, PENALTY_COST_MS, now);
	crash_check(penalty_wait_ms(shm, source_ip(SOURCES + 1), now) > 0,
		    "the table can't be written any more");
}

/* Time passes: whoever was lost is gone, and nothing of the sessions is left. */
static void check_all_leave(struct crash *crash)
{
	struct shm *shm = &crash->heir;
	unsigned left = 0, members = 0;

	session_sweep(shm, clock_mono_ms() + 3600000, 0);
	for (uint32_t s = 0; s < shm->header->session_slots; s++)
		left += shm->sessions[s].word != 0;
	for (uint32_t r = 0; r < shm->sizes->max_rooms; r++)
		members += shm->rooms[r].log.epoch != 0 ? shm->rooms[r].members : 0;
	crash_check(left == 0, "%u sessions are leaked", left);
	crash_check(members == 0, "%u members of rooms are present without a session", members);
	check_sound(crash, "after all left");
}

static void mend(struct crash *crash)
{
	struct janitor_report report;

	janitor_worker_died(&crash->heir, 0, false);
	crash_check(janitor_run(&crash->heir, &crash->janitor, &report), "the heir didn't work");
	check_sound(crash, "after the janitor");
	check_told(crash);
	check_addresses(crash);
	check_penalties(crash);
	if (crash_random(4) == 0)
		check_all_leave(crash);
}

/* Born, at work, and killed at `point`; true if it came there. */
static bool one_worker(struct crash *crash, const char *point)
{
	janitor_worker_born(&crash->worker, 0);
	crash->seed = crash_random(UINT32_MAX) + 1;
	return crash_child(point, crash->coaxing ? 1 : 1 + crash_random(2), act_work, crash);
}

/* Where the one before died: what is repaired somewhere was mostly left half done in the same area.
 */
static const char *other_point(const char *const *points, unsigned count, const char *point)
{
	size_t area = strcspn(point, "_") + 1;
	const char *other;

	do
		other = points[crash_random(count)];
	while (crash_random(4) != 0 && strncmp(other, point, area) != 0);
	return other;
}

static void test_point(struct crash *crash, const char *const *points, unsigned count,
		       const char *point)
{
	unsigned rounds = crash_rounds(), hits = 0;
	uint64_t tries = 0;

	while (hits < rounds && tries++ < (uint64_t)rounds * TRIES_A_HIT) {
		crash_context(point, hits);
		crash->coaxing = tries > 3 * (uint64_t)hits + 10;
		lay_out(crash);
		/* Now and then upon what another one left, and nobody mended. */
		if (crash->coaxing || crash_random(3) == 0) {
			one_worker(crash, other_point(points, count, point));
			janitor_worker_died(&crash->heir, 0, false);
		}
		hits += one_worker(crash, point);
		mend(crash);
	}
	crash_check(hits >= rounds, "only %u deaths of %u there in %" PRIu64 " tries", hits, rounds,
		    tries);
}

static void run_shard(const char *const *points, unsigned count, unsigned shard)
{
	struct segment_sizes sizes = segment_fixture_small;
	struct crash crash = {0};

	sizes.rooms_per_user = ROOMS;
	sizes.max_rooms = ROOMS;
	crash_seed(shard + 7);
	crash.told = mmap(NULL, sizeof(*crash.told), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crash.told == MAP_FAILED)
		exit(1);
	segment_fixture_start(&crash.fixture, &sizes);
	segment_fixture_unlink(&crash.fixture);
	crash.worker = crash.fixture.shm;
	crash.heir = as_worker(&crash.fixture, 1);
	for (unsigned i = shard; i < count; i += SHARDS)
		test_point(&crash, points, count, points[i]);
	segment_fixture_finish(&crash.fixture);
}

int main(void)
{
	static const char *const areas[] = {"room_",    "user_",    "member_",
					    "session_", "limit_",   "penalty_",
					    "janitor_", "segment_", NULL};
	const char *points[POINTS_MAX];
	unsigned count;
	int failed = 0;

	crash_start();
	count = crash_points(areas, points, POINTS_MAX);
	printf("%u crash points of the tables, %u deaths at each\n", count, crash_rounds());
	crash_check(count > 50, "only %u points: is this a build with -DCRASH_POINTS?", count);
	for (unsigned shard = 0; shard < SHARDS; shard++) {
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			crash_die_with_parent();
			run_shard(points, count, shard);
			exit(0);
		}
	}
	for (unsigned shard = 0; shard < SHARDS; shard++) {
		int status = 1;

		wait(&status);
		failed |= status;
	}
	crash_check(failed == 0, "a part of the test ended with 0x%x", (unsigned)failed);
	return crash_report();
}
