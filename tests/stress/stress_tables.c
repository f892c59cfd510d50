/*
 * Threads as processes on the tables: workers that join, leave, come and go, make rooms and
 * forget users, one that gives rooms back all the time, a janitor, and readers that take no
 * lock; for ThreadSanitizer, and without it for speed. Each worker checks what it was told;
 * readers check that a name belongs to what it stands with. In the end everyone leaves, and
 * nothing may be left or miscounted. Closing line: "N passed, N failed".
 *
 *	stress_tables      $STRESS_MS (3000)
 */
#include "tests/shm_segment.h"

#include "shm/janitor.h"
#include "shm/limit.h"
#include "shm/lock.h"
#include "shm/member.h"
#include "shm/session.h"
#include "shm/user.h"

#include "base/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 4u
#define ROOMS 4u
#define FAILURES_MAX 20
#define DAY_MS (24 * 3600 * INT64_C(1000))

static const char *const room_names[ROOMS] = {"lobby", "ops", "a-room-with-a-long-name", "x"};
/* One of each worker's own, and two of everybody. */
static const char *const user_names[WORKERS + 2] = {"alice", "bob",   "carol",
						    "dave",  "guest", "somebody-with-a-long-name"};

static struct {
	struct segment_fixture fixture;
	_Atomic bool stop;
	_Atomic uint64_t passed, failed, joins, made, collected, busy, scans;
} stress;

static void check(bool passed, const char *what)
{
	if (passed)
		atomic_fetch_add_explicit(&stress.passed, 1, memory_order_relaxed);
	else if (atomic_fetch_add(&stress.failed, 1) < FAILURES_MAX)
		printf("FAILED: %s\n", what);
}

static uint32_t pick(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state % below);
}

/* ---- workers ---- */

/* Its own user's memberships are its alone to change, so it knows them. */
static void join_and_look(struct shm *shm, uint32_t user, const char *name)
{
	enum member_result result;
	struct room_ref room;
	bool created;

	if (room_make(shm, name, &room, &created) != ROOM_OK)
		return;
	atomic_fetch_add_explicit(&stress.made, created, memory_order_relaxed);
	result = member_join(shm, user, room, 0, 0);
	if (result == MEMBER_BUSY || result == MEMBER_STALE) {
		atomic_fetch_add_explicit(&stress.busy, 1, memory_order_relaxed);
		return;
	}
	check(result == MEMBER_OK || result == MEMBER_ALREADY, "a join has a strange result");
	/* It stands on a list now, so nobody gives it back. */
	check(member_is(shm, user, room), "joined and no member");
	atomic_fetch_add_explicit(&stress.joins, 1, memory_order_relaxed);
}

static void leave(struct shm *shm, uint32_t user, const char *name)
{
	struct room_ref room;
	enum member_result result;

	if (room_find(shm, name, &room) != ROOM_OK)
		return;
	result = member_leave(shm, user, room, true);
	if (result == MEMBER_OK || result == MEMBER_NOT)
		check(!member_is(shm, user, room), "left and still a member");
}

static void shared_user(struct shm *shm, uint64_t *state)
{
	const char *name = user_names[WORKERS + pick(state, 2)];
	struct room_ref room;
	uint32_t user;

	if (pick(state, 8) == 0) {
		user_forget(shm, name);
		return;
	}
	if (user_make(shm, name, &user) != USER_OK)
		return;
	user_own(shm, user, 1 + pick(state, 2));
	user_set_away(shm, user, pick(state, 2) ? "elsewhere, for a while" : NULL);
	if (room_find(shm, room_names[pick(state, ROOMS)], &room) == ROOM_OK)
		member_join(shm, user, room, 0, 0);
}

static void *work(void *data)
{
	unsigned slot = (unsigned)(uintptr_t)data;
	struct shm shm = as_worker(&stress.fixture, slot);
	uint64_t state = 88172645463325252u + slot;
	struct janitor janitor = {0};
	struct janitor_report report;
	uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [15] = (uint8_t)(slot % 2)};
	uint32_t user, session, address;

	while (!atomic_load_explicit(&stress.stop, memory_order_relaxed)) {
		const char *room = room_names[pick(&state, ROOMS)];

		if (user_make(&shm, user_names[slot], &user) != USER_OK)
			continue;
		limit_connect(&shm, ip, 0, 0, &address);
		if (session_attach(&shm, user, "phone", 0, &session) == SESSION_OK) {
			join_and_look(&shm, user, room);
			if (pick(&state, 2))
				leave(&shm, user, room);
			if (pick(&state, 2))
				session_end(&shm, session);
			else
				session_lose(&shm, session, 0);
		}
		limit_disconnect(&shm, address, true);
		shared_user(&shm, &state);
		if (pick(&state, 16) == 0)
			atomic_fetch_add(&stress.collected,
					 room_collect(&shm, clock_wall_ms() + 2 * DAY_MS, DAY_MS));
		if (pick(&state, 16) == 0)
			janitor_run(&shm, &janitor, &report);
	}
	return NULL;
}

