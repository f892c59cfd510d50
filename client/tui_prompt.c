#include "client/tui_private.h"

#include "client/clean.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PASTE_LINES 5u    /* more than so many ... */
#define PASTE_BYTES 4096u /* ... or so much is asked about */

static const char *typed(const struct tui *tui)
{
	return tui->question.text.data ? tui->question.text.data : "";
}

void tui_close_prompt(struct tui *tui)
{
	tui->prompt = TUI_TYPING;
	edit_finish(&tui->question);
	buf_reset(&tui->pasted);
	tui->chosen = 0;
	tui->has_found = false;
	tui->search_waits = false;
}

static bool is_cancel(const char *name)
{
	return strcmp(name, "Esc") == 0 || strcmp(name, "C-g") == 0 || strcmp(name, "C-c") == 0;
}

static void question_bytes(struct tui *tui, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		edit_byte(&tui->question, (unsigned char)bytes[i]);
}

/* ---- a paste */

/* As it is, but for what no server takes; the newlines at its end would only be in the way. */
static void insert_paste(struct tui *tui)
{
	struct buf clean = BUF_INIT;

	clean_append(&clean, tui->pasted.data, tui->pasted.len, CLEAN_SEND);
	while (clean.len > 0 && clean.data[clean.len - 1] == '\n')
		clean.data[--clean.len] = '\0';
	if (clean.len > 0 && !clean.failed)
		edit_replace(&tui->current->edit, tui->current->edit.cursor, clean.data);
	buf_finish(&clean);
}

static size_t lines_of(const struct buf *text)
{
	size_t lines = 1;

	for (size_t i = 0; i + 1 < text->len; i++)
		lines += text->data[i] == '\n';
	return lines;
}

void tui_begin_paste(struct tui *tui, const char *text, size_t len)
{
	size_t lines;

	buf_reset(&tui->pasted);
	buf_append(&tui->pasted, text, len);
	if (tui->pasted.failed || len == 0)
		return;
	lines = lines_of(&tui->pasted);
	if (lines <= PASTE_LINES && len <= PASTE_BYTES) {
		insert_paste(tui);
		buf_reset(&tui->pasted);
		return;
	}
	tui->prompt = TUI_PASTE;
	tui_hint(tui, "%zu lines, %zu bytes", lines, len);
}

static void paste_key(struct tui *tui, const char *name, const char *bytes, size_t len)
{
	if (len == 1 && (bytes[0] == 'y' || bytes[0] == 'Y'))
		insert_paste(tui);
	else if (!is_cancel(name) && !(len == 1 && (bytes[0] == 'n' || bytes[0] == 'N'))) {
		tui_hint(tui, "y puts it into the line, n drops it");
		return;
	}
	tui_close_prompt(tui);
}

/* ---- another room */

unsigned fuzzy_score(const char *name, const char *letters)
{
	unsigned score = 1;
	bool follows = true; /* the start of the name counts like one more letter in a row */

	for (; *letters; letters++) {
		if (*letters == '#' || *letters == ' ')
			continue;
		while (*name && tolower((unsigned char)*name) != tolower((unsigned char)*letters)) {
			follows = *name == '-' || *name == '_' || *name == '.' || *name == '@';
			name++;
		}
		if (!*name)
			return 0;
		score += follows ? 8 : 1;
		follows = true;
		name++;
	}
	return score * 64 - (unsigned)strnlen(name, 63); /* of equals, the shorter name */
}

size_t tui_switch_matches(const struct tui *tui, struct tui_room **rooms, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < tui->rooms.count; i++) {
		struct tui_room *room = tui->rooms.items[i];
		unsigned score = fuzzy_score(room->name, typed(tui));
		size_t at = count < max ? count : max;

		while (at > 0 && fuzzy_score(rooms[at - 1]->name, typed(tui)) < score)
			at--;
		if (score == 0 || at == max)
			continue;
		if (count < max)
			count++;
		memmove(&rooms[at + 1], &rooms[at], (count - at - 1) * sizeof(rooms[0]));
		rooms[at] = room;
	}
	return count;
}

void tui_begin_switch(struct tui *tui)
{
	tui_close_prompt(tui);
	tui->prompt = TUI_SWITCH;
}

