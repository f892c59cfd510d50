/*
 * A server's TLS identity: its certificate and private key as PEM text, as in the files of
 * --tls-cert and --tls-key, and what people see of it.
 *
 * The fingerprint is of the public key (the certificate's SubjectPublicKeyInfo, RFC 5280 §4.1),
 * SHA-256 in base64 without padding: "SHA256:…", the form in which OpenSSH shows keys. So a
 * renewed certificate with the same key is the same server to those who have pinned it.
 */
#ifndef AUTH_TLS_IDENTITY_H
#define AUTH_TLS_IDENTITY_H

#include "base/buf.h"
#include "base/limits.h"

#include <stdint.h>

#define TLS_IDENTITY_YEARS 10u /* how long a certificate of our own making is good */

/*
 * Makes a P-256 key (every browser takes it, unlike Ed25519) and a certificate for it that it
 * signs itself, for these names and "localhost"; NULL ends the list, "" entries are passed over.
 * Appends both as PEM. 0, -ENOMEM or -EIO.
 */
int tls_identity_make(const char *const *names, int64_t now_s, struct buf *ret_cert,
		      struct buf *ret_key);

struct tls_identity_info {
	char fingerprint[FINGERPRINT_SIZE];
	int64_t not_after_s;
	char names[1024]; /* DNS names and addresses of the certificate, one a line; no wildcards */
};

/*
 * Reads the first certificate, checks that all of them can be read and that the key is its own
 * (key_pem NULL: no key is looked at). 0, or -EBADMSG with a sentence in `error`; or -ENOMEM.
 */
int tls_identity_read(const struct buf *cert_pem, const struct buf *key_pem,
		      struct tls_identity_info *ret_info, struct buf *error);

/* The fingerprint of a public key: of its SubjectPublicKeyInfo in DER. */
void tls_fingerprint(const void *spki, size_t len, char out[FINGERPRINT_SIZE]);

#endif
