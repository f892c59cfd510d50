#include "client/tui_body.h"

#include "client/canvas.h"

#include <string.h>
#include <time.h>

const char *entry_label(const struct entry *entry)
{
	switch ((enum entry_kind)entry->kind) {
	case ENTRY_MESSAGE:
	case ENTRY_NOTICE:
	case ENTRY_ALERT:
		return entry_sender(entry);
	case ENTRY_ME:
		return "*";
	case ENTRY_DEED:
	case ENTRY_NOTE:
	case ENTRY_BREAK:
		return "--";
	case ENTRY_TROUBLE:
		return "!!";
	case ENTRY_ANSWER:
		break;
	}
	return "";
}

/* Where the text of the first row and of the others begins. */
static void text_columns(const struct entry *entry, const struct tui_columns *columns,
			 size_t *ret_first, size_t *ret_others)
{
	size_t label = canvas_columns(entry_label(entry), strlen(entry_label(entry)));

	*ret_others = columns->indent;
	if (entry->kind == ENTRY_ANSWER) {
		*ret_first = columns->width > 20 ? 1 : 0;
		*ret_others = *ret_first;
		return;
	}
	if (columns->name > 0)
		*ret_first = columns->time + (label < columns->name ? columns->name : label + 1);
	else
		*ret_first = columns->time + label +
			     (entry->kind <= ENTRY_ALERT && entry->kind != ENTRY_ME ? 2 : 1);
	/* a long name on a narrow screen: the text begins below it */
	if (*ret_first + 4 > columns->width)
		*ret_first = columns->width;
}

static int day_of(const struct entry *entry)
{
	time_t seconds = entry->at;
	struct tm tm;

	if (entry->at == 0 || !localtime_r(&seconds, &tm))
		return -1;
	return tm.tm_year * 366 + tm.tm_yday;
}

static bool begins_day(const struct scrollback *lines, size_t index)
{
	int day = day_of(scrollback_get(lines, index));

	if (day < 0)
		return false;
	/* what has no time belongs to the day before it */
	while (index > 0) {
		int before = day_of(scrollback_get(lines, --index));

		if (before >= 0)
			return before != day;
	}
	return true;
}

static bool is_first_new(const struct tui_room *room, size_t index)
{
	return room->marker >= 0 && scrollback_get(&room->lines, index)->seq > room->marker &&
	       scrollback_above(&room->lines, room->marker) == index;
}

/* The rows of one entry from the top, one call each; the separators above it first. */
struct entry_rows {
	const struct tui_room *room;
	const struct tui_columns *columns;
	size_t index, at, first, others;
	unsigned step;
};

#define HANG_MOST 32u

/*
 * An answer is a list, often of two columns ("/join ROOM    enter a room"): what does not fit
 * goes on below the second one. Columns from the line's beginning.
 */
static size_t hang_of(const char *text, size_t len, size_t width)
{
	size_t hang = strspn(text, " ");

	for (size_t i = hang; i + 2 < len && i < HANG_MOST && text[i] != '\n'; i++) {
		if (text[i] == ' ' && text[i + 1] == ' ' && text[i + 2] != ' ')
			hang = i + 2;
	}
	return hang + 16 < width ? hang : 2;
}

static struct entry_rows rows_begin(const struct tui_room *room, const struct tui_columns *columns,
				    size_t index)
{
	struct entry_rows rows = {.room = room, .columns = columns, .index = index};

	text_columns(scrollback_get(&room->lines, index), columns, &rows.first, &rows.others);
	return rows;
}

static bool rows_next(struct entry_rows *rows, struct body_row *row)
{
	const struct entry *entry = scrollback_get(&rows->room->lines, rows->index);
	size_t column;

	*row = (struct body_row){.index = rows->index};
	if (rows->step == 0) {
		rows->step++;
		row->kind = BODY_DAY;
		if (begins_day(&rows->room->lines, rows->index))
			return true;
	}
	if (rows->step == 1) {
		rows->step++;
		row->kind = BODY_NEW;
		if (is_first_new(rows->room, rows->index))
			return true;
	}
	row->kind = BODY_ENTRY;
	row->first = rows->step++ == 2;
	row->column = column = row->first ? rows->first : rows->others;
	if (entry->kind == ENTRY_ANSWER && rows->at > 0 && rows->at < entry->text_len) {
		const char *text = entry_text(entry);
		size_t line = rows->at;

		while (line > 0 && text[line - 1] != '\n')
			line--;
		if (line < rows->at)
			row->column = column +=
				hang_of(text + line, entry->text_len - line, rows->columns->width);
	}
	if (column >= rows->columns->width && row->first)
		return true; /* the name alone */
	return tui_wrap_next(entry_text(entry), entry->text_len,
			     rows->columns->width > column ? rows->columns->width - column : 1,
			     &rows->at, &row->span);
}

