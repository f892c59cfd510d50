/*
 * People come and go for a long time, workers are killed, keys reloaded, the server is upgraded:
 *what grows? What is left when everyone has gone?
 *
 *	soak BUILD [--seconds N] [--seed N]
 *
 * The time is cut into lives: each ends with an upgrade, after which every process is new. Memory
 *is measured within a life, of the master and of worker 0, which nobody kills; descriptors and the
 *shared memory at the end, against what they were before the first guest.
 */
#include "tests/soak/ground.h"
#include "tests/soak/guest.h"
#include "tests/soak/measure.h"
#include "tests/storm/journal.h"
#include "tests/storm/server.h"

#include "base/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define GUESTS 32u
#define SEED 20261128u
#define LIVES_MIN 2u
#define LIVES_MAX 1024u
#define LIFE_MAX_S 300u
#define KILL_US UINT64_C(2000000)
#define RELOAD_US UINT64_C(3000000)
#define KEY_US UINT64_C(5000000)
/* At the beginning of a life all that takes memory once is made to happen. */
#define WARM_UP_US UINT64_C(4000000)
#define WARM_GAP_US UINT64_C(200000)
#define SAMPLE_US UINT64_C(250000)
#define SAMPLE_LONG_US UINT64_C(1000000)
#define UPGRADE_MS 10000u
#define LEAVE_MS 30000u
/* A session that was lost is kept for 10 s. */
#define GRACE_MS 20000u
/*
 * What a heap may move in a life without a leak: up to 20 kB were seen. A worker serves twenty
 * visits a second; the master reads the keys every two seconds.
 */
#define MASTER_GROWTH_KB 40
#define WORKER_GROWTH_KB 128
/* A file that is just being read or written isn't held. */
#define LOOKS 10
#define LOOK_US 20000

struct soak {
	struct server server;
	struct house house;
	struct guest guests[GUESTS];
	struct growth growth[2]; /* of this life: the master, worker 0 */
	long grown_kb[2][LIVES_MAX];
	unsigned lives[2]; /* in which their memory could be read */
	uint64_t life_began_us;
	uint64_t kill_due_us, reload_due_us, key_due_us, sample_due_us, sample_us;
	bool key_is_out; /* of the last guest */
	bool calm;       /* no blows */
	unsigned kills, reloads, upgrades;
	struct weather blows; /* only its list of kills is used */
	long log_offset;
	unsigned passed, failed;
};

__attribute__((format(printf, 4, 5))) static void row(struct soak *soak, bool good,
						      const char *promise, const char *fmt, ...)
{
	va_list args;

	printf("  %-4s %-34s ", good ? "ok" : "FAIL", promise);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	*(good ? &soak->passed : &soak->failed) += 1;
}

/* ---- what happens -------------------------------------------------------------------------- */

static void put_keys(struct soak *soak, unsigned count, struct buf *out)
{
	for (unsigned i = 0; i < count; i++)
		login_key_line(&soak->guests[i].key, soak->guests[i].name, out);
}

/* The last guest's key goes, and comes back: sessions end, and names stay reserved. */
static void turn_key(struct soak *soak)
{
	struct buf keys = BUF_INIT;
	FILE *file = fopen(soak->server.keys, "we");

	soak->key_is_out = !soak->key_is_out && !soak->calm;
	put_keys(soak, soak->key_is_out ? GUESTS - 1 : GUESTS, &keys);
	if (file == NULL || fputs(keys.data, file) < 0 || fclose(file) != 0)
		abort();
	buf_finish(&keys);
	server_signal(&soak->server, SIGHUP);
	soak->reloads++;
}

static void kill_one(struct soak *soak)
{
	char name[32];
	pid_t pid;

	snprintf(name, sizeof(name), "chat-worker-%u",
		 1 + (unsigned)house_draw(&soak->house, SERVER_WORKERS - 1));
	pid = server_worker_named(&soak->server, name);
	if (pid == 0)
		return;
	weather_note_kill(&soak->blows, pid);
	kill(pid, SIGKILL);
	soak->kills++;
}

static bool is_due(uint64_t *due_us, uint64_t gap_us, uint64_t now_us)
{
	if (now_us < *due_us)
		return false;
	*due_us = now_us + gap_us;
	return true;
}

static void sample(struct soak *soak)
{
	growth_add(&soak->growth[0], measure_kb(soak->server.pid));
	growth_add(&soak->growth[1],
		   measure_kb(server_worker_named(&soak->server, "chat-worker-0")));
}

