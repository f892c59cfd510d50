#include "agents/restart.h"

bool restart_after_death(struct restart *restart, uint64_t born_ms, uint64_t now_ms,
			 uint64_t chance, uint32_t *ret_wait_ms)
{
	uint64_t oldest;

	/* A ring of five: behind the newest stands the fifth one, this one counted. */
	restart->died_ms[restart->at] = now_ms;
	restart->at = (restart->at + 1) % RESTART_DEATHS;
	oldest = restart->died_ms[restart->at];
	if (oldest != 0 && now_ms - oldest <= RESTART_WINDOW_MS) {
		restart->open = true;
		return false;
	}
	if (now_ms - born_ms >= RESTART_HEALTHY_MS)
		restart->delay_ms = 0;
	if (restart->delay_ms == 0)
		restart->delay_ms = RESTART_MIN_MS;
	else if (restart->delay_ms < RESTART_MAX_MS / 2)
		restart->delay_ms *= 2;
	else
		restart->delay_ms = RESTART_MAX_MS;
	*ret_wait_ms = restart->delay_ms * 3 / 4 + (uint32_t)(chance % (restart->delay_ms / 2 + 1));
	return true;
}

void restart_forgive(struct restart *restart)
{
	*restart = (struct restart){0};
}
