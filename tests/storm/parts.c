#include "tests/storm/parts.h"

#include "tests/storm/report.h"

#include <stdio.h>

static void end(struct run *run, unsigned failed_before)
{
	run_finish(run, rows_failed() > failed_before);
	fflush(stdout);
}

void part_storm(const struct plan *plan)
{
	unsigned failed_before = rows_failed();
	struct journal journal = {0};
	struct run run;
	struct weather *weather = &run.weather;
	struct world *world = &run.world;

	printf("\nstorm: %u s, %u senders, %u receivers, %u workers\n", plan->seconds,
	       plan->people.senders, plan->people.receivers, SERVER_WORKERS);
	if (!run_begin(&run, &plan->people)) {
		row(false, "start", "no");
		end(&run, failed_before);
		return;
	}
	weather_begin(weather, &plan->forecast);
	run_for(&run, plan->seconds * 1000);
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	printf("  %u kills, %u short stops, %u hangs, %u reloads, %u cuts, %u sleepers\n",
	       weather->kills, weather->stops, weather->hangs, weather->hangups, weather->cuts,
	       weather->sleeps);
	judge(&run, plan->people.seed, &journal);
	row_times("a client's outage: worker killed", &world->outages[OUTAGE_DIED], 1000,
		  plan->judge_times);
	row_times("a client's outage: connection cut", &world->outages[OUTAGE_CUT], 1000,
		  plan->judge_times);
	row_times("a client's outage: worker stopped", &world->outages[OUTAGE_STALLED], 5000,
		  plan->judge_times);
	tell_times("from a line to its ok", &world->answers);
	row_times("kill to respawn", &journal.respawns, 50, plan->judge_times);
	if (weather->hangs > 0) {
		row_times("hang to respawn", &journal.hangs, 8000, plan->judge_times);
		row(journal.hangs_left == 0, "hung workers left", "%u", journal.hangs_left);
	}
	journal_finish(&journal);
	end(&run, failed_before);
}

void part_restarts(const struct plan *plan, bool stop)
{
	unsigned count = stop ? plan->stops : plan->kills;
	unsigned gap_ms = stop ? plan->stop_gap_ms : plan->kill_gap_ms;
	unsigned failed_before = rows_failed(), done = 0;
	struct forecast forecast = {.kill_ms = 500, .cut_ms = 200};
	struct samples down = {0};
	struct journal journal = {0};
	struct run run;

	printf("\nthe master %s under load, %u times, every %.1f s\n",
	       stop ? "stopped and started" : "killed", count, gap_ms / 1000.0);
	if (!run_begin(&run, &plan->people)) {
		row(false, "start", "no");
		end(&run, failed_before);
		return;
	}
	weather_begin(&run.weather, &forecast);
	for (uint64_t down_us; done < count; done++) {
		run_for(&run, gap_ms);
		if (!run_restart(&run, stop, &down_us))
			break;
		samples_add(&down, down_us);
	}
	run_for(&run, gap_ms / 2);
	row(done == count, stop ? "clean stops and starts" : "kills of the master", "%u of %u",
	    done, count);
	row(run_settle(&run), "everyone came to the end", "%u programs", run.program_count);
	judge(&run, plan->people.seed, &journal);
	if (stop)
		row(journal.loaded == count, "images loaded", "%u of %u", journal.loaded, count);
	else
		row(journal.attached == count, "segments taken over", "%u of %u", journal.attached,
		    count);
	row_times("down", &down, 1500, plan->judge_times);
	samples_finish(&down);
	journal_finish(&journal);
	end(&run, failed_before);
}
