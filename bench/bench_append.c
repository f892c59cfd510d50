/*
 * What an append costs: ns of wall clock and of CPU per line, the best of some rounds, with one
 * process and with two, on one room and on many. With an id (window, intent, log) and
 * without (log only). The ring is counted in: a worker with members everywhere is rung, and
 * never listens, so it is one look at a flag a line.
 *
 *	build/bench/bench_append [lines]
 */
#include "tests/unit/shm/log_fixture.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7
#define PROCESSES_MAX 2u
#define ROOMS 256u
#define DEAF_WORKER 9u

struct times {
	uint64_t wall_ns, cpu_ns, busy;
};

struct bench {
	struct log_fixture fixture;
	struct {
		_Atomic unsigned ready;
		struct times times[PROCESSES_MAX];
	} * shared;
};

struct plan {
	const char *name;
	unsigned processes;
	unsigned rooms; /* each process takes them in turn */
	bool with_id, direct;
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What a handler has at hand before it appends: the line without its number, the hashes. */
static void append_fill(struct bench *bench, const struct plan *plan, unsigned process,
			uint32_t window, unsigned i, struct append *append)
{
	static const char head[] = "{\"type\":\"message\",\"room\":\"";
	static const char tail[] =
		",\"timestamp\":\"2026-11-20T17:00:00.123Z\",\"sender\":\"alice\","
		"\"content\":\"a message of the usual length, as people "
		"write\",\"id\":\"k3v9-17\"}\n";
	struct shm *shm = &bench->fixture.shm;
	uint32_t log = (process + i * plan->processes) % plan->rooms;

	*append = (struct append){
		.head = head,
		.head_len = sizeof(head) - 1,
		.tail = tail,
		.tail_len = sizeof(tail) - 1,
		.sender = process,
		.wall_ms = 1,
		.window = plan->with_id ? window : SHM_NONE,
		.id = "k3v9-17",
		.id_hash = i + 1,
		.content_hash = 1,
		.copies = plan->direct ? 2 : 1,
	};
	append->copy[0].log = plan->direct ? log_of_inbox(shm, process) : log;
	append->copy[1].log = log_of_inbox(shm, PROCESSES_MAX + process);
	for (unsigned c = 0; c < append->copies; c++)
		append->copy[c].epoch = log_epoch(shm, append->copy[c].log);
}

static void process_run(struct bench *bench, const struct plan *plan, unsigned process,
			unsigned lines)
{
	struct shm *shm = &bench->fixture.shm;
	struct times *times = &bench->shared->times[process];
	_Atomic uint64_t *read = &segment_user(shm, PROCESSES_MAX + process)->inbox_read;
	uint32_t window = SHM_NONE;
	uint64_t wall, cpu;
	struct append append;
	enum append_result result;
	bool local;

	atomic_store(&segment_user(shm, process)->sessions,
		     1); /* else his window may be taken over */
	if (window_take(shm, process, "bench", &window) != 0)
		abort();
	atomic_fetch_add(&bench->shared->ready, 1);
	while (atomic_load(&bench->shared->ready) < plan->processes)
		sched_yield();
	times->busy = 0;
	wall = clock_mono_ns();
	cpu = cpu_ns();
	for (unsigned i = 0; i < lines; i++) {
		append_fill(bench, plan, process, window, i, &append);
		atomic_store_explicit(read, UINT64_MAX, memory_order_relaxed);
		while ((result = append_line(shm, &append, &local)) == APPEND_BUSY)
			times->busy++;
		if (result != APPEND_OK)
			abort();
	}
	times->wall_ns = clock_mono_ns() - wall;
	times->cpu_ns = cpu_ns() - cpu;
}

static void plan_round(struct bench *bench, const struct plan *plan, unsigned lines)
{
	atomic_store(&bench->shared->ready, 0);
	log_fixture_fill(&bench->fixture);
	for (unsigned process = 0; process < plan->processes; process++) {
		if (fork() == 0) {
			process_run(bench, plan, process, lines);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
}

static void plan_run(struct bench *bench, const struct plan *plan, unsigned lines)
{
	uint64_t wall = UINT64_MAX, cpu = UINT64_MAX, busy = 0;

	for (int round = 0; round < ROUNDS; round++) {
		plan_round(bench, plan, lines);
		for (unsigned i = 0; i < plan->processes; i++) {
			const struct times *times = &bench->shared->times[i];

			wall = times->wall_ns < wall ? times->wall_ns : wall;
			cpu = times->cpu_ns < cpu ? times->cpu_ns : cpu;
			busy += times->busy;
		}
	}
	printf("%-44s %6" PRIu64 " ns wall %6" PRIu64 " ns CPU %8" PRIu64 " busy\n", plan->name,
	       wall / lines, cpu / lines, busy);
}

int main(int argc, char **argv)
{
	static const struct plan plans[] = {
		{"1 process, 1 room, without id", 1, 1, false, false},
		{"1 process, 1 room", 1, 1, true, false},
		{"1 process, 256 rooms", 1, ROOMS, true, false},
		{"1 process, direct messages", 1, 1, true, true},
		{"2 processes, 1 room", 2, 1, true, false},
		{"2 processes, 256 rooms", 2, ROOMS, true, false},
		{"2 processes, direct messages", 2, 1, true, true},
	};
	const struct segment_sizes sizes = {
		.max_users = 2 * PROCESSES_MAX,
		.max_devices = 8,
		.max_connections = 8,
		.max_rooms = ROOMS,
		.rooms_per_user = 4,
		.room_lines = 2048,
		.inbox_lines = 512,
		.room_bytes = 262144,
		.inbox_bytes = 65536,
	};
	unsigned lines = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
	static struct bench bench;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_fixture_start(&bench.fixture, &sizes);
	bench.fixture.shm.slot = 0;
	for (uint32_t log = 0; log < ROOMS; log++) {
		struct shm deaf = bench.fixture.shm;

		deaf.slot = DEAF_WORKER;
		room_log_subscribe(&deaf, log);
	}
	bench.shared = mmap(NULL, sizeof(*bench.shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bench.shared == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		plan_run(&bench, &plans[i], lines > 0 ? lines : 1);
	log_fixture_finish(&bench.fixture);
	return 0;
}
