/* The inside of the room table, for those who make it anew (segment_check.c, import.c). */
#ifndef SHM_ROOM_TABLE_H
#define SHM_ROOM_TABLE_H

#include "shm/room.h"

/*
 * Chains, free list, number and memory of the rooms, from the slots themselves. Under the
 * table's lock, or where nobody else is.
 */
void room_table_rebuild(struct shm *shm);

/* Rooms that were freed, and whose slots are not on the free list yet. */
void room_table_mend(struct shm *shm);

#endif
