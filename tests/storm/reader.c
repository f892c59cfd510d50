#include "tests/storm/reader.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *line, const char *field)
{
	const char *text = json_string_value(json_object_get(line, field));

	return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *line, const char *field)
{
	return (uint64_t)json_integer_value(json_object_get(line, field));
}

static void record(struct program *program, struct event event)
{
	event.program = (uint16_t)program->number;
	if (program->world->recording)
		history_add(&program->world->history, &event);
}

static struct cursor *cursor_of(struct program *program, int log)
{
	for (unsigned i = 0; i < program->cursor_count; i++) {
		if (program->cursor[i].log == log)
			return &program->cursor[i];
	}
	return NULL;
}

/* ---- logging in ---------------------------------------------------------------------------- */

static void put_resume(struct program *program, struct buf *out)
{
	char name[16];
	const char *comma = "";

	buf_append_str(out, ",\"resume\":[");
	for (unsigned i = 0; i < program->cursor_count; i++) {
		const struct cursor *cursor = &program->cursor[i];

		if (!cursor->known)
			continue;
		world_log_name(cursor->log, name);
		buf_printf(out, "%s{\"room\":\"%s\",\"epoch\":\"%s\",\"after\":%" PRIu64 "}", comma,
			   name, cursor->epoch, cursor->after);
		comma = ",";
	}
	buf_append_str(out, "],\"only\":[");
	comma = "";
	for (unsigned i = 0; program->joined && program->subscribes && i < program->room_count;
	     i++) {
		world_log_name(program->rooms[i], name);
		buf_printf(out, "%s\"%s\"", comma, name);
		comma = ",";
	}
	buf_append_str(out, "]");
}

static void on_challenge(struct program *program, const json_t *line)
{
	struct buf extra = BUF_INIT, out = BUF_INIT;
	struct login login = {.user = program->name,
			      .server = program->server,
			      .nonce = text_of(line, "nonce"),
			      .expires = number_of(line, "expires")};

	/* A second one says that the first attempt failed: begin anew, later. */
	for (unsigned i = 0; i < program->cursor_count; i++)
		program->cursor[i].announced = false;
	snprintf(program->server, sizeof(program->server), "127.0.0.1:%u", program->world->port);
	buf_printf(&extra, ",\"device\":\"%s\"", program->device);
	put_resume(program, &extra);
	login.extra = extra.data;
	login_line(&program->key, &login, &out);
	link_send(&program->link, out.data, out.len);
	buf_finish(&extra);
	buf_finish(&out);
}

static void send_joins(struct program *program)
{
	for (unsigned i = 0; i < program->room_count; i++) {
		char text[96], name[16];

		world_log_name(program->rooms[i], name);
		snprintf(text, sizeof(text),
			 "{\"type\":\"join\",\"id\":\"j\",\"room\":\"%s\",\"limit\":0}", name);
		link_send(&program->link, text, strlen(text));
	}
	program->joins_left = program->room_count;
}

static void on_welcome(struct program *program)
{
	struct world *world = program->world;

	program->state = PROGRAM_LIVE;
	program->heard_us = world->now_us;
	program->ping_us = 0;
	program->read_seq = 0;
	if (world->up_us == 0 && program->dialled_us > world->down_us)
		world->up_us = world->now_us;
	if (program->lost_us > 0 && world->recording)
		samples_add(&world->outages[program->cause], world->now_us - program->lost_us);
	program->lost_us = 0;
	program->joins_left = 0;
	if (program->joined)
		program_resend(program);
	else
		send_joins(program);
}

/* ---- logs ------------------------------------------------------------------------------------ */

static void note_end(struct program *program)
{
	for (unsigned i = 0; i < program->cursor_count; i++) {
		const struct cursor *cursor = &program->cursor[i];

		if (!cursor->announced || cursor->after < cursor->head)
			return;
	}
	for (unsigned i = 0; i < program->cursor_count && !program->ended; i++)
		record(program, (struct event){.kind = EVENT_END,
					       .log = program->cursor[i].log,
					       .line = NO_LINE,
					       .seq = program->cursor[i].head});
	program->ended = true;
}

static void on_room(struct program *program, const json_t *line, int log)
{
	struct cursor *cursor = cursor_of(program, log);
	const char *epoch = text_of(line, "epoch");
	uint64_t after = number_of(line, "after");

	if (strcmp(text_of(line, "id"), "j") == 0 && program->joins_left > 0)
		program->joined = --program->joins_left == 0 || program->joined;
	if (cursor == NULL)
		return;
	snprintf(cursor->epoch, sizeof(cursor->epoch), "%s", epoch);
	if (!cursor->known || after > cursor->after)
		cursor->after = after;
	cursor->known = true;
	cursor->announced = true;
	cursor->head = number_of(line, "head");
	record(program, (struct event){.kind = EVENT_ROOM,
				       .log = (uint16_t)log,
				       .line = NO_LINE,
				       .seq = cursor->head,
				       .prev = after,
				       .digest = digest_of(epoch, strlen(epoch))});
	if (program->world->ending)
		note_end(program);
}

static uint32_t line_number(const json_t *line)
{
	const char *content = text_of(line, "content"), *id = text_of(line, "id");
	char wanted[CONTENT_SIZE], wanted_id[16];
	uint32_t number;

	if (sscanf(content, "L%8" SCNx32, &number) != 1)
		return NO_LINE;
	line_content(number, wanted);
	snprintf(wanted_id, sizeof(wanted_id), "l%" PRIu32, number);
	return strcmp(content, wanted) == 0 && strcmp(id, wanted_id) == 0 ? number : NO_LINE;
}

