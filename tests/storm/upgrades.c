/* The server becomes another binary (here: the same one) under load, again and again. */
#include "tests/storm/caller.h"
#include "tests/storm/parts.h"
#include "tests/storm/report.h"

#include "base/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/* What the contract gives it. */
#define UPGRADE_MS 10000u

static bool is_over(struct run *run)
{
	run->upgrades += journal_count(run->server.log, "\"event\":\"upgraded\"", &run->log_offset);
	return run->upgrades > 0;
}

/* False: not within its time. */
static bool upgrade(struct run *run, struct samples *took)
{
	uint64_t begin = clock_mono_us();

	run->upgrades = 0;
	server_signal(&run->server, SIGUSR2);
	if (!run_until(run, is_over, UPGRADE_MS))
		return false;
	samples_add(took, clock_mono_us() - begin);
	return true;
}

void part_upgrades(const struct plan *plan)
{
	unsigned failed_before = rows_failed(), done = 0;
	struct forecast forecast = {.kill_ms = 900, .hangup_ms = 1100, .cut_ms = 300};
	struct samples took = {0};
	struct journal journal = {0};
	struct caller caller;
	struct calls calls;
	struct run run;
	pid_t pid;

	printf("\nupgraded in place under load, %u times\n", plan->upgrades);
	if (!run_begin(&run, &plan->people)) {
		row(false, "start", "no");
		run_finish(&run, true);
		return;
	}
	pid = run.server.pid;
	caller_start(&caller, run.world.port);
	weather_begin(&run.weather, &forecast);
	for (; done < plan->upgrades; done++) {
		run_for(&run, plan->upgrade_gap_ms);
		if (!upgrade(&run, &took))
			break;
	}
	run_for(&run, plan->upgrade_gap_ms);
	calls = caller_stop(&caller);
	row(done == plan->upgrades, "upgrades", "%u of %u", done, plan->upgrades);
	row(kill(pid, 0) == 0, "the same process", "%d", (int)pid);
	row(calls.refused == 0 && calls.connected > 0, "connects refused",
	    "%" PRIu64 " of %" PRIu64, calls.refused, calls.connected + calls.refused);
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	printf("  meanwhile %u kills of workers, %u reloads, %u cuts\n", run.weather.kills,
	       run.weather.hangups, run.weather.cuts);
	judge(&run, plan->people.seed, &journal);
	row_times("an upgrade", &took, UPGRADE_MS, plan->judge_times);
	row_times("a client's outage: sent away", &run.world.outages[OUTAGE_SENT_AWAY], 1000,
		  plan->judge_times);
	samples_finish(&took);
	journal_finish(&journal);
	run_finish(&run, rows_failed() > failed_before);
	fflush(stdout);
}
