#include "worker/judge.h"

#include "auth/login.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

#define REFRESH_ROUNDS 16u

/* The moment at which the session has to be judged again, on the clock of the timers; 0: none. */
static uint64_t expiry_ms(const struct login_identity *identity)
{
	int64_t left_ms;

	if (identity->good_until_s == INT64_MAX)
		return 0;
	left_ms = identity->good_until_s * 1000 - clock_wall_ms();
	return clock_mono_ms() + (left_ms > 0 ? (uint64_t)left_ms : 0);
}

bool judge_conn(struct conn *conn)
{
	const struct keyring_view *view = keyring_view(conn->worker->keyring);
	char fingerprint[FINGERPRINT_SIZE], address[ADDRESS_TEXT_SIZE];
	enum verdict verdict = login_rejudge(view, clock_wall_ms() / 1000, &conn->identity);

	if (verdict == VERDICT_OK) {
		uint64_t expires_ms = expiry_ms(&conn->identity);

		/* Each name that is claimed is a new generation: most have nothing to do then. */
		if (expires_ms != conn->expires_ms) {
			conn->expires_ms = expires_ms;
			conn_schedule(conn);
		}
		return true;
	}
	fingerprint_format(conn->identity.key_hash, fingerprint);
	address_format(&conn->identity.peer, address);
	log_info("key revoked", "user=%s fingerprint=%s address=%s conn=%lu why=%s",
		 conn->identity.user, fingerprint, address, (unsigned long)conn->number,
		 verdict_code(verdict));
	conn_fail(conn, NULL, ERR_key_revoked, NULL, CLOSE_KICKED);
	conn_end_session(conn);
	return false;
}

/* Looking at the lines costs about as much as judging as many sessions. */
static void find_change(struct worker *worker, struct judged_change *ret_change)
{
	const struct keyring_view *view = keyring_view(worker->keyring);

	if (view->line_count < worker->conn_count) {
		judged_compare(&worker->judged, &worker->shm, view, ret_change);
		return;
	}
	judged_forget(&worker->judged);
	*ret_change = (struct judged_change){.everyone = true};
}

static bool concerns(const struct judged_change *change, const char *name)
{
	for (unsigned i = 0; i < change->added_count; i++)
		if (strcmp(change->added[i]->name, name) == 0)
			return true;
	return change->everyone;
}

void judge_changed(struct worker *worker)
{
	uint64_t generation = keyring_generation(worker->keyring);
	struct judged_change change;
	int err = -EAGAIN;

	/* A keyring that is published over and over while it is copied would let nobody in. */
	for (unsigned i = 0; i < REFRESH_ROUNDS && err == -EAGAIN; i++)
		err = keyring_refresh(worker->keyring);
	/* Set first: ending a session writes to it, and that asks again. */
	worker->judged_generation = generation;
	if (err < 0)
		log_error("keyring", "error=%s generation=%lu", strerror(-err),
			  (unsigned long)generation);
	find_change(worker, &change);
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next)
		if (conn->state == CONN_LOGGED_IN && concerns(&change, conn->identity.user))
			judge_conn(conn);
}
