/*
 * Masters are killed at every step of starting, of taking over what another one left, of
 * carrying it into other sizes, and of stopping; each $CRASH_ROUNDS (1000) times. The next
 * one finds every line, list and id that was ever told, under the same epochs, once.
 */
#include "tests/crash/harness.h"
#include "tests/shm_segment.h"

#include "shm/append.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS_MAX 64u
#define SHARDS 2u
#define TRIES_A_HIT 20u
#define LINES 3u /* that a master's worker appends in its life */

/* Shared with the masters. */
struct told {
	_Atomic uint64_t epoch;
	_Atomic uint64_t sent;     /* ids "1" .. were given to an append */
	_Atomic uint64_t answered; /* … and answered */
};

struct crash {
	struct segment_fixture fixture;
	struct told *told;
	unsigned size;
	bool stop;
};

static const uint32_t line_sizes[] = {64, 40, 200};

static void choose_size(struct crash *crash)
{
	if (crash_random(4) == 0)
		crash->size = crash_random(3);
	crash->fixture.params.sizes = segment_fixture_small;
	crash->fixture.params.sizes.room_lines = line_sizes[crash->size];
	crash->fixture.params.sizes.max_rooms = 4 + crash->size;
	crash->fixture.params.wait_ms = 5000;
}

static struct room_ref find_ops(struct shm *shm)
{
	struct room_ref ops = {.log = SHM_NONE};
	bool created;

	crash_check(room_make(shm, "ops", &ops, &created) == ROOM_OK, "no room ops");
	return ops;
}

/* Says id number n. A line that was said before is known, with its number. */
static void say(struct crash *crash, uint64_t n)
{
	static const char head[] = "{\"type\":\"message\",\"room\":\"", tail[] = ",\"id\":1}\n";
	struct shm *shm = &crash->fixture.shm;
	struct room_ref ops = find_ops(shm);
	uint32_t alice, window = SHM_NONE;
	struct append append;
	enum append_result result;
	char id[ID_SIZE];
	bool local;

	snprintf(id, sizeof(id), "%" PRIu64, n);
	crash_check(user_make(shm, "alice", &alice) == USER_OK &&
			    window_take(shm, alice, "phone", &window) == 0,
		    "no user or no window");
	append = (struct append){
		.head = head,
		.head_len = sizeof(head) - 1,
		.tail = tail,
		.tail_len = sizeof(tail) - 1,
		.sender = alice,
		.wall_ms = clock_wall_ms(),
		.window = window,
		.id = id,
		.id_hash = shm_hash(shm, id, strlen(id)),
		.content_hash = 1,
		.copies = 1,
		.copy = {{.log = ops.log, .epoch = ops.epoch}},
	};
	result = append_line(shm, &append, &local);
	crash_check(result == (n <= atomic_load(&crash->told->answered) ? APPEND_DUPLICATE
									: APPEND_OK) ||
			    n == atomic_load(&crash->told->sent),
		    "line %" PRIu64 " was answered with %d", n, (int)result);
	crash_check(append.copy[0].ret_seq == n, "line %" PRIu64 " has number %" PRIu64, n,
		    append.copy[0].ret_seq);
}

/* A life: start, some lines, then a clean stop or an end without one. */
static void act_master(void *data)
{
	struct crash *crash = data;
	struct told *told = crash->told;
	struct room_ref ops;
	uint32_t alice, session;

	if (segment_fixture_try(&crash->fixture) != 0) {
		crash_check(false, "a master doesn't start: %s", crash->fixture.error.data);
		_exit(0);
	}
	ops = find_ops(&crash->fixture.shm);
	if (user_make(&crash->fixture.shm, "alice", &alice) != USER_OK)
		_exit(1);
	member_join(&crash->fixture.shm, alice, ops, 0, 0);
	session_attach(&crash->fixture.shm, alice, "phone", 0, &session);
	if (atomic_load(&told->sent) > atomic_load(&told->answered))
		say(crash, atomic_load(&told->sent));
	for (unsigned i = 0; i < LINES; i++) {
		atomic_store(&told->answered, atomic_load(&told->sent));
		atomic_fetch_add(&told->sent, 1);
		say(crash, atomic_load(&told->sent));
	}
	atomic_store(&told->answered, atomic_load(&told->sent));
	if (crash->stop && segment_stop(&crash->fixture.shm, crash->fixture.state_dir) < 0)
		crash_check(false, "a master doesn't stop");
}

