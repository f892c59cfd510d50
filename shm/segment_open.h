/*
 * Gets the segment's file for this master alone.
 *
 *	/dev/shm/chat-<instance>, ours, 0600, flocked
 *
 * The lock belongs to the open file, which the workers inherit: it is free only when the old
 * master and all its workers are gone. POSIX fcntl locks are not inherited and would be
 * wrong here. Whoever gets the lock then looks whether the name still opens that very file,
 * for a clean stop unlinks it.
 */
#ifndef SHM_SEGMENT_OPEN_H
#define SHM_SEGMENT_OPEN_H

#include "base/buf.h"

#include <stdbool.h>

#define SEGMENT_NAME_SIZE 80

/* "/chat-<instance>": 0 or -EINVAL (1 to 63 of A-Za-z0-9_.-). */
int segment_name(const char *instance, char ret_name[SEGMENT_NAME_SIZE], struct buf *error);
/*
 * Opens (makes, if there is none) and locks: 0 and *ret_fd, close-on-exec. -EBUSY: at once if
 * the master that the header names is alive, else after wait_ms. -EPERM: not ours alone.
 */
int segment_open(const char *instance, unsigned wait_ms, int *ret_fd, struct buf *error);
/* Does the name still open this file? */
bool segment_is_named(const char *instance, int fd);

#endif
