/*
 * What a worker says over its control socket: READY, and claims of names, decided one after
 * the other in the order they are read, each written down and published before it is
 * answered.
 */
#ifndef MASTER_CLAIMS_H
#define MASTER_CLAIMS_H

#include "master/children.h"
#include "master/keys_reload.h"

/* Claims that came while nothing may be published, in order. Zeroed: none. */
struct claims_held {
	struct claim_held *list; /* owned */
	size_t count;
};

/*
 * Reads what is there; a packet that makes no sense costs the worker its life. Claims are decided,
 * or put into `hold` where that isn't NULL.
 */
void claims_receive(struct child *child, unsigned slot, struct keys *keys,
		    struct claims_held *hold);
/* Decides them; those of workers that died meanwhile are dropped. `held` is empty then. */
void claims_release(struct claims_held *held, struct children *children, struct keys *keys);
void claims_drop(struct claims_held *held);

#endif
