#include "tests/storm/program.h"

#include "tests/storm/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLOSE_RESTART 1012u
#define SECOND_US UINT64_C(1000000)
#define LOGIN_US                                                                                   \
	(SECOND_US * 6 / 10)      /* a login takes 3 ms, unless it meets a worker that is stopped */
#define SILENT_US (SECOND_US / 2) /* then it asks */
#define ANSWER_US SECOND_US       /* and waits so long */
#define RETRY_MIN_US (SECOND_US / 10)
#define RETRY_MAX_US (10 * SECOND_US)
#define READ_US (SECOND_US / 4)

/* ---- coming and going ---------------------------------------------------------------------- */

/* Full jitter from 0.1 s, doubled up to 10 s (docs/protocol.md, "Connecting again"). */
static void retry_later(struct program *program)
{
	uint64_t now = program->world->now_us, most = RETRY_MIN_US;

	for (unsigned i = 0; i < program->tries && most < RETRY_MAX_US; i++)
		most *= 2;
	if (most > RETRY_MAX_US)
		most = RETRY_MAX_US;
	program->tries++;
	program->due_us = now + world_draw(program->world, most);
	if (program->due_us < program->not_before_us)
		program->due_us = program->not_before_us;
	program->state = PROGRAM_AWAY;
}

void program_lost(struct program *program, enum outage cause)
{
	uint64_t now = program->world->now_us;

	link_close(&program->link, false);
	program->losses++;
	if (program->state == PROGRAM_LIVE) {
		program->tries = 0;
		/* Who gives up has been without the server since it asked. */
		program->lost_us = cause == OUTAGE_STALLED ? program->ping_us : now;
		program->cause = cause;
	} else if (cause == OUTAGE_STALLED) {
		program->cause = OUTAGE_STALLED;
	}
	retry_later(program);
}

void program_cut(struct program *program, bool reset, unsigned away_ms, bool on_purpose)
{
	uint64_t now = program->world->now_us;

	if (program->state != PROGRAM_LIVE)
		return;
	link_close(&program->link, reset);
	program->state = PROGRAM_AWAY;
	program->cause = OUTAGE_CUT;
	program->lost_us = on_purpose ? 0 : now;
	program->tries = 0;
	program->due_us = now + away_ms * UINT64_C(1000);
}

static void dial(struct program *program)
{
	if (!link_open(&program->link, program->world->port)) {
		retry_later(program);
		return;
	}
	program->state = PROGRAM_CONNECTING;
	program->dialled_us = program->world->now_us;
	program->due_us = program->world->now_us + LOGIN_US;
}

void program_event(struct program *program, uint32_t events)
{
	program->heard_us = program->world->now_us;
	if (!link_event(&program->link, events))
		program_lost(program, program->link.close_code == CLOSE_RESTART ? OUTAGE_SENT_AWAY
										: OUTAGE_DIED);
}

/* ---- lines ------------------------------------------------------------------------------------
 */

void line_content(uint32_t line, char out[CONTENT_SIZE])
{
	size_t len = (size_t)snprintf(out, CONTENT_SIZE, "L%08" PRIx32, line);
	size_t more = line * 2654435761u % 180;

	for (size_t i = 0; i < more; i++)
		out[len + i] = (char)('a' + (line + i * i) % 26);
	out[len + more] = '\0';
}

static void send_line(struct program *program, struct unanswered *entry, bool again)
{
	char text[CONTENT_SIZE + 128], content[CONTENT_SIZE], log[16];
	struct event event = {.kind = EVENT_SEND,
			      .flags = again ? EVENT_AGAIN : 0,
			      .program = (uint16_t)program->number,
			      .log = entry->log,
			      .line = entry->line};
	int len;

	line_content(entry->line, content);
	world_log_name(entry->log, log);
	len = snprintf(text, sizeof(text),
		       "{\"type\":\"message\",\"id\":\"l%" PRIu32 "\",\"%s\":\"%s\","
		       "\"content\":\"%s\"}",
		       entry->line, entry->log < ROOMS ? "room" : "recipient",
		       entry->log < ROOMS ? log : log + 1, content);
	entry->refused = false;
	entry->again = again;
	history_add(&program->world->history, &event);
	link_send(&program->link, text, (size_t)len);
}

void program_resend(struct program *program)
{
	for (unsigned i = 0; i < program->unanswered_count; i++)
		send_line(program, &program->unanswered[i], true);
}

