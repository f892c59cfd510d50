/*
 * A storm over a real server: what is promised in docs/reliability.md, tried.
 *
 *	storm BUILD [--seconds N] [--short] [--seed N] [--only storm|kills|stops|self]
 *
 * Prints a table and `N passed, N failed`; exits with 1 if anything failed.
 */
#include "tests/storm/checker.h"
#include "tests/storm/faults.h"
#include "tests/storm/journal.h"
#include "tests/storm/run.h"

#include "base/random.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan {
	struct run_options people;
	struct forecast forecast;
	unsigned seconds;
	unsigned kills, kill_gap_ms; /* of the master */
	unsigned stops, stop_gap_ms;
	unsigned slack; /* times are judged by so many times their goal: others build beside us */
	const char *only;
};

static unsigned passed, failed;

/* ---- the table -------------------------------------------------------------------------------- */

static void row(bool good, const char *promise, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void row(bool good, const char *promise, const char *fmt, ...)
{
	va_list args;

	printf("  %-4s %-34s ", good ? "ok" : "FAIL", promise);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	*(good ? &passed : &failed) += 1;
}

static double ms(uint64_t us)
{
	return (double)us / 1000;
}

static void row_times(const char *promise, struct samples *samples, double goal_ms,
		      const struct plan *plan)
{
	uint32_t p99 = samples_percentile(samples, 99);

	if (samples->count > 0)
		row(ms(p99) < goal_ms * plan->slack, promise,
		    "p50 %.1f ms, p99 %.1f ms, max %.1f ms (%zu; goal p99 < %.0f ms)",
		    ms(samples_percentile(samples, 50)), ms(p99), ms(samples_max(samples)),
		    samples->count, goal_ms);
}

static void rows_verdict(const struct verdict *verdict)
{
	for (unsigned i = 0; i < FAULTS; i++)
		row(verdict->faults[i] == 0, fault_name((enum fault)i), "%" PRIu64 "%s%s",
		    verdict->faults[i], verdict->faults[i] > 0 ? ": first " : "",
		    verdict->first[i]);
}

static void print_codes(const struct world *world)
{
	for (unsigned i = 0; i < CODES_MAX && world->codes[i].count > 0; i++)
		printf("%s %s %" PRIu64, i == 0 ? "  errors told:" : ",", world->codes[i].code,
		       world->codes[i].count);
	if (world->codes[0].count > 0)
		printf("\n");
}

/* Answers that say nothing about the weather, and so are faults. */
static uint64_t odd_codes(const struct world *world)
{
	static const char *const usual[] = {"busy", "unavailable", "rate_limited", "inbox_full",
					    "shutting_down"};
	uint64_t odd = 0;

	for (unsigned i = 0; i < CODES_MAX; i++) {
		bool known = false;

		for (unsigned k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
			known = known || strcmp(world->codes[i].code, usual[k]) == 0;
		odd += known ? 0 : world->codes[i].count;
	}
	return odd;
}

/* ---- what every run is judged by ------------------------------------------------------------------ */

static void judge(struct run *run, const struct plan *plan, struct journal *journal)
{
	struct world *world = &run->world;
	struct verdict verdict;
	unsigned kinds = 0, caught;

	history_check(&world->history, &verdict);
	printf("  %" PRIu64 " lines acknowledged (%" PRIu64 " direct sent, %" PRIu64
	       " oks again, %" PRIu64 " refused), %" PRIu64 " received, %" PRIu64 " gaps\n",
	       verdict.acknowledged, verdict.direct, verdict.answered_again, verdict.refused,
	       verdict.received, verdict.gaps);
	print_codes(world);
	rows_verdict(&verdict);
	row(odd_codes(world) == 0, "errors nobody expects", "%" PRIu64, odd_codes(world));
	if (journal_read(run->server.log, &run->weather, journal) < 0)
		row(false, "the server's log", "cannot be read");
	row(journal->strange == 0, "deaths and errors of its own", "%u%s%s", journal->strange,
	    journal->strange > 0 ? ": first " : "", journal->first_strange);
	row(journal->quarantined == 0, "logs that failed an audit", "%u", journal->quarantined);
	/* What is found in a broken history says nothing about the checker. */
	if (verdict_faults(&verdict) > 0)
		return;
	caught = faults_found(&world->history, plan->people.seed, &kinds);
	row(caught == kinds, "seeded faults found", "%u of %u", caught, kinds);
}

static void end(struct run *run, unsigned failed_before)
{
	run_finish(run, failed > failed_before);
	fflush(stdout);
}

/* ---- the three runs ----------------------------------------------------------------------------------- */

static void storm(const struct plan *plan)
{
	unsigned failed_before = failed;
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
	row(run_settle(&run), "everyone came to the end", " ");
	printf("  %u kills, %u short stops, %u hangs, %u reloads, %u cuts, %u sleepers\n",
	       weather->kills, weather->stops, weather->hangs, weather->hangups, weather->cuts,
	       weather->sleeps);
	judge(&run, plan, &journal);
	row_times("a client's outage: worker killed", &world->outages[OUTAGE_DIED], 1000, plan);
	row_times("a client's outage: connection cut", &world->outages[OUTAGE_CUT], 1000, plan);
	row_times("a client's outage: worker stopped", &world->outages[OUTAGE_STALLED], 5000, plan);
	row_times("answer to a line", &world->answers, 1000, plan);
	row_times("kill to respawn", &journal.respawns, 50, plan);
	if (weather->hangs > 0) {
		row_times("hang to respawn", &journal.hangs, 8000, plan);
		row(journal.hangs_left == 0, "hung workers left", "%u", journal.hangs_left);
	}
	journal_finish(&journal);
	end(&run, failed_before);
}

static void restarts(const struct plan *plan, bool stop)
{
	unsigned count = stop ? plan->stops : plan->kills;
	unsigned gap_ms = stop ? plan->stop_gap_ms : plan->kill_gap_ms;
	unsigned failed_before = failed, done = 0;
	struct forecast forecast = {.cut_ms = 200};
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
	row(done == count, stop ? "clean stops and starts" : "kills of the master", "%u of %u", done,
	    count);
	row(run_settle(&run), "everyone came to the end", " ");
	judge(&run, plan, &journal);
	if (stop)
		row(journal.loaded == count, "images loaded", "%u of %u", journal.loaded, count);
	else
		row(journal.attached == count, "segments taken over", "%u of %u", journal.attached,
		    count);
	row_times("down", &down, 1500, plan);
	samples_finish(&down);
	journal_finish(&journal);
	end(&run, failed_before);
}

static void self_test(const struct plan *plan)
{
	struct history history;
	struct verdict verdict;
	unsigned kinds = 0, caught;

	printf("\nthe checker, without a server\n");
	history_make(&history);
	history_check(&history, &verdict);
	row(verdict_faults(&verdict) == 0, "a faultless history has no fault", "%" PRIu64,
	    verdict_faults(&verdict));
	caught = faults_found(&history, plan->people.seed, &kinds);
	row(caught == kinds, "seeded faults found", "%u of %u", caught, kinds);
	history_finish(&history);
}

/* ---- the call ---------------------------------------------------------------------------------------------- */

static const struct plan long_plan = {
	.people = {.senders = 50, .receivers = 50, .mean_gap_ms = 150},
	.forecast = {.kill_ms = 200,
		     .stop_ms = 1700,
		     .hang_ms = 14000,
		     .hangup_ms = 1100,
		     .cut_ms = 90,
		     .sleep_ms = 3000},
	.seconds = 60,
	.kills = 12,
	.kill_gap_ms = 5000,
	.stops = 6,
	.stop_gap_ms = 4000,
	.slack = 1,
};

static const struct plan short_plan = {
	.people = {.senders = 20, .receivers = 20, .mean_gap_ms = 120},
	.forecast = {.kill_ms = 250, .stop_ms = 1300, .hangup_ms = 900, .cut_ms = 150},
	.seconds = 4,
	.kills = 2,
	.kill_gap_ms = 700,
	.stops = 1,
	.stop_gap_ms = 700,
	.slack = 10,
};

static int usage(void)
{
	fprintf(stderr, "usage: storm BUILD [--short] [--seconds N] [--seed N] "
			"[--only storm|kills|stops|self]\n");
	return 2;
}

static bool wanted(const struct plan *plan, const char *part)
{
	return plan->only == NULL || strcmp(plan->only, part) == 0;
}

int main(int argc, char **argv)
{
	struct plan plan = long_plan;
	uint64_t seed = random_below(1000000);
	unsigned seconds = 0;

	if (argc < 2)
		return usage();
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--short") == 0)
			plan = short_plan;
		else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
			seconds = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			plan.only = argv[++i];
		else
			return usage();
	}
	plan.people.build = argv[1];
	plan.people.seed = seed;
	plan.seconds = seconds > 0 ? seconds : plan.seconds;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %" PRIu64 "\n", seed);
	if (wanted(&plan, "self"))
		self_test(&plan);
	if (wanted(&plan, "storm"))
		storm(&plan);
	if (wanted(&plan, "kills"))
		restarts(&plan, false);
	if (wanted(&plan, "stops"))
		restarts(&plan, true);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 ? 1 : 0;
}
