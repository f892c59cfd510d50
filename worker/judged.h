/*
 * What the sessions here were last judged by. Each name that somebody takes for the first time is
 * a new generation of the keyring, and changes no verdict on anybody else: this is how that is
 * seen without judging thousands of sessions again for each newcomer.
 *
 * A verdict on a live session follows from the key lines and from its own name's binding (and
 * from the time, for which each session has its timer).
 */
#ifndef WORKER_JUDGED_H
#define WORKER_JUDGED_H

#include "auth/keyring.h"
#include "base/buf.h"
#include "shm/segment.h"

#include <stdbool.h>
#include <stdint.h>

#define JUDGED_ADDED_MAX 8u

struct judged {
	uint64_t rules;      /* hash of the key lines; 0: nothing is known */
	struct buf bindings; /* struct name_binding, sorted by name */
	struct buf scratch;
};

struct judged_change {
	bool everyone; /* the lines or a binding have changed: judge all */
	const struct name_binding
		*added[JUDGED_ADDED_MAX]; /* else: these names are new; in the view */
	unsigned added_count;
};

/* Compares the view with what is remembered, and remembers the view. */
void judged_compare(struct judged *judged, const struct shm *shm, const struct keyring_view *view,
		    struct judged_change *ret_change);
/* Forgets: the next comparison says everyone. For when it would cost more than it saves. */
void judged_forget(struct judged *judged);
void judged_finish(struct judged *judged);

#endif
