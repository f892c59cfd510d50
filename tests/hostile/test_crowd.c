/* Crowds of strangers: who says nothing, half of something, or guesses. */
#include "base/clock.h"
#include "tests/hostile/figures.h"
#include "tests/hostile/peer.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

TestSuite(crowd, .fini = owned_finish_all, .timeout = 600);

#define DRIBBLE_MS 1000u
#define LATE_MS 10000u /* behind its deadline a connection that is still open is one too many */

enum kind { SILENT, DRIBBLING, HALF_FRAME, NO_LOGIN, KINDS };

static const char *const kind_names[KINDS] = {"silent connects", "header dribbles", "half frames",
					      "never-logins"};

struct crowd {
	enum kind kind;
	unsigned port, count;
	uint64_t timeout_ms;
	/* What came of it, shared with the test. */
	unsigned opened, closed;
	uint64_t first_ms, last_ms; /* after its opening, that a connection was closed */
};

static bool join_crowd(const struct crowd *crowd, struct ws *ws)
{
	char source[32];
	struct ws_request request = {.port = crowd->port, .source = source};

	snprintf(source, sizeof(source), "127.0.0.%u", 20 + crowd->kind);
	switch (crowd->kind) {
	case SILENT:
		return ws_dial(ws, &request);
	case DRIBBLING:
		return ws_dial(ws, &request) && ws_send_raw(ws, "GET /ws HTTP/1.1\r\nX: ", 21);
	case HALF_FRAME:
		return ws_open(ws, &request) && ws_send_raw(ws, "\x81\xfe\x10\0abcd{\"ty", 12);
	case NO_LOGIN:
	case KINDS:
		break;
	}
	return ws_open(ws, &request);
}

static bool has_ended(struct ws *ws)
{
	struct pollfd one = {.fd = ws->fd, .events = POLLRDHUP};

	return poll(&one, 1, 0) == 1;
}

/* Opens them all, waits until the server has closed each of them: 0, or 1 if it doesn't. */
static int run_crowd(void *data)
{
	struct crowd *crowd = data;
	struct ws *peers = calloc(crowd->count, sizeof(*peers));
	uint64_t *opened_ms = calloc(crowd->count, sizeof(*opened_ms));
	uint64_t last_open_ms = 0, dribble_ms = 0;

	if (peers == NULL || opened_ms == NULL)
		return 1;
	for (unsigned i = 0; i < crowd->count; i++) {
		peers[i].fd = -1;
		opened_ms[i] = clock_mono_ms();
		/* One that is cut in the middle was closed, too. */
		if (!join_crowd(crowd, &peers[i]))
			ws_drop(&peers[i]);
		crowd->opened++;
		last_open_ms = clock_mono_ms();
	}
	while (crowd->closed < crowd->count) {
		uint64_t now = clock_mono_ms();
		bool dribble = crowd->kind == DRIBBLING && now >= dribble_ms + DRIBBLE_MS;

		if (now > last_open_ms + crowd->timeout_ms + LATE_MS)
			return 1;
		crowd->closed = 0;
		for (unsigned i = 0; i < crowd->count; i++) {
			if (peers[i].fd >= 0 && dribble)
				ws_send_raw(&peers[i], "x", 1);
			if (peers[i].fd >= 0 && has_ended(&peers[i])) {
				crowd->last_ms = now - opened_ms[i];
				if (crowd->first_ms == 0 || crowd->last_ms < crowd->first_ms)
					crowd->first_ms = crowd->last_ms;
				ws_drop(&peers[i]);
			}
			crowd->closed += peers[i].fd < 0;
		}
		dribble_ms = dribble ? now : dribble_ms;
		poll(NULL, 0, 20);
	}
	return 0;
}

/* As many files as the machine gives, for the test and for the server that it starts. */
static void raise_files(unsigned wanted)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < files.rlim_max)
		files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	must(files.rlim_cur >= wanted, "%llu open files are too few, %u are needed",
	     (unsigned long long)files.rlim_cur, wanted);
}

