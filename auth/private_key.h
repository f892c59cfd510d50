/*
 * A private-key file of OpenSSH's kinds, read and used to sign.
 *
 *	struct private_key_info info;
 *
 *	private_key_inspect(text, len, &info)          no passphrase needed: what is it?
 *	private_key_load(text, len, passphrase, &key)  -EACCES: (another) passphrase, please
 *	private_key_sign(key, data, len, &signature)
 *	private_key_destroy(key)
 *
 * openssh-key-v1 files are read here, with any cipher of ssh-keygen -Z; PEM and PKCS#8 by
 * libcrypto. What nobody here reads is left to `ssh-keygen -Y sign`: security keys and DSA, whose
 * private half is not in the file or not to be used, and ciphers we do not know. libssh would do
 * for fewer: 0.10.6 crashes on aes-gcm and chacha20 files and cannot hand out an RSA key.
 */
#ifndef AUTH_PRIVATE_KEY_H
#define AUTH_PRIVATE_KEY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIVATE_KEY_FILE_MAX 65536u /* a file larger than this is no key of ours */

enum private_key_reader {
	PRIVATE_KEY_READ_HERE,       /* openssh-key-v1, open or encrypted */
	PRIVATE_KEY_READ_LIBCRYPTO,  /* PEM, PKCS#8 */
	PRIVATE_KEY_READ_SSH_KEYGEN, /* private_key_load() answers -ENOTSUP */
};

struct private_key_info {
	enum private_key_reader reader;
	bool encrypted;
	char cipher[48];        /* as the container names it; "" for PEM */
	struct buf public_blob; /* the plain public key where the container tells it; else empty */
};

struct private_key;

/* What the text holds: 0, -EBADMSG (not a private key), or -ENOMEM. */
int private_key_inspect(const char *text, size_t len, struct private_key_info *ret_info);
void private_key_info_finish(struct private_key_info *info);

/*
 * Reads the key; `passphrase` may be NULL. 0; -EACCES: it is encrypted and this passphrase (or
 * none) does not open it; -ENOTSUP: ssh-keygen has to sign with it; -EBADMSG: damaged; -ENOMEM.
 */
int private_key_load(const char *text, size_t len, const char *passphrase,
		     struct private_key **ret_key);
/* Wipes it; accepts NULL. */
void private_key_destroy(struct private_key *key);

/* The plain public key in SSH wire form (RFC 4253 §6.6); belongs to the key. */
const struct buf *private_key_public(const struct private_key *key);

/*
 * Signs `data`: appends an SSH signature blob, string algorithm and string signature (RFC 4253
 * §6.6, RFC 5656 §3.1.2, RFC 8332: RSA with rsa-sha2-512). 0, -EIO or -ENOMEM.
 */
int private_key_sign(const struct private_key *key, const void *data, size_t len,
		     struct buf *signature);

#endif
