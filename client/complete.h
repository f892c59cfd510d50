/*
 * What Tab does: completes the word before the cursor to a command, a room or a person.
 *
 *	/jo            -> /join
 *	/join d        -> rooms that begin with d, also those that one could enter
 *	/msg b, hi b   -> people; at the start of a line with ": " behind the name
 *	#d             -> #dev
 *	@b             -> @bob
 */
#ifndef CLIENT_COMPLETE_H
#define CLIENT_COMPLETE_H

#include "base/buf.h"
#include "base/limits.h"
#include "client/rooms.h"

#include <stddef.h>

#define PEOPLE_MAX 512u
#define ROOMS_HEARD_MAX 256u

/* People heard of, the latest first; and rooms, one's own or not. */
struct people {
	char names[PEOPLE_MAX][NAME_SIZE];
	size_t count;
	char rooms[ROOMS_HEARD_MAX][ROOM_SIZE];
	size_t room_count;
};

/* Moves or puts the name in front; forgets the oldest where there are too many. */
void people_saw(struct people *people, const char *name);

/* Remembers the room; where there are too many, the first ones stay. */
void people_heard_room(struct people *people, const char *room);

struct complete_result {
	size_t from;        /* replace text[from..cursor) ... */
	char text[128];     /* ... with this; "" where nothing fits */
	struct buf choices; /* the names that fit, where there are several; finish it */
};

/* text[0..cursor) is what stands before the cursor. */
void complete(const char *text, size_t cursor, const struct rooms *rooms,
	      const struct people *people, struct complete_result *ret_result);

#endif
