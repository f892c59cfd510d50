#include "worker/deliver.h"

#include "worker/follow.h"
#include "worker/judge.h"

#include "proto/event.h"
#include "shm/counters.h"
#include "shm/doorbell.h"
#include "shm/room_log.h"

#include <string.h>

/* ---- one log, everyone -------------------------------------------------------- */

/*
 * A write goes deep into the kernel and leaves little of a big room in the near caches: the
 * next connection is fetched while this one's is under way, and its socket's data after it.
 */
static void fetch_ahead(const struct local_log *local, unsigned at)
{
	if (at + 2 < local->count)
		__builtin_prefetch(local->subs[at + 2].conn);
	if (at + 1 < local->count)
		__builtin_prefetch(local->subs[at + 1].conn->ws);
}

/* One slice, one frame, many writes. Those who are behind get a reading of their own. */
static void write_slice(struct worker *worker, struct local_log *local,
			const struct room_log_slice *slice)
{
	uint64_t lines = slice->last - slice->first + 1, written = 0;

	for (unsigned i = 0; i < local->count; i++) {
		struct subscriber *sub = &local->subs[i];
		struct conn *conn = sub->conn;

		if (sub->waits)
			continue;
		fetch_ahead(local, i);
		if (!conn_is_ready(conn)) {
			sub->waits = true;
			continue;
		}
		if (sub->after >= slice->last)
			continue;
		if (sub->after != slice->first - 1) {
			conn_want_flush(conn);
			continue;
		}
		sub->after = slice->last;
		conn->lines_out += lines;
		conn_write_uncounted(conn, worker->frame, slice->len);
		written++;
	}
	if (written == 0)
		return;
	counter_add(&worker->shm, COUNTER_lines_out_total, written * lines);
	counter_add(&worker->shm, COUNTER_deliveries_total, written * lines);
	counter_add(&worker->shm, COUNTER_bytes_out_total, written * slice->len);
	counter_latency(&worker->shm, slice->mono_us);
}

static void flush_subscribers(struct local_log *local)
{
	for (unsigned i = 0; i < local->count; i++)
		if (conn_is_ready(local->subs[i].conn))
			conn_want_flush(local->subs[i].conn);
}

/*
 * Up to what is there now, no further: while we write to a big room other workers append, and to
 * follow them until nothing is left would keep this worker from its own clients for as long as
 * those go on. What has come meanwhile has set its dirty bit and rung.
 */
void deliver_log(struct worker *worker, struct local_log *local)
{
	uint64_t until = room_log_next(&worker->shm, local->log) - 1;
	struct room_log_slice slice;
	uint64_t first, head;

	for (;;) {
		judge_all(worker);
		switch (room_log_read(&worker->shm, local->log, local->epoch, local->delivered + 1,
				      until, worker->frame, FRAME_MAX_BYTES, &slice)) {
		case ROOM_LOG_LINES:
			write_slice(worker, local, &slice);
			local->delivered = slice.last;
			continue;
		case ROOM_LOG_NONE:
			return;
		case ROOM_LOG_LAPPED:
			if (room_log_bounds(&worker->shm, local->log, local->epoch, &first,
					    &head)) {
				local->delivered = first - 1;
				flush_subscribers(local);
			}
			continue; /* another epoch: the read says so */
		case ROOM_LOG_RESET:
			follow_reset(worker, local);
			return;
		}
	}
}

void deliver_dirty(struct worker *worker)
{
	uint32_t cursor = 0, log;

	worker->dirty = false;
	worker->gathered_lines = 0;
	worker->gathered_bytes = 0;
	while ((log = doorbell_take(&worker->shm, &cursor)) != SHM_NONE) {
		struct local_log *local = worker->log_at[log];

		if (local != NULL)
			deliver_log(worker, local);
	}
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
	if (worker->line.failed || !frame_add(frame, worker->line.data, worker->line.len))
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
	struct outbox *outbox = &frame->conn->outbox;
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

void deliver_flush(struct worker *worker)
{
	struct conn *conn;

	while ((conn = worker->flush) != NULL) {
		worker->flush = conn->flush_next;
		conn->flushing = false;
		deliver_conn(conn);
	}
}

bool deliver_is_urgent(const struct worker *worker)
{
	const struct segment_sizes *sizes = worker->shm.sizes;

	return worker->gathered_lines * 4 >= sizes->room_lines ||
	       worker->gathered_bytes * 4 >= sizes->room_bytes;
}

void deliver_news(struct worker *worker, struct local_log *local, const struct buf *lines,
		  uint32_t except)
{
	if (lines->failed || lines->len > FRAME_MAX_BYTES)
		return;
	memcpy(worker->frame, lines->data, lines->len);
	for (unsigned i = 0; i < local->count; i++) {
		struct conn *conn = local->subs[i].conn;

		if (conn->state != CONN_LOGGED_IN || conn->user == except)
			continue;
		if (conn_is_ready(conn)) {
			conn->lines_out++;
			counter_add(&worker->shm, COUNTER_lines_out_total, 1);
			conn_write(conn, worker->frame, lines->len);
		} else {
			conn_tell_news(conn, lines);
		}
	}
}
