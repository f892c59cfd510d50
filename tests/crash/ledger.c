#include "tests/crash/ledger.h"

#include "tests/crash/harness.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CONTENT_SIZE 300
#define PATIENCE_MS 20000

/* ---- what is said ---- */

static void content_of(char out[CONTENT_SIZE], uint32_t w, uint64_t n)
{
	int len = snprintf(out, CONTENT_SIZE, "w%u n%" PRIu64 " ", w, n);
	int padding = (int)(n * 37 % 180);

	for (int i = 0; i < padding; i++)
		out[len + i] = (char)('a' + (n + (unsigned)i) % 26);
	out[len + padding] = '\0';
}

void ledger_targets(const struct ledger *ledger, uint32_t w, uint64_t n, uint32_t ret_log[2])
{
	unsigned kind = n % KINDS;

	ret_log[1] = SHM_NONE;
	if (kind == 0 || kind == 2) {
		ret_log[0] = kind == 0 ? 0 : 1;
	} else {
		ret_log[0] = log_of_inbox(ledger->shm, w);
		ret_log[1] = log_of_inbox(ledger->shm, (w + (kind == 1 ? 1 : 2)) % WRITERS);
	}
}

/* The first message at or after n that goes to this log. */
static uint64_t next_for(const struct ledger *ledger, uint32_t w, uint32_t log, uint64_t n)
{
	for (unsigned i = 0; i < KINDS; i++, n++) {
		uint32_t logs[2];

		ledger_targets(ledger, w, n, logs);
		if (logs[0] == log || logs[1] == log)
			return n;
	}
	return UINT64_MAX;
}

static enum append_result say_once(struct ledger *ledger, uint32_t w, uint64_t n, uint64_t *ret_seq)
{
	char content[CONTENT_SIZE], id[ID_SIZE];
	uint32_t logs[2];
	struct saying saying = {
		.sender = w,
		.window = atomic_load(&ledger->shared->writer[w].window),
		.id = id,
		.content = content,
		.topic = n % KINDS == 2 ? content : NULL,
		.wall_ms = (int64_t)n,
	};

	ledger_targets(ledger, w, n, logs);
	saying.log = logs[0];
	saying.to = logs[1] == SHM_NONE ? 0 : logs[1];
	content_of(content, w, n);
	snprintf(id, sizeof(id), "w%u-%" PRIu64, w, n);
	return say(ledger->shm, &saying, ret_seq);
}

bool ledger_say(struct ledger *ledger, uint32_t w)
{
	uint64_t n = atomic_load(&ledger->shared->writer[w].sent), seq = 0;
	uint64_t give_up = clock_mono_ms() + PATIENCE_MS;
	uint32_t logs[2];

	ledger_targets(ledger, w, n, logs);
	for (;;) {
		uint64_t epoch = log_epoch(ledger->shm, logs[0]);
		enum append_result result = say_once(ledger, w, n, &seq);

		switch (result) {
		case APPEND_OK:
		case APPEND_DUPLICATE:
			/* The verifier reads along: n is right only while the rest is. */
			atomic_store(&ledger->shared->writer[w].acked[n % ACKS].n, 0);
			atomic_store(&ledger->shared->writer[w].acked[n % ACKS].seq, seq);
			atomic_store(&ledger->shared->writer[w].acked[n % ACKS].epoch, epoch);
			atomic_store(&ledger->shared->writer[w].acked[n % ACKS].n, n + 1);
			atomic_store(&ledger->shared->writer[w].sent, n + 1);
			return true;
		case APPEND_INBOX_FULL_OWN:
		case APPEND_INBOX_FULL_THEIRS:
			return false;
		case APPEND_BUSY:
		case APPEND_STALE:
			if (atomic_load(&ledger->shared->stop) != 0)
				return false;
			if (clock_mono_ms() > give_up) {
				crash_check(false,
					    "message %" PRIu64 " of %u is refused for ever: %d", n,
					    w, (int)result);
				return false;
			}
			sched_yield();
			break;
		case APPEND_ID_CONFLICT:
		case APPEND_TOO_LONG:
		case APPEND_MOVED:
		case APPEND_NO_MEMORY:
		case APPEND_BROKEN:
			crash_check(false, "message %" PRIu64 " of %u got %d", n, w, (int)result);
			return false;
		}
	}
}

