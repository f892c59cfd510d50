/*
 * The inside of a private key, for the two files that make it: private_key.c (files, passphrases,
 * signing) and private_key_parts.c (numbers into keys, and keys into their public half).
 */
#ifndef AUTH_PRIVATE_KEY_PARTS_H
#define AUTH_PRIVATE_KEY_PARTS_H

#include "auth/private_key.h"
#include "auth/pubkey.h"

#include <openssl/evp.h>
#include <sodium.h>

struct private_key {
	enum key_type type;
	unsigned char ed25519[crypto_sign_SECRETKEYBYTES];
	EVP_PKEY *pkey; /* RSA and ECDSA */
	struct buf public_blob;
};

/*
 * The open private part of an openssh-key-v1 container (PROTOCOL.key, section 3): fills type and
 * ed25519 or pkey. 0, -EBADMSG or -ENOTSUP.
 */
int private_key_read_part(struct wire_bytes part, struct private_key *key);
/* Fills public_blob: 0, -EBADMSG, -ENOTSUP or -ENOMEM. */
int private_key_put_public(struct private_key *key);

#endif
