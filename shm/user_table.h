/*
 * The inside of a user: the table, the user's lock, and what holds while it is held.
 *
 *	lock died in a table:   user_table_rebuild
 *	lock died in a user:    user_repair: chain and number of his sessions from the sessions,
 *	                        then presence_apply
 *
 * Presence: a user is present while he has sessions. Then each entry of his list is counted in
 * its room's `members` and marked so (MEMBER_COUNTED); the mark and the number change
 * under the room's lock. A room whose lock is not to be had is left as it is and the user marked
 * (presence_due): the janitor applies it later.
 */
#ifndef SHM_USER_TABLE_H
#define SHM_USER_TABLE_H

#include "shm/user.h"

/* Chains, free list, number and memory, from the slots. Under the table's lock, or alone. */
void user_table_rebuild(struct shm *shm);
/* 0 or -EBUSY; repairs what a dead holder left. */
int user_table_lock(struct shm *shm);
void user_table_release(struct shm *shm);

int user_lock(struct shm *shm, uint32_t user);
void user_release(struct shm *shm, uint32_t user);

/* Under the user's lock. */
void user_repair(struct shm *shm, uint32_t user);
/* Makes all marks say what `sessions` says. False: a room was busy and is due. */
bool presence_apply(struct shm *shm, uint32_t user);
/* Tells the rooms of the list that something about this user changed. */
void presence_touch(struct shm *shm, uint32_t user);

#endif
