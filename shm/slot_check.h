/* Is a slot that came from a dead process or from a file what it says it is? */
#ifndef SHM_SLOT_CHECK_H
#define SHM_SLOT_CHECK_H

#include "shm/segment.h"

/* Ended within ROOM_SIZE and of the alphabet of names; an inbox's begins with '@'. */
bool slot_name_is_sound(const char name[ROOM_SIZE], bool inbox);
/* Of a user that lives, and with an intent whose numbers can be followed. */
bool slot_window_is_sound(const struct shm *shm, struct window *window);
/* Free, its lock kept. */
void slot_window_clear(struct window *window);

#endif
