/*
 * Is the whole server fit for more clients? Any worker can tell, from the segment alone.
 *
 *	ready                                     or: not ready
 *	workers ok: 2 of 2 answer
 *	draining ok: no
 *	connections FAIL: 14800 of 16384 (--max-connections)
 *	...
 */
#ifndef WORKER_HEALTH_H
#define WORKER_HEALTH_H

#include "worker/worker.h"

/* True: ready. The text says which line fails either way. */
bool health_write(const struct worker *worker, struct buf *out);

#endif
