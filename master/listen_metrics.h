/* The socket of --metrics-listen: one for all workers, who answer on it (worker/process_http.h). */
#ifndef MASTER_LISTEN_METRICS_H
#define MASTER_LISTEN_METRICS_H

#include "base/buf.h"

/*
 * "ADDR:PORT" to a nonblocking, close-on-exec socket that listens there; `text` is where, with the
 * port's number. 0, or -errno with a sentence for the operator.
 */
int listen_metrics_open(const char *where, int *ret_fd, struct buf *text, struct buf *error);

#endif
