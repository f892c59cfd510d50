#include "client/tui_rooms.h"

#include "proto/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 10000u /* a room of more has no list worth looking at */

bool tui_room_is_direct(const struct tui_room *room)
{
	return room->name[0] == '@';
}

static void room_destroy(struct tui_room *room)
{
	if (!room)
		return;
	scrollback_finish(&room->lines);
	edit_finish(&room->edit);
	buf_finish(&room->partial);
	free(room->members);
	free(room);
}

void tui_rooms_finish(struct tui_rooms *rooms)
{
	for (size_t i = 0; i < rooms->count; i++)
		room_destroy(rooms->items[i]);
	free(rooms->items);
	edit_kills_finish(&rooms->kills);
	*rooms = (struct tui_rooms){0};
}

struct tui_room *tui_rooms_find(const struct tui_rooms *rooms, const char *name)
{
	for (size_t i = 0; i < rooms->count; i++) {
		if (strcmp(rooms->items[i]->name, name) == 0)
			return rooms->items[i];
	}
	return NULL;
}

/* The lobby, the rooms, the people. */
static int order(const char *a, const char *b)
{
	int rank_a = a[0] == '@' ? 2 : strcmp(a, ROOM_LOBBY) != 0;
	int rank_b = b[0] == '@' ? 2 : strcmp(b, ROOM_LOBBY) != 0;

	return rank_a != rank_b ? rank_a - rank_b : strcmp(a, b);
}

struct tui_room *tui_rooms_add(struct tui_rooms *rooms, const char *name)
{
	struct tui_room *room = tui_rooms_find(rooms, name), **items;
	size_t at = 0;

	if (room)
		return room;
	items = reallocarray(rooms->items, rooms->count + 1, sizeof(struct tui_room *));
	if (!items)
		return NULL;
	rooms->items = items;
	room = calloc(1, sizeof(*room));
	if (!room)
		return NULL;
	snprintf(room->name, sizeof(room->name), "%s", name);
	room->marker = -1;
	room->members_at = -1;
	room->edit.kills = &rooms->kills;
	while (at < rooms->count && order(items[at]->name, name) < 0)
		at++;
	memmove(&items[at + 1], &items[at], (rooms->count - at) * sizeof(struct tui_room *));
	items[at] = room;
	rooms->count++;
	return room;
}

size_t tui_rooms_index(const struct tui_rooms *rooms, const struct tui_room *room)
{
	size_t at = 0;

	while (at < rooms->count && rooms->items[at] != room)
		at++;
	return at;
}

void tui_rooms_remove(struct tui_rooms *rooms, struct tui_room *room)
{
	size_t at = tui_rooms_index(rooms, room);

	if (at == rooms->count)
		return;
	rooms->lines -= room->lines.count;
	rooms->count--;
	memmove(&rooms->items[at], &rooms->items[at + 1],
		(rooms->count - at) * sizeof(struct tui_room *));
	room_destroy(room);
}

/* ---- lines */

static void drop_oldest(struct tui_rooms *rooms)
{
	struct tui_room *longest = NULL;

	for (size_t i = 0; i < rooms->count; i++) {
		if (!longest || rooms->items[i]->lines.count > longest->lines.count)
			longest = rooms->items[i];
	}
	if (!longest)
		return;
	scrollback_drop_first(&longest->lines);
	rooms->lines--;
	if (longest->bottom > 0)
		longest->bottom--;
	/* what was forgotten here the server may still have */
	longest->history_before = 0;
	if (longest->history == TUI_HISTORY_END)
		longest->history = TUI_HISTORY_MAYBE;
}

int tui_room_add_line(struct tui_rooms *rooms, struct tui_room *room,
		      const struct entry_parts *parts)
{
	size_t index;
	int rc = scrollback_add(&room->lines, parts, &index);

	if (rc < 0)
		return rc;
	rooms->lines++;
	if (room->scrolled && index <= room->bottom)
		room->bottom++;
	if (parts->seq > room->newest)
		room->newest = parts->seq;
	if (rooms->lines > TUI_LINES_MAX)
		drop_oldest(rooms);
	return 0;
}

