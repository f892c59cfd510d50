#include "worker/announce.h"

#include "worker/subscribe.h"

#include "proto/event.h"
#include "shm/counters.h"

struct announcement announce_decide(const struct cursor *cursor, uint64_t epoch, uint64_t first,
				    uint64_t head, unsigned limit)
{
	uint64_t kept = head + 1 - first;

	if (!cursor->has_after) {
		uint64_t count = kept < limit ? kept : limit;

		return (struct announcement){.after = head - count, .count = count};
	}
	if ((cursor->has_epoch && cursor->epoch != epoch) || cursor->after > head)
		return (struct announcement){.reset = true, .after = first - 1, .count = kept};
	/* Some are lost: nothing is announced, the gap and what is left come as live lines. */
	if (cursor->after + 1 < first)
		return (struct announcement){.after = cursor->after, .count = 0};
	return (struct announcement){.after = cursor->after, .count = head - cursor->after};
}

struct room_ref announce_inbox(const struct shm *shm, uint32_t user)
{
	uint32_t log = log_of_inbox(shm, user);

	return (struct room_ref){
		.log = log,
		.epoch = atomic_load_explicit(&segment_log(shm, log)->epoch, memory_order_acquire)};
}

unsigned announce_members(const struct shm *shm, const struct room_info *info)
{
	return log_is_inbox(shm, info->ref.log) ? 1 : info->members;
}

enum proto_error announce_room(struct conn *conn, struct room_ref ref, const struct cursor *cursor,
			       unsigned limit, const struct announce_answer *answer)
{
	struct worker *worker = conn->worker;
	struct announcement decided;
	struct event_room room;
	struct room_info info;

	if (!room_info(&worker->shm, ref, &info))
		return ERR_busy;
	if (subscribe_add(conn, ref, info.name) < 0)
		return ERR_internal;
	/* Again, now that our bit is set: no line falls between this head and the live ones. */
	if (!room_info(&worker->shm, ref, &info)) {
		subscribe_remove(conn, ref.log, ref.epoch);
		return ERR_busy;
	}
	decided = announce_decide(cursor, ref.epoch, info.first, info.head, limit);
	buf_reset(&worker->line);
	if (decided.reset) {
		event_reset(&worker->line, info.name, ref.epoch, info.head);
		counter_add(&worker->shm, COUNTER_resets_total, 1);
	}
	room = (struct event_room){.id = answer != NULL ? answer->id : NULL,
				   .room = info.name,
				   .epoch = ref.epoch,
				   .first = info.first,
				   .head = info.head,
				   .after = decided.after,
				   .count = (unsigned)decided.count,
				   .members = announce_members(&worker->shm, &info),
				   .topic = info.topic,
				   .created = answer != NULL && answer->created};
	event_room(&worker->line, &room);
	conn_tell(conn, &worker->line);
	/* Where lines are lost the reading begins at once as well, and so with the gap. */
	conn_tell_lines(conn, ref.log, ref.epoch, decided.after,
			decided.after + 1 < info.first ? info.head : decided.after + decided.count,
			true);
	return PROTO_OK;
}

enum proto_error announce_joined(struct conn *conn, struct room_ref ref,
				 const struct joined *joined)
{
	struct cursor cursor = {.has_after = false};

	if (joined != NULL && joined->ref.log == ref.log && joined->ref.epoch == ref.epoch)
		cursor = (struct cursor){.has_after = true, .after = joined->after};
	return announce_room(conn, ref, &cursor, JOIN_LINES_DEFAULT, NULL);
}
