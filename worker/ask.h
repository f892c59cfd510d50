/*
 * Questions that stand in a room (kind "ask"), and who has answered them: both are lines of its
 * log, and what the log holds is what counts.
 *
 *	ask_look      finds the question, and the first answer if there is one
 *	append with only_at = look.next: nothing was said since, so still nobody has answered
 */
#ifndef WORKER_ASK_H
#define WORKER_ASK_H

#include "worker/conn.h"

#include "proto/message.h"
#include "shm/room.h"

struct ask_look {
	uint64_t next;     /* the log's next number when this was true */
	bool same;         /* this very line of the same user was appended already ... */
	uint64_t same_seq; /* ... as this number */
};

/*
 * May this connection's user answer so? PROTO_OK; ERR_no_such_message (no question), ERR_gone,
 * ERR_bad_field (no such option), ERR_forbidden (not his to answer), ERR_already_answered (or it
 * is too late), ERR_busy (the log has another epoch by now), ERR_internal.
 */
enum proto_error ask_look(const struct conn *conn, struct room_ref ref,
			  const struct message *message, struct ask_look *ret_look);

#endif
