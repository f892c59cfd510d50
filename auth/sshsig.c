#include "auth/sshsig.h"
#include "auth/base64.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define ARMOR_BEGIN "-----BEGIN SSH SIGNATURE-----"
#define ARMOR_END "\n-----END SSH SIGNATURE-----"
#define MAGIC "SSHSIG"
#define MAGIC_LEN 6u
#define VERSION 1u
#define WHITE " \t\r\n\v\f"

/* "SSHSIG", then namespace, reserved, hash name and hash, each with its length. */
#define SIGNED_MAX (MAGIC_LEN + 4 * 4 + SSHSIG_BLOB_MAX + crypto_hash_sha512_BYTES)

enum verdict sshsig_decode(const char *text, size_t len, uint8_t blob[SSHSIG_BLOB_MAX],
			   size_t *ret_len)
{
	const size_t begin_len = sizeof(ARMOR_BEGIN) - 1, end_len = sizeof(ARMOR_END) - 1;
	const char *end;

	if (len > SSHSIG_TEXT_MAX)
		return VERDICT_MALFORMED;
	if (len >= begin_len && memcmp(text, ARMOR_BEGIN, begin_len) == 0) {
		text += begin_len;
		len -= begin_len;
		if (len == 0 || (text[0] != '\n' && text[0] != '\r'))
			return VERDICT_MALFORMED;
		end = memmem(text, len, ARMOR_END, end_len);
		if (end == NULL)
			return VERDICT_MALFORMED;
		for (const char *at = end + end_len; at < text + len; at++)
			if (*at == '\0' || strchr(WHITE, *at) == NULL)
				return VERDICT_MALFORMED;
		len = (size_t)(end - text);
	}
	if (base64_decode(text, len, WHITE, blob, SSHSIG_BLOB_MAX, ret_len) < 0)
		return VERDICT_MALFORMED;
	return VERDICT_OK;
}

static bool hash_find(struct wire_bytes name, enum hash_algorithm *ret_hash)
{
	if (wire_equal_text(name, "sha512"))
		*ret_hash = HASH_SHA512;
	else if (wire_equal_text(name, "sha256"))
		*ret_hash = HASH_SHA256;
	else
		return false;
	return true;
}

enum verdict sshsig_read(const uint8_t *blob, size_t len, const char *namespace,
			 struct sshsig *ret_sig)
{
	struct wire_reader r = wire_reader(blob, len);
	struct wire_bytes magic, reserved, hash, inner;
	struct sshsig sig = {0};
	enum verdict verdict;
	uint32_t version;

	if (wire_get_raw(&r, MAGIC_LEN, &magic) < 0 || !wire_equal_text(magic, MAGIC) ||
	    wire_get_u32(&r, &version) < 0 || version != VERSION ||
	    wire_get_string(&r, &sig.blob) < 0 || wire_get_string(&r, &sig.namespace) < 0 ||
	    wire_get_string(&r, &reserved) < 0 || wire_get_string(&r, &hash) < 0 ||
	    wire_get_string(&r, &inner) < 0 || !wire_at_end(&r))
		return VERDICT_MALFORMED;
	/* the reserved bytes are not signed over by older tools: whatever stands there is a lie */
	if (reserved.len > 0 || !hash_find(hash, &sig.hash))
		return VERDICT_MALFORMED;
	if (!wire_equal_text(sig.namespace, namespace))
		return VERDICT_WRONG_NAMESPACE;

	sig.certified = certificate_is(sig.blob.data, sig.blob.len);
	if (sig.certified) {
		verdict = certificate_parse(sig.blob.data, sig.blob.len, &sig.cert);
		sig.key = sig.cert.key;
	} else {
		verdict = pubkey_parse(sig.blob.data, sig.blob.len, &sig.key);
	}
	if (verdict != VERDICT_OK)
		return verdict;
	verdict = signature_parse(inner, &sig.key, &sig.signature);
	if (verdict != VERDICT_OK)
		return verdict;
	*ret_sig = sig;
	return VERDICT_OK;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_string(uint8_t *at, const void *bytes, size_t len)
{
	for (unsigned shift = 32; shift > 0; shift -= 8)
		*at++ = (uint8_t)(len >> (shift - 8));
	return put_bytes(at, bytes, len);
}

enum verdict sshsig_verify(const struct sshsig *sig, const void *message, size_t len)
{
	uint8_t signed_bytes[SIGNED_MAX], digest[crypto_hash_sha512_BYTES], *at = signed_bytes;
	size_t digest_len;

	if (sig->hash == HASH_SHA512) {
		crypto_hash_sha512(digest, message, len);
		digest_len = crypto_hash_sha512_BYTES;
	} else {
		crypto_hash_sha256(digest, message, len);
		digest_len = crypto_hash_sha256_BYTES;
	}
	at = put_bytes(at, MAGIC, MAGIC_LEN);
	at = put_string(at, sig->namespace.data, sig->namespace.len);
	at = put_string(at, NULL, 0);
	at = put_string(at, sig->hash == HASH_SHA512 ? "sha512" : "sha256", 6);
	at = put_string(at, digest, digest_len);
	return signature_verify(&sig->signature, &sig->key, signed_bytes,
				(size_t)(at - signed_bytes));
}

enum verdict sshsig_check_sk(const struct sshsig *sig, bool no_touch_required, bool verify_required)
{
	if (!key_type_is_sk(sig->key.type))
		return VERDICT_OK;
	if (!no_touch_required && (sig->signature.sk_flags & SK_USER_PRESENT) == 0)
		return VERDICT_NO_TOUCH;
	if (verify_required && (sig->signature.sk_flags & SK_USER_VERIFIED) == 0)
		return VERDICT_NOT_VERIFIED;
	return VERDICT_OK;
}
