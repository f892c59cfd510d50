#include "tests/storm/faults.h"

#include <stdio.h>
#include <string.h>

/* To judge a place costs a look at the whole history. */
#define LOOK_MAX 2000u

/* What a fault is put in with. */
struct saboteur {
	struct history *history;
	uint64_t random; /* xorshift state, never 0 */
};

static uint64_t draw(struct saboteur *saboteur, uint64_t below)
{
	saboteur->random ^= saboteur->random << 13;
	saboteur->random ^= saboteur->random >> 7;
	saboteur->random ^= saboteur->random << 17;
	return saboteur->random % below;
}

/* ---- finding a place for it -------------------------------------------------------------- */

typedef bool fits_fn(const struct history *history, size_t at);

/* A random event that fits; history->count if none was found near by. */
static size_t pick(struct saboteur *saboteur, fits_fn *fits)
{
	const struct history *history = saboteur->history;
	size_t start = (size_t)draw(saboteur, history->count);

	for (size_t i = 0; i < history->count && i < LOOK_MAX; i++) {
		size_t at = (start + i) % history->count;

		if (fits(history, at))
			return at;
	}
	return history->count;
}

static bool same_line_of_log(const struct event *a, const struct event *b)
{
	return a->kind == EVENT_RECEIVE && b->kind == EVENT_RECEIVE && a->log == b->log &&
	       a->seq == b->seq;
}

/* The event of that kind for the program and the log after `at`, or count. */
static size_t next_of(const struct history *history, size_t at, enum event_kind kind)
{
	const struct event *event = &history->event[at];

	while (++at < history->count) {
		const struct event *next = &history->event[at];

		if (next->kind == kind && next->program == event->program &&
		    next->log == event->log)
			break;
	}
	return at;
}

static bool is_acknowledged(const struct history *history, uint32_t line)
{
	for (size_t i = 0; i < history->count; i++) {
		if (history->event[i].kind == EVENT_OK && history->event[i].line == line)
			return true;
	}
	return false;
}

static bool is_room_line(const struct history *history, size_t at)
{
	const struct event *event = &history->event[at];

	return event->kind == EVENT_RECEIVE && event->log < history->rooms &&
	       is_acknowledged(history, event->line);
}

/* The recipient's copy of a message to another user. */
static bool is_recipients_copy(const struct history *history, size_t at)
{
	const struct event *event = &history->event[at];

	if (event->kind != EVENT_RECEIVE || event->log < history->rooms)
		return false;
	for (size_t i = 0; i < history->count; i++) {
		const struct event *sent = &history->event[i];

		if (sent->kind == EVENT_SEND && sent->line == event->line)
			return sent->log == event->log &&
			       history->inbox_of[sent->program] != event->log;
	}
	return false;
}

static bool has_successor(const struct history *history, size_t at)
{
	const struct event *event = &history->event[at];
	size_t next;

	if (event->kind != EVENT_RECEIVE || event->seq != event->prev + 1)
		return false;
	next = next_of(history, at, EVENT_RECEIVE);
	return next < history->count && history->event[next].prev == event->seq;
}

static bool is_last(const struct history *history, size_t at)
{
	size_t end;

	if (history->event[at].kind != EVENT_RECEIVE)
		return false;
	end = next_of(history, at, EVENT_END);
	return end < history->count && history->event[end].seq == history->event[at].seq;
}

static bool is_received_twice(const struct history *history, size_t at)
{
	if (history->event[at].kind != EVENT_RECEIVE)
		return false;
	for (size_t i = 0; i < at; i++) {
		if (same_line_of_log(&history->event[i], &history->event[at]))
			return true;
	}
	return false;
}

static bool is_first_ok(const struct history *history, size_t at)
{
	return history->event[at].kind == EVENT_OK &&
	       (history->event[at].flags & EVENT_DUPLICATE) == 0;
}

