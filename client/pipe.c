#include "client/pipe.h"

#include "client/clean.h"
#include "client/utf8.h"
#include "proto/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pipe_init(struct pipe_sender *pipe, const struct pipe_config *config)
{
	*pipe = (struct pipe_sender){.config = *config, .due = -1};
}

void pipe_finish(struct pipe_sender *pipe)
{
	buf_finish(&pipe->gathered);
}

/* ---- ids */

static bool take_number(const char **text, char before, uint64_t *ret_number)
{
	const char *at = *text;
	char *end = NULL;

	if (*at != before || at[1] < '0' || at[1] > '9' || (at[1] == '0' && at[2] != '\0'))
		return false;
	errno = 0;
	*ret_number = strtoull(at + 1, &end, 10);
	*text = end;
	return errno == 0;
}

/* Reads the id that arrived last: sets what it says. */
static void read_id(struct pipe_sender *pipe, const char *last_id)
{
	size_t len = strlen(pipe->config.id_prefix);
	uint64_t number, step = 0, before = 0;
	const char *at;

	if (!last_id || strncmp(last_id, pipe->config.id_prefix, len) != 0)
		return;
	at = last_id + len;
	if (!take_number(&at, '-', &number) || number == 0)
		return;
	if (*at == '\0') {
		pipe->arrived = number;
	} else if (take_number(&at, '.', &step) && take_number(&at, '.', &before) && *at == '\0' &&
		   step > 0 && step < UINT32_MAX && before < number) {
		pipe->arrived = number - before - 1;
		pipe->redo_last = number;
		pipe->redo_arrived = (unsigned)step;
	}
}

void pipe_resume(struct pipe_sender *pipe, const char *last_id)
{
	read_id(pipe, last_id);
	pipe->sent = pipe->arrived;
	if (pipe->config.journal && pipe->redo_last == 0)
		pipe->redo_last = journal_find(pipe->config.journal, pipe->arrived + 1);
}

/* Step 1, 2 ... of those for the lines first to last; the final one has the short id. */
static int write_id(const struct pipe_sender *pipe, unsigned step, bool final, char id[ID_SIZE])
{
	int len;

	if (final)
		len = snprintf(id, ID_SIZE, "%s-%" PRIu64, pipe->config.id_prefix, pipe->last);
	else
		len = snprintf(id, ID_SIZE, "%s-%" PRIu64 ".%u.%" PRIu64, pipe->config.id_prefix,
			       pipe->last, step, pipe->last - pipe->first);
	return len < ID_SIZE ? 0 : -EOVERFLOW;
}

/* ---- messages */

/* What one message may hold: its characters may take four bytes each on the line, and more. */
static size_t message_characters(const struct pipe_sender *pipe)
{
	struct server_limits limits = session_limits(pipe->config.session);
	int64_t by_bytes = (limits.line_bytes - 512) / 4;
	int64_t most = limits.content_chars < by_bytes ? limits.content_chars : by_bytes;

	return most > 0 ? (size_t)most : 1;
}

/* To each room. `step` goes on; `final`: nothing more comes for these lines. */
static int send_content(struct pipe_sender *pipe, const char *content, unsigned *step, bool final,
			int64_t now_ms)
{
	int rc = 0;

	for (size_t i = 0; i < pipe->config.room_count; i++) {
		char id[ID_SIZE];
		struct request_ask ask = {
			.kind = REQUEST_MESSAGE,
			.target = pipe->config.rooms[i],
			.content = content,
			.as = pipe->config.kind,
			.format = pipe->config.code ? "code" : NULL,
			.id = id,
		};
		int sent;

		++*step;
		if (pipe->redo_last == pipe->last && *step <= pipe->redo_arrived)
			continue;
		sent = write_id(pipe, *step, final && i + 1 == pipe->config.room_count, id);
		if (sent == 0)
			sent = session_send(pipe->config.session, &ask, now_ms);
		rc = sent < 0 ? sent : rc;
	}
	if (rc < 0)
		pipe->refused = true;
	return rc;
}