static void turn(struct soak *soak)
{
	struct epoll_event events[256];
	int count = epoll_wait(soak->house.epoll_fd, events, 256, 5);
	uint64_t now = soak->house.now_us = clock_mono_us();
	bool warm;

	for (int i = 0; i < count; i++)
		guest_event(((struct link *)events[i].data.ptr)->data, events[i].events);
	for (unsigned i = 0; i < GUESTS; i++)
		guest_step(&soak->guests[i]);
	if (soak->calm)
		return;
	if (is_due(&soak->kill_due_us, KILL_US, now))
		kill_one(soak);
	warm = now - soak->life_began_us < WARM_UP_US;
	if (is_due(&soak->key_due_us, warm ? WARM_GAP_US : KEY_US, now))
		turn_key(soak);
	if (is_due(&soak->reload_due_us, warm ? WARM_GAP_US : RELOAD_US, now)) {
		server_signal(&soak->server, SIGHUP);
		soak->reloads++;
	}
	if (is_due(&soak->sample_due_us, soak->sample_us, now))
		sample(soak);
}

static bool turn_until(struct soak *soak, bool (*done)(struct soak *soak), unsigned patience_ms)
{
	uint64_t until = clock_mono_us() + patience_ms * UINT64_C(1000);

	while (!done(soak)) {
		if (clock_mono_us() > until)
			return false;
		turn(soak);
	}
	return true;
}

/* ---- what is waited for -----------------------------------------------------------------------
 */

static bool is_ready(struct soak *soak)
{
	return server_is_ready(&soak->server);
}

static bool is_upgraded(struct soak *soak)
{
	return journal_count(soak->server.log, "\"event\":\"upgraded\"", &soak->log_offset) > 0;
}

static bool all_gone(struct soak *soak)
{
	for (unsigned i = 0; i < GUESTS; i++) {
		if (!soak->guests[i].gone)
			return false;
	}
	return true;
}

static bool is_empty(const struct ground *ground)
{
	return ground->sessions == 0 && ground->members == 0 && ground->addresses == 0 &&
	       ground->intents == 0 && ground->subscribers == 0 && ground->why.len == 0;
}

static bool ground_is_empty(struct soak *soak)
{
	struct ground ground;
	bool empty = ground_look(soak->server.shm, &ground) == 0 && is_empty(&ground);

	buf_finish(&ground.why);
	return empty;
}

/* ---- lives
 * --------------------------------------------------------------------------------------- */

static void note_growth(struct soak *soak)
{
	for (unsigned i = 0; i < 2; i++) {
		if (soak->growth[i].count > 0 && soak->lives[i] < LIVES_MAX)
			soak->grown_kb[i][soak->lives[i]++] = growth_of(&soak->growth[i]);
		soak->growth[i].count = 0;
	}
}

/* False: the upgrade at its end did not come to an end. */
static bool live(struct soak *soak, unsigned seconds)
{
	uint64_t until = clock_mono_us() + seconds * UINT64_C(1000000);

	soak->life_began_us = clock_mono_us();
	soak->key_due_us = soak->reload_due_us = soak->life_began_us + WARM_GAP_US;
	while (clock_mono_us() < until)
		turn(soak);
	note_growth(soak);
	server_signal(&soak->server, SIGUSR2);
	if (!turn_until(soak, is_upgraded, UPGRADE_MS))
		return false;
	soak->upgrades++;
	soak->growth[0].count = soak->growth[1].count = 0;
	return true;
}

struct baseline {
	int master_fds, worker_fds[SERVER_WORKERS];
	long pss_kb;
};

static int held_fds(pid_t pid)
{
	int least = measure_fds(pid);

	for (unsigned i = 1; i < LOOKS; i++) {
		int now;

		usleep(LOOK_US);
		now = measure_fds(pid);
		if (now < least)
			least = now;
	}
	return least;
}

static void look(struct soak *soak, struct baseline *ret)
{
	*ret = (struct baseline){.master_fds = held_fds(soak->server.pid),
				 .pss_kb = measure_pss_kb(soak->server.pid)};
	for (unsigned i = 0; i < SERVER_WORKERS; i++) {
		char name[32];
		pid_t pid;

		snprintf(name, sizeof(name), "chat-worker-%u", i);
		pid = server_worker_named(&soak->server, name);
		ret->worker_fds[i] = held_fds(pid);
		ret->pss_kb += measure_pss_kb(pid);
	}
}

static void judge_ground(struct soak *soak)
{
	struct ground ground;

	turn_until(soak, ground_is_empty, GRACE_MS);
	if (ground_look(soak->server.shm, &ground) < 0) {
		row(soak, false, "the shared memory", "cannot be read");
		return;
	}
	row(soak, ground.sessions == 0, "sessions left", "%u", ground.sessions);
	row(soak, ground.members == 0, "members left in rooms", "%u", ground.members);
	row(soak, ground.addresses == 0, "addresses with connections", "%u", ground.addresses);
	row(soak, ground.intents == 0, "intents left open", "%u", ground.intents);
	row(soak, ground.subscribers == 0, "logs with subscribers", "%u", ground.subscribers);
	row(soak, ground.why.len == 0, "tables that agree with each other", "%s",
	    ground.why.len == 0 ? "all" : ground.why.data);
	buf_finish(&ground.why);
}

/* Nobody but root sees into a worker behind its walls. */
static void tell_unseen(const char *what)
{
	printf("       %-34s not seen: only root can look\n", what);
}

