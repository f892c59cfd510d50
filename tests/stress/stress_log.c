/*
 * Threads as processes on one segment: writers with ids, readers, a resetter, a janitor, all
 * at once, for ThreadSanitizer (and without it for speed). Built with -DCRASH_POINTS some
 * writers end in the middle of an append, so that the others meet the locks of the dead.
 *
 * A reader checks each line it gets, byte for byte, and that the numbers it gets have no hole
 * that wasn't told. Closing line: "N passed, N failed".
 *
 *	stress_log      $STRESS_MS (3000)
 */
#include "tests/unit/shm/log_fixture.h"

#include "shm/crash_point.h"
#include "shm/doorbell.h"

#include "base/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITERS 3u
#define READERS 2u
#define CONTENT_SIZE 200
#define FAILURES_MAX 20

static const struct segment_sizes sizes = {
	.max_users = WRITERS + 1,
	.max_devices = 8,
	.max_connections = 8,
	.max_rooms = 2,
	.rooms_per_user = 4,
	.room_lines = 16, /* short, so that readers are lapped all the time */
	.inbox_lines = 16,
	.room_bytes = 2048,
	.inbox_bytes = 2048,
};

static struct {
	struct log_fixture fixture;
	_Atomic bool stop;
	_Atomic uint64_t passed, failed;
	_Atomic uint64_t lines_read, laps, resets, appended, deaths, busy;
} stress;

static void check(bool passed, const char *what, uint32_t log, uint64_t seq, const char *text)
{
	if (passed) {
		atomic_fetch_add_explicit(&stress.passed, 1, memory_order_relaxed);
		return;
	}
	if (atomic_fetch_add(&stress.failed, 1) < FAILURES_MAX)
		printf("FAILED: %s, log %u, line %" PRIu64 ": %.160s\n", what, log, seq, text);
}

/* ---- dying threads ---- */

#ifdef CRASH_POINTS
static _Thread_local unsigned points_left; /* 0: lives on */

void crash_point(const char *name)
{
	/* What a dead one did is before what its heir does; TSan doesn't see how the kernel says
	 * so. */
	(void)atomic_load(&stress.deaths);
	/* A reader that others pass by in the middle of its copy. */
	if (strncmp(name, "read_", strlen("read_")) == 0)
		sched_yield();
	if (points_left != 0 && --points_left == 0) {
		atomic_fetch_add(&stress.deaths, 1);
		pthread_exit(NULL);
	}
}

static void die_after(unsigned points)
{
	points_left = points;
}
#else
static void die_after(unsigned points)
{
	(void)points;
}
#endif

/* ---- writers ---- */

struct writer {
	struct shm shm;
	uint32_t w;
	uint64_t n;
	uint32_t random;
};

