/* Permission: what a program wants to do is shown in full, and somebody who may says yes or no. */
#include "agents/agent_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const options[] = {"allow", "deny", NULL};

static void write_line(struct agent *agent, struct buf *out)
{
	if (!out->failed && agent->run == AGENT_RUN_RUNNING)
		agent->host->write(agent->data, out->data, out->len);
	buf_finish(out);
}

static void deny(struct agent *agent, const char *request_id, const char *why)
{
	struct buf out = BUF_INIT;

	stream_deny(&out, request_id, why);
	write_line(agent, &out);
}

static void allow(struct agent *agent, const struct agent_ask *ask)
{
	struct buf out = BUF_INIT;

	stream_allow(&out, ask->request_id, ask->input);
	write_line(agent, &out);
}

static void forget(struct agent_ask *ask)
{
	free(ask->request_id);
	free(ask->input);
	*ask = (struct agent_ask){0};
}

/* The whole question: false where it doesn't fit into one message, or holds what isn't shown. */
static bool write_question(const struct stream_line *line, struct buf *out)
{
	struct text text;

	buf_printf(out, "asks to use %s:\n%s", line->tool, line->input);
	text = (struct text){.str = out->data != NULL ? out->data : "", .len = out->len};
	return !out->failed && text_characters(text) <= CONTENT_MAX_CHARS &&
	       !text_has_controls(text, true) && line->tool[0] != '\0' &&
	       strspn(line->tool, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-.:/") == strlen(line->tool);
}

static struct agent_ask *free_ask(struct agent *agent)
{
	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++)
		if (agent->asks[i].request_id == NULL)
			return &agent->asks[i];
	return NULL;
}

/* The list of the configuration, as pointers into `words`. */
static void approve_list(const struct agent *agent, char words[AGENT_APPROVE_MAX][NAME_SIZE],
			 const char *list[AGENT_APPROVE_MAX + 1])
{
	const char *at = agent->config->approve;
	unsigned count = 0;

	while (count < AGENT_APPROVE_MAX && agent_list_next(&at, words[count], NAME_SIZE)) {
		list[count] = words[count];
		count++;
	}
	list[count] = NULL;
}

static void ask(struct agent *agent, struct agent_ask *slot, const struct stream_line *line,
		unsigned room, struct text question, uint64_t reply_to, uint64_t now_ms)
{
	uint64_t wait_s = agent->config->approve_wait;
	char words[AGENT_APPROVE_MAX][NAME_SIZE];
	const char *approve[AGENT_APPROVE_MAX + 1];

	approve_list(agent, words, approve);
	*slot = (struct agent_ask){.request_id = strdup(line->request_id),
				   .input = strdup(line->input),
				   .room = room,
				   .until_ms = now_ms + wait_s * 1000};
	if (slot->request_id != NULL && slot->input != NULL)
		slot->seq = agent->host->say(
			agent->data,
			&(struct agent_saying){.room = room,
					       .content = question,
					       .kind = "ask",
					       .reply_to = reply_to,
					       .options = options,
					       .approve = approve,
					       .expires_wall_s =
						       clock_wall_ms() / 1000 + (int64_t)wait_s});
	if (slot->seq == 0) {
		deny(agent, line->request_id, "the question could not be asked");
		forget(slot);
	}
}

void ask_permission(struct agent *agent, const struct stream_line *line, uint64_t now_ms)
{
	const struct agent_turn *turn = turns_current(agent);
	unsigned room = turn != NULL ? turn->room : agent->speaks_in;
	uint64_t reply_to = turn != NULL ? turn->seq : 0;
	struct agent_ask *slot = free_ask(agent);
	struct buf question = BUF_INIT;

	if (agent->config->approve[0] == '\0') {
		deny(agent, line->request_id, "nobody is named who could approve it");
		speak_notice(agent, room, reply_to,
			     "wanted to use %.100s: denied, for nobody is named in approve =",
			     line->tool);
	} else if (!write_question(line, &question)) {
		deny(agent, line->request_id,
		     "the request is too long to be shown in full, so nobody can approve it; do it "
		     "in smaller steps");
		speak_notice(agent, room, reply_to,
			     "wanted to use %.100s: denied, for the request doesn't fit in one "
			     "message, and nobody may approve what they can't see",
			     line->tool);
	} else if (slot == NULL) {
		deny(agent, line->request_id, "too many questions are open");
	} else {
		ask(agent, slot, line, room,
		    (struct text){.str = question.data, .len = question.len}, reply_to, now_ms);
	}
	buf_finish(&question);
}

void agent_asked(struct agent *agent, uint64_t later, uint64_t seq)
{
	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++) {
		struct agent_ask *slot = &agent->asks[i];

		if (slot->request_id == NULL || slot->seq != later)
			continue;
		slot->seq = seq;
		if (seq > 0)
			return;
		deny(agent, slot->request_id, "the question could not be asked");
		forget(slot);
		return;
	}
}

void agent_answered(struct agent *agent, unsigned room, uint64_t target, const char *option,
		    const char *sender, bool is_op, uint64_t now_ms)
{
	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++) {
		struct agent_ask *slot = &agent->asks[i];
		char why[NAME_SIZE + 16];

		if (slot->request_id == NULL || slot->room != room || slot->seq != target)
			continue;
		/* The server lets no others answer; what counts is decided here all the same. */
		if (!agent_list_has(agent->config->approve, sender, is_op))
			return;
		snprintf(why, sizeof(why), "denied by %s", sender);
		if (strcmp(option, "allow") == 0)
			allow(agent, slot);
		else
			deny(agent, slot->request_id, why);
		forget(slot);
		agent->word_ms = now_ms;
		return;
	}
}

void ask_cancel(struct agent *agent, const char *request_id)
{
	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++) {
		struct agent_ask *slot = &agent->asks[i];

		if (slot->request_id != NULL && strcmp(slot->request_id, request_id) == 0)
			forget(slot);
	}
}

void ask_forget_all(struct agent *agent)
{
	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++)
		forget(&agent->asks[i]);
}

void ask_tick(struct agent *agent, uint64_t now_ms)
{
	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++) {
		struct agent_ask *slot = &agent->asks[i];

		if (slot->request_id == NULL || now_ms < slot->until_ms)
			continue;
		deny(agent, slot->request_id, "nobody answered in time");
		speak_notice(agent, slot->room, slot->seq, "nobody answered: denied");
		forget(slot);
		agent->word_ms = now_ms;
	}
}

uint64_t ask_due(const struct agent *agent)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < AGENT_ASKS_MAX; i++) {
		const struct agent_ask *slot = &agent->asks[i];

		if (slot->request_id != NULL && slot->until_ms < due)
			due = slot->until_ms;
	}
	return due;
}
