#include "worker/startups.h"

#include "base/random.h"

bool startups_drop(uint64_t count, uint64_t max)
{
	uint64_t start = max / 2;

	if (max == 0 || count <= start)
		return false;
	return count >= max || random_below(max - start) < count - start;
}
