/*
 * OpenSSH user certificates (PROTOCOL.certkeys): read strictly, then judged.
 *
 *	certificate_parse -> is it one, and whose?      (cert.key signs, cert.ca vouches)
 *	certificate_check -> is it good here and now?   (CA signature, type, time, options, address)
 *	certificate_has_principal
 *
 * Whether the CA is trusted is the caller's business: compare cert.ca_hash.
 */
#ifndef AUTH_CERTIFICATE_H
#define AUTH_CERTIFICATE_H

#include "auth/address.h"
#include "auth/pubkey.h"

struct certificate {
	struct pubkey key; /* the plain key inside */
	struct pubkey ca;
	uint8_t ca_hash[KEY_HASH_BYTES];
	uint32_t type; /* 1 user, 2 host */
	uint64_t serial;
	struct wire_bytes key_id;           /* anything: clean before printing */
	struct wire_bytes principals;       /* strings one after the other; each was checked */
	uint64_t valid_after, valid_before; /* seconds; before is exclusive */
	struct wire_bytes critical, extensions;
	struct wire_bytes tbs; /* the bytes that the CA signed */
	struct wire_bytes signature;
};

/* Does the blob begin with a certificate's type name? */
bool certificate_is(const void *blob, size_t len);
/* VERDICT_OK, MALFORMED, UNSUPPORTED_KEY, BAD_KEY. All of `cert` are views into the blob. */
enum verdict certificate_parse(const void *blob, size_t len, struct certificate *ret_cert);

/* What a certificate says about the use of a security key. */
struct certificate_demands {
	bool no_touch_required; /* extension */
	bool verify_required;   /* critical option */
};

/*
 * Type, the CA's signature, validity at now_s, critical options, source-address against `peer`
 * (NULL: not checked). No principal at all is CERT_PRINCIPAL. VERDICT_OK sets ret_demands.
 */
enum verdict certificate_check(const struct certificate *cert, int64_t now_s,
			       const struct address *peer, struct certificate_demands *ret_demands);
/* Exact, as sshd compares. */
bool certificate_has_principal(const struct certificate *cert, const char *name);
/* Walks the principals: start with a reader over cert->principals. False at the end. */
bool certificate_next_principal(struct wire_reader *r, struct wire_bytes *ret_name);

#endif