static uint32_t random_of(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void content_of(char out[CONTENT_SIZE], unsigned w, uint64_t n)
{
	int len = snprintf(out, CONTENT_SIZE, "w%u n%" PRIu64 " ", w, n);
	int padding = (int)(n * 31 % 120);

	for (int i = 0; i < padding; i++)
		out[len + i] = (char)('a' + (n + (unsigned)i) % 26);
	out[len + padding] = '\0';
}

static void writer_say(struct writer *writer)
{
	char content[CONTENT_SIZE], id[ID_SIZE];
	uint32_t window;
	struct saying saying = {
		.sender = writer->w,
		.id = id,
		.content = content,
		.log = writer->n % 2 == 0 ? (uint32_t)(writer->n / 2 % 2)
					  : log_of_inbox(&writer->shm, writer->w),
		.to = writer->n % 2 == 0 ? 0
					 : log_of_inbox(&writer->shm, (writer->w + 1) % WRITERS),
		.topic = writer->n % 8 == 2 ? content : NULL,
	};

	content_of(content, writer->w, writer->n);
	snprintf(id, sizeof(id), "w%u-%" PRIu64, writer->w, writer->n);
	if (window_take(&writer->shm, writer->w, "", &window) != 0)
		return;
	saying.window = window;
	switch (say(&writer->shm, &saying, NULL)) {
	case APPEND_OK:
	case APPEND_DUPLICATE:
		writer->n++;
		atomic_fetch_add_explicit(&stress.appended, 1, memory_order_relaxed);
		break;
	case APPEND_BUSY:
	case APPEND_STALE:
	case APPEND_INBOX_FULL_OWN:
	case APPEND_INBOX_FULL_THEIRS:
		atomic_fetch_add_explicit(&stress.busy, 1, memory_order_relaxed);
		sched_yield();
		break;
	case APPEND_ID_CONFLICT:
	case APPEND_TOO_LONG:
	case APPEND_MOVED:
	case APPEND_NO_MEMORY:
	case APPEND_BROKEN:
		check(false, "an append was refused", saying.log, writer->n, content);
		break;
	}
}

/* One life. With crash points it ends in the middle of something. */
static void *writer_live(void *data)
{
	struct writer *writer = data;

	die_after(1 + random_of(&writer->random) % 3000);
	while (!atomic_load(&stress.stop))
		writer_say(writer);
	return NULL;
}

static void *writer_run(void *data)
{
	struct writer *writer = data;

	while (!atomic_load(&stress.stop)) {
		pthread_t life;

		if (pthread_create(&life, NULL, writer_live, writer) != 0)
			abort();
		pthread_join(life, NULL);
	}
	return NULL;
}

/* ---- readers ---- */

struct reader {
	struct shm shm;
	uint64_t epoch[2 + WRITERS + 1], after[2 + WRITERS + 1];
	char out[2 * ROOM_LOG_LINE_MAX];
};

static void line_check(struct reader *reader, uint32_t log, uint64_t seq, const char *line,
		       size_t len)
{
	char content[CONTENT_SIZE], expected[2 * CONTENT_SIZE];
	const char *at = memmem(line, len, "\"content\":\"", 11);
	unsigned w = 0;
	uint64_t n = 0;

	if (at == NULL || sscanf(at + 11, "w%u n%" SCNu64 " ", &w, &n) != 2) {
		check(false, "torn", log, seq, line);
		return;
	}
	content_of(content, w, n);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"message\",\"room\":\"%s\",\"seq\":%" PRIu64 ",\"content\":\"%s\"}",
		 segment_log(&reader->shm, log)->name, seq, content);
	check(len == strlen(expected) && memcmp(line, expected, len) == 0, "torn", log, seq, line);
}

static void lines_check(struct reader *reader, uint32_t log, const struct room_log_slice *slice)
{
	const char *line = reader->out, *end = reader->out + slice->len;

	reader->out[slice->len] = '\0';
	for (uint64_t seq = slice->first; seq <= slice->last; seq++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (stop == NULL) {
			check(false, "a slice ends within a line", log, seq, line);
			return;
		}
		line_check(reader, log, seq, line, (size_t)(stop - line));
		line = stop + 1;
	}
	check(line == end, "a slice has more than its lines", log, slice->last, line);
	atomic_fetch_add_explicit(&stress.lines_read, slice->last - slice->first + 1,
				  memory_order_relaxed);
}

static void log_read(struct reader *reader, uint32_t log)
{
	struct shm *shm = &reader->shm;
	struct room_log_slice slice;
	char topic[TOPIC_SIZE];
	uint64_t first, head;

	switch (room_log_read(shm, log, reader->epoch[log], reader->after[log] + 1, UINT64_MAX,
			      reader->out, sizeof(reader->out) - 1, &slice)) {
	case ROOM_LOG_LINES:
		check(slice.first == reader->after[log] + 1, "a hole that wasn't told", log,
		      slice.first, "");
		lines_check(reader, log, &slice);
		reader->after[log] = slice.last;
		break;
	case ROOM_LOG_NONE:
		break;
	case ROOM_LOG_LAPPED:
		atomic_fetch_add(&stress.laps, 1);
		if (room_log_bounds(shm, log, reader->epoch[log], &first, &head)) {
			check(first > reader->after[log] || first == head + 1, "lapped by nobody",
			      log, first, "");
			reader->after[log] = first - 1;
		}
		break;
	case ROOM_LOG_RESET:
		atomic_fetch_add(&stress.resets, 1);
		reader->epoch[log] = log_epoch(shm, log);
		reader->after[log] = 0;
		break;
	}
	if (room_log_topic(shm, log, reader->epoch[log], topic) && topic[0] != '\0')
		check(topic[0] == 'w' && strchr(topic, 'n') != NULL, "a torn topic", log, 0, topic);
	if (log_is_inbox(shm, log))
		atomic_store(&segment_user(shm, user_of_inbox(shm, log))->inbox_read,
			     reader->after[log]);
}

