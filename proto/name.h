/*
 * Names of rooms and users: [a-z0-9][a-z0-9_.-]{0,31}. ASCII upper case is
 * folded, a leading '#' on a room is dropped, and "@alice" is alice's inbox.
 * Which names are reserved is auth's business.
 */
#ifndef PROTO_NAME_H
#define PROTO_NAME_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

/* A user's or a room's name as it stands on the wire: already folded, no '#', no '@'. */
bool name_is_valid(const char *name, size_t len);
/* name_is_valid, or '@' and a valid name. */
bool room_name_is_valid(const char *name, size_t len);
/* 1..32 of A-Za-z0-9_.- */
bool device_name_is_valid(const char *name, size_t len);
/* "@alice": the name of an inbox. */
bool name_is_inbox(const char *room);

/* A to Z become a to z, in place. */
void name_fold_bytes(char *bytes, size_t len);
/* Folds a user's name: 0, or -EINVAL if it isn't one even so. */
int name_fold(const char *name, size_t len, char ret_name[NAME_SIZE]);
/* Folds a room's name, drops one leading '#', keeps a leading '@': 0 or -EINVAL. */
int room_name_fold(const char *name, size_t len, char ret_room[ROOM_SIZE]);

#endif
