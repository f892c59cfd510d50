/*
 * The room table: names to slots, making and giving back.
 * A decision is made on {slot, epoch}; whoever acts on it later compares the epoch first.
 */
#ifndef SHM_ROOM_H
#define SHM_ROOM_H

#include "shm/segment.h"

struct room_ref {
	uint32_t log;
	uint64_t epoch;
};

struct room_info {
	struct room_ref ref;
	char name[ROOM_SIZE];
	char topic[TOPIC_SIZE];
	uint64_t first, head;
	uint32_t members;
	int64_t created_wall_ms;
};

enum room_result { ROOM_OK, ROOM_NONE, ROOM_BUSY, ROOM_FULL_TABLE, ROOM_NO_MEMORY };

/* ROOM_OK, ROOM_NONE or ROOM_BUSY. `name` is folded already. */
enum room_result room_find(struct shm *shm, const char *name, struct room_ref *ret_ref);
/* Finds or makes. *ret_created: it wasn't there. */
enum room_result room_make(struct shm *shm, const char *name, struct room_ref *ret_ref,
			   bool *ret_created);
/*
 * A snapshot of a room or an inbox (topic and members empty) without a lock: false if the slot
 * has another epoch.
 */
bool room_info(const struct shm *shm, struct room_ref ref, struct room_info *ret_info);
/* The room in slot `log` now: for listing 0 .. max_rooms-1. False: free. */
bool room_at(const struct shm *shm, uint32_t log, struct room_ref *ret_ref);
/*
 * Gives back rooms on nobody's list that have been idle for `idle_ms` (a day) and aren't the
 * lobby. Returns how many.
 */
unsigned room_collect(struct shm *shm, int64_t now_wall_ms, int64_t idle_ms);

#endif
