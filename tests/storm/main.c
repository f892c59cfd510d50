/*
 * A storm over a real server: what is promised in docs/reliability.md, tried.
 *
 *	storm BUILD [--seconds N] [--short] [--seed N] [--only
 *self|storm|kills|stops|upgrades|late|hung]
 *
 * Prints a table and `N passed, N failed`; exits with 1 if anything failed.
 */
#include "tests/storm/checker.h"
#include "tests/storm/faults.h"
#include "tests/storm/made.h"
#include "tests/storm/parts.h"
#include "tests/storm/report.h"

#include "base/random.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- the call
 * ---------------------------------------------------------------------------------------------- */

static const struct plan long_plan = {
	.people = {.senders = 50, .receivers = 50, .mean_gap_ms = 150, .direct_percent = 15},
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
	.upgrades = 20,
	.upgrade_gap_ms = 1500,
	.late = 8,
	.hung = true,
	.judge_times = true,
};

static const struct plan short_plan = {
	.people = {.senders = 20, .receivers = 20, .mean_gap_ms = 120, .direct_percent = 15},
	.forecast = {.kill_ms = 250, .stop_ms = 1300, .hangup_ms = 900, .cut_ms = 150},
	.seconds = 4,
	.kills = 2,
	.kill_gap_ms = 700,
	.stops = 1,
	.stop_gap_ms = 700,
	.upgrades = 3,
	.upgrade_gap_ms = 300,
	.late = 1,
	.judge_times = false,
};

static int usage(void)
{
	fprintf(stderr, "usage: storm BUILD [--short] [--seconds N] [--seed N] "
			"[--only self|storm|kills|stops|upgrades|late|hung]\n");
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
	const char *only = NULL;
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
			only = argv[++i];
		else
			return usage();
	}
	plan.only = only;
	plan.people.build = argv[1];
	plan.people.seed = seed;
	plan.seconds = seconds > 0 ? seconds : plan.seconds;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %" PRIu64 "\n", seed);
	if (wanted(&plan, "self"))
		self_test(&plan);
	if (wanted(&plan, "storm"))
		part_storm(&plan);
	if (wanted(&plan, "kills"))
		part_restarts(&plan, false);
	if (wanted(&plan, "stops"))
		part_restarts(&plan, true);
	if (wanted(&plan, "upgrades"))
		part_upgrades(&plan);
	if (wanted(&plan, "late"))
		part_late(&plan);
	if (plan.hung && wanted(&plan, "hung"))
		part_hung(&plan);
	printf("%u passed, %u failed\n", rows_passed(), rows_failed());
	return rows_failed() > 0 ? 1 : 0;
}
