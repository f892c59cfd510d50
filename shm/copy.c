#include "shm/copy.h"

#include <stdint.h>
#include <string.h>

#if SHM_TSAN

#define WORD sizeof(uint64_t)

/* Whole words where the shared side is aligned, so that both sides of a race use the same cells. */
void shm_copy_in(void *shared, const void *from, size_t len)
{
	unsigned char *to = shared;
	const unsigned char *at = from;

	while (len > 0) {
		if ((uintptr_t)to % WORD == 0 && len >= WORD) {
			uint64_t word;

			memcpy(&word, at, WORD);
			__atomic_store_n((uint64_t *)(void *)to, word, __ATOMIC_RELAXED);
			to += WORD, at += WORD, len -= WORD;
		} else {
			__atomic_store_n(to, *at, __ATOMIC_RELAXED);
			to++, at++, len--;
		}
	}
}

void shm_copy_out(void *to, const void *shared, size_t len)
{
	unsigned char *out = to;
	const unsigned char *at = shared;

	while (len > 0) {
		if ((uintptr_t)at % WORD == 0 && len >= WORD) {
			uint64_t word = __atomic_load_n((const uint64_t *)(const void *)at,
							__ATOMIC_RELAXED);

			memcpy(out, &word, WORD);
			out += WORD, at += WORD, len -= WORD;
		} else {
			*out = __atomic_load_n(at, __ATOMIC_RELAXED);
			out++, at++, len--;
		}
	}
}

#else

void shm_copy_in(void *shared, const void *from, size_t len)
{
	memcpy(shared, from, len);
}

void shm_copy_out(void *to, const void *shared, size_t len)
{
	memcpy(to, shared, len);
}

#endif
