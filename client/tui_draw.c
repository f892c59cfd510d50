#include "client/tui_private.h"

#include "client/clean.h"
#include "client/palette.h"
#include "client/tui_wrap.h"
#include "client/utf8.h"
#include "proto/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SWITCH_ROWS 10u

/* ---- the title */

static void put_right(struct canvas *canvas, size_t row, size_t from, unsigned style,
		      const char *text)
{
	size_t columns = canvas_columns(text, strlen(text));

	if (from + columns <= canvas->columns)
		canvas_put_str(canvas, row, canvas->columns - columns, canvas->columns, style,
			       text);
}

static void draw_title(const struct tui *tui, struct canvas *canvas)
{
	const struct tui_room *room = tui->current;
	const struct room *log = rooms_find(tui->session_rooms, room->name);
	struct buf about = BUF_INIT;
	unsigned dot = !tui->connected ? palette_style(tui_theme(tui), PALETTE_BAD)
				       : palette_style(tui_theme(tui), PALETTE_GOOD);
	char way[32] = "";
	size_t at, right = 4;

	canvas_fill(canvas, 0, 0, canvas->columns, STYLE_REVERSE, " ");
	if (tui->latency_ms == 0)
		snprintf(way, sizeof(way), "<1ms");
	else if (tui->latency_ms > 0)
		snprintf(way, sizeof(way), "%" PRId64 "ms", tui->latency_ms);
	right += strlen(way);
	at = canvas_put_str(canvas, 0, 1, canvas->columns, STYLE_REVERSE | STYLE_BOLD,
			    tui_room_is_direct(room) ? "" : "#");
	at = canvas_put_str(canvas, 0, at, canvas->columns, STYLE_REVERSE | STYLE_BOLD, room->name);
	if (log && log->members >= 0)
		buf_printf(&about, " \u00b7 %" PRId64 " %s", log->members,
			   log->members == 1 ? "member" : "members");
	if (log && log->topic[0]) {
		buf_append_str(&about, " \u00b7 ");
		clean_append_str(&about, log->topic, CLEAN_LINE);
	}
	if (about.len > 0 && canvas->columns > at + right)
		canvas_put(canvas, 0, at, canvas->columns - right, STYLE_REVERSE, about.data,
			   about.len);
	if (canvas->columns > at + right) {
		canvas_put_str(canvas, 0, canvas->columns - right + 1, canvas->columns,
			       STYLE_REVERSE, way);
		canvas_put_str(canvas, 0, canvas->columns - 2, canvas->columns, STYLE_REVERSE | dot,
			       tui->connected ? "\u25cf" : "\u25cb");
	}
	buf_finish(&about);
}

/* ---- what is said */

static void draw_rule(const struct tui *tui, struct canvas *canvas, size_t row, unsigned style,
		      const char *text)
{
	const struct tui_layout *layout = &tui->layout;
	size_t columns = canvas_columns(text, strlen(text)) + 2;
	size_t width = layout->body_to - layout->body_from;
	size_t at = layout->body_from + (width > columns ? (width - columns) / 2 : 0);

	canvas_fill(canvas, row, layout->body_from, layout->body_to, style, TUI_RULE);
	canvas_put_str(canvas, row, at, layout->body_to, style, " ");
	at = canvas_put_str(canvas, row, at + 1, layout->body_to, style, text);
	canvas_put_str(canvas, row, at, layout->body_to, style, " ");
}

static bool local_time(uint32_t at, struct tm *ret_tm)
{
	time_t seconds = at;

	return at > 0 && localtime_r(&seconds, ret_tm) != NULL;
}

static void draw_day(const struct tui *tui, struct canvas *canvas, size_t row,
		     const struct entry *entry)
{
	time_t now = time(NULL);
	char text[64];
	struct tm day, today;

	if (!local_time(entry->at, &day) || !localtime_r(&now, &today))
		return;
	if (strftime(text, sizeof(text), day.tm_year == today.tm_year ? "%A %e %B" : "%A %e %B %Y",
		     &day) > 0)
		draw_rule(tui, canvas, row, STYLE_DIM, text);
}

static void draw_new(const struct tui *tui, struct canvas *canvas, size_t row)
{
	char text[32];

	snprintf(text, sizeof(text), "%u new", tui->current->marker_count);
	draw_rule(tui, canvas, row, palette_style(tui_theme(tui), PALETTE_NEW), text);
}

