/*
 * What /metrics says, in Prometheus' text format (exposition format 0.0.4), and the counters
 * whose numbering is ours: logins by result and type of key, errors by code.
 * Every name begins with roomkey_; docs/operations.md explains those that alerts look at.
 */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include "auth/login.h"
#include "base/buf.h"
#include "base/config.h"
#include "shm/agent_board.h"
#include "shm/segment.h"

enum metrics_login {
	METRICS_LOGIN_OK,
	METRICS_LOGIN_AUTH_FAILED,
	METRICS_LOGIN_NAME_TAKEN,
	METRICS_LOGIN_WRONG_SERVER,
	METRICS_LOGIN_RESULTS
};

/* An identity without a key: it is not known whose key it was, or none was there. */
void metrics_count_login(struct shm *shm, enum metrics_login result,
			 const struct login_identity *identity);

/* Sums over all workers, dead ones' counts included, and the state of the tables. */
void metrics_write(const struct shm *shm, const struct config *config, struct buf *out);
/* What the agents have done; NULL: there are none. */
void metrics_write_agents(const struct agent_board *board, struct buf *out);

#endif
