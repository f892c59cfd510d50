/*
 * make bench: our server beside the yardstick (floor.c), in one run, in interleaved rounds;
 * medians of the rounds. Server on CPU 0, this generator on CPU 1.
 *
 *	bench BUILD [--quick] [--results FILE --commit NAME] [W1 W2 ...]
 *
 * Each delivery is checked; a run with a lost, doubled or reordered line says so and fails.
 */
#include "bench/idle.h"
#include "bench/load.h"
#include "bench/report.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ROUNDS_MAX 9
#define TRIES 3

static struct options {
	const char *build, *results, *commit;
	const char *wanted[16];
	unsigned wanted_count;
	unsigned rounds;
	bool quick;
} options = {.rounds = 5};
/* As long as our lines on the wire, once we have seen one. */
static unsigned frame_bytes = 258;

static struct figures run(const struct load *load, enum kind kind)
{
	struct figures figures;

	/* A floor cuts whoever doesn't keep up: then it had less to do, and the round is nothing.
	 */
	for (int i = 0; i < TRIES; i++) {
		figures = load_run(load, kind, options.build, frame_bytes);
		report_bad(figures.bad);
		if (figures.cut == 0)
			break;
		report_invalid();
	}
	if (kind == CHAT)
		frame_bytes = (unsigned)figures.line_bytes;
	return figures;
}

/* W1, W2, W3. */
static void against_floor(const struct load *load)
{
	double ratio[ROUNDS_MAX], floor_us[ROUNDS_MAX], chat_us[ROUNDS_MAX], lines[ROUNDS_MAX];
	double p50[ROUNDS_MAX], p99[ROUNDS_MAX], floor_p50[ROUNDS_MAX], floor_p99[ROUNDS_MAX];

	for (unsigned i = 0; i < options.rounds; i++) {
		struct figures chat = run(load, CHAT), floor = run(load, load->floor);

		ratio[i] = chat.cpu_us / floor.cpu_us;
		floor_us[i] = floor.cpu_us;
		chat_us[i] = chat.cpu_us;
		lines[i] = chat.lines_per_frame;
		p50[i] = chat.p50_us[0];
		p99[i] = chat.p99_us[0];
		floor_p50[i] = floor.p50_us[0];
		floor_p99[i] = floor.p99_us[0];
	}
	report_row("| %s: %s | %.3f | %.3f | **%.2f** | %.2f | %.1f | %.0f / %.0f | "
		   "%.0f / %.0f |\n",
		   load->name, load->what, report_median(floor_us, options.rounds),
		   report_median(chat_us, options.rounds), report_median(ratio, options.rounds),
		   1 / report_median(chat_us, options.rounds), report_median(lines, options.rounds),
		   report_median(p50, options.rounds), report_median(p99, options.rounds),
		   report_median(floor_p50, options.rounds),
		   report_median(floor_p99, options.rounds));
}

/* W6: two workers on both CPUs, which they share with the generator. */
static void two_workers(const struct load *one)
{
	double capacity[ROUNDS_MAX], wall[ROUNDS_MAX], lines[2][ROUNDS_MAX];
	struct load two = *one;

	two.workers = 2;
	for (unsigned i = 0; i < options.rounds; i++) {
		struct figures with_one = run(one, CHAT), with_two = run(&two, CHAT);

		capacity[i] = 2 * with_one.cpu_us / with_two.cpu_us;
		wall[i] = with_two.per_s / with_one.per_s;
		lines[0][i] = with_one.lines_per_frame;
		lines[1][i] = with_two.lines_per_frame;
	}
	report_row("| W6: %s, 2 workers against 1 | %.2f × by CPU per delivery (%.1f and %.1f "
		   "lines a frame) | %.2f × by the clock, the generator on one of the two CPUs |\n",
		   one->name, report_median(capacity, options.rounds),
		   report_median(lines[0], options.rounds), report_median(lines[1], options.rounds),
		   report_median(wall, options.rounds));
}

/* W7. */
static void other_worker(void)
{
	static const struct load load = {.name = "W7",
					 .rooms = 1,
					 .members = 16,
					 .per_s = 200,
					 .seconds = 3,
					 .workers = 2,
					 .apart = true};
	double same[ROUNDS_MAX], other[ROUNDS_MAX], more[ROUNDS_MAX];

	for (unsigned i = 0; i < options.rounds; i++) {
		struct figures figures = run(&load, CHAT);

		same[i] = figures.p50_us[0];
		other[i] = figures.p50_us[1];
		more[i] = other[i] - same[i];
	}
	report_row(
		"| W7: p50 to members on the same worker %.0f µs | on another %.0f µs | %+.0f µs "
		"|\n",
		report_median(same, options.rounds), report_median(other, options.rounds),
		report_median(more, options.rounds));
}

