/* A user's sessions, from the session words alone. */
#ifndef SHM_SESSION_CHAIN_H
#define SHM_SESSION_CHAIN_H

#include "shm/session.h"

static inline uint64_t session_word(enum session_state state, unsigned worker, uint32_t generation,
				    uint32_t user)
{
	return (uint64_t)state << 62 | (uint64_t)(worker & 63) << 56 |
	       (uint64_t)(generation & 0xffffff) << 32 | user;
}
static inline enum session_state session_word_state(uint64_t word)
{
	return (enum session_state)(word >> 62);
}
static inline uint32_t session_word_user(uint64_t word)
{
	return (uint32_t)word;
}
/* Its worker is alive and the one that attached it. */
bool session_word_is_current(const struct shm *shm, uint64_t word);

/* Makes the user's chain and `sessions` anew. Under the user's lock. */
void session_chain_rebuild(struct shm *shm, uint32_t user);
/* The same of all users in one pass, where nobody else is. */
void session_chains_rebuild(struct shm *shm);

#endif