static void on_message(struct program *program, const json_t *line, int log, uint64_t digest)
{
	struct cursor *cursor = cursor_of(program, log);
	const json_t *prev = json_object_get(line, "prev");
	uint64_t seq = number_of(line, "seq");

	record(program,
	       (struct event){.kind = EVENT_RECEIVE,
			      .log = (uint16_t)log,
			      .line = line_number(line),
			      .seq = seq,
			      .prev = prev != NULL ? (uint64_t)json_integer_value(prev) : seq - 1,
			      .digest = digest,
			      .ref = strtoull(text_of(line, "ref"), NULL, 16)});
	if (cursor == NULL || seq <= cursor->after)
		return;
	cursor->after = seq;
	if (program->world->ending)
		note_end(program);
}

static void on_gap(struct program *program, const json_t *line, int log)
{
	struct cursor *cursor = cursor_of(program, log);
	uint64_t next = number_of(line, "next");

	record(program, (struct event){.kind = EVENT_GAP,
				       .log = (uint16_t)log,
				       .line = NO_LINE,
				       .seq = next,
				       .prev = number_of(line, "after")});
	if (cursor != NULL && next > cursor->after)
		cursor->after = next - 1;
}

static void on_reset(struct program *program, const json_t *line, int log)
{
	struct cursor *cursor = cursor_of(program, log);
	const char *epoch = text_of(line, "epoch");

	record(program, (struct event){.kind = EVENT_RESET,
				       .log = (uint16_t)log,
				       .line = NO_LINE,
				       .digest = digest_of(epoch, strlen(epoch))});
	if (cursor != NULL)
		cursor->after = 0;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static struct unanswered *entry_of(struct program *program, const char *id)
{
	uint32_t line;

	if (sscanf(id, "l%" SCNu32, &line) != 1)
		return NULL;
	for (unsigned i = 0; i < program->unanswered_count; i++) {
		if (program->unanswered[i].line == line)
			return &program->unanswered[i];
	}
	return NULL;
}

static void forget(struct program *program, struct unanswered *entry)
{
	size_t at = (size_t)(entry - program->unanswered);

	program->unanswered_count--;
	memmove(entry, entry + 1, (program->unanswered_count - at) * sizeof(*entry));
}

static void on_ok(struct program *program, const json_t *line, int log)
{
	struct unanswered *entry = entry_of(program, text_of(line, "id"));

	if (entry == NULL || log < 0)
		return;
	record(program, (struct event){.kind = EVENT_OK,
				       .flags = json_is_true(json_object_get(line, "duplicate"))
							? EVENT_DUPLICATE
							: 0,
				       .log = (uint16_t)log,
				       .line = entry->line,
				       .seq = number_of(line, "seq")});
	samples_add(&program->world->answers, program->world->now_us - entry->sent_us);
	if (!entry->again)
		samples_add(&program->world->straight, program->world->now_us - entry->sent_us);
	program->answered++;
	forget(program, entry);
}

static bool is_for_the_moment(const char *code)
{
	return strcmp(code, "busy") == 0 || strcmp(code, "rate_limited") == 0 ||
	       strcmp(code, "unavailable") == 0;
}

static void on_error(struct program *program, const json_t *line)
{
	struct unanswered *entry = entry_of(program, text_of(line, "id"));
	const char *code = text_of(line, "code");
	bool again = is_for_the_moment(code);
	uint64_t wait_ms = number_of(line, "retry_after_ms");

	world_note_code(program->world, code);
	if (entry == NULL) {
		/* Of the login or a join: a new attempt begins with a new connection. */
		program->not_before_us = program->world->now_us + wait_ms * 1000;
		if (program->state == PROGRAM_CONNECTING || program->joins_left > 0)
			program_lost(program, OUTAGE_DIED);
		return;
	}
	record(program, (struct event){.kind = EVENT_ERROR,
				       .flags = again ? 0 : EVENT_FINAL,
				       .line = entry->line,
				       .log = entry->log});
	if (!again) {
		forget(program, entry);
		return;
	}
	if (!entry->again)
		samples_add(&program->world->busy, program->world->now_us - entry->sent_us);
	program->refusals++;
	entry->refused = true;
	program->hold_until_us = program->world->now_us + wait_ms * 1000;
}

/* ---- all lines
 * ------------------------------------------------------------------------------------- */

static void take(struct program *program, const json_t *line, uint64_t digest)
{
	const char *type = text_of(line, "type");
	int log = world_log_number(text_of(line, "room"));

	if (strcmp(type, "challenge") == 0)
		on_challenge(program, line);
	else if (strcmp(type, "welcome") == 0)
		on_welcome(program);
	else if (strcmp(type, "ok") == 0)
		on_ok(program, line, log);
	else if (strcmp(type, "error") == 0)
		on_error(program, line);
	else if (strcmp(type, "bye") == 0)
		program->not_before_us =
			program->world->now_us + number_of(line, "retry_after_ms") * 1000;
	else if (log < 0)
		return;
	else if (strcmp(type, "message") == 0)
		on_message(program, line, log, digest);
	else if (strcmp(type, "room") == 0)
		on_room(program, line, log);
	else if (strcmp(type, "gap") == 0)
		on_gap(program, line, log);
	else if (strcmp(type, "reset") == 0)
		on_reset(program, line, log);
}

void reader_line(void *data, const char *line, size_t len)
{
	struct program *program = data;
	json_t *parsed = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(parsed))
		take(program, parsed, digest_of(line, len));
	else
		world_note_code(program->world, "(a line that is no JSON)");
	json_decref(parsed);
}
