/*
 * The key derivation of encrypted openssh-key-v1 files: bcrypt_pbkdf of OpenBSD, that is PBKDF2
 * with a bcrypt of its own as the function (bcrypt_pbkdf(3)). No library here offers it.
 *
 * Blowfish's boxes are the first 33,344 bits of the fraction of pi; they are computed at the
 * first use (some tens of milliseconds, less than one derivation takes) instead of being listed.
 */
#ifndef AUTH_BCRYPT_PBKDF_H
#define AUTH_BCRYPT_PBKDF_H

#include <stddef.h>
#include <stdint.h>

#define BCRYPT_SALT_MAX 64u
#define BCRYPT_KEY_MAX 1024u

/*
 * Fills key[key_len]. 0; -EINVAL: no passphrase, salt, rounds or key, or one too long; -ENOMEM.
 * About 5 ms a round.
 */
int bcrypt_pbkdf(const char *passphrase, size_t passphrase_len, const uint8_t *salt,
		 size_t salt_len, uint32_t rounds, uint8_t *key, size_t key_len);

#endif
