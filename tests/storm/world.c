#include "tests/storm/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void samples_add(struct samples *samples, uint64_t us)
{
	if (samples->count == samples->cap) {
		samples->cap = samples->cap == 0 ? 1024 : samples->cap * 2;
		samples->us = realloc(samples->us, samples->cap * sizeof(*samples->us));
		if (samples->us == NULL)
			abort();
	}
	samples->us[samples->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t samples_percentile(struct samples *samples, double percent)
{
	size_t at;

	if (samples->count == 0)
		return 0;
	qsort(samples->us, samples->count, sizeof(*samples->us), compare);
	at = (size_t)((double)samples->count * percent / 100);
	return samples->us[at < samples->count ? at : samples->count - 1];
}

uint32_t samples_max(const struct samples *samples)
{
	uint32_t max = 0;

	for (size_t i = 0; i < samples->count; i++)
		max = samples->us[i] > max ? samples->us[i] : max;
	return max;
}

void samples_finish(struct samples *samples)
{
	free(samples->us);
	*samples = (struct samples){0};
}

/* xorshift64: the same seed brings the same weather. */
uint64_t world_draw(struct world *world, uint64_t below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (world->random >> 11) % below;
}

void world_note_code(struct world *world, const char *code)
{
	for (unsigned i = 0; i < CODES_MAX; i++) {
		if (world->codes[i].count == 0)
			snprintf(world->codes[i].code, sizeof(world->codes[i].code), "%s", code);
		if (strcmp(world->codes[i].code, code) == 0) {
			world->codes[i].count++;
			return;
		}
	}
}

void world_log_name(unsigned log, char out[16])
{
	if (log < ROOMS)
		snprintf(out, 16, "room%u", log);
	else
		snprintf(out, 16, "@u%u", log - ROOMS);
}

int world_log_number(const char *name)
{
	unsigned number;

	if (sscanf(name, "room%u", &number) == 1 && number < ROOMS)
		return (int)number;
	if (sscanf(name, "@u%u", &number) == 1 && number < USERS_MAX)
		return (int)(ROOMS + number);
	return -1;
}
