#include "tests/storm/checker.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One number of a log, as the first reader who got it has it. */
struct place {
	uint32_t line;
	bool seen;
	uint64_t digest, ref;
};

struct log {
	struct place *place; /* by seq; owned */
	uint64_t places;
	uint64_t epoch; /* digest; 0: not known yet */
};

/* A program on a log. */
struct reader {
	bool reads;
	uint64_t cursor;
	uint64_t head; /* at the END */
	bool ended;
};

struct line {
	uint16_t program, log;
	bool sent, direct, ok, refused, refused_for_good;
	uint16_t ok_log;
	uint64_t ok_seq;
	uint64_t seq;     /* where it lies in `log`; 0: nowhere */
	uint64_t own_seq; /* of a direct message: in the sender's inbox */
};

struct check {
	const struct history *history;
	struct log *logs;
	struct reader *readers; /* program * logs + log */
	struct line *lines;
	struct verdict *verdict;
};

const char *fault_name(enum fault fault)
{
	static const char *const names[FAULTS] = {
		[FAULT_LOST] = "acknowledged lines lost",
		[FAULT_DOUBLED] = "lines doubled",
		[FAULT_REORDERED] = "lines reordered",
		[FAULT_HOLE] = "silent holes",
		[FAULT_UNFINISHED] = "readers that missed the end",
		[FAULT_DISAGREED] = "readers that disagree",
		[FAULT_HALF_DIRECT] = "half direct messages",
		[FAULT_WRONG_OK] = "oks of another line",
		[FAULT_EARLY_OK] = "oks before their line",
		[FAULT_REFUSED_KEPT] = "refused lines kept",
		[FAULT_UNANSWERED] = "lines never answered",
		[FAULT_EPOCH] = "epochs changed",
		[FAULT_FOREIGN] = "foreign or torn lines",
	};

	return names[fault];
}

static void found(struct check *check, enum fault fault, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void found(struct check *check, enum fault fault, const char *fmt, ...)
{
	struct verdict *verdict = check->verdict;
	va_list args;

	if (verdict->faults[fault]++ > 0)
		return;
	va_start(args, fmt);
	vsnprintf(verdict->first[fault], sizeof(verdict->first[fault]), fmt, args);
	va_end(args);
}

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count > 0 ? count : 1, size);

	if (memory == NULL)
		abort();
	return memory;
}

static struct place *place_of(struct log *log, uint64_t seq)
{
	if (seq >= log->places) {
		uint64_t places = seq + seq / 2 + 64;

		log->place = realloc(log->place, places * sizeof(*log->place));
		if (log->place == NULL)
			abort();
		memset(&log->place[log->places], 0, (places - log->places) * sizeof(*log->place));
		log->places = places;
	}
	return &log->place[seq];
}

/* ---- event by event ------------------------------------------------------------------ */

static void check_epoch(struct check *check, const struct event *event)
{
	struct log *log = &check->logs[event->log];

	if (log->epoch != 0 && log->epoch != event->digest)
		found(check, FAULT_EPOCH, "log %u, told to program %u", event->log, event->program);
	log->epoch = event->digest;
}

static void on_room(struct check *check, const struct event *event, struct reader *reader)
{
	check_epoch(check, event);
	if (reader->reads && event->prev > reader->cursor)
		found(check, FAULT_HOLE,
		      "program %u, log %u: has %" PRIu64 ", goes on behind %" PRIu64,
		      event->program, event->log, reader->cursor, event->prev);
	if (!reader->reads || event->prev > reader->cursor)
		reader->cursor = event->prev;
	reader->reads = true;
}

static void on_receive(struct check *check, const struct event *event, struct reader *reader)
{
	struct place *place = place_of(&check->logs[event->log], event->seq);

	check->verdict->received++;
	if (!place->seen) {
		*place = (struct place){.line = event->line,
					.seen = true,
					.digest = event->digest,
					.ref = event->ref};
	} else if (place->digest != event->digest) {
		found(check, FAULT_DISAGREED, "log %u, seq %" PRIu64 ", program %u", event->log,
		      event->seq, event->program);
	}
	/* What one has already may come again. */
	if (event->seq <= reader->cursor)
		return;
	if (event->prev != reader->cursor)
		found(check, FAULT_HOLE, "program %u, log %u: has %" PRIu64 ", gets %" PRIu64,
		      event->program, event->log, reader->cursor, event->seq);
	reader->cursor = event->seq;
}