static unsigned text_style(const struct tui *tui, const struct entry *entry)
{
	switch ((enum entry_kind)entry->kind) {
	case ENTRY_ALERT:
		return STYLE_BOLD | palette_style(tui_theme(tui), PALETTE_BAD);
	case ENTRY_TROUBLE:
		return palette_style(tui_theme(tui), PALETTE_BAD);
	case ENTRY_BREAK:
		return palette_style(tui_theme(tui), PALETTE_HOT);
	case ENTRY_DEED:
	case ENTRY_NOTE:
	case ENTRY_NOTICE:
		return STYLE_DIM;
	case ENTRY_MESSAGE:
		return entry->flags & ENTRY_MENTION ? STYLE_BOLD : 0;
	case ENTRY_ME:
	case ENTRY_ANSWER:
		break;
	}
	return 0;
}

static unsigned label_style(const struct tui *tui, const struct entry *entry)
{
	switch ((enum entry_kind)entry->kind) {
	case ENTRY_MESSAGE:
	case ENTRY_ME:
	case ENTRY_NOTICE:
	case ENTRY_ALERT:
		if (entry->flags & ENTRY_MENTION)
			return STYLE_BOLD | palette_style(tui_theme(tui), PALETTE_HOT);
		return palette_name(tui_theme(tui), entry_sender(entry)) |
		       (entry->flags & ENTRY_OWN ? STYLE_BOLD : 0);
	case ENTRY_DEED:
	case ENTRY_NOTE:
	case ENTRY_BREAK:
	case ENTRY_TROUBLE:
	case ENTRY_ANSWER:
		break;
	}
	return text_style(tui, entry);
}

/* Time and name in front of the first row. */
static void draw_head(const struct tui *tui, struct canvas *canvas, size_t row,
		      const struct entry *entry, size_t text_column)
{
	const struct tui_layout *layout = &tui->layout;
	size_t at = layout->body_from;
	const char *label = entry_label(entry);

	char text[64];
	struct tm tm;

	if (entry->kind == ENTRY_ANSWER)
		return;
	if (tui->columns.time > 0 && local_time(entry->at, &tm) &&
	    settings_time(tui->settings->timestamp, &tm, text, sizeof(text)) > 0)
		canvas_put_str(canvas, row, at, layout->body_to, STYLE_DIM, text);
	at = canvas_put_str(canvas, row, at + tui->columns.time, layout->body_to,
			    label_style(tui, entry), label);
	if (tui->columns.name == 0 && at + 1 < layout->body_from + text_column)
		canvas_put_str(canvas, row, at, layout->body_to, STYLE_DIM, ":");
}

/* What is searched for stands out. */
static void mark_found(const struct tui *tui, struct canvas *canvas, size_t row, size_t column,
		       const char *text, size_t len)
{
	const char *word = tui->question.text.data;
	char piece[1024];
	const char *at = piece;

	if (tui->prompt != TUI_SEARCH || !word || !word[0] || len >= sizeof(piece))
		return;
	memcpy(piece, text, len);
	piece[len] = '\0';
	while ((at = text_find(at, word)) != NULL) {
		size_t from = column + canvas_columns(piece, (size_t)(at - piece));

		canvas_style(canvas, row, from, from + canvas_columns(at, strlen(word)),
			     STYLE_REVERSE);
		at += strlen(word);
	}
}

static void draw_entry(const struct tui *tui, struct canvas *canvas, size_t row,
		       const struct body_row *at)
{
	const struct tui_layout *layout = &tui->layout;
	const struct entry *entry = scrollback_get(&tui->current->lines, at->index);
	const char *text = entry_text(entry) + at->span.from;
	size_t column = layout->body_from + at->column;

	if (at->first)
		draw_head(tui, canvas, row, entry, at->column);
	canvas_put(canvas, row, column, layout->body_to, text_style(tui, entry), text,
		   at->span.len);
	mark_found(tui, canvas, row, column, text, at->span.len);
	if (at->first && tui->prompt == TUI_SEARCH)
		mark_found(tui, canvas, row, layout->body_from + tui->columns.time,
			   entry_sender(entry), entry->sender_len);
}

/* Above the first line: may there be older ones? */
static void draw_above(const struct tui *tui, struct canvas *canvas, size_t row, bool has_lines)
{
	const struct tui_room *room = tui->current;

	if (room->history == TUI_HISTORY_ASKED)
		draw_rule(tui, canvas, row, STYLE_DIM, "loading older lines \u2026");
	else if (room->history == TUI_HISTORY_END && has_lines)
		draw_rule(tui, canvas, row, STYLE_DIM, "nothing older");
}

/*
 * What an agent is writing, below the lines: the last rows of it. Returns how many it took.
 */
