/*
 * Writers die all the time and side by side, at any point of an append, of what it leaves to
 * others, and of their mending, while a reader follows: what no one at a time can meet.
 */
#include "tests/crash/harness.h"
#include "tests/crash/ledger.h"

#include "shm/lock.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS_MAX 128u
#define MESSAGES_MAX 300u /* of a writer that never meets its point */
#define AHEAD_MAX 8u
#define PASSES_MAX 40u

static const struct segment_sizes sizes = {
	.max_users = WRITERS + 1 + NOISE_USERS,
	.max_devices = 8,
	.max_connections = 8,
	.max_rooms = 2,
	.rooms_per_user = 4,
	.room_lines = 64,
	.inbox_lines = 32,
	.room_bytes = 16384,
	.inbox_bytes = 16384,
};

static struct {
	struct ledger ledger;
	const char *points[POINTS_MAX];
	unsigned point_count;
	pid_t pids[WRITERS];
} storm;

static void writer_live(uint32_t w)
{
	struct ledger_shared *shared = storm.ledger.shared;

	for (unsigned i = 0; i < MESSAGES_MAX && atomic_load(&shared->stop) == 0;) {
		/* Sent copies count as read: not so far ahead that they go before they were seen.
		 */
		if (atomic_load(&shared->writer[w].sent) <
			    atomic_load(&shared->writer[w].seen) + AHEAD_MAX &&
		    ledger_say(&storm.ledger, w))
			i++;
		else
			sched_yield();
	}
}

static void writer_start(uint32_t w)
{
	const char *point = storm.points[crash_random(storm.point_count)];
	unsigned pass = 1 + crash_random(PASSES_MAX);

	fflush(NULL);
	storm.pids[w] = fork();
	if (storm.pids[w] == 0) {
		crash_die_with_parent();
		crash_arm(point, pass);
		writer_live(w);
		_exit(0);
	}
}

/* 1: it was killed; it lives again. */
static unsigned writer_look(uint32_t w)
{
	int status;

	if (waitpid(storm.pids[w], &status, WNOHANG) != storm.pids[w])
		return 0;
	crash_check(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
		    "writer %u ended with status 0x%x", w, (unsigned)status);
	writer_start(w);
	return status != 0;
}

int main(void)
{
	static const char *const prefixes[] = {"append_", "window_e", "window_l", "window_cl",
					       "finish_", "repair_",  "bell_",    NULL};
	unsigned kills = 2 * crash_rounds();
	struct ledger *ledger = &storm.ledger;

	crash_start();
	ledger_start(ledger, &sizes);
	storm.point_count = crash_points(prefixes, storm.points, POINTS_MAX);
	for (uint32_t w = 0; w < WRITERS; w++)
		writer_start(w);
	for (unsigned killed = 0; killed < kills;) {
		for (uint32_t w = 0; w < WRITERS; w++)
			killed += writer_look(w);
		crash_context("kill", killed);
		ledger_verify(ledger, false);
	}
	atomic_store(&ledger->shared->stop, 1);
	for (uint32_t w = 0; w < WRITERS; w++)
		waitpid(storm.pids[w], NULL, 0);
	atomic_store(&ledger->shared->stop, 0);
	ledger_verify(ledger, false);
	for (uint32_t w = 0; w < WRITERS; w++)
		ledger_settle(ledger, w, atomic_load(&ledger->shared->writer[w].sent) + 1);
	ledger_finish(ledger);
	return crash_report();
}
