/*
 * SSHSIG (OpenSSH PROTOCOL.sshsig): reads a signature strictly and verifies it.
 *
 *	sshsig_decode(text, len, blob, &blob_len)       armor or bare base64 -> bytes
 *	sshsig_read(blob, blob_len, namespace, &sig)    bytes -> fields, all checked
 *	... is sig.key the key it should be? ...
 *	sshsig_verify(&sig, message, len)
 *
 * Stricter than ssh-keygen -Y verify: no reserved bytes, the namespace is compared whole, no
 * SHA-1, no DSA, no small RSA, no small-order points, canonical S, shortest numbers.
 * RSA signatures shorter than the modulus are taken (RFC 8332 §3 lets leading zeros be left out).
 * Nothing here keeps state; a struct sshsig is views into the blob.
 */
#ifndef AUTH_SSHSIG_H
#define AUTH_SSHSIG_H

#include "auth/certificate.h"
#include "auth/pubkey.h"
#include "auth/signature.h"

#define SSHSIG_TEXT_MAX ((size_t)12288) /* characters of the text form, armor included */
#define SSHSIG_BLOB_MAX (SSHSIG_TEXT_MAX / 4 * 3)

struct sshsig {
	bool certified; /* the public key is a certificate; then cert is set */
	struct certificate cert;
	struct pubkey key;        /* the plain key that signed; cert.key where certified */
	enum hash_algorithm hash; /* of the message */
	struct wire_bytes namespace;
	struct wire_bytes blob; /* the public key as it stands in the signature */
	struct signature signature;
};

/*
 * Text to bytes: "-----BEGIN SSH SIGNATURE-----" … or bare base64. VERDICT_OK or MALFORMED.
 * `blob` has room for SSHSIG_BLOB_MAX bytes.
 */
enum verdict sshsig_decode(const char *text, size_t len, uint8_t blob[SSHSIG_BLOB_MAX],
			   size_t *ret_len);
/* VERDICT_OK, MALFORMED, WRONG_NAMESPACE, UNSUPPORTED_KEY, BAD_KEY, UNSUPPORTED_SIGALG. */
enum verdict sshsig_read(const uint8_t *blob, size_t len, const char *namespace,
			 struct sshsig *ret_sig);
/* VERDICT_OK or BAD_SIGNATURE. Doesn't look at signature.sk_flags, nor at the certificate. */
enum verdict sshsig_verify(const struct sshsig *sig, const void *message, size_t len);
/*
 * The touch and PIN rule for security keys (true for other keys): VERDICT_OK, NO_TOUCH,
 * NOT_VERIFIED.
 */
enum verdict sshsig_check_sk(const struct sshsig *sig, bool no_touch_required,
			     bool verify_required);

#endif