static size_t draw_partial(const struct tui *tui, struct canvas *canvas)
{
	const struct tui_layout *layout = &tui->layout;
	const struct tui_room *room = tui->current;
	const struct buf *text = &room->partial;
	size_t from = layout->body_from + tui->columns.indent, most = layout->height / 3;
	size_t width = layout->body_to > from ? layout->body_to - from : 1;
	size_t rows, at = 0, row = layout->top + layout->height;
	struct tui_wrap_row span;

	if (!room->writing[0] || room->scrolled || text->len == 0 || text->failed || most == 0)
		return 0;
	rows = tui_wrap_count(text->data, text->len, width);
	most = rows < most ? rows : most;
	row -= most;
	canvas_put_str(canvas, row, layout->body_from + tui->columns.time, from, STYLE_DIM,
		       room->writing);
	for (size_t i = 0; i < rows && tui_wrap_next(text->data, text->len, width, &at, &span);
	     i++) {
		if (i + most >= rows)
			canvas_put(canvas, row++, from, layout->body_to, STYLE_DIM,
				   text->data + span.from, span.len);
	}
	return most;
}

static void draw_body(const struct tui *tui, struct canvas *canvas)
{
	const struct tui_layout *layout = &tui->layout;
	struct body_row *rows = calloc(layout->height + 1, sizeof(*rows));
	size_t used, height;

	if (!rows)
		return; /* the next picture may have better luck */
	height = layout->height - draw_partial(tui, canvas);
	used = body_fill(tui->current, &tui->columns, height, rows);
	for (size_t i = height - used; i < height; i++) {
		const struct body_row *at = &rows[i];
		size_t row = layout->top + i;

		switch (at->kind) {
		case BODY_DAY:
			draw_day(tui, canvas, row, scrollback_get(&tui->current->lines, at->index));
			break;
		case BODY_NEW:
			draw_new(tui, canvas, row);
			break;
		case BODY_ENTRY:
			draw_entry(tui, canvas, row, at);
			break;
		}
	}
	if (used < height)
		draw_above(tui, canvas, layout->top + height - used - 1, used > 0);
	else if (tui->current->history == TUI_HISTORY_ASKED && layout->height > 1)
		draw_above(tui, canvas, layout->top, true);
	free(rows);
}

/* ---- elsewhere */

static void draw_status(const struct tui *tui, struct canvas *canvas)
{
	size_t row = tui->layout.status_row, at = 1, below = body_below(tui->current);
	struct buf right = BUF_INIT, middle = BUF_INIT;
	size_t width, limit;

	if (tui->state[0])
		buf_printf(&right, "%s \u2026 ", tui->state);
	limit = canvas->columns - canvas_columns(right.data ? right.data : "", right.len);
	if (tui->hint.len > 0)
		at = 1 + canvas_put(canvas, row, at, limit, 0, tui->hint.data, tui->hint.len);
	for (size_t i = 0; tui->hint.len == 0 && i < tui->rooms.count; i++) {
		const struct tui_room *room = tui->rooms.items[i];
		char number[16], text[64];

		if (room->mentions == 0 || room == tui->current)
			continue;
		tui_counter(room, number);
		snprintf(text, sizeof(text), "[%s %s]", room->name, number);
		if (at + strlen(text) >= limit)
			break;
		at = canvas_put_str(canvas, row, at, limit, tui_counter_style(tui, room), text) + 1;
	}
	if (below > 0)
		buf_printf(&middle, "-- %zu more below --", below);
	else if (tui->current->scrolled)
		buf_append_str(&middle, "-- more below --");
	else if (tui->current->typing[0])
		buf_printf(&middle, "%s is typing \u2026", tui->current->typing);
	width = canvas_columns(middle.data ? middle.data : "", middle.len);
	if (width > 0) {
		size_t centre = (canvas->columns - width) / 2;

		if (width < canvas->columns && at < centre)
			at = centre;
		if (at + width + 1 < limit)
			canvas_put(canvas, row, at, limit, below > 0 ? STYLE_BOLD : STYLE_DIM,
				   middle.data, middle.len);
	}
	if (right.len > 0)
		put_right(canvas, row, 0, palette_style(tui_theme(tui), PALETTE_BAD), right.data);
	buf_finish(&right);
	buf_finish(&middle);
}

/* ---- the last line */

static void put_prompt(const struct tui *tui, struct buf *out)
{
	switch (tui->prompt) {
	case TUI_TYPING:
		buf_printf(out, "%s %s%s> ", tui->user, tui_room_is_direct(tui->current) ? "" : "#",
			   tui->current->name);
		break;
	case TUI_PASTE:
		buf_append_str(out, "paste all of it as one message? (y/n) ");
		break;
	case TUI_SWITCH:
		buf_append_str(out, "go to: ");
		break;
	case TUI_SEARCH:
		buf_append_str(out, "search: ");
		break;
	}
}

