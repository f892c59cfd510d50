#include "client/view_line.h"

#include "base/clock.h"
#include "base/fd.h"
#include "client/clean.h"
#include "client/complete.h"
#include "client/edit.h"
#include "client/format.h"
#include "client/terminal.h"
#include "client/utf8.h"
#include "client/wrap.h"
#include "proto/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROMPT_STYLE "\x1b[1m"
#define CHOICES_STYLE "\x1b[2m"
#define STYLE_END "\x1b[0m"
#define HANG_COLUMNS 6     /* the width of "12:39 ": where a long line goes on */
#define TYPING_COLUMNS 20u /* at least so many stay free for what is typed */

struct view_line {
	struct view view;
	struct view_input input;
	int in, out;
	struct view_person person;
	struct edit edit;
	struct people people;
	struct format format;
	char user[NAME_SIZE];
	char target[ROOM_SIZE];
	char state[80]; /* of the connection; "" while it stands */
	int day;        /* of the last line printed */
	bool drawn;     /* the typed line is on the screen, the cursor in it */
	bool dirty;     /* and something changed since */
	bool paused;
	bool ended;
	bool broken;
	struct buf screen; /* what is written next, at once */
};

static struct view_line *self(struct view *view)
{
	return (struct view_line *)(void *)view;
}

/* ---- the screen */

static void flush(struct view_line *line)
{
	if (line->screen.len > 0 &&
	    fd_write_all(line->out, line->screen.data, line->screen.len) < 0)
		line->broken = true;
	buf_reset(&line->screen);
}

static void erase(struct view_line *line)
{
	if (line->drawn)
		buf_append_str(&line->screen, "\r\x1b[K");
	line->drawn = false;
}

/* "alice #dev> ", or with what is wrong: "alice #dev (reconnecting in 3 s)> " */
static void put_prompt(struct view_line *line, struct buf *out)
{
	buf_printf(out, "%s %s%s", line->user, name_is_inbox(line->target) ? "" : "#",
		   line->target);
	if (line->state[0])
		buf_printf(out, " (%s)", line->state);
	buf_append_str(out, "> ");
}

static void draw(struct view_line *line)
{
	size_t columns = terminal_columns(line->out), used, cursor = 0;
	struct buf prompt = BUF_INIT;

	if (line->paused || line->ended)
		return;
	put_prompt(line, &prompt);
	used = utf8_columns(prompt.data ? prompt.data : "", prompt.len);
	if (used + TYPING_COLUMNS > columns) {
		/* a narrow terminal: what is typed matters more */
		buf_reset(&prompt);
		buf_append_str(&prompt, "> ");
		used = 2;
	}
	buf_append_str(&line->screen, "\r\x1b[K" PROMPT_STYLE);
	buf_append(&line->screen, prompt.data, prompt.len);
	buf_append_str(&line->screen, STYLE_END);
	edit_render(&line->edit, columns > used ? columns - used : 1, &line->screen, &cursor);
	buf_append_char(&line->screen, '\r');
	if (used + cursor > 0)
		buf_printf(&line->screen, "\x1b[%zuC", used + cursor);
	line->drawn = true;
	line->dirty = false;
	buf_finish(&prompt);
}

/* Whole lines above the one being typed, which is drawn again when all of them are there. */
static void print(struct view_line *line, const char *text)
{
	erase(line);
	wrap_append(text, terminal_columns(line->out), HANG_COLUMNS, &line->screen);
	buf_append_char(&line->screen, '\n');
	line->dirty = true;
}

static void refresh(struct view *view)
{
	struct view_line *line = self(view);

	if (!line->dirty)
		return;
	draw(line);
	flush(line);
}

/* ---- what happens */

static void learn_people(struct view_line *line, const struct server_line *from)
{
	people_saw(&line->people, from->sender);
	for (size_t i = 0; i < from->joined_count; i++)
		people_saw(&line->people, from->joined[i]);
	for (size_t i = from->user_count; i-- > 0;)
		people_saw(&line->people, from->users[i].user);
	for (size_t i = 0; i < from->room_count; i++)
		people_heard_room(&line->people, from->rooms[i].room);
}

static void print_note(struct view_line *line, const char *text)
{
	struct buf note = BUF_INIT;

	format_note(&line->format, text, &note);
	if (!note.failed)
		print(line, note.data);
	buf_finish(&note);
}

/* What was said before all that stands above: it must not look like the latest. */
static void mark_older(struct buf *text)
{
	struct buf marked = BUF_INIT;

	for (char *rest = text->data, *line; rest && (line = strsep(&rest, "\n"));)
		buf_printf(&marked, "%s| %s", marked.len > 0 ? "\n" : "", line);
	buf_finish(text);
	*text = marked;
}

static bool show(struct view *view, const struct session_event *event)
{
	struct view_line *line = self(view);
	struct buf text = BUF_INIT, day = BUF_INIT;
	enum format_kind kind;

	if (!event->line)
		return false;
	learn_people(line, event->line);
	kind = format_event(&line->format, event, &text);
	if (kind == FORMAT_SAID && event->freshness == SESSION_HISTORY)
		mark_older(&text);
	if (kind != FORMAT_NOTHING && !text.failed) {
		if (kind == FORMAT_SAID && format_day(event->line, &line->day, &day))
			print_note(line, day.data);
		print(line, text.data);
		notify_event(line->person.notify, event, (int64_t)clock_mono_ms(), &line->screen);
	}
	buf_finish(&day);
	buf_finish(&text);
	return kind == FORMAT_SAID && !line->broken;
}

