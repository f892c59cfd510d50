#include "worker/answer.h"
#include "worker/handlers.h"
#include "worker/peers.h"

#include "base/clock.h"
#include "proto/event.h"
#include "proto/name.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/user.h"

#include <string.h>

/* A mark beyond the head would make lines count as read that nobody has seen. */
static bool is_there(struct conn *conn, const struct target *target, uint64_t seq)
{
	uint64_t first, head;

	return room_log_bounds(&conn->worker->shm, target->ref.log, target->ref.epoch, &first,
			       &head) &&
	       seq <= head;
}

void handle_read(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	uint64_t seq = message->read.seq;
	enum proto_error error;
	struct target target;
	bool moved;

	error = answer_target(conn, message->read.room, &target);
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	if (!is_there(conn, &target, seq)) {
		answer_error_text(conn, message, ERR_bad_field,
				  "seq is beyond the newest line of the room");
		return;
	}
	moved = target.inbox ? user_read_inbox(&worker->shm, conn->user, seq)
			     : member_raise_read(&worker->shm, conn->user, target.ref, seq);
	if (!moved)
		return;
	buf_reset(&worker->line);
	event_read(&worker->line, target.name, seq);
	peers_tell_user(worker, conn->user, &worker->line, conn);
}

/* To a person: all his connections hear that somebody is writing to his inbox. */
static void typing_to_user(struct conn *conn, const struct message *message, const char *inbox)
{
	struct worker *worker = conn->worker;
	uint32_t user;

	switch (user_find(&worker->shm, inbox + 1, &user)) {
	case USER_OK:
		break;
	case USER_BUSY:
		return; /* it may be lost */
	case USER_NONE:
	case USER_FULL_TABLE:
		answer_error(conn, message, ERR_no_such_user);
		return;
	}
	if (user == conn->user)
		return;
	buf_reset(&worker->line);
	event_typing(&worker->line, inbox, conn->identity.user);
	peers_tell_user(worker, user, &worker->line, NULL);
}

void handle_typing(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	const char *room = answer_room_name(conn, message->typing.room);
	enum proto_error error;
	struct target target;

	if (name_is_inbox(room)) {
		typing_to_user(conn, message, room);
		return;
	}
	error = answer_target(conn, message->typing.room, &target);
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	buf_reset(&worker->line);
	event_typing(&worker->line, target.name, conn->identity.user);
	peers_tell_typing(worker, target.ref, &worker->line, conn->user);
}

void handle_away(struct conn *conn, const struct message *message)
{
	const char *text = message->away.has_content ? message->away.content.str : NULL;

	if (user_set_away(&conn->worker->shm, conn->user, text) < 0)
		answer_error(conn, message, ERR_busy);
	else
		answer_ok(conn, message);
}

void handle_ping(struct conn *conn, const struct message *message)
{
	struct buf *line = &conn->worker->line;

	buf_reset(line);
	event_pong(line, message->id.str, clock_wall_ms());
	conn_tell(conn, line);
}

void handle_bye(struct conn *conn, const struct message *message)
{
	(void)message;
	conn_end_session(conn);
	conn_close(conn, CLOSE_NORMAL, "bye");
}
