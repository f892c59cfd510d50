#include "shm/crc32c.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLYNOMIAL UINT32_C(0x82f63b78) /* 0x1edc6f41, bits reversed */

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) ? POLYNOMIAL : 0);
		table[i] = crc;
	}
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	pthread_once(&table_once, table_fill);
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = table[(crc ^ at[i]) & 0xff] ^ (crc >> 8);
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes,
							       size_t len)
{
	const unsigned char *at = bytes;
	uint64_t wide = ~crc;
	uint32_t narrow;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		wide = _mm_crc32_u64(wide, word);
	}
	narrow = (uint32_t)wide;
	for (; len > 0; at++, len--)
		narrow = _mm_crc32_u8(narrow, *at);
	return ~narrow;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	/* A load and a bit test: the C runtime has asked the processor before main. */
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, bytes, len);
	return crc32c_portable(crc, bytes, len);
}

#else

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return crc32c_portable(crc, bytes, len);
}

#endif
