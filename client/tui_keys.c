#include "client/tui_private.h"

#include "client/clean.h"

#include <stdio.h>
#include <string.h>

#define TYPING_TELL_MS 3000   /* others are told once in so long that we type */
#define MEASURE_MS 10000      /* the way to the server is measured so often ... */
#define MEASURE_IDLE_MS 60000 /* ... while someone is at the keyboard */

#define MEMBERS_MS 60000    /* who is away, and back, nobody tells by themselves */
#define HISTORY_WAIT_MS 500 /* for the next line of it; what is ignored never comes */
#define HELP_COLUMN 22

#define TUI_KEY(name, handler, help) static void key_##handler(struct tui *tui);
#include "client/tui_keys.def"
#undef TUI_KEY

struct tui_key {
	const char *name;
	const char *help;
	void (*press)(struct tui *tui);
};

static const struct tui_key table[] = {
#define TUI_KEY(name, handler, help) {name, help, key_##handler},
#include "client/tui_keys.def"
#undef TUI_KEY
};

#define KEYS (sizeof(table) / sizeof(table[0]))

static struct edit *line_of(struct tui *tui)
{
	return &tui->current->edit;
}

/* ---- the line */

static void end(struct tui *tui)
{
	tui->ended = true;
	tui->input.end(tui->input.owner);
}

/* A key that is the line's own. */
static void edit_bytes(struct tui *tui, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && !tui->ended; i++) {
		switch (edit_byte(line_of(tui), (unsigned char)bytes[i])) {
		case EDIT_END:
			end(tui);
			break;
		case EDIT_SUSPEND:
			if (tui->input.suspend)
				tui->input.suspend(tui->input.owner);
			break;
		case EDIT_MORE:
		case EDIT_LINE:
		case EDIT_CLEARED:
		case EDIT_TAB:
		case EDIT_REDRAW:
			break;
		}
	}
}

static void help_keys(struct tui *tui)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < KEYS; i++) {
		if (table[i].help[0])
			buf_printf(&text, "  %-*s%s\n", HELP_COLUMN, table[i].name, table[i].help);
	}
	buf_printf(&text, "  %-*s%s", HELP_COLUMN, "M-1 ... M-9, M-0", "the first ten rooms");
	if (!text.failed)
		tui_put(tui, tui->current, ENTRY_ANSWER, text.data);
	buf_finish(&text);
}

static void key_enter(struct tui *tui)
{
	struct buf typed = BUF_INIT;

	edit_take(line_of(tui), &typed);
	tui->typing_told = -1;
	if (!typed.failed && typed.len > 0) {
		body_scroll_end(tui->current);
		tui->input.line(tui->input.owner, typed.data);
		if (strcmp(typed.data, "/help") == 0 || strcmp(typed.data, "/?") == 0)
			help_keys(tui);
	}
	buf_finish(&typed);
}

static void key_newline(struct tui *tui)
{
	edit_replace(line_of(tui), line_of(tui)->cursor, "\n");
}

static void key_complete_word(struct tui *tui)
{
	struct edit *edit = line_of(tui);
	struct complete_result result;

	complete(edit->text.data ? edit->text.data : "", edit->cursor, tui->session_rooms,
		 &tui->people, &result);
	if (result.text[0])
		edit_replace(edit, result.from, result.text);
	if (result.choices.len > 0)
		tui_hint(tui, "%s", result.choices.data);
	buf_finish(&result.choices);
}

static void key_older_typed(struct tui *tui)
{
	edit_bytes(tui, "\x1b[A", 3);
}

static void key_newer_typed(struct tui *tui)
{
	edit_bytes(tui, "\x1b[B", 3);
}

static void key_clear_or_quit(struct tui *tui)
{
	bool again = tui->leaving;

	if (line_of(tui)->text.len > 0) {
		edit_bytes(tui, "\x03", 1);
		return;
	}
	if (again) {
		end(tui);
		return;
	}
	tui->leaving = true;
	tui_hint(tui, "C-c once more quits; your rooms stay yours");
}

/* ---- rooms */

/* How much a room wants to be looked at. */
static int urgency(const struct tui_room *room)
{
	if (room->mentions > 0)
		return 2;
	return room->unread > 0 ? 1 : 0;
}

static void key_next_unread(struct tui *tui)
{
	size_t at = tui_rooms_index(&tui->rooms, tui->current);
	struct tui_room *best = NULL;

	for (size_t i = 1; i < tui->rooms.count; i++) {
		struct tui_room *room = tui->rooms.items[(at + i) % tui->rooms.count];

		if (urgency(room) > (best ? urgency(best) : 0))
			best = room;
	}
	if (best)
		tui_go(tui, best);
	else if (tui->current->scrolled)
		body_scroll_end(tui->current);
	else
		tui_hint(tui, "nothing is unread");
}

static void step_room(struct tui *tui, size_t step)
{
	size_t at = tui_rooms_index(&tui->rooms, tui->current);

	tui_go(tui, tui->rooms.items[(at + step) % tui->rooms.count]);
}

static void key_next_room(struct tui *tui)
{
	step_room(tui, 1);
}

static void key_previous_room(struct tui *tui)
{
	step_room(tui, tui->rooms.count - 1);
}

static void key_switch_room(struct tui *tui)
{
	tui_begin_switch(tui);
}

static void room_by_digit(struct tui *tui, char digit)
{
	size_t number = digit == '0' ? 10 : (size_t)(digit - '0');

	if (number <= tui->rooms.count)
		tui_go(tui, tui->rooms.items[number - 1]);
	else
		tui_hint(tui, "there are %zu rooms", tui->rooms.count);
}

