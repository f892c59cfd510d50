/* From a good login to a session: the user, his rooms, the welcome. */
#ifndef WORKER_ENTER_H
#define WORKER_ENTER_H

#include "worker/login_state.h"

/*
 * The login is good, its name is his. The connection is LOGGED_IN afterwards, or CLOSING, or
 * the error is to be answered and a new challenge sent (ERR_busy, ERR_internal).
 * conn->login is not needed any more when it returns PROTO_OK.
 */
enum proto_error enter_session(struct conn *conn, const struct login_identity *identity,
			       const struct login_wish *wish);

#endif
