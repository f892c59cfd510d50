/*
 * The user table: names to slots. A slot is taken at the first login, or when a pinned user is
 * first written to.
 */
#ifndef SHM_USER_H
#define SHM_USER_H

#include "shm/segment.h"

enum user_result { USER_OK, USER_NONE, USER_BUSY, USER_FULL_TABLE };

enum user_result user_find(struct shm *shm, const char *name, uint32_t *ret_user);
/* Finds or makes: the inbox gets its name and its epoch here. */
enum user_result user_make(struct shm *shm, const char *name, uint32_t *ret_user);
/*
 * A name passes to another person: fresh inbox epoch, empty list, no windows, no read mark.
 * Without sessions the slot is given back too. USER_OK, USER_NONE or USER_BUSY.
 */
enum user_result user_forget(struct shm *shm, const char *name);

/*
 * The person behind the name, as the bindings number him (login_identity.name_serial): the first
 * one is noted; with another one the slot is emptied as by user_forget. At login, before
 * session_attach: USER_OK, USER_NONE or USER_BUSY.
 */
enum user_result user_own(struct shm *shm, uint32_t user, uint64_t serial);
/*
 * Takes memory for the user's inbox unless it has it: 0, -EBUSY or -ENOSPC. Takes the user
 * table's lock, so the caller holds none.
 */
int user_make_inbox(struct shm *shm, uint32_t user);

/* The name, without the "@": false if the slot is free. */
bool user_name(const struct shm *shm, uint32_t user, char ret_name[NAME_SIZE]);
/* text NULL: back. Raises member_change of all the user's rooms. 0 or -EBUSY. */
int user_set_away(struct shm *shm, uint32_t user, const char *text);
/* True if away; text in ret_text. */
bool user_away(struct shm *shm, uint32_t user, char ret_text[AWAY_SIZE]);
/* Attached sessions of living workers now. */
unsigned user_connections(const struct shm *shm, uint32_t user);
bool user_present(const struct shm *shm, uint32_t user);
/* The inbox mark: keeps the higher of the two. Returns true if it moved. */
bool user_read_inbox(struct shm *shm, uint32_t user, uint64_t seq);

#endif
