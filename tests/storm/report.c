#include "tests/storm/report.h"

#include "tests/storm/checker.h"
#include "tests/storm/faults.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned passed, failed;

void row(bool good, const char *promise, const char *fmt, ...)
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

void row_times(const char *promise, struct samples *samples, double goal_ms, bool judge)
{
	uint32_t p99 = samples_percentile(samples, 99);

	if (!judge)
		tell_times(promise, samples);
	else if (samples->count > 0)
		row(ms(p99) < goal_ms, promise,
		    "p50 %.1f ms, p99 %.1f ms, max %.1f ms (%zu; goal p99 < %.0f ms)",
		    ms(samples_percentile(samples, 50)), ms(p99), ms(samples_max(samples)),
		    samples->count, goal_ms);
}

void tell_times(const char *what, struct samples *samples)
{
	if (samples->count > 0)
		printf("       %-34s p50 %.1f ms, p99 %.1f ms, max %.1f ms (%zu)\n", what,
		       ms(samples_percentile(samples, 50)), ms(samples_percentile(samples, 99)),
		       ms(samples_max(samples)), samples->count);
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

void judge(struct run *run, uint64_t seed, struct journal *ret_journal)
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
	if (journal_read(run->server.log, &run->weather, ret_journal) < 0)
		row(false, "the server's log", "cannot be read");
	row(ret_journal->strange == 0, "deaths and errors of its own", "%u%s%s",
	    ret_journal->strange, ret_journal->strange > 0 ? ": first " : "",
	    ret_journal->first_strange);
	row(ret_journal->quarantined == 0, "logs that failed an audit", "%u",
	    ret_journal->quarantined);
	/*
	 * What is found in a broken history says nothing about the checker; and there has to be a
	 * place for each fault.
	 */
	if (verdict_faults(&verdict) > 0 || verdict.direct == 0)
		return;
	caught = faults_found(&world->history, seed, &kinds);
	row(caught == kinds, "seeded faults found", "%u of %u", caught, kinds);
}

unsigned rows_passed(void)
{
	return passed;
}

unsigned rows_failed(void)
{
	return failed;
}
