#include "client/rooms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than a server lets one user join by far; a hostile one gets no more of our memory. */
#define ROOMS_MAX 4096u

static void room_destroy(struct room *room)
{
	if (!room)
		return;
	free(room->topic);
	free(room);
}

void rooms_finish(struct rooms *rooms)
{
	for (size_t i = 0; i < rooms->count; i++)
		room_destroy(rooms->items[i]);
	free(rooms->items);
	*rooms = (struct rooms){0};
}

struct room *rooms_find(const struct rooms *rooms, const char *name)
{
	for (size_t i = 0; i < rooms->count; i++) {
		if (strcmp(rooms->items[i]->name, name) == 0)
			return rooms->items[i];
	}
	return NULL;
}

struct room *rooms_add(struct rooms *rooms, const char *name)
{
	struct room *room = rooms_find(rooms, name);
	struct room **items;

	if (room)
		return room;
	if (strlen(name) >= ROOM_SIZE || rooms->count >= ROOMS_MAX)
		return NULL;
	items = reallocarray(rooms->items, rooms->count + 1, sizeof(struct room *));
	if (!items)
		return NULL;
	rooms->items = items;
	room = calloc(1, sizeof(*room));
	if (!room)
		return NULL;
	snprintf(room->name, sizeof(room->name), "%s", name);
	room->after = -1;
	room->members = -1;
	room->topic = strdup("");
	if (!room->topic) {
		room_destroy(room);
		return NULL;
	}
	rooms->items[rooms->count++] = room;
	return room;
}

void rooms_remove(struct rooms *rooms, const char *name)
{
	for (size_t i = 0; i < rooms->count; i++) {
		if (strcmp(rooms->items[i]->name, name) != 0)
			continue;
		room_destroy(rooms->items[i]);
		rooms->count--;
		memmove(&rooms->items[i], &rooms->items[i + 1],
			(rooms->count - i) * sizeof(struct room *));
		return;
	}
}

enum room_verdict room_take(struct room *room, int64_t seq, int64_t prev)
{
	if (room->after < 0) {
		/* no `room` line told where this log begins for us: start here */
		room->after = seq;
		return ROOM_TAKE;
	}
	if (seq <= room->after)
		return ROOM_DROP;
	if (room->rejoining)
		return ROOM_DROP; /* the join brings it again, in its place */
	if (!room->after_gap && (prev >= 0 ? prev : seq - 1) != room->after)
		return ROOM_REJOIN;
	room->after_gap = false;
	room->after = seq;
	return ROOM_TAKE;
}

void room_saw(struct room *room, int64_t seq)
{
	if (room->oldest == 0 || seq < room->oldest)
		room->oldest = seq;
}

void room_asked(struct room *room, int64_t seq)
{
	room->ask = seq;
	room->ask_open = true;
}

void room_answered(struct room *room, int64_t target)
{
	if (target == room->ask)
		room->ask_open = false;
}

void room_announce(struct room *room, const char *epoch, int64_t after)
{
	bool same = epoch && strcmp(room->epoch, epoch) == 0;

	/* In the same life of the log the cursor never moves back: what lies below was seen. */
	if (!same || after > room->after)
		room->after = after;
	if (!same) {
		snprintf(room->epoch, sizeof(room->epoch), "%s", epoch ? epoch : "");
		room->read_sent = 0;
		room->read_wanted = 0;
		room->oldest = 0;
	}
	room->rejoining = false;
	room->after_gap = false;
}

void room_gap(struct room *room, int64_t next)
{
	if (next - 1 > room->after)
		room->after = next - 1;
	room->after_gap = true;
	room->rejoining = false;
}

void room_reset(struct room *room, const char *epoch)
{
	snprintf(room->epoch, sizeof(room->epoch), "%s", epoch ? epoch : "");
	room->after = 0;
	room->after_gap = false;
	room->oldest = 0;
	room->read_sent = 0;
	room->read_wanted = 0;
}

int room_set_topic(struct room *room, const char *topic)
{
	char *copy = strdup(topic ? topic : "");

	if (!copy)
		return -ENOMEM;
	free(room->topic);
	room->topic = copy;
	return 0;
}
