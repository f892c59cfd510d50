#include "client/tui_private.h"

#include "base/clock.h"
#include "client/clean.h"
#include "client/format.h"
#include "client/mention.h"
#include "proto/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PARTIAL_MS 60000      /* an agent that writes nothing more for so long has given up */
#define TYPING_MS 6000        /* someone who types says so again before that */
#define HISTORY_PAGES_MAX 10u /* through other people's lines, for one person's */

static bool is_me(const struct tui *tui, const char *name)
{
	return name && strcmp(name, tui->user) == 0;
}

static uint32_t seconds_of(const struct server_line *line)
{
	int64_t ms;

	if (!line->timestamp || clock_parse(line->timestamp, &ms) < 0 || ms < 0)
		return 0;
	return (uint32_t)(ms / 1000);
}

/* The conversation with someone: its lines lie in our inbox. */
static struct tui_room *direct_room(struct tui *tui, const char *peer)
{
	char name[ROOM_SIZE];
	struct tui_room *room;

	if (!peer || !name_is_valid(peer, strlen(peer)))
		return NULL;
	snprintf(name, sizeof(name), "@%s", peer);
	room = tui_rooms_add(&tui->rooms, name);
	if (room && room->read < tui->inbox_read)
		room->read = tui->inbox_read;
	return room;
}

/* Where a line is shown; NULL: nowhere. */
static struct tui_room *room_of(struct tui *tui, const struct server_line *line)
{
	if (!line->room)
		return NULL;
	if (name_is_inbox(line->room))
		return direct_room(tui, is_me(tui, line->sender) && line->recipient
						? line->recipient
						: line->sender);
	return rooms_find(tui->session_rooms, line->room) ? tui_rooms_add(&tui->rooms, line->room)
							  : NULL;
}

/* ---- history that was asked for */

/* The room whose request is under way; NULL: none. */
static struct tui_room *history_room(const struct tui *tui)
{
	for (size_t i = 0; i < tui->rooms.count; i++) {
		if (tui->rooms.items[i]->history == TUI_HISTORY_ASKED)
			return tui->rooms.items[i];
	}
	return NULL;
}

void tui_history_came(struct tui *tui)
{
	struct tui_room *room = history_room(tui);
	int64_t first;

	tui->history_left = 0;
	if (!room)
		return;
	first = scrollback_first_seq(&room->lines);
	room->history = tui->history_more ? TUI_HISTORY_MAYBE : TUI_HISTORY_END;
	room->history_before = tui->history_first;
	/* none of it was this person's */
	if (tui_room_is_direct(room) && first == tui->history_had &&
	    room->history_pages++ < HISTORY_PAGES_MAX) {
		tui_want_history(tui, room);
		if (room->history == TUI_HISTORY_ASKED)
			return;
	}
	room->history_pages = 0;
	if (room->history_scroll && tui->layout.height > 1)
		body_scroll_up(room, &tui->columns, tui->layout.height, tui->layout.height - 1);
	room->history_scroll = false;
	if (room == tui->current)
		tui_search_on(tui, tui->history_had);
}

static void receive_history(struct tui *tui, const struct session_event *event)
{
	const struct server_line *line = event->line;
	struct tui_room *room = history_room(tui);

	if (!event->request || !event->request->own || !room)
		return;
	tui->history_left = line->count > 0 ? line->count : 0;
	tui->history_first = line->first > 0 ? line->first : 0;
	tui->history_more = line->more && line->count > 0;
	tui->history_at = tui->now;
	tui->history_had = scrollback_first_seq(&room->lines);
	if (tui->history_left == 0)
		tui_history_came(tui);
}

/* ---- stored lines */

static void text_of(const struct server_line *line, struct buf *out)
{
	if (line->type != SERVER_LINE_MESSAGE) {
		format_deed(line, out);
		return;
	}
	if (line->kind && strcmp(line->kind, "me") == 0) {
		clean_append_str(out, line->sender, CLEAN_LINE);
		buf_append_char(out, ' ');
	}
	clean_append_str(out, line->content, CLEAN_TEXT);
	if (line->kind && strcmp(line->kind, "ask") == 0) {
		buf_append_char(out, '\n');
		format_options(line, out);
	}
}

static enum entry_kind kind_of(const struct server_line *line)
{
	const char *kind = line->kind ? line->kind : "message";