/* An ok whose line the same connection got before. */
static bool is_ok_of_reader(const struct history *history, size_t at)
{
	const struct event *ok = &history->event[at];

	if (!is_first_ok(history, at))
		return false;
	for (size_t i = at; i-- > 0;) {
		const struct event *event = &history->event[i];

		if (event->kind == EVENT_RECEIVE && event->program == ok->program &&
		    event->log == ok->log && event->seq == ok->seq)
			return true;
	}
	return false;
}

static bool is_return_to_room(const struct history *history, size_t at)
{
	if (history->event[at].kind != EVENT_ROOM)
		return false;
	for (size_t i = 0; i < at; i++) {
		if (history->event[i].kind == EVENT_ROOM &&
		    history->event[i].log == history->event[at].log)
			return true;
	}
	return false;
}

/* ---- putting it in ---------------------------------------------------------------------- */

/* The line was never in the log: those behind it follow the one before. */
static void erase_from_log(struct history *history, struct event gone)
{
	for (size_t i = history->count; i-- > 0;) {
		struct event *event = &history->event[i];

		if (event->log != gone.log)
			continue;
		if (event->kind == EVENT_RECEIVE && event->prev == gone.seq)
			event->prev = gone.seq - 1;
		else if (event->kind == EVENT_END && event->seq == gone.seq)
			event->seq = gone.seq - 1;
		else if (same_line_of_log(event, &gone))
			history_remove(history, i);
	}
}

/* The reader asked from where it was, and got nothing more. */
static void end_early(struct history *history, size_t at)
{
	struct event last = history->event[at];

	history_remove(history, at);
	for (size_t i = at; i < history->count; i++) {
		struct event *event = &history->event[i];

		if (event->kind == EVENT_ROOM && event->program == last.program &&
		    event->log == last.log && event->prev >= last.seq)
			event->prev = last.seq - 1;
	}
}

static void append_again(struct history *history, struct event line)
{
	for (size_t i = 0; i < history->count; i++) {
		struct event *end = &history->event[i];
		struct event again = line;

		if (end->kind != EVENT_END || end->log != line.log)
			continue;
		again.program = end->program;
		again.prev = end->seq;
		again.seq = ++end->seq;
		history_insert(history, i++, &again);
	}
}

/* Swaps the line with a later one of the same program in the same log. */
static bool swap_with_later(struct history *history, size_t at)
{
	struct event a = history->event[at], b = {.seq = 0};
	uint32_t sender[2] = {NO_LINE, NO_LINE};

	for (size_t i = 0; i < history->count && sender[0] == NO_LINE; i++) {
		if (history->event[i].kind == EVENT_SEND && history->event[i].line == a.line)
			sender[0] = history->event[i].program;
	}
	for (size_t i = 0; i < history->count && b.seq == 0; i++) {
		const struct event *sent = &history->event[i];

		if (sent->kind != EVENT_SEND || sent->program != sender[0] || sent->log != a.log ||
		    sent->line <= a.line)
			continue;
		for (size_t j = 0; j < history->count && b.seq == 0; j++) {
			if (history->event[j].kind == EVENT_RECEIVE &&
			    history->event[j].log == a.log && history->event[j].line == sent->line)
				b = history->event[j];
		}
	}
	if (b.seq == 0)
		return false;
	for (size_t i = 0; i < history->count; i++) {
		struct event *event = &history->event[i];
		bool is_a = event->line == a.line, is_b = event->line == b.line;

		if (event->log != a.log || (!is_a && !is_b))
			continue;
		if (event->kind == EVENT_OK)
			event->seq = is_a ? b.seq : a.seq;
		if (event->kind != EVENT_RECEIVE)
			continue;
		event->line = is_a ? b.line : a.line;
		event->digest = is_a ? b.digest : a.digest;
	}
	return true;
}

