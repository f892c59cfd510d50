/* Workers that stand still: with a client's lines in their sockets, or with a lock in their hands. */
#include "tests/storm/parts.h"
#include "tests/storm/report.h"

#include "base/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define LATE_LINES 3u
#define FORGETTING_LINES 80u /* more than limits.dedupe */
#define AWAY_MS 4500u /* the watchdog takes 5 s */
#define BACK_MS 1000u
#define HUNG_TRIES 200u
#define HUNG_LOOK_MS 60u
#define HUNG_WATCH_MS 3000u
#define CALM_MS 1000u
#define WATCHDOG_MS 20000u

static void end(struct run *run, unsigned failed_before)
{
	run_finish(run, rows_failed() > failed_before);
	fflush(stdout);
}

/* ---- late ---------------------------------------------------------------------------------- */

/* False: this time it didn't come to it, for the client found no other worker soon enough. */
static bool be_late(struct run *run, struct program *program)
{
	uint64_t until;
	unsigned said = 0;
	pid_t pid = server_worker_of(&run->server, program->name);

	if (pid == 0 || program->state != PROGRAM_LIVE || program->unanswered_count > 0)
		return false;
	kill(pid, SIGSTOP);
	program_burst(program, LATE_LINES);
	program_cut(program, false, 0, false);
	until = clock_mono_us() + AWAY_MS * UINT64_C(1000);
	while (said < FORGETTING_LINES && clock_mono_us() < until) {
		uint32_t before = run->world.history.lines;

		run_for(run, 10);
		program_burst(program, UNANSWERED_MAX);
		said += run->world.history.lines - before;
	}
	kill(pid, SIGCONT);
	run_for(run, BACK_MS);
	return said >= FORGETTING_LINES;
}

void part_late(const struct plan *plan)
{
	unsigned failed_before = rows_failed(), times = 0;
	struct journal journal = {0};
	struct run_options people = plan->people;
	struct run run;

	printf("\na worker that slept finds lines that their sender has sent elsewhere, %u times\n",
	       plan->late);
	people.senders = people.receivers = 10;
	/* Whoever is tried on says nothing by itself. */
	people.mean_gap_ms = 1000000;
	if (!run_begin(&run, &people)) {
		row(false, "start", "no");
		end(&run, failed_before);
		return;
	}
	/* The last senders are the only ones of their users without a second device. */
	for (unsigned tries = 0; times < plan->late && tries < plan->late * 4; tries++)
		times += be_late(&run, &run.programs[3 + tries % 3]);
	row(times == plan->late, "late lines", "%u of %u", times, plan->late);
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	judge(&run, plan->people.seed, &journal);
	journal_finish(&journal);
	end(&run, failed_before);
}

/* ---- hung ------------------------------------------------------------------------------------- */

static void forget_samples(struct world *world)
{
	world->straight.count = 0;
	world->busy.count = 0;
}

/* Stops workers until one is caught with a lock: others are told `busy`. The pid, or 0. */
static pid_t catch_one(struct run *run)
{
	for (unsigned tries = 0; tries < HUNG_TRIES; tries++) {
		pid_t pids[CHILDREN_MAX];
		unsigned count = server_workers(&run->server, pids);
		pid_t pid = count > 0 ? pids[world_draw(&run->world, count)] : 0;

		if (pid == 0)
			continue;
		forget_samples(&run->world);
		kill(pid, SIGSTOP);
		run_for(run, HUNG_LOOK_MS);
		if (run->world.busy.count > 0)
			return pid;
		kill(pid, SIGCONT);
		run_for(run, HUNG_LOOK_MS / 4);
	}
	return 0;
}

static bool hanging_is_over(struct run *run)
{
	return run->weather.hanging == 0;
}

void part_hung(const struct plan *plan)
{
	unsigned failed_before = rows_failed();
	struct journal journal = {0};
	struct run_options people = plan->people;
	struct run run;
	uint64_t before, during;
	pid_t pid;

	printf("\na worker is stopped in the middle of an append\n");
	people.mean_gap_ms = 4;
	if (!run_begin(&run, &people)) {
		row(false, "start", "no");
		end(&run, failed_before);
		return;
	}
	run_for(&run, CALM_MS);
	forget_samples(&run.world);
	run_for(&run, HUNG_WATCH_MS);
	before = run.world.straight.count;
	tell_times("a line to its ok, before", &run.world.straight);
	pid = catch_one(&run);
	row(pid != 0, "caught with a lock", "pid %d", (int)pid);
	if (pid != 0) {
		weather_note_hang(&run.weather, pid);
		run_for(&run, HUNG_WATCH_MS - HUNG_LOOK_MS);
		during = run.world.straight.count;
		row_times("a line to `busy`", &run.world.busy, 20, plan->slack);
		row_times("a line to its ok, meanwhile", &run.world.straight, 20, plan->slack);
		printf("       %" PRIu64 " lines answered in %u ms before, %" PRIu64 " meanwhile\n",
		       before, HUNG_WATCH_MS, during);
	}
	/* Its lock comes free when the watchdog has killed it: that belongs to it. */
	row(run_until(&run, hanging_is_over, WATCHDOG_MS), "the watchdog", "killed it");
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	judge(&run, plan->people.seed, &journal);
	journal_finish(&journal);
	end(&run, failed_before);
}
