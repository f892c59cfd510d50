/*
 * Who is on a room's list, and who of them is present.
 *
 * Membership is an entry in the user's list: it is the user's, and lasts until leave.
 * A room's `members` counts its users who are present (a session attached, or lost for
 * less than the grace); each counted entry is marked, so the number can be rebuilt.
 */
#ifndef SHM_MEMBER_H
#define SHM_MEMBER_H

#include "shm/room.h"

enum member_result {
	MEMBER_OK,
	MEMBER_ALREADY,
	MEMBER_NOT,   /* leave: not on the list */
	MEMBER_LAST,  /* leave: the user's only room */
	MEMBER_STALE, /* the room has another epoch: look it up again */
	MEMBER_BUSY,
	MEMBER_ROOM_FULL, /* --room-capacity */
	MEMBER_TOO_MANY   /* --max-rooms-per-user */
};

/* capacity and max_rooms 0: no limit. The capacity counts those present. */
enum member_result member_join(struct shm *shm, uint32_t user, struct room_ref room,
			       uint32_t capacity, uint32_t max_rooms);
/* `may_be_last`: leaves even the last one (moderation). */
enum member_result member_leave(struct shm *shm, uint32_t user, struct room_ref room,
				bool may_be_last);
bool member_is(const struct shm *shm, uint32_t user, struct room_ref room);

/* The user's rooms now: writes up to `max` refs, returns how many there are. No lock. */
unsigned member_rooms(const struct shm *shm, uint32_t user, struct room_ref *ret_rooms,
		      unsigned max);
/* user->list_change, acquire. */
uint64_t member_list_change(const struct shm *shm, uint32_t user);

/* A room's read mark: 0 if none or of another epoch; raise keeps the higher, tells if it moved. */
uint64_t member_read(const struct shm *shm, uint32_t user, struct room_ref room);
bool member_raise_read(struct shm *shm, uint32_t user, struct room_ref room, uint64_t seq);

/* room->member_change, acquire: compare, then scan. */
uint64_t member_change(const struct shm *shm, uint32_t log);
/*
 * The present users of several rooms in one pass over the user table: calls `found` for each
 * (index into rooms, user). No lock; a state of some moment during the call.
 */
void member_scan(const struct shm *shm, const struct room_ref *rooms, unsigned count,
		 void (*found)(void *data, unsigned room, uint32_t user), void *data);
/* Exact count of a room whose `recount` is set, under its lock. Janitor. */
void member_recount(struct shm *shm, uint32_t log);

#endif
