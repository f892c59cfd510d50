#include "agents/agent_private.h"
#include "agents/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what is for it ---- */

/* "@NAME text", in any case, a comma or a colon behind the name: the text. False: it isn't. */
static bool is_mention(const struct agent *agent, struct text content, struct text *ret_rest)
{
	const char *name = agent->config->name, *at = content.str;
	size_t len = strlen(name);

	at += strspn(at, " \t\n");
	if (*at != '@' || strncasecmp(at + 1, name, len) != 0)
		return false;
	at += 1 + len;
	if (*at == ',' || *at == ':')
		at++;
	if (*at != '\0' && strchr(" \t\n", *at) == NULL)
		return false;
	at += strspn(at, " \t\n");
	*ret_rest = (struct text){.str = at, .len = content.len - (size_t)(at - content.str)};
	return true;
}

/* People's words: not those of programs, and no news about people. */
static bool is_speech(const struct agent *agent, const struct agent_message *message)
{
	const char *kind = message->kind;

	if (message->content.str == NULL || message->is_agent ||
	    strcmp(message->sender, agent->config->name) == 0)
		return false;
	return kind == NULL || strcmp(kind, "message") == 0 || strcmp(kind, "me") == 0 ||
	       strcmp(kind, "alert") == 0;
}

static bool is_addressed(const struct agent *agent, const struct agent_message *message,
			 struct text *ret_text)
{
	if (!is_speech(agent, message))
		return false;
	*ret_text = message->content;
	if (!is_mention(agent, message->content, ret_text) &&
	    agent->config->when == AGENT_WHEN_MENTION)
		return false;
	return !text_is_blank(*ret_text);
}

/* ---- the queue ---- */

static bool add(struct agent *agent, const struct agent_message *message, struct text text)
{
	struct agent_turn *turn = calloc(1, sizeof(*turn) + text.len + 1);

	if (turn == NULL)
		return false;
	turn->room = message->room;
	turn->seq = message->seq;
	snprintf(turn->sender, sizeof(turn->sender), "%s", message->sender);
	turn->len = text.len;
	memcpy(turn->content, text.str, text.len);
	if (agent->last != NULL)
		agent->last->next = turn;
	else
		agent->first = turn;
	agent->last = turn;
	agent->waiting++;
	return true;
}

static void refuse(struct agent *agent, const char *sender, unsigned room, enum proto_error code)
{
	const char *name = agent->config->name;
	char text[256];

	if (code == ERR_agent_busy)
		snprintf(text, sizeof(text),
			 "%s is busy: %u messages wait in #%s; write to it again in a moment", name,
			 agent->waiting, agent->rooms[room]);
	else if (code == ERR_forbidden)
		snprintf(text, sizeof(text), "%s does not talk with you in #%s", name,
			 agent->rooms[room]);
	else
		snprintf(text, sizeof(text),
			 "%s is not running: /agent %s restart, by an operator, starts it", name,
			 name);
	agent->host->tell(agent->data, sender, code, text);
}

void agent_hear(struct agent *agent, const struct agent_message *message, uint64_t now_ms)
{
	struct text text;
	unsigned room = message->room;

	agent->heard[room] = message->seq;
	if (!is_addressed(agent, message, &text))
		return;
	if (message->seq == agent->produced[room]) {
		/* The process before us was killed in the middle of it. */
		speak_notice(agent, room, message->seq, "interrupted, ask again");
		agent->produced[room] = 0;
		agent->sums.failures++;
		agent->host->keep(agent->data);
		return;
	}
	if (!agent_list_has(agent->config->talk, message->sender, message->is_op)) {
		refuse(agent, message->sender, room, ERR_forbidden);
	} else if (agent->run == AGENT_RUN_OFF ||
		   (agent->run == AGENT_RUN_STOPPING && !agent->start_again && !agent->closing)) {
		refuse(agent, message->sender, room, ERR_agent_down);
	} else if (agent->waiting >= agent->config->queue || !add(agent, message, text)) {
		refuse(agent, message->sender, room, ERR_agent_busy);
	} else {
		turns_send(agent, now_ms);
		return;
	}
	agent->host->keep(agent->data);
}

struct agent_turn *turns_current(const struct agent *agent)
{
	return agent->first != NULL && agent->first->sent ? agent->first : NULL;
}

static struct agent_turn *first_waiting(const struct agent *agent)
{
	struct agent_turn *turn = agent->first;