static void resend_refused(struct program *program)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < program->unanswered_count; i++)
		refused += program->unanswered[i].refused;
	/* Those on their way first, so that what follows the refused ones follows them again. */
	if (refused == 0 || refused < program->unanswered_count ||
	    program->world->now_us < program->hold_until_us)
		return;
	for (unsigned i = 0; i < program->unanswered_count; i++)
		send_line(program, &program->unanswered[i], true);
}

static bool holds(const struct program *program)
{
	for (unsigned i = 0; i < program->unanswered_count; i++) {
		if (program->unanswered[i].refused)
			return true;
	}
	return false;
}

/* False: not now. */
static bool send_new(struct program *program)
{
	struct world *world = program->world;
	struct unanswered *entry;

	if (!program->sends || !world->sending || program->state != PROGRAM_LIVE ||
	    program->joins_left > 0 || program->unanswered_count == UNANSWERED_MAX ||
	    holds(program))
		return false;
	entry = &program->unanswered[program->unanswered_count++];
	*entry = (struct unanswered){.line = world->history.lines++, .sent_us = world->now_us};
	if (world_draw(world, 100) < world->direct_percent)
		entry->log = (uint16_t)(ROOMS + world_draw(world, program->users));
	else
		entry->log = program->rooms[world_draw(world, program->room_count)];
	send_line(program, entry, false);
	return true;
}

void program_burst(struct program *program, unsigned lines)
{
	while (lines > 0 && send_new(program))
		lines--;
}

static void send_when_due(struct program *program)
{
	struct world *world = program->world;

	if (world->now_us < program->next_send_us)
		return;
	program->next_send_us = world->now_us + world_draw(world, world->mean_gap_ms * 2000u);
	program_burst(program, 1);
}

static void send_read(struct program *program)
{
	const struct cursor *inbox = &program->cursor[0];
	char text[96];
	int len;

	if (program->world->now_us < program->read_us + READ_US ||
	    inbox->after <= program->read_seq)
		return;
	program->read_us = program->world->now_us;
	program->read_seq = inbox->after;
	len = snprintf(text, sizeof(text),
		       "{\"type\":\"read\",\"room\":\"@%s\",\"seq\":%" PRIu64 "}", program->name,
		       inbox->after);
	link_send(&program->link, text, (size_t)len);
}

/* A server that is stopped holds the connection and says nothing. */
static void listen_for_life(struct program *program)
{
	static const char ping[] = "{\"type\":\"ping\",\"id\":\"p\"}";
	uint64_t now = program->world->now_us;

	if (program->ping_us > 0 && program->heard_us >= program->ping_us)
		program->ping_us = 0;
	if (program->ping_us > 0 && now > program->ping_us + ANSWER_US) {
		program_lost(program, OUTAGE_STALLED);
	} else if (program->ping_us == 0 && now > program->heard_us + SILENT_US) {
		program->ping_us = now;
		link_send(&program->link, ping, sizeof(ping) - 1);
	}
}

void program_step(struct program *program)
{
	uint64_t now = program->world->now_us;

	switch (program->state) {
	case PROGRAM_AWAY:
		if (now >= program->due_us)
			dial(program);
		break;
	case PROGRAM_CONNECTING:
		if (now >= program->due_us)
			program_lost(program, OUTAGE_STALLED);
		break;
	case PROGRAM_LIVE:
		listen_for_life(program);
		if (program->state != PROGRAM_LIVE || program->joins_left > 0)
			break;
		resend_refused(program);
		send_when_due(program);
		send_read(program);
		break;
	}
}

/* ---- beginning and end
 * --------------------------------------------------------------------------- */

void program_init(struct program *program, struct world *world, unsigned number, unsigned user)
{
	*program = (struct program){.world = world, .number = number, .user = user};
	snprintf(program->name, sizeof(program->name), "u%u", user);
	snprintf(program->device, sizeof(program->device), "p%u", number);
	login_key_of(program->name, &program->key);
	program->link = (struct link){
		.fd = -1, .epoll_fd = world->epoll_fd, .on_line = reader_line, .data = program};
	program->cursor[program->cursor_count++].log = (uint16_t)(ROOMS + user);
	world->inbox_of[number] = (uint16_t)(ROOMS + user);
}

void program_finish(struct program *program)
{
	link_finish(&program->link);
}