void tui_room_unread(struct tui_room *room, int64_t seq, bool mention)
{
	if (room->unread++ == 0)
		room->first_unread = seq;
	if (mention)
		room->mentions++;
}

bool tui_room_saw(struct tui_room *room, int64_t seq)
{
	const struct scrollback *lines = &room->lines;

	if (seq <= room->read)
		return false;
	room->read = seq;
	room->unread = 0;
	room->mentions = 0;
	room->first_unread = 0;
	if (seq >= room->newest)
		return true;
	for (size_t i = scrollback_above(lines, seq); i < lines->count; i++) {
		const struct entry *entry = scrollback_get(lines, i);

		if (entry->seq > seq && !(entry->flags & ENTRY_OWN) && entry_is_said(entry))
			tui_room_unread(room, entry->seq, (entry->flags & ENTRY_MENTION) != 0);
	}
	return true;
}

void tui_room_clear_marker(struct tui_room *room)
{
	room->marker = -1;
	room->marker_count = 0;
}

int64_t tui_rooms_inbox_read(const struct tui_rooms *rooms)
{
	int64_t newest = 0, unread = 0;

	for (size_t i = 0; i < rooms->count; i++) {
		const struct tui_room *room = rooms->items[i];

		if (!tui_room_is_direct(room))
			continue;
		if (room->newest > newest)
			newest = room->newest;
		if (room->first_unread > 0 && (unread == 0 || room->first_unread < unread))
			unread = room->first_unread;
	}
	return unread > 0 ? unread - 1 : newest;
}

/* ---- members */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tui_member *)a)->name, ((const struct tui_member *)b)->name);
}

static struct tui_member *find_member(struct tui_room *room, const char *name)
{
	for (size_t i = 0; i < room->member_count; i++) {
		if (strcmp(room->members[i].name, name) == 0)
			return &room->members[i];
	}
	return NULL;
}

static struct tui_member *add_member(struct tui_room *room, const char *name)
{
	struct tui_member *members, *member;

	if (!name || !name_is_valid(name, strlen(name)) || room->member_count >= MEMBERS_MAX)
		return NULL;
	member = find_member(room, name);
	if (member)
		return member;
	members = reallocarray(room->members, room->member_count + 1, sizeof(*members));
	if (!members)
		return NULL;
	room->members = members;
	member = &members[room->member_count++];
	*member = (struct tui_member){0};
	snprintf(member->name, sizeof(member->name), "%s", name);
	return member;
}

static enum tui_agent agent_of(const char *state)
{
	if (!state || strcmp(state, "idle") == 0)
		return TUI_AGENT_IDLE;
	return strcmp(state, "busy") == 0 ? TUI_AGENT_BUSY : TUI_AGENT_DOWN;
}

static void sort_members(struct tui_room *room)
{
	if (room->member_count > 1)
		qsort(room->members, room->member_count, sizeof(room->members[0]), by_name);
}

void tui_room_set_members(struct tui_room *room, const struct server_line *users, bool first_page)
{
	if (first_page)
		room->member_count = 0;
	for (size_t i = 0; i < users->user_count; i++) {
		const struct server_user *user = &users->users[i];
		struct tui_member *member = add_member(room, user->user);

		if (!member)
			continue;
		member->away = user->away;
		member->agent = TUI_NO_AGENT;
		if (user->role && strcmp(user->role, "agent") == 0)
			member->agent = agent_of(user->state);
	}
	sort_members(room);
}

void tui_room_presence(struct tui_room *room, const struct server_line *presence)
{
	for (size_t i = 0; i < presence->left_count; i++) {
		struct tui_member *member = find_member(room, presence->left[i]);

		if (member)
			*member = room->members[--room->member_count];
	}
	for (size_t i = 0; i < presence->joined_count; i++)
		add_member(room, presence->joined[i]);
	sort_members(room);
}

void tui_room_agent(struct tui_room *room, const char *agent, const char *state)
{
	struct tui_member *member = find_member(room, agent);

	if (member)
		member->agent = agent_of(state);
}
