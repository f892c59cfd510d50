#include "tests/hostile/figures.h"

#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

bool figures_wanted(void)
{
	const char *wanted = getenv("HOSTILE_LONG");

	return wanted != NULL && strcmp(wanted, "1") == 0;
}

unsigned figure(unsigned in_short, unsigned in_long)
{
	return figures_wanted() ? in_long : in_short;
}

struct latencies *latencies_create(void)
{
	struct latencies *latencies = mmap(NULL, sizeof(*latencies), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(latencies != MAP_FAILED, "out of memory");
	return latencies;
}

void latencies_add(struct latencies *latencies, uint64_t us)
{
	uint32_t at = atomic_fetch_add(&latencies->count, 1);

	if (at < LATENCIES_MAX)
		latencies->us[at] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

double latencies_ms(struct latencies *latencies, unsigned per_mille)
{
	uint32_t count = atomic_load(&latencies->count);
	size_t at;

	if (count > LATENCIES_MAX)
		count = LATENCIES_MAX;
	if (count == 0)
		return 0;
	qsort(latencies->us, count, sizeof(uint32_t), compare);
	at = (size_t)count * per_mille / 1000;
	return latencies->us[at < count ? at : count - 1] / 1000.0;
}

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

bool person_logs_in(struct server *s, const char *user, const char *source,
		    struct latencies *latencies)
{
	uint64_t start = now_us();
	struct chat *c = chat_try_open(s, user, &(struct ws_request){.source = source});
	struct key key = key_of(user);
	bool in = false;

	if (c == NULL)
		return false;
	if (chat_next(c, PATIENCE_MS) != NULL && c->challenge != NULL) {
		chat_send_login(c, user, &key, "'only':[]");
		in = chat_next(c, PATIENCE_MS) != NULL && c->welcome != NULL;
	}
	if (in)
		latencies_add(latencies, now_us() - start);
	chat_forget(c);
	return in;
}

pid_t figures_fork(int (*act)(void *data), void *data)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		child_prepare(parent);
		_exit(act(data));
	}
	return pid;
}
