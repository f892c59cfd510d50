/*
 * Sessions: one slot for each logged-in connection, and for each that was lost less
 * than the grace ago. Attach, lose, resume, expire are single compare-and-swaps of the word.
 */
#ifndef SHM_SESSION_H
#define SHM_SESSION_H

#include "shm/segment.h"

enum session_result { SESSION_OK, SESSION_BUSY, SESSION_FULL_TABLE, SESSION_TOO_MANY };

/*
 * A connection has logged in: resumes a lost session of the same user and device, else takes a
 * free slot. max_per_user 0: none. The first session of a user makes him present in all his rooms.
 */
enum session_result session_attach(struct shm *shm, uint32_t user, const char *device,
				   unsigned max_per_user, uint32_t *ret_session);
/*
 * The connection broke: present for `grace_ms` more. Never fails; on a busy lock the janitor
 * finishes it.
 */
void session_lose(struct shm *shm, uint32_t session, unsigned grace_ms);
/* `bye`: gone at once. */
void session_end(struct shm *shm, uint32_t session);
/* Janitor: dead workers' sessions become lost, expired ones are freed. Returns how many changed. */
unsigned session_sweep(struct shm *shm, uint64_t now_mono_ms, unsigned grace_ms);
/* Attached sessions of living workers. */
unsigned session_count(const struct shm *shm);

#endif
