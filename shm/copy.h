/*
 * Bytes into and out of a ring that a reader and a writer may touch at once. The race is
 * by design: the reader notices afterwards that it was lapped and discards the copy.
 *
 * memcpy; under ThreadSanitizer relaxed atomic words, so that every report it makes is
 * about something else. Its fences are here for the same reason: gcc's TSan knows no
 * fences (all it would order are relaxed atomics there, so nothing is hidden).
 */
#ifndef SHM_COPY_H
#define SHM_COPY_H

#include <stdatomic.h>
#include <stddef.h>

#if defined(__SANITIZE_THREAD__)
#define SHM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHM_TSAN 1
#endif
#endif
#ifndef SHM_TSAN
#define SHM_TSAN 0
#endif

/* Private memory to shared, and back. The areas don't overlap. */
void shm_copy_in(void *shared, const void *from, size_t len);
void shm_copy_out(void *to, const void *shared, size_t len);

#if SHM_TSAN
static inline void shm_fence(memory_order order)
{
	/* A full barrier of the compiler and of x86 and ARM, unknown to TSan. */
	(void)order;
	__sync_synchronize();
}
#else
static inline void shm_fence(memory_order order)
{
	atomic_thread_fence(order);
}
#endif

#endif
