#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
	unsigned char *at = out;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		at += got;
		len -= (size_t)got;
	}
}

uint64_t random_u64(void)
{
	uint64_t value = 0;

	while (value == 0)
		random_bytes(&value, sizeof(value));
	return value;
}

uint64_t random_below(uint64_t below)
{
	uint64_t unfair = UINT64_MAX - UINT64_MAX % below;
	uint64_t value;

	do
		random_bytes(&value, sizeof(value));
	while (value >= unfair);
	return value % below;
}