	while (turn != NULL && turn->sent)
		turn = turn->next;
	return turn;
}

static void send(struct agent *agent, struct agent_turn *turn, uint64_t now_ms)
{
	struct text text = {.str = turn->content, .len = turn->len};
	const struct lines_message message = {.room = agent->rooms[turn->room],
					      .sender = turn->sender,
					      .content = text,
					      .seq = turn->seq};
	struct buf out = BUF_INIT;

	if (agent->config->format == AGENT_STREAM_JSON) {
		stream_uuid(turn->uuid);
		stream_user(&out, turn->sender, text, turn->uuid);
	} else if (agent->config->input == AGENT_INPUT_JSON) {
		lines_json(&out, &message);
	} else {
		lines_text(&out, &message);
	}
	if (!out.failed)
		agent->host->write(agent->data, out.data, out.len);
	buf_finish(&out);
	turn->sent = true;
	turn->tries++;
	turn->sent_ms = now_ms;
	agent->waiting--;
	agent->speaks_in = turn->room;
	agent->word_ms = now_ms;
	agent->interrupted = false;
	agent->silenced = false;
	agent->turn_bytes = 0;
	agent->cut = false;
	buf_reset(&agent->text);
	buf_reset(&agent->part);
}

void turns_busy(struct agent *agent, uint64_t now_ms)
{
	bool busy = turns_current(agent) != NULL;

	if (busy && agent->busy_since_ms == 0)
		agent->busy_since_ms = now_ms;
	if (!busy && agent->busy_since_ms != 0) {
		agent->sums.busy_ms += now_ms - agent->busy_since_ms;
		agent->busy_since_ms = 0;
	}
	agent->host->changed(agent->data);
}

void turns_send(struct agent *agent, uint64_t now_ms)
{
	struct agent_turn *turn;

	while (agent->run == AGENT_RUN_RUNNING && (turn = first_waiting(agent)) != NULL) {
		if (agent->config->format == AGENT_STREAM_JSON && turn != agent->first)
			break;
		send(agent, turn, now_ms);
	}
	turns_busy(agent, now_ms);
}

static void drop_first(struct agent *agent)
{
	struct agent_turn *turn = agent->first;

	agent->first = turn->next;
	if (agent->first == NULL)
		agent->last = NULL;
	if (!turn->sent)
		agent->waiting--;
	free(turn);
}

void turns_end(struct agent *agent, uint64_t now_ms)
{
	drop_first(agent);
	agent->sums.turns++;
	agent->partial_due = false;
	agent->host->keep(agent->data);
	turns_send(agent, now_ms);
}

void turns_produced(struct agent *agent, struct agent_turn *turn)
{
	if (turn->produced)
		return;
	/* Written down before anybody sees it. */
	turn->produced = true;
	agent->host->keep(agent->data);
}

void turns_after_death(struct agent *agent, uint64_t now_ms)
{
	struct agent_turn **at = &agent->first, *turn;

	agent->last = NULL;
	while ((turn = *at) != NULL) {
		if (turn->sent && (turn->produced || turn->tries >= AGENT_TRIES)) {
			speak_notice(agent, turn->room, turn->seq, "interrupted, ask again");
			agent->sums.failures++;
			*at = turn->next;
			free(turn);
			continue;
		}
		if (turn->sent) {
			turn->sent = false;
			agent->waiting++;
		}
		agent->last = turn;
		at = &turn->next;
	}
	buf_reset(&agent->text);
	buf_reset(&agent->part);
	agent->partial_due = false;
	turns_busy(agent, now_ms);
	agent->host->keep(agent->data);
}

void turns_refuse(struct agent *agent, enum proto_error code)
{
	while (agent->first != NULL) {
		refuse(agent, agent->first->sender, agent->first->room, code);
		agent->sums.failures++;
		drop_first(agent);
	}
	agent->host->keep(agent->data);
}

/* ---- what outlives the process ---- */

uint64_t agent_done(const struct agent *agent, unsigned room)
{
	for (const struct agent_turn *turn = agent->first; turn != NULL; turn = turn->next)
		if (turn->room == room)
			return turn->seq - 1;
	return agent->heard[room];
}

uint64_t agent_produced(const struct agent *agent, unsigned room)
{
	for (const struct agent_turn *turn = agent->first; turn != NULL; turn = turn->next)
		if (turn->room == room && turn->produced)
			return turn->seq;
	return agent->produced[room];
}
