/* Workers that stand still: with a client's lines in their sockets, or with a lock in their hands.
 */
#include "tests/storm/holder.h"
#include "tests/storm/parts.h"
#include "tests/storm/report.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>

#define LATE_LINES 3u
#define FORGETTING_LINES 80u /* more than limits.dedupe */
#define AWAY_MS 4500u        /* the watchdog takes 5 s */
#define BACK_MS 1000u
#define CATCH_MS 30000u
#define STOPS_A_BURST 40u
#define STOP_US 60u
#define HUNG_GLANCE_MS 5u
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
	/* These are the only devices of their users. */
	for (unsigned tries = 0; times < plan->late && tries < plan->late * 4; tries++)
		times += be_late(&run, &run.programs[3 + tries % 3]);
	row(times == plan->late, "late lines", "%u of %u", times, plan->late);
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	judge(&run, plan->people.seed, &journal);
	journal_finish(&journal);
	end(&run, failed_before);
}

/* ---- hung -------------------------------------------------------------------------------------
 */

static void forget_samples(struct world *world)
{
	world->straight.count = 0;
	world->busy.count = 0;
}

static void spin(uint64_t us)
{
	uint64_t until = clock_mono_us() + us;

	while (clock_mono_us() < until)
		continue;
}

/* So much at once that every worker is at it for milliseconds. */
static void everyone_talks(struct run *run)
{
	for (unsigned i = 0; i < run->program_count; i++)
		program_burst(&run->programs[i], UNANSWERED_MAX);
}

/* Stops a worker for a moment; leaves it stopped if it holds a room's lock. */
static bool stop_holding(const struct holder *holder, pid_t pid)
{
	kill(pid, SIGSTOP);
	spin(STOP_US);
	if (holder_is(holder, pid)) {
		/* The signal may have been under way. */
		spin(10 * STOP_US);
		if (holder_is(holder, pid))
			return true;
	}
	kill(pid, SIGCONT);
	return false;
}

/* Looks for so long: a worker that holds a room's lock, or 0. */
static pid_t watch_holders(const struct holder *holder, const pid_t pids[], unsigned count,
			   uint64_t us)
{
	uint64_t until = clock_mono_us() + us;

	do {
		for (unsigned i = 0; i < count; i++) {
			if (holder_is(holder, pids[i]))
				return pids[i];
		}
	} while (clock_mono_us() < until);
	return 0;
}

/* The pid of a worker that is stopped with a room's lock, or 0. */
static pid_t catch_one(struct run *run)
{
	uint64_t until = clock_mono_us() + CATCH_MS * UINT64_C(1000);
	struct holder holder;
	pid_t caught = 0;

	if (!holder_open(&holder, run->server.shm))
		return 0;
	while (caught == 0 && clock_mono_us() < until) {
		pid_t pids[CHILDREN_MAX];
		unsigned count = server_workers(&run->server, pids);

		everyone_talks(run);
		for (unsigned i = 0; caught == 0 && i < STOPS_A_BURST && count > 0; i++) {
			pid_t pid = pids[world_draw(&run->world, count)];
			pid_t seen = watch_holders(&holder, pids, count,
						   world_draw(&run->world, STOP_US));

			/* On a busy machine one may have lost the processor with the lock. */
			if (seen != 0)
				pid = seen;
			if (stop_holding(&holder, pid))
				caught = pid;
		}
		if (caught == 0)
			run_for(run, HUNG_GLANCE_MS);
	}
	holder_close(&holder);
	return caught;
}

static bool hanging_is_over(struct run *run)
{
	return run->weather.hanging == 0;
}

/* Lines a program had answered in a while. */
struct rate {
	unsigned before[USERS_MAX], during[USERS_MAX];
};

static void watch(struct run *run, unsigned answered[USERS_MAX])
{
	forget_samples(&run->world);
	for (unsigned i = 0; i < run->program_count; i++)
		run->programs[i].answered = run->programs[i].refusals = run->programs[i].losses = 0;
	run_for(run, HUNG_WATCH_MS);
	for (unsigned i = 0; i < run->program_count; i++)
		answered[i] = run->programs[i].answered;
}

/* Those that neither talk to the locked room nor sit on the stopped worker notice nothing. */
static void judge_others(struct run *run, const struct rate *rate)
{
	unsigned before = 0, during = 0, others = 0;

	for (unsigned i = 0; i < run->program_count; i++) {
		const struct program *program = &run->programs[i];

		if (!program->sends || program->refusals > 0 || program->losses > 0 ||
		    program->state != PROGRAM_LIVE)
			continue;
		others++;
		before += rate->before[i];
		during += rate->during[i];
	}
	/* Chance and other programs on the machine move it, too. */
	row(others > 0 && during * 10 >= before * 7, "others' lines answered",
	    "%u senders: %u in %u ms before, %u meanwhile", others, before, HUNG_WATCH_MS, during);
}

static void hold_one(struct run *run, struct rate *rate, bool judge_times)
{
	pid_t pid;

	run_for(run, CALM_MS);
	watch(run, rate->before);
	tell_times("a line to its ok, before", &run->world.straight);
	pid = catch_one(run);
	row(pid != 0, "a worker caught with a lock", "pid %d", (int)pid);
	if (pid == 0)
		return;
	weather_note_hang(&run->weather, pid);
	watch(run, rate->during);
	row_times("a line to `busy`", &run->world.busy, 20, judge_times);
	row_times("a line to its ok, meanwhile", &run->world.straight, 20, judge_times);
	judge_others(run, rate);
	/* Its lock comes free when the watchdog has killed it: that belongs to it. */
	row(run_until(run, hanging_is_over, WATCHDOG_MS), "the watchdog", "killed it");
}

void part_hung(const struct plan *plan)
{
	unsigned failed_before = rows_failed();
	struct journal journal = {0};
	struct run_options people = plan->people;
	struct rate rate = {.before = {0}};
	struct run run;

	printf("\na worker is stopped in the middle of an append\n");
	people.senders = 24;
	people.receivers = 8;
	people.mean_gap_ms = 5;
	people.direct_percent = 0;
	if (!run_begin(&run, &people)) {
		row(false, "start", "no");
		end(&run, failed_before);
		return;
	}
	hold_one(&run, &rate, plan->judge_times);
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	judge(&run, plan->people.seed, &journal);
	row_times("hang to respawn", &journal.hangs, 8000, plan->judge_times);
	journal_finish(&journal);
	end(&run, failed_before);
}