static void delay_line_behind_ok(struct history *history, size_t at)
{
	struct event ok = history->event[at];

	for (size_t i = at; i-- > 0;) {
		struct event event = history->event[i];

		if (event.kind != EVENT_RECEIVE || event.program != ok.program ||
		    event.log != ok.log || event.seq < ok.seq)
			continue;
		/* Those behind it wait, too. */
		history_remove(history, i);
		history_insert(history, at, &event);
		at--;
		if (event.seq == ok.seq)
			return;
	}
}

static void drop_answers(struct history *history, uint32_t line)
{
	for (size_t i = history->count; i-- > 0;) {
		if (history->event[i].kind == EVENT_OK && history->event[i].line == line)
			history_remove(history, i);
	}
}

static void make_foreign(struct history *history, struct event line)
{
	for (size_t i = 0; i < history->count; i++) {
		if (same_line_of_log(&history->event[i], &line))
			history->event[i].line = NO_LINE;
	}
}

static fits_fn *place_for(enum fault fault)
{
	switch (fault) {
	case FAULT_LOST:
	case FAULT_DOUBLED:
	case FAULT_REORDERED:
	case FAULT_FOREIGN:
		return is_room_line;
	case FAULT_HOLE:
		return has_successor;
	case FAULT_UNFINISHED:
		return is_last;
	case FAULT_DISAGREED:
		return is_received_twice;
	case FAULT_HALF_DIRECT:
		return is_recipients_copy;
	case FAULT_WRONG_OK:
	case FAULT_REFUSED_KEPT:
	case FAULT_UNANSWERED:
		return is_first_ok;
	case FAULT_EARLY_OK:
		return is_ok_of_reader;
	case FAULT_EPOCH:
		return is_return_to_room;
	case FAULTS:
		break;
	}
	return NULL;
}

static bool put_fault(struct saboteur *saboteur, enum fault fault)
{
	struct history *history = saboteur->history;
	size_t at = pick(saboteur, place_for(fault));
	struct event event;

	if (at == history->count)
		return false;
	event = history->event[at];
	switch (fault) {
	case FAULT_LOST:
	case FAULT_HALF_DIRECT:
		erase_from_log(history, event);
		return true;
	case FAULT_DOUBLED:
		append_again(history, event);
		return true;
	case FAULT_REORDERED:
		return swap_with_later(history, at);
	case FAULT_HOLE:
		history_remove(history, at);
		return true;
	case FAULT_UNFINISHED:
		end_early(history, at);
		return true;
	case FAULT_DISAGREED:
	case FAULT_EPOCH:
		history->event[at].digest ^= 1;
		return true;
	case FAULT_WRONG_OK:
		history->event[at].seq++;
		return true;
	case FAULT_EARLY_OK:
		delay_line_behind_ok(history, at);
		return true;
	case FAULT_REFUSED_KEPT:
		drop_answers(history, event.line);
		event.kind = EVENT_ERROR;
		event.flags = EVENT_FINAL;
		history_add(history, &event);
		return true;
	case FAULT_UNANSWERED:
		drop_answers(history, event.line);
		return true;
	case FAULT_FOREIGN:
		make_foreign(history, event);
		return true;
	case FAULTS:
		break;
	}
	return false;
}

unsigned faults_found(const struct history *history, uint64_t seed, unsigned *ret_kinds)
{
	unsigned caught = 0;

	for (unsigned fault = 0; fault < FAULTS; fault++) {
		struct saboteur saboteur = {.random = seed * 2 + 1};
		struct history copy;
		struct verdict verdict;
		bool put = false;

		history_copy(history, &copy);
		saboteur.history = &copy;
		/* A line may be its program's last in the log: then there is none to swap it with.
		 */
		for (unsigned tries = 0; !put && tries < 64; tries++)
			put = put_fault(&saboteur, (enum fault)fault);
		history_check(&copy, &verdict);
		if (put && verdict.faults[fault] > 0)
			caught++;
		else
			printf("  not found: %s%s\n", fault_name((enum fault)fault),
			       put ? "" : " (no place for it)");
		history_finish(&copy);
	}
	*ret_kinds = FAULTS;
	return caught;
}