void ledger_repeat(struct ledger *ledger, uint32_t w)
{
	uint64_t n = atomic_load(&ledger->shared->writer[w].sent), seq = 0;
	enum append_result result;

	if (n-- == 0)
		return;
	do {
		result = say_once(ledger, w, n, &seq);
	} while (result == APPEND_BUSY);
	crash_check(result == APPEND_DUPLICATE, "message %" PRIu64 " of %u again got %d", n, w,
		    (int)result);
	crash_check(seq == atomic_load(&ledger->shared->writer[w].acked[n % ACKS].seq),
		    "message %" PRIu64 " of %u has another number now", n, w);
}

enum append_result ledger_noise(struct ledger *ledger, uint32_t log, uint32_t user)
{
	struct saying saying = {.log = log, .sender = user, .content = "noise"};
	enum append_result result;

	do {
		result = say(ledger->shm, &saying, NULL);
	} while (result == APPEND_BUSY || result == APPEND_STALE);
	return result;
}

/* ---- setting up ---- */

unsigned ledger_logs(const struct ledger *ledger)
{
	return ledger->shm->sizes->max_rooms + ledger->shm->sizes->max_users;
}

void ledger_start(struct ledger *ledger, const struct segment_sizes *sizes)
{
	memset(ledger, 0, sizeof(*ledger));
	log_fixture_start(&ledger->fixture, sizes);
	ledger->shm = &ledger->fixture.shm;
	ledger->shared = mmap(NULL, sizeof(*ledger->shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ledger->shared == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	for (uint32_t w = 0; w < WRITERS; w++) {
		char device[DEVICE_SIZE];
		uint32_t window = SHM_NONE;

		atomic_store(&segment_user(ledger->shm, w)->sessions, 1);
		snprintf(device, sizeof(device), "d%u", w);
		crash_check(window_take(ledger->shm, w, device, &window) == 0, "no window");
		atomic_store(&ledger->shared->writer[w].window, window);
	}
	for (uint32_t log = 0; log < ledger_logs(ledger); log++) {
		ledger->log[log].epoch = log_epoch(ledger->shm, log);
		for (uint32_t w = 0; w < WRITERS; w++)
			ledger->log[log].expected[w] = next_for(ledger, w, log, 0);
	}
}

void ledger_finish(struct ledger *ledger)
{
	munmap(ledger->shared, sizeof(*ledger->shared));
	log_fixture_finish(&ledger->fixture);
}

/* ---- what is there ---- */

static void message_seen(struct ledger *ledger, uint32_t log, uint64_t seq, uint32_t w, uint64_t n)
{
	uint64_t *expected = &ledger->log[log].expected[w];
	uint32_t logs[2];

	ledger_targets(ledger, w, n, logs);
	crash_check(n >= *expected, "%s: message %" PRIu64 " of %u is doubled",
		    segment_log(ledger->shm, log)->name, n, w);
	crash_check(n <= *expected || ledger->log[log].slack,
		    "%s: message %" PRIu64 " of %u is lost, %" PRIu64 " comes instead",
		    segment_log(ledger->shm, log)->name, *expected, w, n);
	*expected = next_for(ledger, w, log, n + 1);
	if (logs[0] == log && atomic_load(&ledger->shared->writer[w].acked[n % ACKS].n) == n + 1 &&
	    atomic_load(&ledger->shared->writer[w].acked[n % ACKS].epoch) == ledger->log[log].epoch)
		crash_check(atomic_load(&ledger->shared->writer[w].acked[n % ACKS].seq) == seq,
			    "message %" PRIu64 " of %u has another number than was told", n, w);
	if (log == 1) {
		ledger->last_topic_seq = seq;
		content_of(ledger->last_topic, w, n);
	}
}

/* One line, without its '\n': is it, byte for byte, what was said? */
static void line_seen(struct ledger *ledger, uint32_t log, uint64_t seq, const char *line,
		      size_t len)
{
	char content[CONTENT_SIZE] = "noise", expected[CONTENT_SIZE + 100];
	const char *at = memmem(line, len, "\"content\":\"", 11);
	unsigned w = WRITERS;
	uint64_t n = 0;

	if (at != NULL && sscanf(at + 11, "w%u n%" SCNu64 " ", &w, &n) == 2 && w < WRITERS)
		content_of(content, w, n);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"message\",\"room\":\"%s\",\"seq\":%" PRIu64 ",\"content\":\"%s\"}",
		 segment_log(ledger->shm, log)->name, seq, content);
	if (len != strlen(expected) || memcmp(line, expected, len) != 0)
		crash_check(false, "torn: %.*s, not %s", (int)len, line, expected);
	else if (w < WRITERS)
		message_seen(ledger, log, seq, w, n);
}

static void log_read_on(struct ledger *ledger, uint32_t log)
{
	static char out[2 * ROOM_LOG_LINE_MAX];
	struct room_log_slice slice;
	uint64_t first, head;

	for (;;) {
		uint64_t *after = &ledger->log[log].after;
		const char *line = out;

		switch (room_log_read(ledger->shm, log, ledger->log[log].epoch, *after + 1,
				      UINT64_MAX, out, sizeof(out) - 1, &slice)) {
		case ROOM_LOG_NONE:
			return;
		case ROOM_LOG_LAPPED:
			if (room_log_bounds(ledger->shm, log, ledger->log[log].epoch, &first,
					    &head))
				*after = first - 1;
			if (log == 1)
				ledger->last_topic_seq = 0;
			crash_check(ledger->log[log].slack, "lapped without a flood");
			continue;
		case ROOM_LOG_RESET:
			crash_check(ledger->log[log].slack, "reset by nobody");
			ledger->log[log].epoch = log_epoch(ledger->shm, log);
			*after = 0;
			if (log == 1)
				ledger->last_topic_seq = 0;
			continue;
		case ROOM_LOG_LINES:
			break;
		}
		out[slice.len] = '\0';
		for (uint64_t seq = slice.first; seq <= slice.last; seq++) {
			const char *end = memchr(line, '\n', slice.len - (size_t)(line - out));

			if (end == NULL) {
				crash_check(false, "torn: a slice ends within a line: %s", line);
				break;
			}
			line_seen(ledger, log, seq, line, (size_t)(end - line));
			line = end + 1;
		}
		crash_check(line == out + slice.len, "%s: a slice has more than its lines",
			    segment_log(ledger->shm, log)->name);
		*after = slice.last;
	}
}

void ledger_verify(struct ledger *ledger, bool settled)
{
	struct shm *shm = ledger->shm;
	char topic[TOPIC_SIZE];

	for (uint32_t log = 0; log < ledger_logs(ledger); log++) {
		log_read_on(ledger, log);
		if (log_is_inbox(shm, log))
			atomic_store(&segment_user(shm, user_of_inbox(shm, log))->inbox_read,
				     ledger->log[log].after);
		if (!settled)
			continue;
		crash_check(room_log_audit(shm, log), "%s fails its audit",
			    segment_log(shm, log)->name);
		for (uint32_t w = 0; w < WRITERS; w++) {
			uint64_t due = next_for(ledger, w, log,
						atomic_load(&ledger->shared->writer[w].sent));

			crash_check(ledger->log[log].expected[w] >= due || ledger->log[log].slack,
				    "%s: message %" PRIu64 " of %u is lost",
				    segment_log(shm, log)->name, ledger->log[log].expected[w], w);
			if (ledger->log[log].expected[w] < due)
				ledger->log[log].expected[w] = due;
		}
		ledger->log[log].slack = false;
	}
	for (uint32_t w = 0; w < WRITERS; w++) {
		uint64_t seen = UINT64_MAX;

		for (uint32_t log = 0; log < ledger_logs(ledger); log++) {
			if (ledger->log[log].expected[w] < seen)
				seen = ledger->log[log].expected[w];
		}
		atomic_store(&ledger->shared->writer[w].seen, seen);
	}
	if (settled && ledger->last_topic_seq != 0) {
		crash_check(room_log_topic(shm, 1, ledger->log[1].epoch, topic) &&
				    strcmp(topic, ledger->last_topic) == 0,
			    "the topic is \"%s\", not \"%s\"", topic, ledger->last_topic);
	}
}

void ledger_settle(struct ledger *ledger, uint32_t w, uint64_t until)
{
	unsigned tries = 0;

	ledger_repeat(ledger, w);
	while (atomic_load(&ledger->shared->writer[w].sent) < until) {
		if (ledger_say(ledger, w))
			continue;
		/* An inbox is full: its owner reads, that is what makes room. */
		ledger_verify(ledger, false);
		if (++tries > 100) {
			crash_check(false, "an inbox stays full though all is read");
			break;
		}
	}
	ledger_repeat(ledger, w);
	ledger_verify(ledger, true);
	crash_check(append_finish_intents(ledger->shm) == 0, "an intent stays open");
}
