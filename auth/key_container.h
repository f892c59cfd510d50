/*
 * The outside of an openssh-key-v1 file (OpenSSH PROTOCOL.key): which cipher, which public key,
 * and the bytes of the private part, open or encrypted.
 *
 *	-----BEGIN OPENSSH PRIVATE KEY-----
 *	base64 of  "openssh-key-v1\0", cipher, kdf, kdf options, 1, public key, private part
 *	-----END OPENSSH PRIVATE KEY-----
 *
 * Strict: one key, and nothing behind it but the tag of an authenticated cipher.
 */
#ifndef AUTH_KEY_CONTAINER_H
#define AUTH_KEY_CONTAINER_H

#include "auth/wire.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ssh-keygen -a: 16 to 24 by default; a thousand take some ten seconds. */
#define KEY_CONTAINER_ROUNDS_MAX 2000u

struct key_container {
	struct buf bytes; /* decoded; the views below point into it; wiped at the end */
	char cipher[48];  /* "none" where it is open */
	char kdf[16];
	uint32_t rounds;        /* bcrypt's; 0 without a KDF */
	struct wire_bytes salt; /* 1 to 64 bytes, or none */
	struct wire_bytes public_blob;
	struct wire_bytes private_part;
	struct wire_bytes tag; /* of an authenticated cipher: 16 bytes, or none */
};

/* Does the text look like one at all? */
bool key_container_is(const char *text, size_t len);
/* 0, -EBADMSG or -ENOMEM. */
int key_container_read(const char *text, size_t len, struct key_container *ret_container);
void key_container_finish(struct key_container *container);

#endif
