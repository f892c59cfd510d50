#include "agents/agent_private.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a tool gets, as far as one line shows it. */
#define TOOL_INPUT_SHOWN 300
/* Of what is being written only the end is shown. */
#define PART_KEPT 16384u

static struct text text_of(const struct buf *buf)
{
	return (struct text){.str = buf->data != NULL ? buf->data : "", .len = buf->len};
}

static void note_session(struct agent *agent, const char *session)
{
	agent->init_seen = true;
	if (!stream_session_is_sound(session) || strcmp(session, agent->session) == 0)
		return;
	snprintf(agent->session, sizeof(agent->session), "%s", session);
	agent->host->keep(agent->data);
}

static void note_delta(struct agent *agent, struct agent_turn *turn, const char *text,
		       uint64_t now_ms)
{
	turns_produced(agent, turn);
	buf_append_str(&agent->part, text);
	if (agent->part.len > 2 * PART_KEPT)
		buf_consume(&agent->part, agent->part.len - PART_KEPT);
	speak_partial(agent, now_ms);
}

static void note_block(struct agent *agent, struct agent_turn *turn,
		       const struct stream_block *block)
{
	size_t len;

	switch (block->kind) {
	case STREAM_BLOCK_TEXT:
		turns_produced(agent, turn);
		buf_reset(&agent->part);
		len = speak_room(agent, turn->room, strlen(block->text));
		if (agent->text.len > 0 && len > 0)
			buf_append_str(&agent->text, "\n\n");
		buf_append(&agent->text, block->text, len);
		break;
	case STREAM_BLOCK_TOOL:
		turns_produced(agent, turn);
		buf_reset(&agent->part);
		speak_notice(agent, turn->room, turn->seq, "uses %.100s %.*s%s", block->text,
			     TOOL_INPUT_SHOWN, block->input != NULL ? block->input : "",
			     block->input != NULL && strlen(block->input) > TOOL_INPUT_SHOWN ? "…"
											     : "");
		break;
	case STREAM_BLOCK_OTHER:
		break;
	}
}

static void note_cost(struct agent *agent, uint64_t cost)
{
	/* It tells the sum since it was started. */
	agent->sums.cost_microusd += cost >= agent->last_cost ? cost - agent->last_cost : cost;
	if (cost > 0)
		agent->last_cost = cost;
}

static void speak_result(struct agent *agent, const struct agent_turn *turn,
			 const struct stream_line *line)
{
	bool success = strcmp(line->subtype, "success") == 0 && !line->is_error;
	struct text final = text_from(line->text);

	if (!success || text_is_blank(final))
		final = text_of(&agent->text);
	agent->turn_bytes = 0;
	final.len = speak_room(agent, turn->room, final.len);
	if (!text_is_blank(final))
		speak_text(agent, turn->room, turn->seq, final, "markdown");
	else if (success)
		speak_notice(agent, turn->room, turn->seq, "has nothing to say to that");
	if (success)
		return;
	agent->sums.failures++;
	if (agent->interrupted)
		speak_notice(agent, turn->room, turn->seq, "was interrupted");
	else
		speak_notice(agent, turn->room, turn->seq, "ended with %.60s%s%.1000s",
			     line->subtype[0] != '\0' ? line->subtype : "an error",
			     line->text[0] != '\0' ? ": " : "", line->text);
}

/*
 * A session that it was to go on with, and doesn't know: the error comes before it has begun
 * anything, and it ends by itself. It starts afresh, and the turn is sent again.
 */
static bool is_lost_session(const struct agent *agent, const struct stream_line *line)
{
	return agent->resumed && !agent->init_seen && line->is_error;
}

static void note_result(struct agent *agent, const struct stream_line *line, uint64_t now_ms)
{
	struct agent_turn *turn = turns_current(agent);

	if (is_lost_session(agent, line)) {
		log_warn("agent session lost", "agent=%s session=%s", agent->config->name,
			 agent->session);
		agent->session[0] = '\0';
		agent->host->keep(agent->data);
		if (agent->run == AGENT_RUN_RUNNING)
			agent_stop_now(agent, true, now_ms);
		return;
	}
	if (turn == NULL || (line->uuid[0] != '\0' && strcmp(line->uuid, turn->uuid) != 0)) {
		agent->sums.unknown_lines++;
		return;
	}
	note_cost(agent, line->cost_microusd);
	ask_forget_all(agent);
	turns_produced(agent, turn);
	speak_result(agent, turn, line);
	turns_end(agent, now_ms);
}

void stream_line_said(struct agent *agent, const char *bytes, size_t len, uint64_t now_ms)
{
	struct agent_turn *turn = turns_current(agent);
	struct stream_line line;

	agent->word_ms = now_ms;
	if (stream_line_parse(bytes, len, &line) < 0) {
		agent->sums.unknown_lines++;
		return;
	}
	switch (line.type) {
	case STREAM_OTHER:
		agent->sums.unknown_lines++;
		break;
	case STREAM_NOTHING:
		break;
	case STREAM_INIT:
		note_session(agent, line.session);
		break;
	case STREAM_DELTA:
		if (turn != NULL)
			note_delta(agent, turn, line.text, now_ms);
		break;
	case STREAM_BLOCKS:
		for (size_t i = 0; turn != NULL && i < line.block_count; i++)
			note_block(agent, turn, &line.blocks[i]);
		break;
	case STREAM_PERMISSION:
		if (turn != NULL)
			turns_produced(agent, turn);
		ask_permission(agent, &line, now_ms);
		break;
	case STREAM_CANCEL:
		ask_cancel(agent, line.request_id);
		break;
	case STREAM_RESULT:
		note_result(agent, &line, now_ms);
		break;
	}
	stream_line_finish(&line);
}