/* ---- readers ---- */

static bool is_one_of(const char *name, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static void found(void *data, unsigned room, uint32_t user)
{
	const struct shm *shm = data;

	check(room < ROOMS && user < shm->sizes->max_users, "a scan found nonsense");
}

static void *look(void *data)
{
	struct shm shm = as_worker(&stress.fixture, WORKERS);

	(void)data;
	while (!atomic_load_explicit(&stress.stop, memory_order_relaxed)) {
		struct room_ref rooms[ROOMS] = {{.log = 0}};
		char name[NAME_SIZE], away[AWAY_SIZE];

		for (unsigned i = 0; i < ROOMS; i++) {
			struct room_info info;

			if (room_find(&shm, room_names[i], &rooms[i]) == ROOM_OK &&
			    room_info(&shm, rooms[i], &info))
				check(strcmp(info.name, room_names[i]) == 0,
				      "a room under another's name");
		}
		for (uint32_t u = 0; u < shm.sizes->max_users; u++) {
			if (!user_name(&shm, u, name))
				continue;
			check(is_one_of(name, user_names, WORKERS + 2), "a name of nobody");
			check(user_connections(&shm, u) <= 1, "more connections than there are");
			if (user_away(&shm, u, away))
				check(away[0] == '\0' ||
					      strcmp(away, "elsewhere, for a while") == 0,
				      "torn words");
		}
		member_scan(&shm, rooms, ROOMS, found, &shm);
		atomic_fetch_add_explicit(&stress.scans, 1, memory_order_relaxed);
	}
	return NULL;
}

/* ---- the end ---- */

static void check_end(void)
{
	struct shm *shm = &stress.fixture.shm;
	struct janitor janitor = {0};
	struct janitor_report report;
	struct buf why = BUF_INIT;
	uint32_t left = 0;

	/* Locks that were waited for in vain are cool again after a while. */
	usleep(2 * LOCK_HOT_MS * 1000);
	segment_enter_worker(shm, 0);
	janitor_run(shm, &janitor, &report);
	session_sweep(shm, clock_mono_ms() + 60000, 0);
	janitor_run(shm, &janitor, &report);
	for (uint32_t s = 0; s < shm->header->session_slots; s++)
		left += shm->sessions[s].word != 0;
	check(left == 0, "sessions are left");
	left = (uint32_t)-segment_is_consistent(shm, &why);
	check(left == 0, why.data);
	buf_finish(&why);
}

int main(void)
{
	const char *ms = getenv("STRESS_MS");
	struct segment_sizes sizes = segment_fixture_small;
	pthread_t threads[WORKERS + 1];

	sizes.max_rooms = ROOMS + 1;
	segment_fixture_start(&stress.fixture, &sizes);
	segment_fixture_unlink(&stress.fixture);
	for (unsigned slot = 2; slot <= WORKERS; slot++)
		janitor_worker_born(&stress.fixture.shm, slot);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i);
	pthread_create(&threads[WORKERS], NULL, look, NULL);
	usleep((useconds_t)(ms != NULL ? atoi(ms) : 3000) * 1000);
	atomic_store(&stress.stop, true);
	for (unsigned i = 0; i <= WORKERS; i++)
		pthread_join(threads[i], NULL);
	check_end();
	check(stress.joins > 0 && stress.made > 0 && stress.collected > 0 && stress.scans > 0,
	      "something was never met");
	printf("%" PRIu64 " joins, %" PRIu64 " rooms made, %" PRIu64 " given back, %" PRIu64
	       " looks, %" PRIu64 " to do again\n",
	       stress.joins, stress.made, stress.collected, stress.scans, stress.busy);
	segment_fixture_finish(&stress.fixture);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", stress.passed, stress.failed);
	return stress.failed == 0 ? 0 : 1;
}