/* What was gathered goes, without the newlines at its end. */
static int flush(struct pipe_sender *pipe, int64_t now_ms)
{
	struct buf *text = &pipe->gathered;
	unsigned step = 0;
	int rc = 0;

	pipe->due = -1;
	pipe->characters = 0;
	while (text->len > 0 && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	if (text->len > 0 && !text_is_blank((struct text){text->data, text->len})) {
		/* a disk that is full costs the promise of a restart, not the message */
		if (pipe->config.journal)
			(void)journal_note(pipe->config.journal, pipe->first, pipe->last,
					   session_unanswered(pipe->config.session) == 0);
		rc = send_content(pipe, text->data, &step, true, now_ms);
		pipe->sent = pipe->last;
	}
	buf_reset(text);
	return rc;
}

/* A line of code that no message holds: in pieces. */
static int send_pieces(struct pipe_sender *pipe, const char *content, size_t most, int64_t now_ms)
{
	unsigned step = 0;
	int rc = 0;

	while (*content) {
		struct buf piece = BUF_INIT;
		const char *end = content;
		uint32_t character;
		int sent;

		for (size_t i = 0; i < most && *end; i++)
			end += utf8_decode(end, strlen(end) < 4 ? strlen(end) : 4, &character);
		buf_append(&piece, content, (size_t)(end - content));
		if (piece.failed)
			sent = -ENOMEM;
		else if (text_is_blank((struct text){piece.data, piece.len}))
			sent = 0; /* no server takes it; its number is passed over each time */
		else
			sent = send_content(pipe, piece.data, &step, *end == '\0', now_ms);
		rc = sent < 0 ? sent : rc;
		buf_finish(&piece);
		content = end;
	}
	return rc;
}

static int gather(struct pipe_sender *pipe, const struct buf *content, int64_t now_ms)
{
	struct text text = {content->data ? content->data : "", content->len};
	size_t characters = text_characters(text), most = message_characters(pipe);
	bool begin = pipe->gathered.len == 0;
	int rc = 0, sent;

	if (!begin && pipe->characters + 1 + characters > most) {
		rc = flush(pipe, now_ms);
		begin = true;
	}
	if (begin && text_is_blank(text) && (!pipe->config.code || text.len == 0))
		return rc; /* no message begins with nothing */
	if (begin)
		pipe->first = pipe->sent + 1;
	pipe->last = pipe->number;
	if (characters > most) {
		pipe->first = pipe->sent = pipe->number;
		sent = pipe->config.code ? send_pieces(pipe, text.str, most, now_ms) : -EMSGSIZE;
		return sent < 0 ? sent : rc;
	}
	if (!begin)
		buf_append_char(&pipe->gathered, '\n');
	buf_append(&pipe->gathered, text.str, text.len);
	pipe->characters += characters + !begin;
	if (begin && pipe->config.gather_ms > 0)
		pipe->due = now_ms + pipe->config.gather_ms;
	/* the last run sent just these as one message */
	if (pipe->redo_last == pipe->number && (sent = flush(pipe, now_ms)) < 0)
		rc = sent;
	return pipe->gathered.failed ? -ENOMEM : rc;
}

/* A line by itself. */
static int send_line(struct pipe_sender *pipe, const struct buf *content, int64_t now_ms)
{
	unsigned step = 0;

	if (text_is_blank((struct text){content->data ? content->data : "", content->len}))
		return 0;
	pipe->first = pipe->last = pipe->number;
	return send_content(pipe, content->data, &step, true, now_ms);
}

int pipe_line(struct pipe_sender *pipe, const char *line, int64_t now_ms)
{
	struct buf content = BUF_INIT;
	int rc = 0;

	if (++pipe->number <= pipe->arrived)
		return 0;
	if (!line) {
		pipe->refused = true;
		return 0;
	}
	clean_append_str(&content, line, CLEAN_SEND);
	if (content.failed)
		rc = -ENOMEM;
	else if (pipe->config.gather_ms != 0)
		rc = gather(pipe, &content, now_ms);
	else
		rc = send_line(pipe, &content, now_ms);
	if (rc < 0)
		pipe->refused = true;
	buf_finish(&content);
	return rc;
}

void pipe_end(struct pipe_sender *pipe, int64_t now_ms)
{
	pipe->ended = true;
	if (flush(pipe, now_ms) < 0)
		pipe->refused = true;
}

int64_t pipe_deadline(const struct pipe_sender *pipe)
{
	/* what the last run sent as one message is one again, however long it takes to come */
	return pipe->number < pipe->redo_last ? -1 : pipe->due;
}

void pipe_tick(struct pipe_sender *pipe, int64_t now_ms)
{
	int64_t due = pipe_deadline(pipe);

	if (due >= 0 && now_ms >= due && flush(pipe, now_ms) < 0)
		pipe->refused = true;
}

void pipe_event(struct pipe_sender *pipe, const struct session_event *event)
{
	if (event->type == SESSION_EVENT_LINE && event->line->type == SERVER_LINE_ERROR &&
	    event->request)
		pipe->refused = true;
}

bool pipe_is_done(const struct pipe_sender *pipe)
{
	return pipe->ended && session_unanswered(pipe->config.session) == 0;
}

bool pipe_wants_input(const struct pipe_sender *pipe)
{
	return !pipe->ended && session_was_ready(pipe->config.session) &&
	       session_unanswered(pipe->config.session) < PIPE_QUEUE;
}

size_t pipe_unsent(const struct pipe_sender *pipe)
{
	return session_unanswered(pipe->config.session) + (pipe->gathered.len > 0);
}
