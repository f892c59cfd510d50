#include "agents/agent_private.h"
#include "agents/lines.h"
#include "agents/split.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(struct agent *agent, unsigned room, uint64_t reply_to, struct text text,
		const char *kind, const char *format)
{
	agent->host->say(agent->data, &(struct agent_saying){.room = room,
							     .content = text,
							     .kind = kind,
							     .format = format,
							     .reply_to = reply_to});
}

static struct text text_of(const struct buf *buf)
{
	return (struct text){.str = buf->data != NULL ? buf->data : "", .len = buf->len};
}

void speak_notice(struct agent *agent, unsigned room, uint64_t reply_to, const char *fmt, ...)
{
	struct buf clean = BUF_INIT;
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	lines_clean(&clean, text, strlen(text));
	if (!clean.failed && !text_is_blank(text_of(&clean)) &&
	    text_characters(text_of(&clean)) <= CONTENT_MAX_CHARS)
		say(agent, room, reply_to, text_of(&clean), "notice", NULL);
	buf_finish(&clean);
}

void speak_text(struct agent *agent, unsigned room, uint64_t reply_to, struct text text,
		const char *format)
{
	struct buf clean = BUF_INIT, part = BUF_INIT;
	struct split split;

	lines_clean(&clean, text.str, text.len);
	split_begin(&split, text_of(&clean));
	while (!clean.failed && split_next(&split, &part))
		say(agent, room, reply_to, text_of(&part), NULL, format);
	buf_finish(&clean);
	buf_finish(&part);
}

/* The end of what is being written, at a character's beginning. */
void speak_partial(struct agent *agent, uint64_t now_ms)
{
	const struct agent_turn *turn = turns_current(agent);
	struct buf clean = BUF_INIT;
	struct text text;
	size_t characters;
	uint32_t character;

	if (turn == NULL || agent->part.len == 0)
		return;
	if (now_ms - agent->partial_ms < AGENT_PARTIAL_MS) {
		agent->partial_due = true;
		return;
	}
	agent->partial_ms = now_ms;
	agent->partial_due = false;
	lines_clean(&clean, agent->part.data, agent->part.len);
	text = text_of(&clean);
	characters = text_characters(text);
	for (; characters > PARTIAL_MAX_CHARS; characters--) {
		size_t size = text_next(text.str, text.len, &character);

		text = (struct text){.str = text.str + size, .len = text.len - size};
	}
	if (!clean.failed && !text_is_blank(text))
		agent->host->partial(agent->data, turn->room, text);
	buf_finish(&clean);
}

size_t speak_room(struct agent *agent, unsigned room, size_t len)
{
	size_t left = AGENT_TURN_TEXT_MAX - agent->turn_bytes;

	if (len <= left) {
		agent->turn_bytes += len;
		return len;
	}
	agent->turn_bytes = AGENT_TURN_TEXT_MAX;
	if (!agent->cut)
		speak_notice(agent, room, 0, "what it says is longer than %u KiB: the rest is cut",
			     AGENT_TURN_TEXT_MAX / 1024);
	agent->cut = true;
	return left;
}

/* ---- lines ---- */

/* The oldest turn that is open is answered by what it says; without one it speaks of itself. */
void plain_line_said(struct agent *agent, const char *bytes, size_t len, uint64_t now_ms)
{
	struct agent_turn *turn = turns_current(agent);
	unsigned room = turn != NULL ? turn->room : agent->speaks_in;

	/* One that speaks of itself now and then is not in a turn without end. */
	if (turn == NULL && now_ms - agent->word_ms >= AGENT_PAUSE_MS) {
		agent->turn_bytes = 0;
		agent->cut = false;
	}
	agent->word_ms = now_ms;
	if (text_is_blank((struct text){.str = bytes, .len = len}))
		return;
	if (turn != NULL)
		turns_produced(agent, turn);
	len = speak_room(agent, room, len);
	if (len > 0)
		speak_text(agent, room, 0, (struct text){.str = bytes, .len = len}, NULL);
	if (turn != NULL) {
		agent->speaks_in = room;
		turns_end(agent, now_ms);
	}
}
