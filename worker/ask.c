#include "worker/ask.h"

#include "auth/login.h"
#include "base/clock.h"
#include "base/config_agent.h"
#include "proto/event.h"
#include "proto/server_line.h"
#include "shm/room_log.h"

#include <stdlib.h>
#include <string.h>

#define READ_BYTES (2u * ROOM_LOG_LINE_MAX)

struct look {
	const struct conn *conn;
	const struct message *message;
	bool seen;              /* the question has been read */
	enum proto_error error; /* what it says about this answer */
	bool answered;
	struct ask_look found;
};

static bool has_text(const char *const *texts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

static bool may_answer(const struct conn *conn, const struct server_line *ask)
{
	bool is_op = (conn->identity.roles & ROLE_OP) != 0;

	if (!ask->has_approve)
		return true;
	for (size_t i = 0; i < ask->approve_count; i++)
		if (strcmp(ask->approve[i], "everyone") != 0 &&
		    agent_list_has(ask->approve[i], conn->identity.user, is_op))
			return true;
	return false;
}

static enum proto_error judge_ask(const struct look *look, const struct server_line *ask)
{
	const struct message_answer *answer = &look->message->answer;

	if (ask->type != SERVER_LINE_MESSAGE || ask->kind == NULL || strcmp(ask->kind, "ask") != 0)
		return ERR_no_such_message;
	if (!may_answer(look->conn, ask))
		return ERR_forbidden;
	if (!has_text(ask->options, ask->option_count, answer->option.str))
		return ERR_bad_field;
	if (ask->expires > 0 && clock_wall_ms() / 1000 >= ask->expires)
		return ERR_already_answered;
	return PROTO_OK;
}

static void note_answer(struct look *look, const struct server_line *line)
{
	const struct message *message = look->message;

	if (look->answered || line->type != SERVER_LINE_ANSWER ||
	    line->target != (int64_t)message->answer.target)
		return;
	look->answered = true;
	look->found.same = message->id.len > 0 && line->id != NULL && line->sender != NULL &&
			   line->option != NULL && text_equals(message->id, line->id) &&
			   strcmp(line->sender, look->conn->identity.user) == 0 &&
			   text_equals(message->answer.option, line->option);
	look->found.same_seq = (uint64_t)line->seq;
}

/* One stored line. Only the question and answers are taken apart. */
static void look_at(struct look *look, const char *text, size_t len)
{
	struct text head = event_answer_head();
	struct server_line line;

	if (look->seen && (len < head.len || memcmp(text, head.str, head.len) != 0))
		return;
	if (server_line_parse(text, len, &line) < 0) {
		look->error = ERR_internal;
	} else if (!look->seen) {
		look->error = judge_ask(look, &line);
	} else {
		note_answer(look, &line);
	}
	look->seen = true;
	server_line_finish(&line);
}

static void look_at_lines(struct look *look, const char *lines, size_t len)
{
	const char *end = lines + len, *lf;

	for (; lines < end; lines = lf + 1) {
		lf = memchr(lines, '\n', (size_t)(end - lines));
		if (lf == NULL)
			return;
		look_at(look, lines, (size_t)(lf - lines));
	}
}

enum proto_error ask_look(const struct conn *conn, struct room_ref ref,
			  const struct message *message, struct ask_look *ret_look)
{
	const struct shm *shm = &conn->worker->shm;
	struct look look = {.conn = conn, .message = message};
	char *lines = malloc(READ_BYTES);
	enum proto_error error = lines == NULL ? ERR_internal : PROTO_OK;
	struct room_log_slice slice;

	look.found.next = message->answer.target;
	while (error == PROTO_OK) {
		enum room_log_result result =
			room_log_read(shm, ref.log, ref.epoch, look.found.next, UINT64_MAX, lines,
				      READ_BYTES, &slice);

		if (result == ROOM_LOG_NONE)
			break;
		if (result == ROOM_LOG_LAPPED)
			error = ERR_gone;
		else if (result == ROOM_LOG_RESET)
			error = ERR_busy;
		else
			look_at_lines(&look, lines, slice.len);
		if (result == ROOM_LOG_LINES)
			look.found.next = slice.last + 1;
	}
	free(lines);
	if (error == PROTO_OK && !look.seen)
		error = ERR_no_such_message;
	if (error == PROTO_OK && look.answered && look.error != ERR_no_such_message)
		error = look.found.same ? PROTO_OK : ERR_already_answered;
	else if (error == PROTO_OK)
		error = look.error;
	if (error == PROTO_OK)
		*ret_look = look.found;
	return error;
}
