#include "worker/deliver.h"

#include "worker/broadcast.h"
#include "worker/follow.h"
#include "worker/judge.h"

#include "proto/event.h"
#include "shm/counters.h"
#include "shm/doorbell.h"
#include "shm/room_log.h"

#include <string.h>

/* ---- one log, everyone -------------------------------------------------------- */

/* Who gets the same frame: worker->frame, lines first .. last of a log. */
struct crowd {
	struct worker *worker;
	struct conn *conns[WS_WRITE_ALL_MAX];
	struct ws *sockets[WS_WRITE_ALL_MAX];
	unsigned count;
	bool written;
	struct room_log_slice slice; /* last 0: nothing is read yet */
};

static void crowd_write(struct crowd *crowd)
{
	struct shm *shm = &crowd->worker->shm;
	const struct room_log_slice *slice = &crowd->slice;
	uint64_t lines = crowd->count * (slice->last - slice->first + 1);
	enum ws_result results[WS_WRITE_ALL_MAX];

	if (crowd->count == 0)
		return;
	ws_write_all(crowd->sockets, crowd->count, crowd->worker->frame, slice->len, results);
	for (unsigned i = 0; i < crowd->count; i++)
		if (results[i] != WS_WRITTEN)
			conn_wrote(crowd->conns[i], results[i]);
	counter_add(shm, COUNTER_lines_out_total, lines);
	counter_add(shm, COUNTER_deliveries_total, lines);
	counter_add(shm, COUNTER_bytes_out_total, crowd->count * slice->len);
	crowd->count = 0;
	crowd->written = true;
}

/* Nobody else gets this frame now. */
static void crowd_end(struct crowd *crowd)
{
	crowd_write(crowd);
	if (crowd->written)
		counter_latency(&crowd->worker->shm, crowd->slice.mono_us);
	crowd->written = false;
	crowd->slice.last = 0;
}

static void crowd_join(struct crowd *crowd, struct subscriber *sub)
{
	const struct room_log_slice *slice = &crowd->slice;

	sub->after = slice->last;
	sub->lines += (uint32_t)(slice->last - slice->first + 1);
	crowd->conns[crowd->count] = sub->conn;
	crowd->sockets[crowd->count] = sub->ws;
	if (++crowd->count == WS_WRITE_ALL_MAX)
		crowd_write(crowd);
}

/* The frame becomes that of those who have been sent everything up to `after`. */
static enum room_log_result crowd_read(struct crowd *crowd, const struct local_log *local,
				       uint64_t after)
{
	struct worker *worker = crowd->worker;
	enum room_log_result result;

	if (crowd->slice.last != 0 && crowd->slice.first == after + 1)
		return ROOM_LOG_LINES;
	crowd_end(crowd);
	judge_all(worker);
	result = room_log_read(&worker->shm, local->log, local->epoch, after + 1, local->until,
			       worker->frame, FRAME_MAX_BYTES, &crowd->slice);
	if (result != ROOM_LOG_LINES)
		crowd->slice.last = 0;
	return result;
}

/* The subscriber whose turn it is. Anything but ROOM_LOG_RESET: the turn is the next one's. */
static enum room_log_result serve(struct crowd *crowd, struct local_log *local)
{
	struct subscriber *sub = &local->subs[local->turn];
	enum room_log_result result = ROOM_LOG_NONE;

	if (!sub->waits && sub->after < local->until)
		result = crowd_read(crowd, local, sub->after);
	if (result == ROOM_LOG_RESET)
		return result;
	local->left--;
	if (++local->turn >= local->count)
		local->turn = 0;
	/* Before it was read everyone was judged. */
	if (result == ROOM_LOG_LINES && !sub->waits) {
		crowd_join(crowd, sub);
		/* A frame was too small for all: so it is for the others. */
		if (sub->after < local->until)
			local->left = local->count;
		if (crowd->worker->writes_left > 0)
			crowd->worker->writes_left--;
	} else if (result == ROOM_LOG_LAPPED) {
		conn_want_flush(sub->conn);
	}
	return result;
}

/*
 * New lines of a log to all who keep up; the others are left to deliver_conn. Up to what is there
 * now, no further: while we write to a big room other workers append, and to follow them until
 * nothing is left would keep this worker from its own clients for as long as those go on. False:
 * the turn's share of writes is used up. `local` may be gone afterwards.
 */