static void on_gap(struct check *check, const struct event *event, struct reader *reader)
{
	check->verdict->gaps++;
	if (event->prev > reader->cursor || event->seq <= reader->cursor)
		found(check, FAULT_HOLE,
		      "program %u, log %u: has %" PRIu64 ", a gap from %" PRIu64 " to %" PRIu64,
		      event->program, event->log, reader->cursor, event->prev, event->seq);
	reader->cursor = event->seq - 1;
}

static void on_ok(struct check *check, const struct event *event, const struct reader *reader)
{
	struct line *line = &check->lines[event->line];

	check->verdict->acknowledged += !line->ok;
	check->verdict->answered_again += (event->flags & EVENT_DUPLICATE) != 0;
	if (line->ok && (line->ok_log != event->log || line->ok_seq != event->seq))
		found(check, FAULT_WRONG_OK, "line %" PRIu32 ": first %" PRIu64 ", then %" PRIu64,
		      event->line, line->ok_seq, event->seq);
	line->ok = true;
	line->ok_log = event->log;
	line->ok_seq = event->seq;
	if (reader->reads && reader->cursor < event->seq && !(event->flags & EVENT_DUPLICATE))
		found(check, FAULT_EARLY_OK,
		      "line %" PRIu32 ", log %u: has %" PRIu64 ", ok %" PRIu64, event->line,
		      event->log, reader->cursor, event->seq);
}

static void on_event(struct check *check, const struct event *event)
{
	const struct history *history = check->history;
	struct reader *reader = &check->readers[event->program * history->logs + event->log];
	struct line *line = event->line < history->lines ? &check->lines[event->line] : NULL;

	switch ((enum event_kind)event->kind) {
	case EVENT_SEND:
		line->program = event->program;
		line->log = event->log;
		line->direct = event->log >= history->rooms;
		check->verdict->direct += line->direct && !line->sent;
		line->sent = true;
		break;
	case EVENT_OK:
		on_ok(check, event, reader);
		break;
	case EVENT_ERROR:
		line->refused = true;
		line->refused_for_good = (event->flags & EVENT_FINAL) != 0;
		check->verdict->refused += line->refused_for_good;
		break;
	case EVENT_ROOM:
		on_room(check, event, reader);
		break;
	case EVENT_RECEIVE:
		on_receive(check, event, reader);
		break;
	case EVENT_GAP:
		on_gap(check, event, reader);
		break;
	case EVENT_RESET:
		check_epoch(check, event);
		reader->cursor = 0;
		break;
	case EVENT_END:
		reader->ended = true;
		reader->head = event->seq;
		break;
	}
}

/* ---- what the logs hold in the end ------------------------------------------------------ */

static void put_line(struct check *check, unsigned log, uint64_t seq, uint32_t *last_of_program)
{
	uint32_t number = check->logs[log].place[seq].line;
	struct line *line = number < check->history->lines ? &check->lines[number] : NULL;
	uint64_t *at;

	if (line == NULL || !line->sent) {
		found(check, FAULT_FOREIGN, "log %u, seq %" PRIu64, log, seq);
		return;
	}
	if (log == line->log)
		at = &line->seq;
	else
		at = &line->own_seq;
	if (log != line->log && (!line->direct || log != check->history->inbox_of[line->program])) {
		found(check, FAULT_FOREIGN, "line %" PRIu32 " in log %u", number, log);
		return;
	}
	if (*at != 0) {
		found(check, FAULT_DOUBLED,
		      "line %" PRIu32 " of program %u, log %u: %" PRIu64 " and %" PRIu64, number,
		      line->program, log, *at, seq);
		return;
	}
	*at = seq;
	/* A line that was refused for the moment is sent again behind those that were not. */
	if (line->refused)
		return;
	if (number + 1 < last_of_program[line->program])
		found(check, FAULT_REORDERED,
		      "line %" PRIu32 " of program %u, log %u, seq %" PRIu64
		      ": behind line %" PRIu32,
		      number, line->program, log, seq, last_of_program[line->program] - 1);
	else
		last_of_program[line->program] = number + 1;
}