static void judge_fds(struct soak *soak, const struct baseline *before)
{
	struct baseline after;

	look(soak, &after);
	row(soak, after.master_fds == before->master_fds, "descriptors of the master",
	    "%d before, %d after", before->master_fds, after.master_fds);
	for (unsigned i = 0; i < SERVER_WORKERS; i++) {
		if (before->worker_fds[i] < 0)
			tell_unseen("descriptors of a worker");
		else
			row(soak, after.worker_fds[i] == before->worker_fds[i],
			    "descriptors of a worker", "%d before, %d after", before->worker_fds[i],
			    after.worker_fds[i]);
	}
	printf("       %-34s %ld kB before, %ld kB after\n", "memory of all (PSS, the segment too)",
	       before->pss_kb, after.pss_kb);
}

static int compare(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * By the middle one of its lives, of two by the lesser: what leaks does so in each, while a heap
 * takes a step now and then.
 */
static void judge_growth(struct soak *soak, unsigned which, const char *what, long goal_kb)
{
	long *kb = soak->grown_kb[which];
	unsigned lives = soak->lives[which];

	if (lives == 0) {
		tell_unseen(what);
		return;
	}
	qsort(kb, lives, sizeof(*kb), compare);
	row(soak, kb[(lives - 1) / 2] < goal_kb, what,
	    "%ld kB (%ld to %ld in %u lives; goal < %ld)", kb[(lives - 1) / 2], kb[0],
	    kb[lives - 1], lives, goal_kb);
}

static void judge_log(struct soak *soak)
{
	struct journal journal = {0};
	long offset = 0;
	unsigned refused =
		journal_count(soak->server.log, "\"event\":\"upgrade refused\"", &offset);

	row(soak, refused == 0, "upgrades refused", "%u", refused);
	journal_read(soak->server.log, &soak->blows, &journal);
	row(soak, journal.strange == 0, "deaths and errors of its own", "%u%s%s", journal.strange,
	    journal.strange > 0 ? ": first " : "", journal.first_strange);
	journal_finish(&journal);
}

static bool begin(struct soak *soak, const char *build, uint64_t seed)
{
	struct buf keys = BUF_INIT;

	soak->house = (struct house){.random = seed * 2 + 1, .guests = GUESTS};
	soak->house.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	soak->house.now_us = clock_mono_us();
	for (unsigned i = 0; i < GUESTS; i++)
		guest_init(&soak->guests[i], &soak->house, i);
	put_keys(soak, GUESTS, &keys);
	server_init(&soak->server, build, keys.data);
	buf_finish(&keys);
	server_start(&soak->server);
	for (unsigned i = 0; i < 2000 && !is_ready(soak); i++)
		usleep(10000);
	soak->house.port = soak->server.port;
	return is_ready(soak);
}

static void run(struct soak *soak, unsigned seconds)
{
	unsigned lives = seconds / LIFE_MAX_S + (seconds % LIFE_MAX_S != 0);
	struct baseline before;
	bool lived = true;

	if (lives < LIVES_MIN)
		lives = LIVES_MIN;
	soak->sample_us = seconds > 200 ? SAMPLE_LONG_US : SAMPLE_US;
	look(soak, &before);
	soak->kill_due_us = soak->house.now_us + KILL_US;
	for (unsigned i = 0; i < lives && lived; i++)
		lived = live(soak, seconds / lives);
	row(soak, lived, "upgrades", "%u of %u", soak->upgrades, lives);
	soak->calm = true;
	turn_key(soak);
	soak->house.closing = true;
	row(soak, turn_until(soak, all_gone, LEAVE_MS), "everyone has left", "%u guests", GUESTS);
	printf("  %" PRIu64 " visits, %" PRIu64 " lines, %u kills of workers, %u reloads\n",
	       soak->house.visits, soak->house.lines, soak->kills, soak->reloads);
	judge_ground(soak);
	judge_fds(soak, &before);
	judge_growth(soak, 0, "the master grows in a life by", MASTER_GROWTH_KB);
	judge_growth(soak, 1, "worker 0 grows in a life by", WORKER_GROWTH_KB);
	judge_log(soak);
}

int main(int argc, char **argv)
{
	static struct soak soak;
	uint64_t seed = SEED;
	unsigned seconds = 1800;

	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seconds") == 0)
			seconds = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
	}
	if (argc < 2 || argc % 2 != 0 || seconds < LIVES_MIN) {
		fprintf(stderr, "usage: soak BUILD [--seconds N] [--seed N]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %" PRIu64 ", %u s, %u guests, %u workers\n", seed, seconds, GUESTS,
	       SERVER_WORKERS);
	if (begin(&soak, argv[1], seed))
		run(&soak, seconds);
	else
		row(&soak, false, "start", "no");
	for (unsigned i = 0; i < GUESTS; i++)
		guest_finish(&soak.guests[i]);
	weather_finish(&soak.blows);
	server_finish(&soak.server, soak.failed > 0);
	printf("%u passed, %u failed\n", soak.passed, soak.failed);
	return soak.failed > 0 ? 1 : 0;
}
