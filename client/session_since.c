#include "client/session_private.h"

#include "base/clock.h"

/* Out of memory: what was before is not fetched, nothing worse. */
static void give_up(struct room *room)
{
	room->catching = false;
	room->caught_up = true;
}

static void ask(struct session *session, struct room *room, int64_t after)
{
	struct request_ask ask = {.kind = REQUEST_HISTORY,
				  .target = room->name,
				  .own = true,
				  .limit = HISTORY_LINES_MAX,
				  .after = after};
	char at[TIMESTAMP_SIZE];

	if (after < 0) {
		clock_format(at, session->since);
		ask.at = at;
	}
	if (requests_add(&session->requests, &ask, true) < 0)
		give_up(room);
}

static void join(struct session *session, struct room *room, int64_t after)
{
	struct request_ask ask = {.kind = REQUEST_JOIN,
				  .target = room->name,
				  .own = true,
				  .epoch = room->epoch,
				  .after = after,
				  .limit = -1};

	room->since_joining = true;
	room->since_last = after;
	if (requests_add(&session->requests, &ask, true) < 0)
		give_up(room);
}

void since_room(struct session *session, struct room *room, const struct server_line *line,
		const struct request *request)
{
	if (session->since <= 0 || room->caught_up)
		return;
	if (room->catching && room->since_joining && request && request->own &&
	    request->kind == REQUEST_JOIN) {
		/* all that was fetched stands before this line, so it has come */
		room->since_joining = false;
		room->catching = false;
		room->caught_up = true;
		room->after = line->after >= 0 ? line->after : room->since_last;
		return;
	}
	if (!room->catching)
		room->caught = -1;
	room->catching = true;
	room->since_joining = false;
	if (line->head >= 0)
		room->after = line->head; /* if nothing was said since, live lines begin here */
	ask(session, room, room->caught);
}

void since_history(struct session *session, const struct request *request,
		   const struct server_line *line)
{
	struct room *room = rooms_find(&session->rooms, request->target);

	if (!room || !room->catching || room->since_joining)
		return;
	if (line->count > 0 && line->more)
		ask(session, room, line->last);
	else if (line->count > 0)
		join(session, room, line->last);
	else
		join(session, room, room->caught >= 0 ? room->caught : room->after);
}

void since_refused(struct session *session, const struct request *request)
{
	struct room *room = rooms_find(&session->rooms, request->target);

	if (room && room->catching && !room->since_joining)
		join(session, room, room->caught >= 0 ? room->caught : room->after);
}
