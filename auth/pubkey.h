/*
 * SSH public keys: the plain ones we accept (RFC 4253 §6.6, RFC 5656 §3.1,
 * RFC 8709, PROTOCOL.u2f), and the outside of a certificate (certificate.h).
 *
 * A struct pubkey is views into the blob it was read from: keep that alive.
 * The parser is strict where others are lax: nothing may follow the last field,
 * numbers stand in their shortest form, RSA has 2048 to 8192 bits and an odd
 * exponent from 3 to 2^64-1, points are uncompressed and on their curve.
 */
#ifndef AUTH_PUBKEY_H
#define AUTH_PUBKEY_H

#include "auth/verdict.h"
#include "auth/wire.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_HASH_BYTES 32u  /* SHA-256 of the plain key blob: what identifies a key here */
#define KEY_BLOB_MAX 16384u /* a certificate with its principals, an RSA key and an RSA CA */
#define RSA_BITS_MIN 2048u
#define RSA_BITS_MAX 8192u

enum key_type {
	KEY_ED25519,
	KEY_RSA,
	KEY_ECDSA256,
	KEY_ECDSA384,
	KEY_ECDSA521,
	KEY_SK_ED25519, /* FIDO: signed through a security key */
	KEY_SK_ECDSA256,
};

struct pubkey {
	enum key_type type;
	struct wire_bytes fields;       /* all of the plain blob behind the type name */
	struct wire_bytes point;        /* ed25519: 32 bytes; ecdsa: 0x04, x, y */
	struct wire_bytes rsa_e, rsa_n; /* big-endian, no leading zeros */
	struct wire_bytes application;  /* sk: "ssh:" and the like */
};

/* "ssh-ed25519", "ssh-rsa", ...: the name of the plain type. */
const char *key_type_name(enum key_type type);
/* "ED25519", "RSA", "ECDSA", "ED25519-SK", "ECDSA-SK": as ssh-keygen -l prints it. */
const char *key_type_label(enum key_type type);
bool key_type_is_sk(enum key_type type);
/* By the name in a blob; false if it isn't one of ours. */
bool key_type_find(struct wire_bytes name, enum key_type *ret_type);

/*
 * A whole plain blob. VERDICT_OK, MALFORMED, UNSUPPORTED_KEY (another type, certificates too),
 * BAD_KEY.
 */
enum verdict pubkey_parse(const void *blob, size_t len, struct pubkey *ret_key);
/* The fields of a key behind its type name, from a reader: for certificates. */
enum verdict pubkey_parse_fields(struct wire_reader *r, enum key_type type, struct pubkey *ret_key);
/*
 * Is an ed25519 point of the large prime order group? Verification refuses the others anyway; a
 * keys file should say so at once. True for the other types.
 */
bool pubkey_is_sound(const struct pubkey *key);
/* Bits as ssh-keygen -l tells them. */
unsigned pubkey_bits(const struct pubkey *key);

void pubkey_hash(const struct pubkey *key, uint8_t ret_hash[KEY_HASH_BYTES]);
/* The plain blob, appended: a certificate's key without the certificate. */
void pubkey_put_blob(const struct pubkey *key, struct buf *buf);
/* "SHA256:" and base64 without padding, as OpenSSH prints it. */
void fingerprint_format(const uint8_t hash[KEY_HASH_BYTES], char out[FINGERPRINT_SIZE]);
/* Reads what fingerprint_format wrote: 0 or -EINVAL. */
int fingerprint_parse(const char *text, uint8_t ret_hash[KEY_HASH_BYTES]);
/* Both at once. */
void pubkey_fingerprint(const struct pubkey *key, char out[FINGERPRINT_SIZE]);

/*
 * "TYPE BASE64 [COMMENT]" as in a .pub file, certificates included: appends the decoded blob to
 * ret_blob and gives the comment (a view into the text; may be NULL). Checks that the blob names
 * the type in front of it, not more. 0 or -EBADMSG.
 */
int pubkey_text_decode(const char *text, size_t len, struct buf *ret_blob,
		       struct wire_bytes *ret_comment);

#endif