/* ---- looking around */

static size_t page_of(const struct tui *tui)
{
	return tui->layout.height > 2 ? tui->layout.height - 1 : 1;
}

static void want_older(struct tui *tui)
{
	tui_want_history(tui, tui->current);
	if (tui->current->history == TUI_HISTORY_END)
		tui_hint(tui, "nothing older");
}

static void key_page_up(struct tui *tui)
{
	struct tui_room *room = tui->current;

	if (!body_scroll_up(room, &tui->columns, tui->layout.height, page_of(tui)))
		return;
	want_older(tui);
	room->history_scroll = room->history == TUI_HISTORY_ASKED;
}

static void key_page_down(struct tui *tui)
{
	body_scroll_down(tui->current, &tui->columns, page_of(tui));
}

static void key_scroll_start(struct tui *tui)
{
	body_scroll_start(tui->current, &tui->columns, tui->layout.height);
	want_older(tui);
}

static void key_scroll_end(struct tui *tui)
{
	body_scroll_end(tui->current);
}

static void key_first_unread(struct tui *tui)
{
	struct tui_room *room = tui->current;

	if (room->marker < 0)
		tui_hint(tui, "nothing new here");
	else
		body_scroll_show(room, &tui->columns, tui->layout.height,
				 scrollback_above(&room->lines, room->marker), false);
}

static void key_mark_read(struct tui *tui)
{
	struct tui_room *room = tui->current;

	if (tui_room_saw(room, room->newest))
		tui_tell_read(tui, room);
	tui_room_clear_marker(room);
	body_scroll_end(room);
}

static void key_search(struct tui *tui)
{
	tui_begin_search(tui);
}

static void key_redraw(struct tui *tui)
{
	tui->redraw = true;
}

/* ---- keys */

/* Others see that we type, unless it is a command. */
static void tell_typing(struct tui *tui)
{
	const struct buf *text = &line_of(tui)->text;

	if (text->len == 0 || (text->data[0] == '/' && (text->len < 2 || text->data[1] != '/')) ||
	    (tui->typing_told >= 0 && tui->now - tui->typing_told < TYPING_TELL_MS))
		return;
	tui->typing_told = tui->now;
	tui->input.typing(tui->input.owner, tui->current->name);
}

static void press(struct tui *tui, const char *name, const char *bytes, size_t len)
{
	if (name[0] == 'M' && name[2] >= '0' && name[2] <= '9' && !name[3]) {
		room_by_digit(tui, name[2]);
		return;
	}
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(table[i].name, name) == 0) {
			table[i].press(tui);
			return;
		}
	}
	edit_bytes(tui, bytes, len);
	tell_typing(tui);
}

static void on_key(void *owner, const char *name, const char *bytes, size_t len)
{
	struct tui *tui = owner;

	if (tui->ended)
		return;
	if (strcmp(name, "FocusIn") == 0 || strcmp(name, "FocusOut") == 0) {
		tui->focused = name[5] == 'I';
		tui->tells_focus = true;
		return;
	}
	tui->focused = true; /* who types looks */
	buf_reset(&tui->hint);
	if (strcmp(name, "C-c") != 0)
		tui->leaving = false;
	if (tui->prompt != TUI_TYPING)
		tui_prompt_key(tui, name, bytes, len);
	else if (strcmp(name, "Paste") == 0)
		tui_begin_paste(tui, bytes, len);
	else
		press(tui, name, bytes, len);
}

void tui_type(struct tui *tui, const char *bytes, size_t len)
{
	tui->last_key = tui->now;
	for (size_t i = 0; i < len && !tui->ended; i++)
		keyboard_byte(&tui->keyboard, (unsigned char)bytes[i], on_key, tui);
	tui->escape_at = keyboard_is_open(&tui->keyboard) ? tui->now : -1;
}

/* ---- time */

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

/* The way is measured once after a log-in, then while someone is there. */
static int64_t measure_at(const struct tui *tui)
{
	if (!tui->connected)
		return -1;
	if (tui->measured_at < 0)
		return tui->now;
	if (tui->now - tui->last_key > MEASURE_IDLE_MS)
		return -1;
	return tui->measured_at + MEASURE_MS;
}

int64_t tui_deadline(const struct tui *tui)
{
	int64_t at = measure_at(tui);

	if (tui->escape_at >= 0)
		at = earlier(at, tui->escape_at + KEYBOARD_WAIT_MS);
	if (tui->current->typing[0])
		at = earlier(at, tui->current->typing_until);
	if (tui->current->writing[0])
		at = earlier(at, tui->current->partial_until);
	if (tui->history_left > 0)
		at = earlier(at, tui->history_at + HISTORY_WAIT_MS);
	return at;
}

void tui_tick(struct tui *tui)
{
	int64_t measure = measure_at(tui);

	if (tui->escape_at >= 0 && tui->now >= tui->escape_at + KEYBOARD_WAIT_MS) {
		tui->escape_at = -1;
		keyboard_settle(&tui->keyboard, on_key, tui);
	}
	if (tui->current->typing[0] && tui->now >= tui->current->typing_until)
		tui->current->typing[0] = '\0';
	if (tui->current->writing[0] && tui->now >= tui->current->partial_until)
		tui->current->writing[0] = '\0';
	if (tui->history_left > 0 && tui->now >= tui->history_at + HISTORY_WAIT_MS)
		tui_history_came(tui);
	if (measure >= 0 && tui->now >= measure) {
		tui->measured_at = tui->now;
		tui_want_members(tui, tui->current, MEMBERS_MS);
		tui->input.measure(tui->input.owner);
	}
}