static void put_lines(struct check *check)
{
	const struct history *history = check->history;
	uint32_t *last = zeroed(history->programs, sizeof(*last));

	for (unsigned log = 0; log < history->logs; log++) {
		memset(last, 0, history->programs * sizeof(*last));
		for (uint64_t seq = 1; seq < check->logs[log].places; seq++) {
			if (check->logs[log].place[seq].seen)
				put_line(check, log, seq, last);
		}
	}
	free(last);
}

static void check_ok(struct check *check, uint32_t number, const struct line *line)
{
	struct log *log = &check->logs[line->ok_log];
	uint64_t lies_at = line->direct ? line->own_seq : line->seq;

	/* To oneself: one copy. */
	if (line->direct && line->log == check->history->inbox_of[line->program])
		lies_at = line->seq;
	if (lies_at == 0) {
		found(check, FAULT_LOST, "line %" PRIu32 " of program %u, log %u, seq %" PRIu64,
		      number, line->program, line->ok_log, line->ok_seq);
		if (line->ok_seq < log->places && log->place[line->ok_seq].seen)
			found(check, FAULT_WRONG_OK, "line %" PRIu32 ": line %" PRIu32 " is there",
			      number, log->place[line->ok_seq].line);
	} else if (lies_at != line->ok_seq) {
		found(check, FAULT_WRONG_OK,
		      "line %" PRIu32 " in log %u: ok %" PRIu64 ", lies at %" PRIu64, number,
		      line->ok_log, line->ok_seq, lies_at);
	}
}

static void check_direct(struct check *check, uint32_t number, const struct line *line)
{
	uint16_t own = check->history->inbox_of[line->program];

	if (!line->direct || line->log == own || (line->seq == 0 && line->own_seq == 0))
		return;
	if (line->seq == 0 || line->own_seq == 0)
		found(check, FAULT_HALF_DIRECT,
		      "line %" PRIu32 " from inbox %u to inbox %u: %" PRIu64 " and %" PRIu64,
		      number, own, line->log, line->own_seq, line->seq);
	else if (check->logs[own].place[line->own_seq].ref !=
		 check->logs[line->log].place[line->seq].ref)
		found(check, FAULT_HALF_DIRECT, "line %" PRIu32 ": another ref in each copy",
		      number);
}

static void check_lines(struct check *check)
{
	for (uint32_t number = 0; number < check->history->lines; number++) {
		const struct line *line = &check->lines[number];

		if (!line->sent)
			continue;
		if (line->ok)
			check_ok(check, number, line);
		else if (!line->refused_for_good)
			found(check, FAULT_UNANSWERED, "line %" PRIu32 " of program %u", number,
			      line->program);
		else if (line->seq != 0 || line->own_seq != 0)
			found(check, FAULT_REFUSED_KEPT, "line %" PRIu32 ", log %u", number,
			      line->log);
		check_direct(check, number, line);
	}
}

static void check_ends(struct check *check)
{
	const struct history *history = check->history;

	for (unsigned i = 0; i < history->programs * history->logs; i++) {
		const struct reader *reader = &check->readers[i];

		if (reader->reads && (!reader->ended || reader->cursor != reader->head))
			found(check, FAULT_UNFINISHED,
			      "program %u, log %u: has %" PRIu64 ", the head is %" PRIu64,
			      i / history->logs, i % history->logs, reader->cursor, reader->head);
	}
}

void history_check(const struct history *history, struct verdict *ret_verdict)
{
	struct check check = {
		.history = history,
		.logs = zeroed(history->logs, sizeof(*check.logs)),
		.readers =
			zeroed((size_t)history->programs * history->logs, sizeof(*check.readers)),
		.lines = zeroed(history->lines, sizeof(*check.lines)),
		.verdict = ret_verdict,
	};

	memset(ret_verdict, 0, sizeof(*ret_verdict));
	for (size_t i = 0; i < history->count; i++)
		on_event(&check, &history->event[i]);
	put_lines(&check);
	check_lines(&check);
	check_ends(&check);
	for (unsigned log = 0; log < history->logs; log++)
		free(check.logs[log].place);
	free(check.logs);
	free(check.readers);
	free(check.lines);
}

uint64_t verdict_faults(const struct verdict *verdict)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FAULTS; i++)
		sum += verdict->faults[i];
	return sum;
}