/* W8: 100 of the 1000 never read. */
static void some_never_read(const struct load *all)
{
	double cpu[ROUNDS_MAX], p99[ROUNDS_MAX];
	struct load muted = *all;

	muted.name = "W8";
	muted.mute = all->members / 10;
	for (unsigned i = 0; i < options.rounds; i++) {
		struct figures plain = run(all, CHAT), with = run(&muted, CHAT);

		cpu[i] = with.cpu_us / plain.cpu_us;
		p99[i] = (double)with.p99_us[0] / plain.p99_us[0];
	}
	report_row(
		"| W8: W2 with 100 members who never read | CPU per delivery to the others %.2f × "
		"| p99 %.2f × |\n",
		report_median(cpu, options.rounds), report_median(p99, options.rounds));
}

/* W10: a program of its own, which forks what it measures. */
static void appends(void)
{
	char command[256], line[256];
	cpu_set_t all;
	FILE *out;

	/* Two processes side by side need two CPUs. */
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	snprintf(command, sizeof(command), "%s/bench/bench_append %u", options.build,
		 options.quick ? 50000 : 200000);
	out = popen(command, "r");
	if (out == NULL)
		return;
	while (fgets(line, sizeof(line), out) != NULL)
		report_row("| W10: append | %.*s |\n", (int)strcspn(line, "\n"), line);
	pclose(out);
}

static bool wants(const char *name)
{
	for (unsigned i = 0; i < options.wanted_count; i++)
		if (strcmp(options.wanted[i], name) == 0)
			return true;
	return options.wanted_count == 0;
}

static bool read_options(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0)
			options.quick = true;
		else if (strcmp(argv[i], "--results") == 0 && i + 1 < argc)
			options.results = argv[++i];
		else if (strcmp(argv[i], "--commit") == 0 && i + 1 < argc)
			options.commit = argv[++i];
		else if (argv[i][0] == 'W' && options.wanted_count < 16)
			options.wanted[options.wanted_count++] = argv[i];
		else
			return false;
	}
	options.build = argc > 1 ? argv[1] : NULL;
	return argc > 1;
}

static void settle(void)
{
	struct rlimit files;
	cpu_set_t cpus;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

int main(int argc, char **argv)
{
	struct load loads[] = {
		{.name = "W1",
		 .what = "1 room × 1000 members, 50 msg/s",
		 .rooms = 1,
		 .members = 1000,
		 .per_s = 50,
		 .seconds = 4,
		 .floor = FLOOR_A},
		{.name = "W2",
		 .what = "the same flat out, window 32",
		 .rooms = 1,
		 .members = 1000,
		 .window = 32,
		 .seconds = 4,
		 .floor = FLOOR_B},
		{.name = "W3",
		 .what = "200 rooms × 10 members, 4000 msg/s",
		 .rooms = 200,
		 .members = 10,
		 .per_s = 4000,
		 .seconds = 4,
		 .floor = FLOOR_A},
	};
	bool only_basics;

	if (!read_options(argc, argv)) {
		fprintf(stderr, "usage: bench BUILD [--quick] [--results FILE --commit NAME] "
				"[W1 ... W10]\n");
		return 2;
	}
	if (options.quick)
		options.rounds = 1;
	only_basics = options.quick && options.wanted_count == 0;
	settle();
	report_begin(options.results, options.commit, options.rounds);
	report_row(
		"| workload | floor, CPU µs per delivery | Roomkey | ratio | M deliveries per CPU "
		"second | lines a frame | p50 / p99 µs | floor's p50 / p99 µs |\n"
		"|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (options.quick)
			loads[i].seconds = 2;
		if (wants(loads[i].name))
			against_floor(&loads[i]);
	}
	report_row("\n| workload | | |\n|---|---|---|\n");
	if (wants("W4"))
		idle_connections(options.build, options.quick ? 2000 : 10000, options.quick);
	if (wants("W5"))
		idle_connects(options.build, options.quick ? 1000 : 4000, options.rounds);
	if (wants("W6") && !only_basics) {
		two_workers(&loads[1]);
		two_workers(&loads[2]);
	}
	if (wants("W7") && !only_basics)
		other_worker();
	if (wants("W8") && !only_basics)
		some_never_read(&loads[1]);
	if (wants("W9") && !only_basics)
		idle_many(options.build, options.quick ? 6000 : 60000, options.quick ? 5 : 60);
	if (wants("W10") && !only_basics)
		appends();
	return report_end();
}