OwnedTest(crowd, of_those_who_never_log_in_is_closed_while_people_get_in)
{
	unsigned count = figure(100, 5000), timeout_s = figure(3, 20);
	const char *args = scratch_text("--max-pending-logins 0 --max-startups 0 "
					"--login-timeout %u --log-level warn",
					timeout_s);
	struct latencies *logins = latencies_create();
	struct crowd *crowds = mmap(NULL, KINDS * sizeof(*crowds), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[KINDS];
	unsigned ended = 0, refused = 0;
	bool closed = true;

	raise_files(count * 3);
	struct server *s = server_with(.users = "alice bob", .workers = 2, .args = args);

	for (unsigned k = 0; k < KINDS; k++) {
		crowds[k] = (struct crowd){.kind = (enum kind)k,
					   .port = s->port,
					   .count = count,
					   .timeout_ms = timeout_s * 1000ull};
		children[k] = figures_fork(run_crowd, &crowds[k]);
	}
	while (ended < KINDS) {
		/* They begin with all of it, and each other one's way in is measured. */
		refused += !person_logs_in(s, "alice", "127.0.0.1", logins);
		for (unsigned k = 0; k < KINDS; k++) {
			int status;

			if (children[k] == 0 || !child_wait(children[k], 0, &status))
				continue;
			closed = closed && status == 0;
			children[k] = 0;
			ended++;
		}
	}
	for (unsigned k = 0; k < KINDS; k++) {
		told("%u %s: %u closed by the server, after %.1f to %.1f s", crowds[k].opened,
		     kind_names[k], crowds[k].closed, (double)crowds[k].first_ms / 1000,
		     (double)crowds[k].last_ms / 1000);
		should(crowds[k].closed == count, "%u %s are left", count - crowds[k].closed,
		       kind_names[k]);
	}
	must(closed, "not all were closed");
	told("%u logins meanwhile: p50 %.1f ms, p99 %.1f ms, longest %.1f ms; %u failed",
	     (unsigned)logins->count, latencies_ms(logins, 500), latencies_ms(logins, 990),
	     latencies_ms(logins, 1000), refused);
	must(refused == 0, "%u people did not get in", refused);
	if (figures_wanted())
		must(latencies_ms(logins, 990) < 250, "p99 of a login is over 250 ms");
}

/* ---- guessing ---- */

#define GUESSES_A_SECOND 500u

struct guesser {
	unsigned port;
	char address[32]; /* what a login names */
	volatile bool stop;
	unsigned sent, looked_at, told_to_wait, seconds;
};

/* One login that is no good; whether it was looked at, or turned away with a time to wait. */
static void guess(struct guesser *guesser)
{
	struct ws_request request = {.port = guesser->port, .source = "127.0.0.7"};
	struct buf line = BUF_INIT;
	char login[512];
	struct ws ws;

	guesser->sent++;
	if (ws_open(&ws, &request) && ws_receive(&ws, 5000, &line) == WS_EVENT_TEXT) {
		if (strstr(line.data, "\"challenge\"") != NULL) {
			guesser->looked_at++;
			snprintf(login, sizeof(login),
				 "{\"type\":\"login\",\"user\":\"alice\",\"server\":\"%s\","
				 "\"binding\":\"none\",\"signature\":\"AAAA\"}",
				 guesser->address);
			ws_send(&ws, WS_TEXT, login, strlen(login));
			/* So that it is read before the socket is closed; no answer is awaited. */
			ws_receive(&ws, 5, &line);
		} else if (strstr(line.data, "\"rate_limited\"") != NULL &&
			   strstr(line.data, "\"retry_after_ms\"") != NULL) {
			guesser->told_to_wait++;
		}
	}
	buf_finish(&line);
	ws_drop(&ws);
}

static int run_guesser(void *data)
{
	struct guesser *guesser = data;
	uint64_t start = now_us();

	while (!guesser->stop) {
		uint64_t due = start + guesser->sent * (1000000ull / GUESSES_A_SECOND);
		uint64_t now = now_us();

		if (now < due)
			poll(NULL, 0, (int)((due - now) / 1000));
		guess(guesser);
		guesser->seconds = (unsigned)((now_us() - start) / 1000000);
	}
	return 0;
}

OwnedTest(crowd, of_guesses_from_one_address_keeps_nobody_else_out)
{
	struct latencies *logins = latencies_create();
	struct guesser *guesser = mmap(NULL, sizeof(*guesser), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	unsigned refused = 0, seconds = figure(2, 30);
	uint64_t end;
	pid_t child;
	int status;

	*guesser = (struct guesser){.port = s->port};
	snprintf(guesser->address, sizeof(guesser->address), "%s", s->address);
	child = figures_fork(run_guesser, guesser);
	end = clock_mono_ms() + seconds * 1000ull;
	while (clock_mono_ms() < end || guesser->told_to_wait == 0) {
		must(clock_mono_ms() < end + 60000, "the guesser is never told to wait");
		refused += !person_logs_in(s, "alice", "127.0.0.1", logins);
		refused += !person_logs_in(s, "bob", "127.0.0.8", logins);
		poll(NULL, 0, 10);
	}
	guesser->stop = true;
	must(child_wait(child, PATIENCE_MS, &status), "the guesser doesn't end");
	told("%u bad logins in %u s from one address: %u looked at, %u told to wait", guesser->sent,
	     guesser->seconds, guesser->looked_at, guesser->told_to_wait);
	told("%u logins meanwhile: p50 %.1f ms, p99 %.1f ms, longest %.1f ms; %u failed",
	     (unsigned)logins->count, latencies_ms(logins, 500), latencies_ms(logins, 990),
	     latencies_ms(logins, 1000), refused);
	must(refused == 0, "%u people did not get in", refused);
	/* Ten, those that were under way with the tenth, and one for each 5 s since. */
	must(guesser->looked_at <= 40 + guesser->seconds / 5, "%u guesses were looked at",
	     guesser->looked_at);
	if (figures_wanted())
		must(latencies_ms(logins, 990) < 500, "p99 of a login is over 500 ms");
}