static void switch_key(struct tui *tui, const char *name, const char *bytes, size_t len)
{
	struct tui_room *rooms[16];
	size_t count = tui_switch_matches(tui, rooms, 16);

	if (is_cancel(name)) {
		tui_close_prompt(tui);
	} else if (strcmp(name, "Enter") == 0) {
		struct tui_room *room = count > 0 ? rooms[tui->chosen % count] : NULL;

		tui_close_prompt(tui);
		if (room)
			tui_go(tui, room);
		else
			tui_hint(tui, "no such room here; /join ROOM enters or makes one");
	} else if (strcmp(name, "Tab") == 0 || strcmp(name, "C-n") == 0 ||
		   strcmp(name, "Down") == 0 || strcmp(name, "M-k") == 0) {
		tui->chosen = count > 0 ? (tui->chosen + 1) % count : 0;
	} else if (strcmp(name, "C-p") == 0 || strcmp(name, "Up") == 0) {
		tui->chosen = count > 0 ? (tui->chosen + count - 1) % count : 0;
	} else {
		question_bytes(tui, bytes, len);
		tui->chosen = 0;
	}
}

/* ---- search */

const char *text_find(const char *text, const char *word)
{
	return strcasestr(text, word);
}

static bool is_found(const struct tui *tui, size_t index)
{
	const struct entry *entry = scrollback_get(&tui->current->lines, index);

	return text_find(entry_text(entry), typed(tui)) ||
	       text_find(entry_sender(entry), typed(tui));
}

/* Where the entry stands now, that stood at `index`: lines that came in may have moved it. */
static size_t place_now(const struct tui_room *room, int64_t seq, size_t index)
{
	size_t now;

	return seq > 0 && scrollback_find(&room->lines, seq, &now) ? now : index;
}

/* Nothing in the lines here: the server may have older ones. */
static void look_further(struct tui *tui)
{
	tui_want_history(tui, tui->current);
	tui->search_waits = tui->current->history == TUI_HISTORY_ASKED;
	tui_hint(tui, tui->search_waits ? "looking in older lines \u2026" : "nothing further up");
}

/* From `from` on, in a direction; what is found comes into view. */
static void look(struct tui *tui, size_t from, bool back)
{
	struct tui_room *room = tui->current;

	if (typed(tui)[0] == '\0') {
		tui->has_found = false;
		return;
	}
	for (size_t i = from; i < room->lines.count; i += back ? SIZE_MAX : 1) {
		if (!is_found(tui, i))
			continue;
		tui->found = i;
		tui->found_seq = scrollback_get(&room->lines, i)->seq;
		tui->has_found = true;
		body_scroll_show(room, &tui->columns, tui->layout.height, i, true);
		return;
	}
	if (back)
		look_further(tui);
	else
		tui_hint(tui, "nothing further down");
}

void tui_search_on(struct tui *tui, int64_t older_than)
{
	const struct scrollback *lines = &tui->current->lines;
	size_t end = older_than > 0 ? scrollback_above(lines, older_than - 1) : lines->count;

	if (tui->prompt != TUI_SEARCH || !tui->search_waits)
		return;
	tui->search_waits = false;
	buf_reset(&tui->hint);
	look(tui, end - 1, true); /* from SIZE_MAX on there is nothing */
}

void tui_begin_search(struct tui *tui)
{
	struct tui_room *room = tui->current;

	tui_close_prompt(tui);
	tui->prompt = TUI_SEARCH;
	tui->was_scrolled = room->scrolled;
	tui->was_bottom = room->bottom;
	tui->was_skip = room->bottom_skip;
	tui->was_seq = 0;
	if (room->scrolled && room->bottom < room->lines.count)
		tui->was_seq = scrollback_get(&room->lines, room->bottom)->seq;
}

static void search_key(struct tui *tui, const char *name, const char *bytes, size_t len)
{
	struct tui_room *room = tui->current;
	size_t found = place_now(room, tui->found_seq, tui->found);

	tui->search_waits = false;
	if (is_cancel(name)) {
		room->scrolled = tui->was_scrolled;
		room->bottom = place_now(room, tui->was_seq, tui->was_bottom);
		room->bottom_skip = tui->was_skip;
		tui_close_prompt(tui);
	} else if (strcmp(name, "Enter") == 0) {
		tui_close_prompt(tui); /* the view stays */
	} else if (strcmp(name, "C-r") == 0 || strcmp(name, "Up") == 0) {
		look(tui, tui->has_found ? found - 1 : room->lines.count - 1, true);
	} else if (strcmp(name, "C-s") == 0 || strcmp(name, "Down") == 0) {
		look(tui, tui->has_found ? found + 1 : room->lines.count, false);
	} else {
		question_bytes(tui, bytes, len);
		look(tui, tui->has_found ? found : room->lines.count - 1, true);
	}
}

void tui_prompt_key(struct tui *tui, const char *name, const char *bytes, size_t len)
{
	switch (tui->prompt) {
	case TUI_PASTE:
		paste_key(tui, name, bytes, len);
		break;
	case TUI_SWITCH:
		switch_key(tui, name, bytes, len);
		break;
	case TUI_SEARCH:
		search_key(tui, name, bytes, len);
		break;
	case TUI_TYPING:
		break;
	}
}
