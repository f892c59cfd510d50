/*
 * The handlers of proto/messages.def, one for each type of line. They are called in a state that
 * the table allows; the fields are checked already. Those whose bucket is APPEND spend their token
 * themselves, the others' is spent.
 */
#ifndef WORKER_HANDLERS_H
#define WORKER_HANDLERS_H

#include "worker/conn.h"

#include "proto/message.h"

/* handle_login.c */
void handle_login(struct conn *conn, const struct message *message);
/* A login line that couldn't be read: a failed attempt all the same. */
void handle_bad_login(struct conn *conn, const struct message *message, enum proto_error error,
		      const char *text);
/* handle_room.c */
void handle_join(struct conn *conn, const struct message *message);
void handle_leave(struct conn *conn, const struct message *message);
/* handle_message.c */
void handle_message(struct conn *conn, const struct message *message);
void handle_topic(struct conn *conn, const struct message *message);
void handle_answer(struct conn *conn, const struct message *message);
/* handle_agent.c */
void handle_agent(struct conn *conn, const struct message *message);
void handle_partial(struct conn *conn, const struct message *message);
/* What the agent of that name does now, as a word; NULL: none of our agents has that name. */
const char *agent_state_of(const struct worker *worker, const char *name);
/* handle_query.c */
void handle_rooms(struct conn *conn, const struct message *message);
void handle_users(struct conn *conn, const struct message *message);
void handle_who(struct conn *conn, const struct message *message);
void handle_history(struct conn *conn, const struct message *message);
/* handle_presence.c */
void handle_read(struct conn *conn, const struct message *message);
void handle_typing(struct conn *conn, const struct message *message);
void handle_away(struct conn *conn, const struct message *message);
void handle_ping(struct conn *conn, const struct message *message);
void handle_bye(struct conn *conn, const struct message *message);
/* dispatch.c */
void handle_not_supported(struct conn *conn, const struct message *message);

#endif
