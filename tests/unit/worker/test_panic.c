#include "worker/panic.h"

#include "base/build_id.h"
#include "shm/room_log.h"
#include "worker/walls.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOT 3u

static struct shm shm;
static struct worker_slot *slots;

static void setup(void)
{
	if (WALLS_OFF)
		cr_skip("this build leaves it to the sanitizer");
	slots = mmap(NULL, sizeof(*slots) * SLOTS_MAX, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(slots, MAP_FAILED);
	shm = (struct shm){.workers = slots, .slot = SLOT, .generation = 7};
}

TestSuite(panic, .init = setup, .timeout = 30);

/* The signal it died of. */
static int die(void (*how)(void))
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		const struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		/* Criterion has handlers of its own. */
		for (int number = 1; number < 32; number++)
			signal(number, SIG_DFL);
		if (panic_arm(&shm) < 0)
			_exit(1);
		room_log_last = 42;
		how();
		_exit(2);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status), "exit %d", WEXITSTATUS(status));
	return WTERMSIG(status);
}

static void expect_last_words(int signal_number)
{
	char build[BUILD_ID_SIZE];

	build_id_get(build);
	cr_assert_eq(strlen(build), BUILD_ID_SIZE - 1);
	cr_assert_eq(slots[SLOT].panic_signal, (uint32_t)signal_number);
	cr_assert_eq(slots[SLOT].panic_log, 42u);
	cr_assert_eq(slots[SLOT].panic_generation, 7u);
	cr_assert_str_eq(slots[SLOT].panic_build, build);
}

/* Compilers may not know that it points nowhere. */
static volatile uintptr_t nowhere = 8;

static void touch_nothing(void)
{
	*(volatile int *)nowhere = 1;
}

Test(panic, a_fault_leaves_signal_place_build_and_log)
{
	uintptr_t start, end, here = (uintptr_t)touch_nothing;

	cr_assert_eq(die(touch_nothing), SIGSEGV);
	expect_last_words(SIGSEGV);
	build_id_span(&start, &end);
	cr_assert_geq(slots[SLOT].panic_at, here - start);
	cr_assert_lt(slots[SLOT].panic_at, here - start + 64);
	cr_assert_lt(here, end);
}

Test(panic, an_assertion_leaves_its_words)
{
	cr_assert_eq(die(abort), SIGABRT);
	expect_last_words(SIGABRT);
	cr_assert_eq(slots[SLOT].panic_at, 0u, "the instruction is the library's");
}

static void be_killed(void)
{
	kill(getpid(), SIGABRT);
	pause();
}

Test(panic, a_signal_from_outside_ends_it_all_the_same)
{
	cr_assert_eq(die(be_killed), SIGABRT);
	expect_last_words(SIGABRT);
}

static unsigned sink;

static __attribute__((noinline)) unsigned dig(unsigned depth)
{
	volatile char hole[4096];

	hole[depth % sizeof(hole)] = (char)depth;
	sink += (unsigned)hole[0];
	return depth == UINT32_MAX ? sink : dig(depth + 1) + (unsigned)hole[1];
}

static void overflow(void)
{
	sink = dig(0);
}

Test(panic, a_stack_that_is_used_up_has_room_for_them)
{
	cr_assert_eq(die(overflow), SIGSEGV);
	expect_last_words(SIGSEGV);
}

static void be_terminated(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

Test(panic, whoever_is_killed_says_nothing)
{
	cr_assert_eq(die(be_terminated), SIGKILL);
	cr_assert_eq(slots[SLOT].panic_generation, 0u);
}
