#include "worker/startups.h"

bool startups_drop(uint64_t count, uint64_t max, uint32_t dice)
{
	uint64_t start = max / 2;

	if (max == 0 || count <= start)
		return false;
	if (count >= max)
		return true;
	return (uint64_t)dice % (max - start) < count - start;
}