static void check_lines(struct crash *crash)
{
	struct shm *shm = &crash->fixture.shm;
	uint64_t sent = atomic_load(&crash->told->sent), answered;
	struct room_ref ops = find_ops(shm);
	struct buf why = BUF_INIT;
	uint64_t first, head = 0;
	uint32_t alice = SHM_NONE;
	int unsound = segment_is_consistent(shm, &why);

	crash_check(unsound == 0, "%s", why.data != NULL ? why.data : "");
	buf_finish(&why);
	if (atomic_load(&crash->told->epoch) == 0)
		atomic_store(&crash->told->epoch, ops.epoch);
	crash_check(ops.epoch == atomic_load(&crash->told->epoch), "the room has another epoch");
	crash_check(room_log_bounds(shm, ops.log, ops.epoch, &first, &head), "no room to look at");
	answered = atomic_load(&crash->told->answered);
	crash_check(head == answered || head == sent, "head %" PRIu64 " of %" PRIu64 " answered",
		    head, answered);
	if (answered == 0)
		return;
	crash_check(user_find(shm, "alice", &alice) == USER_OK && member_is(shm, alice, ops),
		    "alice isn't on the room's list");
	/* What was answered is known; a new life's first id is the next number. */
	for (uint64_t n = answered > 3 ? answered - 3 : 1; n <= answered; n++)
		say(crash, n);
}

static void run_point(struct crash *crash, const char *point)
{
	unsigned rounds = crash_rounds(), hits = 0;
	uint64_t tries = 0;

	while (hits < rounds && tries++ < (uint64_t)rounds * TRIES_A_HIT) {
		bool killed;

		crash_context(point, hits);
		choose_size(crash);
		crash->stop = crash_random(2) == 0;
		killed = crash_child(point, 1, act_master, crash);
		hits += killed;
		if (crash_random(2) == 0)
			continue; /* the next one meets what the dead one left, and may die of it,
				     too */
		if (segment_fixture_try(&crash->fixture) != 0) {
			crash_check(false, "it doesn't start any more: %s",
				    crash->fixture.error.data);
			continue;
		}
		check_lines(crash);
		segment_fixture_kill(&crash->fixture);
	}
	crash_check(hits >= rounds, "only %u deaths of %u there in %" PRIu64 " tries", hits, rounds,
		    tries);
}

static void prepare(struct crash *crash)
{
	crash->told = mmap(NULL, sizeof(*crash->told), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crash->told == MAP_FAILED)
		exit(1);
	segment_fixture_prepare(&crash->fixture, &segment_fixture_small);
}

int main(void)
{
	static const char *const areas[] = {"start_", NULL};
	const char *points[POINTS_MAX];
	struct crash crash[SHARDS] = {0};
	unsigned count;
	int failed = 0;

	/* Thousands of images are synced: no disk need hear of it. */
	setenv("TMPDIR", "/dev/shm", 0);
	crash_start();
	count = crash_points(areas, points, POINTS_MAX);
	printf("%u crash points of start and stop, %u deaths at each\n", count, crash_rounds());
	crash_check(count > 10, "only %u points: is this a build with -DCRASH_POINTS?", count);
	for (unsigned shard = 0; shard < SHARDS; shard++) {
		pid_t pid;

		prepare(&crash[shard]);
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			crash_die_with_parent();
			crash_seed(shard + 11);
			for (unsigned i = shard; i < count; i += SHARDS)
				run_point(&crash[shard], points[i]);
			exit(0);
		}
	}
	for (unsigned shard = 0; shard < SHARDS; shard++) {
		int status = 1;

		wait(&status);
		failed |= status;
	}
	/* Here and not in the parts: they may have ended at a failure. */
	for (unsigned shard = 0; shard < SHARDS; shard++)
		segment_fixture_finish(&crash[shard].fixture);
	crash_check(failed == 0, "a part of the test ended with 0x%x", (unsigned)failed);
	return crash_report();
}
