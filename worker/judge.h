/*
 * Is who was let in still welcome? The keyring's generation is compared before every read
 * or append for a session; each session is judged again by the full rule when it has
 * changed, and when its key or certificate expires. Who fails ends with key_revoked.
 */
#ifndef WORKER_JUDGE_H
#define WORKER_JUDGE_H

#include "worker/conn.h"

#include "auth/keyring.h"

void judge_changed(struct worker *worker);
/* Judges this one now: false if it was ended. */
bool judge_conn(struct conn *conn);

/* An acquire load where nothing has changed. */
static inline void judge_all(struct worker *worker)
{
	if (keyring_generation(worker->keyring) != worker->judged_generation)
		judge_changed(worker);
}

#endif
