/*
 * What an agent has to remember when the process that runs it is killed, in a small file of the
 * state directory: <state-dir>/<instance>/agents/NAME, or NAME.ROOM where each room has a process
 * of its own.
 *
 *	session 3f2c…
 *	room ops 9f2c41d20000000b 41 42      epoch, all is done up to 41, and 42 was under way
 *
 * It is replaced whole. Only a session is synced to the disk: the rooms' logs don't survive a power
 * cut either.
 */
#ifndef AGENTS_MEMORY_H
#define AGENTS_MEMORY_H

#include "agents/agent.h"

struct memory_room {
	char room[NAME_SIZE];
	uint64_t epoch, done, produced;
};

struct memory {
	char session[STREAM_ID_LEN_MAX + 1];
	struct memory_room rooms[AGENT_ROOMS_MAX];
	unsigned room_count;
};

/* What isn't there, or can't be read, is nothing: 0; or -errno for a file that could be. */
int memory_load(const char *path, struct memory *ret_memory);
int memory_save(const char *path, const struct memory *memory, bool sync);
/* NULL: it knows nothing of the room. */
const struct memory_room *memory_find(const struct memory *memory, const char *room);

#endif
