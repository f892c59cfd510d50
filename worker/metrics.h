/* What /metrics says, in Prometheus' text format (exposition format 0.0.4). */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include "base/buf.h"
#include "shm/segment.h"

/* Sums over all workers, dead ones' counts included, and the state of the tables. */
void metrics_write(const struct shm *shm, struct buf *out);

#endif