	if (line->type != SERVER_LINE_MESSAGE)
		return ENTRY_DEED;
	if (strcmp(kind, "me") == 0)
		return ENTRY_ME;
	if (strcmp(kind, "alert") == 0)
		return ENTRY_ALERT;
	return strcmp(kind, "notice") == 0 ? ENTRY_NOTICE : ENTRY_MESSAGE;
}

/* A line that came by itself, behind what is read: counted, marked, and perhaps told. */
static void arrived(struct tui *tui, struct tui_room *room, const struct entry_parts *parts,
		    enum session_freshness freshness)
{
	bool looked_at = room == tui->current && tui->focused && !room->scrolled;
	bool direct = tui_room_is_direct(room);
	bool said = parts->kind != ENTRY_DEED;
	bool mention = said && (direct || (parts->flags & ENTRY_MENTION) != 0);

	if (freshness == SESSION_LIVE && mention && parts->at >= tui->welcome_at)
		tui->news = !looked_at || !tui->tells_focus;
	/* who comes here for the first time has missed nothing */
	if (parts->seq <= room->read ||
	    (freshness == SESSION_REPLAY && room->read == 0 && room == tui->current && !direct))
		return;
	if (!looked_at || freshness == SESSION_REPLAY || room->marker >= 0) {
		if (room->marker < 0 && (!looked_at || freshness == SESSION_REPLAY))
			room->marker = parts->seq - 1;
		room->marker_count += said;
	}
	if (said)
		tui_room_unread(room, parts->seq, mention);
}

static void receive_stored(struct tui *tui, const struct session_event *event)
{
	const struct server_line *line = event->line;
	struct tui_room *room = room_of(tui, line);
	struct entry_parts parts = {.seq = line->seq, .at = seconds_of(line)};
	struct buf text = BUF_INIT, sender = BUF_INIT;
	bool own = is_me(tui, line->sender);

	if (room) {
		text_of(line, &text);
		clean_append_str(&sender, line->sender, CLEAN_LINE);
		parts.kind = kind_of(line);
		parts.sender = sender.data;
		parts.text = text.data ? text.data : "";
		if (own)
			parts.flags |= ENTRY_OWN;
		else if (line->type == SERVER_LINE_MESSAGE && line->content &&
			 mention_of(tui->user, line->content))
			parts.flags |= ENTRY_MENTION;
		if (text.len > 0 && !text.failed && !sender.failed &&
		    tui_room_add_line(&tui->rooms, room, &parts) == 0 && !own &&
		    event->freshness != SESSION_HISTORY)
			arrived(tui, room, &parts, event->freshness);
		if (own && event->freshness == SESSION_LIVE)
			tui_room_clear_marker(room);
		if (line->sender && strcmp(room->typing, line->sender) == 0)
			room->typing[0] = '\0';
		if (line->sender && strcmp(room->writing, line->sender) == 0)
			room->writing[0] = '\0';
	}
	if (event->freshness == SESSION_HISTORY && tui->history_left > 0) {
		tui->history_at = tui->now;
		if (--tui->history_left == 0)
			tui_history_came(tui);
	}
	buf_finish(&text);
	buf_finish(&sender);
}

/* ---- state */

/* A gap or a reset: shown where it happened, in an inbox in every conversation. */
static void receive_break(struct tui *tui, const struct session_event *event)
{
	struct format format = {.user = tui->user};
	struct buf text = BUF_INIT;
	const char *room = event->line->room;
	bool inbox = room && name_is_inbox(room);

	format_event(&format, event, &text);
	for (size_t i = 0; room && text.len > 3 && i < tui->rooms.count; i++) {
		struct tui_room *at = tui->rooms.items[i];

		if (inbox ? !tui_room_is_direct(at) : strcmp(at->name, room) != 0)
			continue;
		if (event->line->type == SERVER_LINE_RESET) {
			scrollback_forget_seqs(&at->lines);
			at->read = 0;
			at->newest = 0;
			at->first_unread = 0;
			at->unread = 0;
			at->mentions = 0;
			at->history_before = 0;
			tui_room_clear_marker(at);
			if (inbox)
				tui->inbox_read = 0;
		}
		tui_put(tui, at, ENTRY_BREAK, text.data + 3); /* without its "-- " */
	}
	if (tui->history_left > 0)
		tui_history_came(tui);
	buf_finish(&text);
}

