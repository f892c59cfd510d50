/*
 * The inner SSH signature: string algorithm, string value (RFC 4253 §6.6 and
 * its successors), as it stands in an SSHSIG and in a certificate.
 */
#ifndef AUTH_SIGNATURE_H
#define AUTH_SIGNATURE_H

#include "auth/pubkey.h"

/* sk_flags, as the security key signs them */
#define SK_USER_PRESENT 0x01u
#define SK_USER_VERIFIED 0x04u

enum hash_algorithm { HASH_SHA256, HASH_SHA512 };

struct signature {
	enum hash_algorithm rsa_hash; /* of rsa-sha2-256, rsa-sha2-512 */
	struct wire_bytes raw;        /* ed25519: 64 bytes; rsa: at most the modulus' length */
	struct wire_bytes ecdsa_r, ecdsa_s;
	uint8_t sk_flags; /* 0 for keys that aren't security keys */
	uint32_t sk_counter;
};

/*
 * What the libraries would do at the first signature: reading their configuration, among other
 * files. For processes that give files up before. 0 or -EIO.
 */
int signature_prepare(void);

/* For this key: VERDICT_OK, MALFORMED or UNSUPPORTED_SIGALG. */
enum verdict signature_parse(struct wire_bytes blob, const struct pubkey *key,
			     struct signature *ret_signature);
/* VERDICT_OK or BAD_SIGNATURE. About 45 µs for ed25519. */
enum verdict signature_verify(const struct signature *signature, const struct pubkey *key,
			      const void *message, size_t len);

#endif