static void no_datagram(void *data, const void *bytes, size_t len)
{
	(void)data, (void)bytes;
	check(false, "a datagram", 0, len, "");
}

static void *reader_run(void *data)
{
	struct reader *reader = data;
	uint32_t logs = sizes.max_rooms + sizes.max_users;

	for (uint32_t log = 0; log < logs; log++)
		room_log_subscribe(&reader->shm, log);
	while (!atomic_load(&stress.stop)) {
		uint32_t cursor = 0;

		doorbell_drain(&reader->shm, no_datagram, NULL);
		for (uint32_t log; (log = doorbell_take(&reader->shm, &cursor)) != SHM_NONE;)
			log_read(reader, log);
		/* Rings may be lost with who rang: the once-a-second look, somewhat more often. */
		log_read(reader, (uint32_t)(clock_mono_us() % logs));
	}
	return NULL;
}

/* ---- the others ---- */

static void *janitor_run(void *data)
{
	struct shm shm = *(struct shm *)data;
	uint32_t random = 7;

	while (!atomic_load(&stress.stop)) {
		append_finish_intents(&shm);
		if (random_of(&random) % 64 == 0)
			room_log_reset(&shm,
				       random_of(&random) % (sizes.max_rooms + sizes.max_users));
		sched_yield();
	}
	return NULL;
}

int main(void)
{
	static struct reader readers[READERS];
	static struct writer writers[WRITERS];
	pthread_t threads[WRITERS + READERS + 1];
	const char *ms = getenv("STRESS_MS");
	uint64_t end = clock_mono_ms() + (ms != NULL ? strtoul(ms, NULL, 10) : 3000);
	struct shm *shm = &stress.fixture.shm;
	unsigned count = 0;

	log_fixture_start(&stress.fixture, &sizes);
	for (uint32_t w = 0; w < WRITERS; w++) {
		atomic_store(&segment_user(shm, w)->sessions, 1);
		writers[w] = (struct writer){.shm = *shm, .w = w, .random = w + 1};
		writers[w].shm.slot = w;
		pthread_create(&threads[count++], NULL, writer_run, &writers[w]);
	}
	for (unsigned r = 0; r < READERS; r++) {
		readers[r].shm = *shm;
		readers[r].shm.slot = WRITERS + r;
		pthread_create(&threads[count++], NULL, reader_run, &readers[r]);
	}
	pthread_create(&threads[count++], NULL, janitor_run, shm);
	while (clock_mono_ms() < end)
		usleep(10000);
	atomic_store(&stress.stop, true);
	while (count > 0)
		pthread_join(threads[--count], NULL);
	append_finish_intents(shm);
	for (uint32_t log = 0; log < sizes.max_rooms + sizes.max_users; log++)
		check(room_log_audit(shm, log) ||
			      atomic_load(&segment_log(shm, log)->quarantined) == LOG_RESETTING,
		      "fails its audit", log, 0, "");
	printf("%" PRIu64 " lines appended, %" PRIu64 " refused, %" PRIu64 " read, %" PRIu64
	       " laps, %" PRIu64 " resets, %" PRIu64 " deaths\n",
	       atomic_load(&stress.appended), atomic_load(&stress.busy),
	       atomic_load(&stress.lines_read), atomic_load(&stress.laps),
	       atomic_load(&stress.resets), atomic_load(&stress.deaths));
	check(atomic_load(&stress.lines_read) > 0 && atomic_load(&stress.laps) > 0,
	      "nothing was read, or nobody lapped", 0, 0, "");
	log_fixture_finish(&stress.fixture);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", atomic_load(&stress.passed),
	       atomic_load(&stress.failed));
	return atomic_load(&stress.failed) == 0 ? 0 : 1;
}
