#include "worker/answer.h"

#include "worker/announce.h"

#include "proto/event.h"
#include "proto/name.h"
#include "shm/counters.h"
#include "shm/member.h"

#include <string.h>

const char *answer_room_name(const struct conn *conn, struct text room)
{
	if (room.len > 0)
		return room.str;
	return conn->room[0] != '\0' ? conn->room : ROOM_LOBBY;
}

enum proto_error answer_target(const struct conn *conn, struct text room, struct target *ret_target)
{
	struct shm *shm = &conn->worker->shm;
	struct target target = {.name = answer_room_name(conn, room)};

	if (name_is_inbox(target.name)) {
		if (strcmp(target.name + 1, conn->identity.user) != 0)
			return ERR_forbidden;
		target.inbox = true;
		target.ref = announce_inbox(shm, conn->user);
		*ret_target = target;
		return PROTO_OK;
	}
	switch (room_find(shm, target.name, &target.ref)) {
	case ROOM_OK:
		break;
	case ROOM_BUSY:
		return ERR_busy;
	case ROOM_NONE:
	case ROOM_FULL_TABLE:
	case ROOM_NO_MEMORY:
		return ERR_no_such_room;
	}
	if (!member_is(shm, conn->user, target.ref))
		return ERR_not_member;
	*ret_target = target;
	return PROTO_OK;
}

void answer_ok(struct conn *conn, const struct message *message)
{
	struct buf *line = &conn->worker->line;

	if (message->id.len == 0)
		return;
	buf_reset(line);
	event_ok(line, message->id.str, NULL, 0, 0);
	conn_tell(conn, line);
}

void answer_error_text(struct conn *conn, const struct message *message, enum proto_error error,
		       const char *text)
{
	if (error == ERR_busy)
		counter_add(&conn->worker->shm, COUNTER_busy_total, 1);
	conn_tell_error(conn, message->id.str, error, text,
			error == ERR_busy ? ANSWER_BUSY_MS : -1);
}

void answer_error(struct conn *conn, const struct message *message, enum proto_error error)
{
	answer_error_text(conn, message, error, NULL);
}