static void note(struct view *view, enum note_tone tone, const char *text)
{
	struct view_line *line = self(view);
	struct buf out = BUF_INIT;

	switch (tone) {
	case NOTE_PLAIN:
		buf_append_str(&out, text);
		break;
	case NOTE_QUIET:
		format_note(&line->format, text, &out);
		break;
	case NOTE_ERROR:
		format_trouble(&line->format, text, &out);
		break;
	}
	if (!out.failed)
		print(line, out.data ? out.data : "");
	buf_finish(&out);
}

static void target(struct view *view, const char *user, const char *to)
{
	struct view_line *line = self(view);

	snprintf(line->user, sizeof(line->user), "%s", user);
	snprintf(line->target, sizeof(line->target), "%s", to);
	line->dirty = true;
}

static void connection(struct view *view, const char *state)
{
	struct view_line *line = self(view);

	snprintf(line->state, sizeof(line->state), "%s", state);
	line->dirty = true;
}

/* ---- what is typed */

static void complete_word(struct view_line *line)
{
	struct complete_result result;
	const char *text = line->edit.text.data ? line->edit.text.data : "";

	complete(text, line->edit.cursor, line->person.rooms, &line->people, &result);
	if (result.text[0])
		edit_replace(&line->edit, result.from, result.text);
	if (result.choices.len > 0) {
		erase(line);
		buf_append_str(&line->screen, line->format.colors ? CHOICES_STYLE : "");
		buf_append(&line->screen, result.choices.data, result.choices.len);
		buf_append_str(&line->screen, line->format.colors ? STYLE_END "\n" : "\n");
	}
	buf_finish(&result.choices);
}

/* The typed line leaves the screen: it comes back as the server's own line. */
static void take_line(struct view_line *line)
{
	struct buf typed = BUF_INIT;

	edit_take(&line->edit, &typed);
	erase(line);
	flush(line);
	if (!typed.failed && typed.len > 0)
		line->input.line(line->input.owner, typed.data);
	buf_finish(&typed);
}

static void end(struct view_line *line)
{
	erase(line);
	flush(line);
	line->ended = true;
	line->input.end(line->input.owner);
}

static void key(struct view_line *line, unsigned char byte)
{
	switch (edit_byte(&line->edit, byte)) {
	case EDIT_MORE:
	case EDIT_CLEARED:
		break;
	case EDIT_LINE:
		take_line(line);
		break;
	case EDIT_END:
		end(line);
		break;
	case EDIT_TAB:
		complete_word(line);
		break;
	case EDIT_REDRAW:
		buf_append_str(&line->screen, "\x1b[H\x1b[2J");
		break;
	case EDIT_SUSPEND:
		if (line->input.suspend)
			line->input.suspend(line->input.owner);
		break;
	}
}

static void read_keys(struct view *view)
{
	struct view_line *line = self(view);
	unsigned char bytes[1024];
	ssize_t n = read(line->in, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end(line); /* the terminal is gone */
		return;
	}
	for (ssize_t i = 0; i < n && !line->ended; i++)
		key(line, bytes[i]);
	line->dirty = true;
}

/* ---- the terminal */

static void resize(struct view *view)
{
	struct view_line *line = self(view);

	line->dirty = true;
}

static void pause_view(struct view *view)
{
	struct view_line *line = self(view);

	erase(line);
	flush(line);
	line->paused = true;
	terminal_restore();
}

static void resume_view(struct view *view)
{
	struct view_line *line = self(view);

	line->paused = false;
	if (terminal_raw(line->in, line->out) < 0)
		line->broken = true;
	line->dirty = true;
}

static bool is_broken(const struct view *view)
{
	return ((const struct view_line *)(const void *)view)->broken;
}

static void destroy(struct view *view)
{
	struct view_line *line = self(view);

	erase(line);
	flush(line);
	terminal_restore();
	edit_finish(&line->edit);
	buf_finish(&line->screen);
	free(line);
}

static const struct view_ops ops = {
	.show = show,
	.note = note,
	.target = target,
	.connection = connection,
	.refresh = refresh,
	.read = read_keys,
	.resize = resize,
	.pause = pause_view,
	.resume = resume_view,
	.is_broken = is_broken,
	.destroy = destroy,
};

int view_line_create(int in, int out, const struct view_person *person,
		     const struct view_input *input, struct view **ret_view)
{
	struct view_line *line = calloc(1, sizeof(*line));
	const char *no_color = getenv("NO_COLOR");
	int rc;

	if (!line)
		return -ENOMEM;
	line->view.ops = &ops;
	line->input = *input;
	line->in = in;
	line->out = out;
	line->person = *person;
	line->day = -1;
	snprintf(line->user, sizeof(line->user), "%s", person->user);
	line->format = (struct format){.user = line->user,
				       .colors = !no_color || !no_color[0],
				       .timestamp = person->settings->timestamp};
	snprintf(line->target, sizeof(line->target), ROOM_LOBBY);
	rc = terminal_raw(in, out);
	if (rc < 0) {
		free(line);
		return rc;
	}
	*ret_view = &line->view;
	return 0;
}
