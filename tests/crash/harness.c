#include "tests/crash/harness.h"

#include "shm/crash_point.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILURES_MAX 20

/* The linker's bounds of the section that CRASH_POINT fills. */
extern const char *__start_crash_points[], *__stop_crash_points[];

static struct {
	const char *armed;
	unsigned passes_left;
	const char *hooked;
	void (*hook)(void *data);
	void *hook_data;
	const char *context;
	pid_t starter; /* who prints the report */
	unsigned round;
	uint32_t random;
} state = {.random = 2463534242u};

static struct {
	_Atomic unsigned long passed, failed;
} * totals; /* shared with our children */

void crash_start(void)
{
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (totals == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	state.starter = getpid();
}

void crash_point(const char *name)
{
	if (state.armed != NULL && strcmp(state.armed, name) == 0 && --state.passes_left == 0)
		kill(getpid(), SIGKILL);
	if (state.hooked != NULL && strcmp(state.hooked, name) == 0)
		state.hook(state.hook_data);
}

void crash_hook(const char *point, void (*act)(void *data), void *data)
{
	state.hooked = point;
	state.hook = act;
	state.hook_data = data;
}

static bool name_is_listed(const char *const *names, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool name_begins(const char *name, const char *const *prefixes)
{
	for (; *prefixes != NULL; prefixes++) {
		if (strncmp(name, *prefixes, strlen(*prefixes)) == 0)
			return true;
	}
	return false;
}

unsigned crash_points(const char *const *prefixes, const char **ret_names, unsigned max)
{
	unsigned count = 0;

	for (const char **at = __start_crash_points; at < __stop_crash_points; at++) {
		if (!name_begins(*at, prefixes) || name_is_listed(ret_names, count, *at))
			continue;
		if (count == max) {
			fprintf(stderr, "more than %u crash points\n", max);
			exit(1);
		}
		ret_names[count++] = *at;
	}
	return count;
}

unsigned crash_rounds(void)
{
	const char *text = getenv("CRASH_ROUNDS");
	int rounds = text != NULL ? atoi(text) : 1000;

	return rounds > 0 ? (unsigned)rounds : 1;
}

void crash_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		_exit(1);
}

void crash_arm(const char *point, unsigned pass)
{
	state.armed = point;
	state.passes_left = pass;
}

bool crash_child(const char *point, unsigned pass, void (*act)(void *data), void *data)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		crash_die_with_parent();
		crash_arm(point, pass);
		act(data);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		crash_check(false, "a child ended with wait status 0x%x", (unsigned)status);
	return false;
}

void crash_context(const char *point, unsigned round)
{
	state.context = point;
	state.round = round;
}

void crash_check(bool passed, const char *fmt, ...)
{
	va_list args;

	if (passed) {
		atomic_fetch_add_explicit(&totals->passed, 1, memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&totals->failed, 1, memory_order_relaxed);
	printf("FAILED at %s, round %u: ", state.context != NULL ? state.context : "-",
	       state.round);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	if (atomic_load(&totals->failed) >= FAILURES_MAX)
		_exit(getpid() == state.starter ? crash_report() : 1);
}

int crash_report(void)
{
	unsigned long passed = atomic_load(&totals->passed), failed = atomic_load(&totals->failed);

	printf("%lu passed, %lu failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}

uint32_t crash_random(uint32_t below)
{
	state.random ^= state.random << 13;
	state.random ^= state.random >> 17;
	state.random ^= state.random << 5;
	return state.random % below;
}

void crash_seed(uint32_t seed)
{
	state.random = seed * 2654435761u | 1;
}