static size_t rows_count(const struct tui_room *room, const struct tui_columns *columns,
			 size_t index)
{
	struct entry_rows rows = rows_begin(room, columns, index);
	struct body_row row;
	size_t count = 0;

	while (rows_next(&rows, &row))
		count++;
	return count;
}

/* Where the view ends: the lowest entry, and how many of its rows are below. */
static bool lowest(const struct tui_room *room, size_t *index, size_t *skip)
{
	if (room->lines.count == 0)
		return false;
	*index = room->lines.count - 1;
	*skip = 0;
	if (room->scrolled && room->bottom < room->lines.count) {
		*index = room->bottom;
		*skip = room->bottom_skip;
	}
	return true;
}

size_t body_fill(const struct tui_room *room, const struct tui_columns *columns, size_t height,
		 struct body_row *rows)
{
	size_t used = 0, index, skip;

	if (!lowest(room, &index, &skip))
		return 0;
	for (size_t above = index + 1; above-- > 0 && used < height; skip = 0) {
		size_t count = rows_count(room, columns, above);
		size_t shown = count > skip ? count - skip : 0;
		struct entry_rows walk = rows_begin(room, columns, above);
		struct body_row row;

		/* row i of it stands `shown - i` above what is filled already */
		for (size_t i = 0; i < shown && rows_next(&walk, &row); i++) {
			if (used + shown - i <= height)
				rows[height - used - (shown - i)] = row;
		}
		used += shown;
	}
	return used < height ? used : height;
}

size_t body_below(const struct tui_room *room)
{
	size_t index, skip, below = 0;

	if (!room->scrolled || !lowest(room, &index, &skip))
		return 0;
	for (size_t i = index + (skip == 0); i < room->lines.count; i++)
		below += entry_is_said(scrollback_get(&room->lines, i));
	return below;
}

bool body_lowest(const struct tui_room *room, size_t *ret_index)
{
	size_t index, skip;

	if (!lowest(room, &index, &skip) || (skip > 0 && index == 0))
		return false;
	*ret_index = skip > 0 ? index - 1 : index;
	return true;
}

/* ---- scrolling */

void body_scroll_end(struct tui_room *room)
{
	room->scrolled = false;
	room->bottom = 0;
	room->bottom_skip = 0;
}

void body_scroll_down(struct tui_room *room, const struct tui_columns *columns, size_t rows)
{
	if (!room->scrolled)
		return;
	while (rows > room->bottom_skip) {
		rows -= room->bottom_skip;
		if (room->bottom + 1 >= room->lines.count) {
			body_scroll_end(room);
			return;
		}
		room->bottom++;
		room->bottom_skip = rows_count(room, columns, room->bottom);
	}
	room->bottom_skip -= rows;
	if (room->bottom_skip == 0 && room->bottom + 1 >= room->lines.count)
		body_scroll_end(room);
}

/* How many rows are above the lower edge of the view; stops to count at `enough`. */
static size_t rows_above(const struct tui_room *room, const struct tui_columns *columns,
			 size_t enough)
{
	size_t index, skip, rows = 0;

	if (!lowest(room, &index, &skip))
		return 0;
	for (size_t above = index + 1; above-- > 0 && rows < enough + skip;)
		rows += rows_count(room, columns, above);
	return rows > skip ? rows - skip : 0;
}

bool body_scroll_up(struct tui_room *room, const struct tui_columns *columns, size_t height,
		    size_t rows)
{
	size_t index, skip, above = rows_above(room, columns, height + rows);
	bool top = above < height + rows;

	if (top)
		rows = above > height ? above - height : 0;
	if (rows == 0 || !lowest(room, &index, &skip))
		return top;
	skip += rows;
	for (size_t count = rows_count(room, columns, index); skip >= count && index > 0;
	     count = rows_count(room, columns, index)) {
		skip -= count;
		index--;
	}
	room->scrolled = true;
	room->bottom = index;
	room->bottom_skip = skip;
	return top;
}

void body_scroll_start(struct tui_room *room, const struct tui_columns *columns, size_t height)
{
	if (room->lines.count > 0)
		body_scroll_show(room, columns, height, 0, false);
}

void body_scroll_show(struct tui_room *room, const struct tui_columns *columns, size_t height,
		      size_t index, bool middle)
{
	size_t want = middle ? height / 2 : height, rows = 0;

	if (index >= room->lines.count)
		return;
	/* down from the entry until the rows below its upper edge fill the view */
	for (size_t below = index; below < room->lines.count; below++) {
		rows += rows_count(room, columns, below);
		if (rows < want)
			continue;
		room->scrolled = true;
		room->bottom = below;
		room->bottom_skip = rows - want;
		if (room->bottom_skip >= rows_count(room, columns, below))
			room->bottom_skip = 0;
		if (below + 1 == room->lines.count && room->bottom_skip == 0)
			body_scroll_end(room);
		/* near the first line the view is full all the same */
		rows = rows_above(room, columns, height);
		if (rows < height)
			body_scroll_down(room, columns, height - rows);
		return;
	}
	body_scroll_end(room);
}
