/*
 * What a worker says over its control socket: READY, and claims of names, decided one after
 * the other in the order they are read, each written down and published before it is
 * answered.
 */
#ifndef MASTER_CLAIMS_H
#define MASTER_CLAIMS_H

#include "master/children.h"
#include "master/keys_reload.h"

/* Reads what is there; a packet that makes no sense costs the worker its life. */
void claims_receive(struct child *child, unsigned slot, struct keys *keys);

#endif
