#include "client/view_pipe.h"

#include "base/buf.h"
#include "base/fd.h"
#include "client/clean.h"
#include "client/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536u

struct view_pipe {
	struct view view;
	struct view_input input;
	struct view_pipe_config config;
	struct format format;
	char user[NAME_SIZE];
	struct buf typed; /* a line without its end so far */
	bool too_long;    /* the rest of this line is dropped */
	bool ended;
	bool broken;
	int trouble; /* why; 0: nobody reads */
};

static struct view_pipe *self(struct view *view)
{
	return (struct view_pipe *)(void *)view;
}

static void write_out(struct view_pipe *pipe, struct buf *text)
{
	int rc;

	buf_append_char(text, '\n');
	rc = text->failed ? -ENOMEM : fd_write_all(pipe->config.out, text->data, text->len);
	if (rc < 0) {
		pipe->broken = true;
		pipe->trouble = rc == -EPIPE ? 0 : rc;
	}
}

static void complain(const char *text)
{
	struct buf line = BUF_INIT;

	buf_append_str(&line, "chat-client: ");
	clean_append_str(&line, text, CLEAN_TEXT);
	buf_append_char(&line, '\n');
	if (!line.failed)
		fd_write_all(STDERR_FILENO, line.data, line.len); /* where else to tell? */
	buf_finish(&line);
}

/* A program reads JSON as it is; a terminal must not, whatever hides in its strings. */
static bool show_json(struct view_pipe *pipe, const struct session_event *event)
{
	struct buf text = BUF_INIT;

	if (isatty(pipe->config.out))
		clean_append(&text, event->text, event->text_len, CLEAN_LINE);
	else
		buf_append(&text, event->text, event->text_len);
	write_out(pipe, &text);
	buf_finish(&text);
	return !pipe->broken;
}

static bool is_wanted(const struct view_pipe *pipe, const struct session_event *event,
		      enum format_kind kind)
{
	switch (kind) {
	case FORMAT_NOTHING:
	case FORMAT_TROUBLE:
		return false;
	case FORMAT_SAID:
		return pipe->config.print;
	case FORMAT_NOTE:
		return pipe->config.print &&
		       (pipe->config.everything || event->line->type == SERVER_LINE_GAP ||
			event->line->type == SERVER_LINE_RESET);
	case FORMAT_ANSWER:
		return pipe->config.print && pipe->config.everything;
	}
	return false;
}

static bool show(struct view *view, const struct session_event *event)
{
	struct view_pipe *pipe = self(view);
	struct buf text = BUF_INIT;
	enum format_kind kind;
	bool shown = false;

	if (!event->line)
		return false;
	if (pipe->config.json && event->text)
		shown = show_json(pipe, event);
	kind = format_event(&pipe->format, event, &text);
	if (kind == FORMAT_TROUBLE) {
		/* without its "!! " */
		complain(text.len > 3 ? text.data + 3 : "");
	} else if (!pipe->config.json && is_wanted(pipe, event, kind)) {
		write_out(pipe, &text);
		shown = kind == FORMAT_SAID && !pipe->broken;
	}
	buf_finish(&text);
	return shown;
}

static void note(struct view *view, enum note_tone tone, const char *text)
{
	struct view_pipe *pipe = self(view);
	struct buf out = BUF_INIT;

	switch (tone) {
	case NOTE_ERROR:
		complain(text);
		return;
	case NOTE_QUIET:
		complain(text);
		return;
	case NOTE_PLAIN:
		buf_append_str(&out, text);
		if (pipe->config.everything && !pipe->config.json)
			write_out(pipe, &out);
		break;
	}
	buf_finish(&out);
}

static void target(struct view *view, const char *user, const char *to)
{
	struct view_pipe *pipe = self(view);

	(void)to;
	snprintf(pipe->user, sizeof(pipe->user), "%s", user);
}

static void connection(struct view *view, const char *state)
{
	(void)view;
	(void)state;
}

/* ---- lines in */

static void take_line(struct view_pipe *pipe)
{
	struct buf line = pipe->typed;

	pipe->typed = BUF_INIT;
	if (pipe->too_long) {
		complain("a line of more than a megabyte was not sent");
		pipe->too_long = false;
		/* the owner counts it as one that was refused */
		pipe->input.line(pipe->input.owner, NULL);
	} else if (!line.failed) {
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.data[--line.len] = '\0';
		pipe->input.line(pipe->input.owner, line.data ? line.data : "");
	}
	buf_finish(&line);
}

static void take_bytes(struct view_pipe *pipe, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(bytes, '\n', len);
		size_t part = lf ? (size_t)(lf - bytes) : len;

		if (pipe->typed.len + part > PIPE_LINE_MAX)
			pipe->too_long = true;
		if (!pipe->too_long)
			buf_append(&pipe->typed, bytes, part);
		if (!lf)
			return;
		take_line(pipe);
		bytes += part + 1;
		len -= part + 1;
	}
}

static void read_lines(struct view *view)
{
	struct view_pipe *pipe = self(view);
	static char bytes[READ_BYTES];
	ssize_t n = read(pipe->config.in, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		take_bytes(pipe, bytes, (size_t)n);
		return;
	}
	if (n < 0)
		complain(strerror(errno));
	if (pipe->typed.len > 0 || pipe->too_long)
		take_line(pipe); /* the last one has no newline */
	if (!pipe->ended) {
		pipe->ended = true;
		pipe->input.end(pipe->input.owner);
	}
}

static void nothing(struct view *view)
{
	(void)view;
}

static bool is_broken(const struct view *view)
{
	return ((const struct view_pipe *)(const void *)view)->broken;
}

static int trouble(const struct view *view)
{
	return ((const struct view_pipe *)(const void *)view)->trouble;
}

static void destroy(struct view *view)
{
	struct view_pipe *pipe = self(view);

	buf_finish(&pipe->typed);
	free(pipe);
}

static const struct view_ops ops = {
	.show = show,
	.note = note,
	.target = target,
	.connection = connection,
	.refresh = nothing,
	.read = read_lines,
	.resize = nothing,
	.pause = nothing,
	.resume = nothing,
	.is_broken = is_broken,
	.trouble = trouble,
	.destroy = destroy,
};

int view_pipe_create(const struct view_pipe_config *config, const struct view_input *input,
		     struct view **ret_view)
{
	struct view_pipe *pipe = calloc(1, sizeof(*pipe));

	if (!pipe)
		return -ENOMEM;
	pipe->view.ops = &ops;
	pipe->input = *input;
	pipe->config = *config;
	snprintf(pipe->user, sizeof(pipe->user), "%s", config->user);
	pipe->format = (struct format){.user = pipe->user, .dates = true};
	*ret_view = &pipe->view;
	return 0;
}
