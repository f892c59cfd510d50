#include "tests/hostile/peer.h"

#include "base/clock.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned rounds_of(unsigned rounds)
{
	const char *times = getenv("HOSTILE_ROUNDS");

	return times != NULL && atoi(times) > 0 ? rounds * (unsigned)atoi(times) : rounds;
}

void told(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void dice_start(void)
{
	const char *seed = getenv("CHAT_TEST_SEED");

	srand(seed != NULL ? (unsigned)atoi(seed) : 20261121);
}

unsigned dice(unsigned below)
{
	return (unsigned)rand() % below;
}

size_t mutate(char *text, size_t len, size_t size)
{
	for (unsigned changes = 1 + dice(4); changes > 0 && len > 1; changes--) {
		size_t at = dice((unsigned)len);
		size_t some = 1 + dice((unsigned)(len - at));

		switch (dice(6)) {
		case 0:
			len = at > 0 ? at : 1;
			break;
		case 1:
			memmove(text + at, text + at + some, len - at - some);
			len -= some < len ? some : len - 1;
			break;
		case 2:
			if (len + some > size)
				break;
			memmove(text + at + some, text + at, len - at);
			len += some;
			break;
		case 3:
			text[at] = (char)(text[at] ^ 1 << dice(8));
			break;
		case 4:
			text[at] = "\"\\{}[]:,0-9eE.\n\r\t u/"[dice(20)];
			break;
		default:
			text[at] = (char)dice(256);
			break;
		}
	}
	return len;
}

struct echo echo_start(void)
{
	const char *argv[] = {program_path("ws-echo"), "0", NULL};
	struct echo echo = {.program = program_start(argv, NULL)};
	const char *line = program_line(echo.program);

	must(line != NULL && atoi(line) > 0, "ws-echo names no port");
	echo.port = (unsigned)atoi(line);
	return echo;
}

struct ws echo_connect(const struct echo *echo)
{
	struct ws_request request = {.port = echo->port, .path = "/"};
	struct ws ws;

	must(ws_open(&ws, &request), "ws-echo doesn't upgrade: status %d", ws.status);
	return ws;
}

bool echo_serves(const struct echo *echo)
{
	struct ws ws = echo_connect(echo);
	struct buf back = BUF_INIT;
	bool serves = ws_send(&ws, WS_TEXT, "still here", 10) &&
		      ws_receive(&ws, PATIENCE_MS, &back) == WS_EVENT_TEXT && back.len == 10;

	buf_finish(&back);
	ws_drop(&ws);
	return serves;
}

/* 0 of a worker, if we aren't root: its walls keep us from looking. */
static unsigned count_descriptors(pid_t pid)
{
	DIR *folder = opendir(scratch_text("/proc/%d/fd", (int)pid));
	unsigned count = 0;

	if (folder == NULL && errno == EACCES)
		return 0;
	must(folder != NULL, "process %d is gone", (int)pid);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

struct health health_of(pid_t pid)
{
	const char *status = file_read(scratch_text("/proc/%d/status", (int)pid));
	const char *rss = status != NULL ? strstr(status, "VmRSS:") : NULL;

	must(rss != NULL, "process %d is gone", (int)pid);
	return (struct health){.descriptors = count_descriptors(pid), .memory_kb = atol(rss + 6)};
}

/* /proc tells no one about changes, so this looks every few milliseconds. */
bool descriptors_return(pid_t pid, unsigned descriptors, unsigned patience_ms)
{
	uint64_t deadline = clock_mono_ms() + patience_ms;

	while (count_descriptors(pid) > descriptors) {
		if (clock_mono_ms() > deadline)
			return false;
		poll(NULL, 0, 20);
	}
	return true;
}
