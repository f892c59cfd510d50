#include "master/respawn.h"

#include <string.h>

void respawn_forgive(struct respawn *respawn)
{
	memset(respawn, 0, sizeof(*respawn));
}

uint32_t respawn_after_death(struct respawn *respawn, uint64_t born_mono_ms, uint64_t now_mono_ms)
{
	uint64_t oldest = respawn->died_mono_ms[respawn->at];

	/* It worked for a while: what was before is another story. */
	if (now_mono_ms - born_mono_ms >= RESPAWN_WINDOW_MS) {
		respawn_forgive(respawn);
		oldest = 0;
	}
	respawn->died_mono_ms[respawn->at] = now_mono_ms;
	respawn->at = (respawn->at + 1) % RESPAWN_DEATHS;
	if (respawn->delay_ms > 0) {
		respawn->delay_ms *= 2;
		if (respawn->delay_ms > RESPAWN_DELAY_MAX_MS)
			respawn->delay_ms = RESPAWN_DELAY_MAX_MS;
	} else if (oldest != 0 && now_mono_ms - oldest < RESPAWN_WINDOW_MS) {
		respawn->delay_ms = RESPAWN_DELAY_MIN_MS;
	}
	return respawn->delay_ms;
}
