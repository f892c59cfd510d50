#include "shm/lock.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	struct shm_lock lock;
	_Atomic int holds; /* 1: the child has it */
};

static struct shared *shared_make(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(shared, MAP_FAILED);
	cr_assert_eq(lock_init(&shared->lock), 0);
	return shared;
}

/* A child that has the lock and waits to be killed. */
static pid_t holder_start(struct shared *shared)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		lock_acquire(&shared->lock);
		atomic_store(&shared->holds, 1);
		for (;;)
			pause();
	}
	while (atomic_load(&shared->holds) == 0)
		sched_yield();
	return pid;
}

static void holder_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(lock, is_free_again_after_its_release)
{
	struct shared *shared = shared_make();

	cr_assert_eq(lock_acquire(&shared->lock), LOCK_OK);
	lock_release(&shared->lock);
	cr_assert_eq(lock_try(&shared->lock), LOCK_OK);
	lock_release(&shared->lock);
}

Test(lock, tells_that_its_holder_died_until_it_is_made_consistent)
{
	struct shared *shared = shared_make();

	holder_kill(holder_start(shared));
	cr_assert_eq(lock_acquire(&shared->lock), LOCK_DIED);
	lock_made_consistent(&shared->lock);
	lock_release(&shared->lock);
	cr_assert_eq(lock_acquire(&shared->lock), LOCK_OK);
	lock_release(&shared->lock);
}

Test(lock, that_nobody_made_consistent_is_broken_for_ever)
{
	struct shared *shared = shared_make();

	holder_kill(holder_start(shared));
	cr_assert_eq(lock_acquire(&shared->lock), LOCK_DIED);
	lock_release(&shared->lock);
	cr_assert_eq(lock_acquire(&shared->lock), LOCK_BROKEN);
	cr_assert_eq(lock_try(&shared->lock), LOCK_BROKEN);
}

Test(lock, is_waited_for_once_and_then_only_tried_while_it_is_hot)
{
	struct shared *shared = shared_make();
	pid_t holder = holder_start(shared);
	uint64_t start = clock_mono_us(), hot_until;

	cr_assert_eq(lock_acquire(&shared->lock), LOCK_BUSY);
	cr_assert_geq(clock_mono_us() - start, LOCK_WAIT_MS * 1000);
	hot_until = atomic_load(&shared->lock.hot_until_ms);
	cr_assert_gt(hot_until, clock_mono_ms());
	cr_assert_leq(hot_until, clock_mono_ms() + LOCK_HOT_MS);

	/* A hundred attempts without waiting take less than two waits. */
	start = clock_mono_us();
	for (int i = 0; i < 100; i++)
		cr_assert_eq(lock_acquire(&shared->lock), LOCK_BUSY);
	cr_assert_lt(clock_mono_us() - start, 50 * LOCK_WAIT_MS * 1000);
	cr_assert_eq(atomic_load(&shared->lock.hot_until_ms), hot_until);

	/* Cooled down: waited for again. */
	atomic_store(&shared->lock.hot_until_ms, clock_mono_ms() - 1);
	start = clock_mono_us();
	cr_assert_eq(lock_acquire(&shared->lock), LOCK_BUSY);
	cr_assert_geq(clock_mono_us() - start, LOCK_WAIT_MS * 1000);
	holder_kill(holder);
	cr_assert_eq(lock_acquire(&shared->lock), LOCK_DIED);
}
