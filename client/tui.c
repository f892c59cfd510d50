#include "client/tui_private.h"

#include "base/clock.h"
#include "client/clean.h"
#include "proto/name.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_LINES 100      /* a screen or two */
#define MEMBERS_ENTER_MS 10000 /* a room that is entered shows who is there by now */

int tui_create(const struct tui_config *config, struct tui **ret_tui)
{
	struct tui *tui = calloc(1, sizeof(*tui));

	if (!tui)
		return -ENOMEM;
	tui->session_rooms = config->person.rooms;
	tui->settings = config->person.settings;
	tui->input = config->input;
	tui->colors = config->colors;
	snprintf(tui->user, sizeof(tui->user), "%s", config->person.user);
	tui->latency_ms = -1;
	tui->measured_at = -1;
	tui->typing_told = -1;
	tui->escape_at = -1;
	tui->focused = true;
	tui->columns = tui_columns_of(80, 6);
	tui->current = tui_rooms_add(&tui->rooms, ROOM_LOBBY);
	if (!tui->current) {
		tui_destroy(tui);
		return -ENOMEM;
	}
	*ret_tui = tui;
	return 0;
}

void tui_destroy(struct tui *tui)
{
	if (!tui)
		return;
	tui_rooms_finish(&tui->rooms);
	keyboard_finish(&tui->keyboard);
	edit_finish(&tui->question);
	buf_finish(&tui->pasted);
	buf_finish(&tui->hint);
	buf_finish(&tui->parting);
	free(tui);
}

enum theme tui_theme(const struct tui *tui)
{
	return tui->colors ? tui->settings->theme : THEME_MONO;
}

void tui_hint(struct tui *tui, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_reset(&tui->hint);
	clean_append_str(&tui->hint, text, CLEAN_LINE);
}

void tui_put(struct tui *tui, struct tui_room *room, enum entry_kind kind, const char *text)
{
	struct entry_parts parts = {.kind = kind, .at = (uint32_t)(clock_wall_ms() / 1000)};
	struct buf clean = BUF_INIT;

	clean_append_str(&clean, text, CLEAN_TEXT);
	parts.text = clean.data ? clean.data : "";
	/* out of memory: one line less on the screen */
	(void)tui_room_add_line(&tui->rooms, room, &parts);
	buf_finish(&clean);
}

bool tui_is_ours(const struct tui *tui, const struct tui_room *room)
{
	return tui_room_is_direct(room) || rooms_find(tui->session_rooms, room->name);
}

/*
 * A room that is left, or could not be entered, goes from the screen in the next moment, and the
 * words about it must not go with it.
 */
void tui_tell(struct tui *tui, enum entry_kind kind, const char *text)
{
	if (tui_is_ours(tui, tui->current) || !tui->connected) {
		tui_put(tui, tui->current, kind, text);
		return;
	}
	buf_reset(&tui->parting);
	buf_append_str(&tui->parting, text);
	tui->parting_kind = kind;
}

static void tell_parting(struct tui *tui)
{
	if (tui->parting.len > 0 && !tui->parting.failed)
		tui_put(tui, tui->current, tui->parting_kind, tui->parting.data);
	buf_reset(&tui->parting);
}

/* Ours no more, or never there: all but what is on the screen. */
static void drop_rooms(struct tui *tui)
{
	for (size_t i = tui->rooms.count; i-- > 0;) {
		struct tui_room *room = tui->rooms.items[i];

		if (room != tui->current && !tui_is_ours(tui, room))
			tui_rooms_remove(&tui->rooms, room);
	}
}

void tui_want_members(struct tui *tui, struct tui_room *room, int64_t age_ms)
{
	struct request_ask ask = {.kind = REQUEST_USERS, .target = room->name, .own = true};

	if ((room->members_at >= 0 && tui->now < room->members_at + age_ms) || !tui->connected ||
	    tui_room_is_direct(room) || !tui_is_ours(tui, room))
		return;
	room->members_at = tui->now;
	tui->input.ask(tui->input.owner, &ask);
}

void tui_enter(struct tui *tui, struct tui_room *room)
{
	struct tui_room *old = tui->current;

	tui_want_members(tui, room, MEMBERS_ENTER_MS);
	if (room == old)
		return;
	if (old->unread == 0)
		tui_room_clear_marker(old);
	tui_close_prompt(tui); /* it was about the old one */
	tui->current = room;
	tui->typing_told = -1;
	buf_reset(&tui->hint);
	/* what is unread begins at the top of the view */
	if (room->unread > 0 && room->marker >= 0 && tui->layout.height > 2)
		body_scroll_show(room, &tui->columns, tui->layout.height,
				 scrollback_above(&room->lines, room->marker), false);
}

void tui_go(struct tui *tui, struct tui_room *room)
{
	if (room != tui->current)
		tui->input.go(tui->input.owner, room->name);
}

void tui_target(struct tui *tui, const char *user, const char *target)
{
	struct tui_room *room = tui_rooms_add(&tui->rooms, target);

	snprintf(tui->user, sizeof(tui->user), "%s", user);
	if (room)
		tui_enter(tui, room);
	tell_parting(tui);
	drop_rooms(tui);
}

void tui_tell_read(struct tui *tui, const struct tui_room *room)
{
	char inbox[ROOM_SIZE];
	int64_t seq;

	if (!tui_room_is_direct(room)) {
		tui->input.read(tui->input.owner, room->name, room->read);
		return;
	}
	seq = tui_rooms_inbox_read(&tui->rooms);
	if (seq <= tui->inbox_read)
		return;
	tui->inbox_read = seq;
	snprintf(inbox, sizeof(inbox), "@%s", tui->user);
	tui->input.read(tui->input.owner, inbox, seq);
}

void tui_want_history(struct tui *tui, struct tui_room *room)
{
	struct request_ask ask = {.kind = REQUEST_HISTORY, .limit = HISTORY_LINES, .own = true};
	int64_t first = scrollback_first_seq(&room->lines);
	const struct room *log;
	char name[ROOM_SIZE];

	if (room->history != TUI_HISTORY_MAYBE || !tui->connected)
		return;
	/* what was said with someone lies in one's own inbox */
	if (tui_room_is_direct(room))
		snprintf(name, sizeof(name), "@%s", tui->user);
	else
		snprintf(name, sizeof(name), "%s", room->name);
	log = rooms_find(tui->session_rooms, name);
	if (!log)
		return;
	ask.target = name;
	ask.before = first > 0 ? first : log->after + 1;
	if (room->history_before > 0 && room->history_before < ask.before)
		ask.before = room->history_before;
	if (ask.before <= 1) {
		room->history = TUI_HISTORY_END;
		return;
	}
	room->history = TUI_HISTORY_ASKED;
	tui->input.ask(tui->input.owner, &ask);
}