static void receive_read(struct tui *tui, const struct server_line *line)
{
	bool inbox = line->room && name_is_inbox(line->room);

	if (inbox && line->seq > tui->inbox_read)
		tui->inbox_read = line->seq;
	for (size_t i = 0; line->room && i < tui->rooms.count; i++) {
		struct tui_room *room = tui->rooms.items[i];

		if (inbox ? !tui_room_is_direct(room) : strcmp(room->name, line->room) != 0)
			continue;
		tui_room_saw(room, line->seq);
		if (room->unread == 0 && room != tui->current)
			tui_room_clear_marker(room);
	}
}

static void receive_typing(struct tui *tui, const struct server_line *line)
{
	struct tui_room *room;

	if (!line->sender || is_me(tui, line->sender) ||
	    !name_is_valid(line->sender, strlen(line->sender)))
		return;
	room = room_of(tui, line);
	if (!room)
		return;
	snprintf(room->typing, sizeof(room->typing), "%s", line->sender);
	room->typing_until = tui->now + TYPING_MS;
}

/* What an agent writes, as far as it is there; the whole of it comes as a message. */
static void receive_partial(struct tui *tui, const struct server_line *line)
{
	struct tui_room *room = room_of(tui, line);

	if (!room || !line->sender || !name_is_valid(line->sender, strlen(line->sender)))
		return;
	snprintf(room->writing, sizeof(room->writing), "%s", line->sender);
	room->partial_until = tui->now + PARTIAL_MS;
	buf_reset(&room->partial);
	clean_append_str(&room->partial, line->content, CLEAN_TEXT);
}

static void receive_agent(struct tui *tui, const struct server_line *line)
{
	struct tui_room *room = line->room ? tui_rooms_find(&tui->rooms, line->room) : NULL;

	if (!room)
		return;
	tui_room_agent(room, line->agent, line->state);
	if (strcmp(room->writing, line->agent) == 0 &&
	    (!line->state || strcmp(line->state, "busy") != 0))
		room->writing[0] = '\0';
}

static void receive_users(struct tui *tui, const struct session_event *event)
{
	const struct server_line *line = event->line;
	struct request_ask ask = {.kind = REQUEST_USERS, .own = true, .cursor = line->cursor};
	struct tui_room *room;

	room = line->room ? tui_rooms_find(&tui->rooms, line->room) : NULL;
	if (!room)
		return;
	tui_room_set_members(room, line, !room->members_more);
	room->members_more = line->cursor != NULL;
	ask.target = room->name;
	if (line->cursor && event->request && event->request->own)
		tui->input.ask(tui->input.owner, &ask);
}

static void receive_presence(struct tui *tui, const struct server_line *line)
{
	struct tui_room *room = line->room ? tui_rooms_find(&tui->rooms, line->room) : NULL;

	if (!room)
		return;
	tui_room_presence(room, line);
	/* what they are, an agent or away, only `users` tells */
	if (line->joined_count > 0) {
		room->members_at = -1;
		if (room == tui->current)
			tui_want_members(tui, room, 0);
	}
}

/* What was asked for, and what went wrong, in words. */
static void receive_words(struct tui *tui, const struct session_event *event)
{
	struct format format = {.user = tui->user};
	struct buf text = BUF_INIT;
	enum format_kind kind = format_event(&format, event, &text);
	const char *words = text.data ? text.data : "";

	switch (kind) {
	case FORMAT_NOTHING:
	case FORMAT_SAID:
		break;
	case FORMAT_NOTE:
		tui_tell(tui, ENTRY_NOTE, words + (text.len > 3 ? 3 : 0));
		break;
	case FORMAT_ANSWER:
		tui_tell(tui, ENTRY_ANSWER, words);
		break;
	case FORMAT_TROUBLE:
		tui_tell(tui, ENTRY_TROUBLE, words + (text.len > 3 ? 3 : 0));
		break;
	}
	buf_finish(&text);
}

/* What the screen asked for itself went wrong: no words about it. */
static bool is_own_trouble(struct tui *tui, const struct session_event *event)
{
	struct tui_room *room = history_room(tui);

	if (!event->request || !event->request->own || event->request->kind == REQUEST_JOIN)
		return false;
	if (event->request->kind == REQUEST_HISTORY && room) {
		room->history = TUI_HISTORY_END;
		room->history_scroll = false;
		if (room == tui->current)
			tui_search_on(tui, scrollback_first_seq(&room->lines));
	}
	return true;
}

