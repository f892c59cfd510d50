/* The transport's verbs: frames in, lines to dispatch. */
#ifndef WORKER_RECEIVE_H
#define WORKER_RECEIVE_H

#include "worker/conn.h"

/* Lines that waited for a verdict, in their order. Takes `held` over. */
void receive_held(struct conn *conn, struct buf *held);

#endif