/*
 * Where the cursor stands in the picture of the line, which leaves out more than the line's own
 * measure knows of (client/canvas.h).
 */
static size_t cursor_in(const struct buf *line, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < line->len) {
		uint32_t character;
		size_t step = utf8_decode(line->data + at, line->len - at, &character);

		used += utf8_width(character);
		if (used > columns)
			break;
		at += step;
	}
	return at > 0 ? canvas_columns(line->data, at) : 0;
}

static void draw_input(const struct tui *tui, struct canvas *canvas)
{
	const struct edit *edit = tui->prompt == TUI_TYPING ? &tui->current->edit : &tui->question;
	size_t row = tui->layout.input_row, at, cursor = 0;
	struct buf prompt = BUF_INIT, line = BUF_INIT;

	put_prompt(tui, &prompt);
	at = 1 + canvas_columns(prompt.data ? prompt.data : "", prompt.len);
	if (at + 16 > canvas->columns && tui->prompt == TUI_TYPING) {
		/* a narrow terminal: what is typed matters more */
		buf_reset(&prompt);
		buf_append_str(&prompt, "> ");
		at = 3;
	}
	if (prompt.data)
		canvas_put(canvas, row, 1, canvas->columns, STYLE_BOLD, prompt.data, prompt.len);
	edit_render(edit, canvas->columns > at ? canvas->columns - at : 1, &line, &cursor);
	if (line.data)
		canvas_put(canvas, row, at, canvas->columns, 0, line.data, line.len);
	cursor = cursor_in(&line, cursor);
	canvas->cursor_row = row;
	canvas->cursor_column = at + cursor < canvas->columns ? at + cursor : canvas->columns - 1;
	buf_finish(&prompt);
	buf_finish(&line);
}

/* The rooms that fit, above the line they are typed in. */
static void draw_switch(const struct tui *tui, struct canvas *canvas)
{
	const struct tui_layout *layout = &tui->layout;
	struct tui_room *rooms[SWITCH_ROWS];
	size_t count = tui_switch_matches(tui, rooms, SWITCH_ROWS), shown = count;
	size_t from = layout->body_from,
	       to = from + 30 < layout->body_to ? from + 30 : layout->body_to;

	if (shown > layout->height)
		shown = layout->height;
	for (size_t i = 0; i < shown; i++) {
		size_t row = layout->top + layout->height - shown + i;
		unsigned style = i == tui->chosen ? STYLE_REVERSE | STYLE_BOLD : 0;
		char number[16];

		tui_counter(rooms[i], number);
		canvas_fill(canvas, row, from, layout->body_to, 0, " ");
		canvas_fill(canvas, row, from, to, style, " ");
		canvas_put_str(canvas, row, from + 1, to - 6, style, rooms[i]->name);
		canvas_put_str(canvas, row, to - 1 - strlen(number), to, style, number);
	}
}

/* ---- all of it */

/* Columns of a time as the settings write it, with the blank behind it. */
static size_t time_columns(const struct tui *tui)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	if (!localtime_r(&now, &tm) ||
	    settings_time(tui->settings->timestamp, &tm, text, sizeof(text)) == 0)
		return 0;
	return canvas_columns(text, strlen(text)) + 1;
}

/* What is in view counts as read, as far as the person is there. */
static void see(struct tui *tui)
{
	struct tui_room *room = tui->current;
	int64_t seq = room->newest;
	size_t index;

	if (!tui->focused || tui->layout.height == 0)
		return;
	if (room->scrolled) {
		if (!body_lowest(room, &index))
			return;
		while (index > 0 && scrollback_get(&room->lines, index)->seq == 0)
			index--;
		seq = scrollback_get(&room->lines, index)->seq;
	}
	if (tui_room_saw(room, seq))
		tui_tell_read(tui, room);
}

void tui_draw(struct tui *tui, struct canvas *canvas)
{
	if (canvas->rows == 0 || canvas->columns == 0)
		return;
	tui->layout = tui_layout_of(canvas->rows, canvas->columns, tui_longest_room(tui),
				    tui_longest_member(tui));
	tui->columns =
		tui_columns_of(tui->layout.body_to - tui->layout.body_from, time_columns(tui));
	see(tui);
	canvas_clear(canvas);
	if (tui->layout.has_title)
		draw_title(tui, canvas);
	draw_body(tui, canvas);
	if (tui->layout.rooms_width > 0)
		tui_draw_rooms(tui, canvas);
	if (tui->layout.members_from > 0)
		tui_draw_members(tui, canvas);
	if (tui->prompt == TUI_SWITCH)
		draw_switch(tui, canvas);
	if (tui->layout.has_status)
		draw_status(tui, canvas);
	draw_input(tui, canvas);
}
