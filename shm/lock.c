#include "shm/lock.h"

#include "shm/copy.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

/* Looks at a held lock before the process sleeps for it: an append is over in less than that. */
#define SPINS 200

static _Thread_local struct lock_counts counts;

struct lock_counts lock_counts(void)
{
	return counts;
}

static inline void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

int lock_init(struct shm_lock *lock)
{
	pthread_mutexattr_t attr;
	int ret;

	ret = pthread_mutexattr_init(&attr);
	if (ret != 0)
		return -ret;
	ret = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (ret == 0)
		ret = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (ret == 0)
		ret = pthread_mutex_init(&lock->mutex, &attr);
	if (ret == 0)
		atomic_init(&lock->hot_until_ms, 0);
	pthread_mutexattr_destroy(&attr);
	return -ret;
}

/* hot_until_ms of a lock that can never be had again. (glibc says so once, then EBUSY.) */
#define HOT_FOR_EVER UINT64_MAX

static enum lock_result lock_result_of(struct shm_lock *lock, int error)
{
	switch (error) {
	case 0:
		return LOCK_OK;
	case EOWNERDEAD:
		counts.repairs++;
		return LOCK_DIED;
	case EBUSY:
	case ETIMEDOUT:
		if (atomic_load_explicit(&lock->hot_until_ms, memory_order_relaxed) != HOT_FOR_EVER)
			return LOCK_BUSY;
		return LOCK_BROKEN;
	default: /* ENOTRECOVERABLE, EINVAL, … */
		atomic_store_explicit(&lock->hot_until_ms, HOT_FOR_EVER, memory_order_relaxed);
		return LOCK_BROKEN;
	}
}

enum lock_result lock_try(struct shm_lock *lock)
{
	return lock_result_of(lock, pthread_mutex_trylock(&lock->mutex));
}

#if SHM_TSAN
#define LOCK_CLOCK CLOCK_REALTIME /* TSan knows timedlock, but not clocklock */
static int mutex_wait(pthread_mutex_t *mutex, const struct timespec *until)
{
	return pthread_mutex_timedlock(mutex, until);
}
#else
#define LOCK_CLOCK CLOCK_MONOTONIC
static int mutex_wait(pthread_mutex_t *mutex, const struct timespec *until)
{
	return pthread_mutex_clocklock(mutex, LOCK_CLOCK, until);
}
#endif

/* A few µs of trying: whoever works under a lock is done by then, if he runs at all. */
static enum lock_result lock_spin(struct shm_lock *lock)
{
	enum lock_result result = LOCK_BUSY;

	for (int i = 0; i < SPINS && result == LOCK_BUSY; i++) {
		spin_pause();
		result = lock_try(lock);
	}
	return result;
}

static enum lock_result lock_wait(struct shm_lock *lock)
{
	struct timespec until;
	enum lock_result result;

	clock_gettime(LOCK_CLOCK, &until);
	until.tv_nsec += (long)LOCK_WAIT_MS * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	counts.waits++;
	result = lock_result_of(lock, mutex_wait(&lock->mutex, &until));
	/* Somebody sits on it: nobody spends another 2 ms on it for a while. */
	if (result == LOCK_BUSY)
		atomic_store_explicit(&lock->hot_until_ms, clock_mono_ms() + LOCK_HOT_MS,
				      memory_order_relaxed);
	return result;
}

static enum lock_result acquire(struct shm_lock *lock)
{
	enum lock_result result = lock_try(lock);
	uint64_t hot_until;

	if (result == LOCK_BUSY)
		result = lock_spin(lock);
	hot_until = atomic_load_explicit(&lock->hot_until_ms, memory_order_relaxed);
	if (result == LOCK_BUSY && (hot_until == 0 || clock_mono_ms() >= hot_until))
		return lock_wait(lock);
	/* Whoever sat on it is gone. */
	if (hot_until != 0 && (result == LOCK_OK || result == LOCK_DIED))
		atomic_store_explicit(&lock->hot_until_ms, 0, memory_order_relaxed);
	return result;
}

enum lock_result lock_acquire(struct shm_lock *lock)
{
	enum lock_result result = acquire(lock);

	counts.timeouts += result == LOCK_BUSY;
	return result;
}

void lock_made_consistent(struct shm_lock *lock)
{
	pthread_mutex_consistent(&lock->mutex);
}

void lock_release(struct shm_lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}
