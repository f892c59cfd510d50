/*
 * A look at a running server's segment from outside: mapped read only, no lock is taken and none
 * could be, nothing is changed. What is read may change meanwhile: numbers one by one are right,
 * names are checked by their epoch (shm_copy_out, then the epoch again).
 */
#ifndef SHM_SEGMENT_LOOK_H
#define SHM_SEGMENT_LOOK_H

#include "shm/segment.h"

#define SEGMENT_LOOK_MAX 32u

/*
 * 0, or with a sentence in `error`: -ENOENT no server of that instance, -EACCES another user's,
 * -EPROTO another version's, -errno. Only what segment_look gives may be given to the verbs that
 * take a const struct shm; it has no bells and no slot.
 */
int segment_look(const char *instance, struct shm *ret_shm, struct buf *error);
/* Accepts what was never opened (base NULL). */
void segment_look_close(struct shm *shm);
/* Is it still the one that the instance's name leads to, and does its master live? */
bool segment_look_is_current(const struct shm *shm);
/* The instances whose master lives; those of other users, which can't be read, are among them. */
unsigned segment_look_list(char ret_instance[SEGMENT_LOOK_MAX][64]);

#endif