static bool deliver_log(struct worker *worker, struct local_log *local)
{
	const struct log_head *head = segment_log(&worker->shm, local->log);
	uint64_t until = room_log_next(&worker->shm, local->log) - 1;
	struct crowd crowd;

	if (atomic_load_explicit(&head->epoch, memory_order_acquire) != local->epoch) {
		follow_reset(worker, local);
		return true;
	}
	if (until != local->until) {
		local->until = until;
		local->left = local->count;
	}
	crowd.worker = worker;
	crowd.count = 0;
	crowd.written = false;
	crowd.slice.last = 0;
	while (local->left > 0 && worker->writes_left > 0) {
		if (serve(&crowd, local) == ROOM_LOG_RESET) {
			crowd_end(&crowd);
			follow_reset(worker, local);
			return true;
		}
	}
	crowd_end(&crowd);
	return local->left == 0;
}

static void deliver_dirty(struct worker *worker)
{
	bool from_start = worker->dirty_cursor == 0;
	uint32_t log;

	worker->writes_left = deliver_is_urgent(worker) ? UINT32_MAX : DELIVER_WRITES_A_TURN;
	for (;;) {
		log = doorbell_take(&worker->shm, &worker->dirty_cursor);
		if (log == SHM_NONE) {
			worker->dirty_cursor = 0;
			if (from_start)
				break;
			from_start = true;
		} else if (worker->log_at[log] != NULL &&
			   !deliver_log(worker, worker->log_at[log])) {
			/* The other logs are next, then the rest of this one. */
			doorbell_mark(&worker->shm, log);
			return;
		}
	}
	worker->dirty = false;
}

/* ---- one connection, everything --------------------------------------------------- */

/* A frame under way for one connection, in worker->frame. */
struct frame {
	struct conn *conn;
	size_t len;
};

/* False: the socket is full, or gone. The frame is empty afterwards in any case. */
static bool frame_write(struct frame *frame)
{
	size_t len = frame->len;

	frame->len = 0;
	return len == 0 || conn_write(frame->conn, frame->conn->worker->frame, len);
}

/* Room for `need` bytes; only a longer line gets a frame over FRAME_MAX_BYTES. As frame_write. */
static bool frame_make_room(struct frame *frame, size_t need)
{
	if (frame->len + need <= FRAME_MAX_BYTES)
		return true;
	if (!frame_write(frame))
		return false;
	if (worker_frame_fits(frame->conn->worker, need))
		return true;
	ws_kill(frame->conn->ws);
	return false;
}

static bool frame_add(struct frame *frame, const char *bytes, size_t len)
{
	if (!frame_make_room(frame, len))
		return false;
	memcpy(frame->conn->worker->frame + frame->len, bytes, len);
	frame->len += len;
	return true;
}

enum lines_result {
	LINES_DONE,   /* everything up to `to` is in the frame, or on its way */
	LINES_GAP,    /* a gap was told; *after stands right before the oldest line */
	LINES_OVER,   /* that life of the log is over */
	LINES_BLOCKED /* go on when the socket is free */
};

static bool tell_gap(struct frame *frame, const char *name, uint64_t after, uint64_t first,
		     uint64_t head)
{
	struct worker *worker = frame->conn->worker;

	buf_reset(&worker->line);
	event_gap(&worker->line, name, after, first, head);
	if (worker->line.failed) {
		/* Out of memory. It comes back and is told what is missing then. */
		ws_kill(frame->conn->ws);
		return false;
	}
	if (!frame_add(frame, worker->line.data, worker->line.len))
		return false;
	frame->conn->lines_out++;
	counter_add(&worker->shm, COUNTER_gaps_total, 1);
	return true;
}

static const char *log_name(const struct worker *worker, uint32_t log)
{
	return segment_log(&worker->shm, log)->name;
}

/* Lines *after + 1 .. to, or to the end of the log where to is UINT64_MAX. Moves *after. */
static enum lines_result frame_add_lines(struct frame *frame, uint32_t log, uint64_t epoch,
					 uint64_t *after, uint64_t to)
{
	struct conn *conn = frame->conn;
	struct worker *worker = conn->worker;
	struct room_log_slice slice;
	uint64_t first, head;

	while (*after < to) {
		if (!frame_make_room(frame, ROOM_LOG_LINE_MAX))
			return LINES_BLOCKED;
		switch (room_log_read(&worker->shm, log, epoch, *after + 1, to,
				      worker->frame + frame->len, FRAME_MAX_BYTES - frame->len,
				      &slice)) {
		case ROOM_LOG_LINES:
			frame->len += slice.len;
			*after = slice.last;
			conn->lines_out += slice.last - slice.first + 1;
			counter_add(&worker->shm, COUNTER_lines_out_total,
				    slice.last - slice.first + 1);
			continue;
		case ROOM_LOG_NONE:
			return LINES_DONE;
		case ROOM_LOG_LAPPED:
			if (!room_log_bounds(&worker->shm, log, epoch, &first, &head))
				return LINES_OVER;
			if (*after + 1 >= first)
				continue;
			if (!tell_gap(frame, log_name(worker, log), *after, first, head))
				return LINES_BLOCKED;
			*after = first - 1;
			return LINES_GAP;
		case ROOM_LOG_RESET:
			return LINES_OVER;
		}
	}
	return LINES_DONE;
}