static void receive_welcome(struct tui *tui, const struct server_line *welcome)
{
	tui->connected = true;
	tui->welcome_at = seconds_of(welcome);
	tui->measured_at = -1;
	tui->history_left = 0;
	for (size_t i = 0; i < tui->rooms.count; i++) {
		struct tui_room *room = tui->rooms.items[i];

		room->members_at = -1;
		room->members_more = false;
		room->history_scroll = false;
		if (room->history == TUI_HISTORY_ASKED)
			room->history = TUI_HISTORY_MAYBE;
	}
	for (size_t i = 0; i < welcome->room_count; i++) {
		const struct server_room *at = &welcome->rooms[i];
		struct server_line read = {.room = at->room, .seq = at->read};

		if (!name_is_inbox(at->room))
			tui_rooms_add(&tui->rooms, at->room);
		receive_read(tui, &read);
	}
	if (tui->rooms.count > 0)
		tui_enter(tui, tui->current);
}

static void learn_people(struct tui *tui, const struct server_line *from)
{
	if (!is_me(tui, from->sender))
		people_saw(&tui->people, from->sender);
	for (size_t i = 0; i < from->joined_count; i++)
		people_saw(&tui->people, from->joined[i]);
	for (size_t i = from->user_count; i-- > 0;)
		people_saw(&tui->people, from->users[i].user);
	for (size_t i = 0; i < from->room_count; i++)
		people_heard_room(&tui->people, from->rooms[i].room);
}

static void receive_line(struct tui *tui, const struct session_event *event)
{
	const struct server_line *line = event->line;

	if (server_line_is_sequenced(line)) {
		receive_stored(tui, event);
		return;
	}
	switch (line->type) {
	case SERVER_LINE_GAP:
	case SERVER_LINE_RESET:
		receive_break(tui, event);
		return;
	case SERVER_LINE_READ:
		receive_read(tui, line);
		return;
	case SERVER_LINE_TYPING:
		receive_typing(tui, line);
		return;
	case SERVER_LINE_PARTIAL:
		receive_partial(tui, line);
		return;
	case SERVER_LINE_AGENT:
		if (line->agent) {
			receive_agent(tui, line);
			return;
		}
		break;
	case SERVER_LINE_PRESENCE:
		receive_presence(tui, line);
		return;
	case SERVER_LINE_ROOM:
		if (line->room && !name_is_inbox(line->room))
			tui_rooms_add(&tui->rooms, line->room);
		tui_enter(tui, tui->current);
		if (event->request && line->created)
			receive_words(tui, event);
		return;
	case SERVER_LINE_USERS:
		receive_users(tui, event);
		if (event->request && event->request->own)
			return;
		break;
	case SERVER_LINE_HISTORY:
		receive_history(tui, event);
		if (event->request && event->request->own)
			return;
		break;
	case SERVER_LINE_ERROR:
		if (is_own_trouble(tui, event))
			return;
		break;
	default: /* what stored lines are was asked above; the others are words or nothing */
		break;
	}
	receive_words(tui, event);
}

void tui_show(struct tui *tui, const struct session_event *event)
{
	tui->news = false;
	if (!event->line)
		return;
	learn_people(tui, event->line);
	if (event->type == SESSION_EVENT_READY)
		receive_welcome(tui, event->line);
	else if (event->type == SESSION_EVENT_LINE)
		receive_line(tui, event);
}

void tui_note(struct tui *tui, enum note_tone tone, const char *text)
{
	static const enum entry_kind kinds[] = {[NOTE_PLAIN] = ENTRY_ANSWER,
						[NOTE_QUIET] = ENTRY_NOTE,
						[NOTE_ERROR] = ENTRY_TROUBLE};

	tui_tell(tui, kinds[tone], text);
	/* an answer is to be seen */
	if (tone != NOTE_QUIET)
		body_scroll_end(tui->current);
}

void tui_connection(struct tui *tui, const char *state)
{
	snprintf(tui->state, sizeof(tui->state), "%s", state);
	tui->connected = state[0] == '\0';
	if (!tui->connected)
		tui->latency_ms = -1;
}
