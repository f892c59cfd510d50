/*
 * Opens the private part of an encrypted openssh-key-v1 container: every cipher that ssh-keygen -Z
 * offers today, with bcrypt_pbkdf as the way from passphrase to key.
 */
#ifndef AUTH_KEY_CIPHER_H
#define AUTH_KEY_CIPHER_H

#include "auth/key_container.h"

/* Do we have its cipher, and would its rounds end in reasonable time? */
bool key_cipher_knows(const struct key_container *container);
/*
 * Appends the decrypted private part (wipe it). 0; -EACCES: wrong passphrase, where the cipher can
 * tell (the others: the check numbers of the result differ); -ENOTSUP; -EBADMSG; -ENOMEM.
 */
int key_cipher_open(const struct key_container *container, const char *passphrase,
		    struct buf *plain);

#endif