/* Live lines up to `to`. False: blocked. */
static bool catch_up(struct frame *frame, struct subscriber *sub, uint32_t log, uint64_t epoch,
		     uint64_t to)
{
	enum lines_result result;

	do {
		result = frame_add_lines(frame, log, epoch, &sub->after, to);
	} while (result == LINES_GAP);
	return result != LINES_BLOCKED;
}

/* The first item's bytes, line by line: a line never spans frames. False: blocked. */
static bool send_bytes(struct frame *frame, struct outbox *outbox, struct outbox_item *item)
{
	struct subscriber *sub = NULL;

	if (item->log != SHM_NONE)
		sub = subscribe_find(frame->conn, item->log, item->epoch);
	if (sub != NULL && sub->after < item->to &&
	    !catch_up(frame, sub, item->log, item->epoch, item->to))
		return false;
	for (size_t left = item->len; left > 0;) {
		const char *bytes = outbox_bytes(outbox);
		const char *end = memchr(bytes, '\n', left);
		size_t len = end != NULL ? (size_t)(end - bytes) + 1 : left;

		if (!frame_add(frame, bytes, len))
			return false;
		left -= len;
		outbox_sent(outbox, len);
	}
	return true;
}

/* Announced lines: until they are all there, or a gap ends them. False: blocked. */
static bool send_lines(struct frame *frame, struct outbox *outbox, struct outbox_item *item)
{
	struct subscriber *sub = NULL;
	enum lines_result result;

	if (item->live)
		sub = subscribe_find(frame->conn, item->log, item->epoch);
	result = frame_add_lines(frame, item->log, item->epoch, &item->after, item->to);
	if (sub != NULL)
		sub->after = item->after;
	if (result == LINES_BLOCKED)
		return false;
	outbox_drop_lines(outbox);
	return true;
}

static bool send_outbox(struct frame *frame)
{
	struct outbox *outbox = frame->conn->outbox;
	struct outbox_item *item;

	while ((item = outbox_first(outbox)) != NULL) {
		bool done = false;

		switch (item->kind) {
		case OUTBOX_BYTES:
			done = send_bytes(frame, outbox, item);
			break;
		case OUTBOX_LINES:
			done = send_lines(frame, outbox, item);
			break;
		}
		if (!done)
			return false;
	}
	return true;
}

static bool send_live(struct frame *frame)
{
	struct conn *conn = frame->conn;

	for (unsigned i = 0; i < conn->sub_count; i++) {
		struct local_log *local = conn->subs[i].local;
		struct subscriber *sub = &local->subs[conn->subs[i].at];

		sub->waits = false;
		if (sub->after + 1 < room_log_next(&conn->worker->shm, local->log) &&
		    !catch_up(frame, sub, local->log, local->epoch, UINT64_MAX))
			return false;
	}
	return true;
}

void deliver_conn(struct conn *conn)
{
	struct frame frame = {.conn = conn};

	judge_all(conn->worker);
	if (conn->blocked || conn->close_sent)
		return;
	if (!send_outbox(&frame))
		return;
	if (conn->state == CONN_LOGGED_IN && !send_live(&frame))
		return;
	/* A close frame may be asked for while the last frame is held back: it goes behind it. */
	frame_write(&frame);
	conn_spare_outbox(conn);
	if (conn->state == CONN_CLOSING)
		conn_close_now(conn);
}

/* Those on worker->flush. */
static void flush_conns(struct worker *worker)
{
	struct conn *conn;

	while ((conn = worker->flush) != NULL) {
		worker->flush = conn->flush_next;
		conn->flushing = false;
		deliver_conn(conn);
	}
}

/*
 * First who sent something, or asked: his answer doesn't wait for a thousand others' lines, and
 * while those go out he sends what the next turn delivers. Then everyone, some of the news, and who
 * was found behind.
 */
void deliver_turn(struct worker *worker)
{
	flush_conns(worker);
	if (worker->dirty)
		deliver_dirty(worker);
	broadcast_go_on(worker);
	flush_conns(worker);
	if (!worker->dirty) {
		worker->gathered_lines = 0;
		worker->gathered_bytes = 0;
	}
}

bool deliver_is_urgent(const struct worker *worker)
{
	const struct segment_sizes *sizes = worker->shm.sizes;

	return worker->gathered_lines * 4 >= sizes->room_lines ||
	       worker->gathered_bytes * 4 >= sizes->room_bytes;
}
