/* Says once what the workers are walled in by, and what is missing (worker/walls.h). */
#ifndef MASTER_WALLS_LOG_H
#define MASTER_WALLS_LOG_H

#include "master/children.h"

struct walls_log {
	bool told;
	struct walls_report last;
};

/* Logs the walls of a worker that has started, if the last one's were others. Zero-initialise. */
void walls_log_run(struct walls_log *log, const struct children *children);

#endif
