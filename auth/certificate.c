#include "auth/certificate.h"
#include "auth/signature.h"

#include <string.h>

#define CERT_SUFFIX "-cert-v01@openssh.com"
#define CERT_USER 1u
#define PRINCIPALS_MAX 256u /* as OpenSSH */
#define SOURCE_MAX 4096u

/*
 * The plain type of a certificate's type name: "ssh-rsa-cert-v01@openssh.com" is
 * ssh-rsa, and "sk-ssh-ed25519-cert-v01@openssh.com" is sk-ssh-ed25519@openssh.com.
 */
static bool cert_type_find(struct wire_bytes name, enum key_type *ret_type)
{
	const size_t suffix = sizeof(CERT_SUFFIX) - 1;

	if (name.len <= suffix || memcmp(name.data + name.len - suffix, CERT_SUFFIX, suffix) != 0)
		return false;
	for (int type = KEY_ED25519; type <= KEY_SK_ECDSA256; type++) {
		const char *plain = key_type_name((enum key_type)type);
		size_t stem = strcspn(plain, "@");

		if (name.len - suffix == stem && memcmp(name.data, plain, stem) == 0) {
			*ret_type = (enum key_type)type;
			return true;
		}
	}
	return false;
}

bool certificate_is(const void *blob, size_t len)
{
	struct wire_reader r = wire_reader(blob, len);
	struct wire_bytes name;
	enum key_type type;

	return wire_get_string(&r, &name) == 0 && cert_type_find(name, &type);
}

static bool strings_are_whole(struct wire_bytes list, unsigned step, unsigned max)
{
	struct wire_reader r = wire_reader(list.data, list.len);
	struct wire_bytes entry;
	unsigned count = 0;

	while (!wire_at_end(&r)) {
		for (unsigned i = 0; i < step; i++)
			if (wire_get_string(&r, &entry) < 0)
				return false;
		if (++count > max)
			return false;
	}
	return true;
}

enum verdict certificate_parse(const void *blob, size_t len, struct certificate *ret_cert)
{
	struct wire_reader r = wire_reader(blob, len);
	struct wire_bytes name, nonce, reserved, ca;
	struct certificate cert = {0};
	enum verdict verdict;
	enum key_type type;

	if (wire_get_string(&r, &name) < 0)
		return VERDICT_MALFORMED;
	if (!cert_type_find(name, &type))
		return VERDICT_UNSUPPORTED_KEY;
	if (wire_get_string(&r, &nonce) < 0)
		return VERDICT_MALFORMED;
	verdict = pubkey_parse_fields(&r, type, &cert.key);
	if (verdict != VERDICT_OK)
		return verdict;
	if (wire_get_u64(&r, &cert.serial) < 0 || wire_get_u32(&r, &cert.type) < 0 ||
	    wire_get_string(&r, &cert.key_id) < 0 || wire_get_string(&r, &cert.principals) < 0 ||
	    wire_get_u64(&r, &cert.valid_after) < 0 || wire_get_u64(&r, &cert.valid_before) < 0 ||
	    wire_get_string(&r, &cert.critical) < 0 || wire_get_string(&r, &cert.extensions) < 0 ||
	    wire_get_string(&r, &reserved) < 0 || wire_get_string(&r, &ca) < 0)
		return VERDICT_MALFORMED;
	cert.tbs = (struct wire_bytes){.data = blob, .len = len - r.left};
	if (wire_get_string(&r, &cert.signature) < 0 || !wire_at_end(&r) ||
	    !strings_are_whole(cert.principals, 1, PRINCIPALS_MAX) ||
	    !strings_are_whole(cert.critical, 2, PRINCIPALS_MAX) ||
	    !strings_are_whole(cert.extensions, 2, PRINCIPALS_MAX))
		return VERDICT_MALFORMED;
	/* a certificate can't vouch for a certificate: pubkey_parse takes plain keys only */
	verdict = pubkey_parse(ca.data, ca.len, &cert.ca);
	if (verdict != VERDICT_OK)
		return verdict;
	pubkey_hash(&cert.ca, cert.ca_hash);
	*ret_cert = cert;
	return VERDICT_OK;
}

