#include "tests/storm/made.h"

#define MADE_PROGRAMS 4u
#define MADE_ROOMS 2u
#define MADE_LINES 240u

struct maker {
	struct history *history;
	uint64_t head[MADE_ROOMS + MADE_PROGRAMS];
	uint64_t cursor[MADE_PROGRAMS][MADE_ROOMS + MADE_PROGRAMS];
};

static bool made_reads(unsigned program, unsigned log)
{
	return log < MADE_ROOMS || log == MADE_ROOMS + program;
}

static void make_copy(struct maker *maker, unsigned log, uint32_t line)
{
	struct event event = {.kind = EVENT_RECEIVE, .log = (uint16_t)log, .line = line};

	event.seq = ++maker->head[log];
	event.prev = event.seq - 1;
	event.ref = log < MADE_ROOMS ? 0 : line + 1;
	event.digest = digest_of(&event, sizeof(event));
	for (unsigned program = 0; program < MADE_PROGRAMS; program++) {
		event.program = (uint16_t)program;
		if (!made_reads(program, log))
			continue;
		maker->cursor[program][log] = event.seq;
		history_add(maker->history, &event);
	}
}

static void make_rooms(struct maker *maker, unsigned program, enum event_kind kind)
{
	for (unsigned log = 0; log < MADE_ROOMS + MADE_PROGRAMS; log++) {
		struct event event = {.kind = (uint8_t)kind,
				      .program = (uint16_t)program,
				      .log = (uint16_t)log,
				      .line = NO_LINE,
				      .digest = log + 1,
				      .seq = maker->head[log],
				      .prev = maker->cursor[program][log]};

		if (made_reads(program, log))
			history_add(maker->history, &event);
	}
}

static void make_line(struct maker *maker, uint32_t line)
{
	unsigned program = line % MADE_PROGRAMS;
	bool direct = line % 5 == 0;
	unsigned own = MADE_ROOMS + program;
	unsigned log = direct ? MADE_ROOMS + (program + 1) % MADE_PROGRAMS : line / 7 % MADE_ROOMS;
	struct event event = {.kind = EVENT_SEND,
			      .program = (uint16_t)program,
			      .log = (uint16_t)log,
			      .line = line};

	history_add(maker->history, &event);
	if (line % 31 == 30) { /* refused: it is nowhere */
		event.kind = EVENT_ERROR;
		event.flags = EVENT_FINAL;
		history_add(maker->history, &event);
		return;
	}
	make_copy(maker, log, line);
	if (direct)
		make_copy(maker, own, line);
	event.kind = EVENT_OK;
	event.log = (uint16_t)(direct ? own : log);
	event.seq = maker->head[event.log];
	history_add(maker->history, &event);
	if (line % 16 == 9) { /* the answer was lost, and the line sent again */
		event.flags = EVENT_DUPLICATE;
		history_add(maker->history, &event);
	}
}

void history_make(struct history *ret_history)
{
	static const uint16_t inboxes[MADE_PROGRAMS] = {MADE_ROOMS, MADE_ROOMS + 1, MADE_ROOMS + 2,
							MADE_ROOMS + 3};
	struct maker maker = {.history = ret_history};

	*ret_history = (struct history){.programs = MADE_PROGRAMS,
					.rooms = MADE_ROOMS,
					.logs = MADE_ROOMS + MADE_PROGRAMS,
					.lines = MADE_LINES,
					.inbox_of = inboxes};
	for (unsigned program = 0; program < MADE_PROGRAMS; program++)
		make_rooms(&maker, program, EVENT_ROOM);
	for (uint32_t line = 0; line < MADE_LINES; line++) {
		make_line(&maker, line);
		if (line % 40 == 39) /* one comes back to where it was */
			make_rooms(&maker, line / 40 % MADE_PROGRAMS, EVENT_ROOM);
	}
	for (unsigned program = 0; program < MADE_PROGRAMS; program++)
		make_rooms(&maker, program, EVENT_END);
}