/* source-address: a string inside the option's data, checked against the peer. */
static enum verdict check_source(struct wire_bytes data, const struct address *peer)
{
	struct wire_reader r = wire_reader(data.data, data.len);
	struct wire_bytes list;
	char text[SOURCE_MAX];

	if (wire_get_string(&r, &list) < 0 || !wire_at_end(&r) || list.len >= sizeof(text) ||
	    memchr(list.data, '\0', list.len) != NULL)
		return VERDICT_MALFORMED;
	memcpy(text, list.data, list.len);
	text[list.len] = '\0';
	switch (address_match_networks(peer, text)) {
	case ADDRESS_INVALID:
		return VERDICT_CERT_SOURCE_ADDRESS;
	case ADDRESS_NO:
		return peer == NULL ? VERDICT_OK : VERDICT_CERT_SOURCE_ADDRESS;
	case ADDRESS_YES:
		return VERDICT_OK;
	}
	return VERDICT_CERT_SOURCE_ADDRESS;
}

/*
 * A critical option that we can't honour refuses the certificate. That goes for
 * force-command too: its CA allowed one command, and a chat isn't it.
 */
static enum verdict check_critical(struct wire_bytes critical, const struct address *peer,
				   struct certificate_demands *demands)
{
	struct wire_reader r = wire_reader(critical.data, critical.len);
	struct wire_bytes name, data;
	bool has_source = false;
	enum verdict verdict;

	while (!wire_at_end(&r)) {
		if (wire_get_string(&r, &name) < 0 || wire_get_string(&r, &data) < 0)
			return VERDICT_MALFORMED;
		if (wire_equal_text(name, "source-address") && !has_source) {
			has_source = true;
			verdict = check_source(data, peer);
			if (verdict != VERDICT_OK)
				return verdict;
		} else if (wire_equal_text(name, "verify-required") && data.len == 0) {
			demands->verify_required = true;
		} else {
			return VERDICT_CERT_CRITICAL_OPTION;
		}
	}
	return VERDICT_OK;
}

static bool has_extension(struct wire_bytes extensions, const char *wanted)
{
	struct wire_reader r = wire_reader(extensions.data, extensions.len);
	struct wire_bytes name, data;

	while (wire_get_string(&r, &name) == 0 && wire_get_string(&r, &data) == 0)
		if (wire_equal_text(name, wanted))
			return true;
	return false;
}

enum verdict certificate_check(const struct certificate *cert, int64_t now_s,
			       const struct address *peer, struct certificate_demands *ret_demands)
{
	struct certificate_demands demands = {0};
	struct signature signature;
	enum verdict verdict;

	if (cert->type != CERT_USER)
		return VERDICT_CERT_TYPE;
	if (signature_parse(cert->signature, &cert->ca, &signature) != VERDICT_OK ||
	    signature_verify(&signature, &cert->ca, cert->tbs.data, cert->tbs.len) != VERDICT_OK)
		return VERDICT_CERT_SIGNATURE;
	if (now_s < 0 || (uint64_t)now_s < cert->valid_after)
		return VERDICT_CERT_NOT_YET_VALID;
	if ((uint64_t)now_s >= cert->valid_before)
		return VERDICT_CERT_EXPIRED;
	/* without a principal it would be good for every name */
	if (cert->principals.len == 0)
		return VERDICT_CERT_PRINCIPAL;
	verdict = check_critical(cert->critical, peer, &demands);
	if (verdict != VERDICT_OK)
		return verdict;
	demands.no_touch_required = has_extension(cert->extensions, "no-touch-required");
	*ret_demands = demands;
	return VERDICT_OK;
}

bool certificate_next_principal(struct wire_reader *r, struct wire_bytes *ret_name)
{
	return !wire_at_end(r) && wire_get_string(r, ret_name) == 0;
}

bool certificate_has_principal(const struct certificate *cert, const char *name)
{
	struct wire_reader r = wire_reader(cert->principals.data, cert->principals.len);
	struct wire_bytes principal;

	while (certificate_next_principal(&r, &principal))
		if (wire_equal_text(principal, name))
			return true;
	return false;
}
