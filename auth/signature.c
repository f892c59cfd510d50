#include "auth/signature.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <string.h>

#define SK_SIGNED_MAX (2 * crypto_hash_sha256_BYTES + 5)

static bool type_is_ecdsa(enum key_type type)
{
	return type == KEY_ECDSA256 || type == KEY_ECDSA384 || type == KEY_ECDSA521 ||
	       type == KEY_SK_ECDSA256;
}

/* Does the algorithm go with the key? SHA-1 ("ssh-rsa") and webauthn's wrapping do not. */
static bool algorithm_fits(struct wire_bytes name, const struct pubkey *key,
			   enum hash_algorithm *ret_rsa_hash)
{
	if (key->type != KEY_RSA)
		return wire_equal_text(name, key_type_name(key->type));
	if (wire_equal_text(name, "rsa-sha2-512"))
		*ret_rsa_hash = HASH_SHA512;
	else if (wire_equal_text(name, "rsa-sha2-256"))
		*ret_rsa_hash = HASH_SHA256;
	else
		return false;
	return true;
}

enum verdict signature_parse(struct wire_bytes blob, const struct pubkey *key,
			     struct signature *ret_signature)
{
	struct wire_reader r = wire_reader(blob.data, blob.len), inner;
	struct signature sig = {0};
	struct wire_bytes name, value;

	if (wire_get_string(&r, &name) < 0 || wire_get_string(&r, &value) < 0)
		return VERDICT_MALFORMED;
	if (!algorithm_fits(name, key, &sig.rsa_hash))
		return VERDICT_UNSUPPORTED_SIGALG;
	if (key_type_is_sk(key->type) &&
	    (wire_get_u8(&r, &sig.sk_flags) < 0 || wire_get_u32(&r, &sig.sk_counter) < 0))
		return VERDICT_MALFORMED;
	if (!wire_at_end(&r))
		return VERDICT_MALFORMED;
	sig.raw = value;
	if (type_is_ecdsa(key->type)) {
		inner = wire_reader(value.data, value.len);
		if (wire_get_mpint(&inner, &sig.ecdsa_r) < 0 ||
		    wire_get_mpint(&inner, &sig.ecdsa_s) < 0 || !wire_at_end(&inner))
			return VERDICT_MALFORMED;
	} else if (key->type == KEY_RSA) {
		if (value.len == 0 || value.len > key->rsa_n.len)
			return VERDICT_MALFORMED;
	} else if (value.len != crypto_sign_BYTES) {
		return VERDICT_MALFORMED;
	}
	*ret_signature = sig;
	return VERDICT_OK;
}

/* An EVP key from what `build` holds, or NULL. */
int signature_prepare(void)
{
	if (sodium_init() < 0 || OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		return -EIO;
	return 0;
}

static EVP_PKEY *evp_key_make(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *pkey = NULL;

	if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static bool evp_verify(EVP_PKEY *pkey, const EVP_MD *md, const uint8_t *sig, size_t sig_len,
		       const void *message, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, sig, sig_len, message, len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool verify_rsa(const struct signature *sig, const struct pubkey *key, const void *message,
		       size_t len)
{
	uint8_t padded[RSA_BITS_MAX / 8] = {0};
	size_t modulus = key->rsa_n.len;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(key->rsa_n.data, (int)key->rsa_n.len, NULL);
	BIGNUM *e = BN_bin2bn(key->rsa_e.data, (int)key->rsa_e.len, NULL);
	EVP_PKEY *pkey = NULL;
	bool ok = false;

	/* leading zeros may have been left out */
	memcpy(padded + modulus - sig->raw.len, sig->raw.data, sig->raw.len);
	if (build != NULL && n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = evp_key_make("RSA", build);
	if (pkey != NULL)
		ok = evp_verify(pkey, sig->rsa_hash == HASH_SHA512 ? EVP_sha512() : EVP_sha256(),
				padded, modulus, message, len);
	EVP_PKEY_free(pkey);
	BN_free(e);
	BN_free(n);
	OSSL_PARAM_BLD_free(build);
	return ok;
}

static const char *ecdsa_group(enum key_type type)
{
	return type == KEY_ECDSA384   ? "secp384r1"
	       : type == KEY_ECDSA521 ? "secp521r1"
				      : "prime256v1";
}

static const EVP_MD *ecdsa_digest(enum key_type type)
{
	return type == KEY_ECDSA384   ? EVP_sha384()
	       : type == KEY_ECDSA521 ? EVP_sha512()
				      : EVP_sha256();
}

static bool verify_ecdsa(const struct signature *sig, const struct pubkey *key, const void *message,
			 size_t len)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig->ecdsa_r.data, (int)sig->ecdsa_r.len, NULL);
	BIGNUM *s = BN_bin2bn(sig->ecdsa_s.data, (int)sig->ecdsa_s.len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	unsigned char *der = NULL;
	int der_len = 0;
	bool ok = false;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = NULL;
		s = NULL;
		der_len = i2d_ECDSA_SIG(pair, &der);
	}
	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					    ecdsa_group(key->type), 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, key->point.data,
					     key->point.len) == 1)
		pkey = evp_key_make("EC", build);
	if (pkey != NULL && der_len > 0)
		ok = evp_verify(pkey, ecdsa_digest(key->type), der, (size_t)der_len, message, len);
	EVP_PKEY_free(pkey);
	OSSL_PARAM_BLD_free(build);
	OPENSSL_free(der);
	BN_free(s);
	BN_free(r);
	ECDSA_SIG_free(pair);
	return ok;
}

/* What a security key signs instead of the message (PROTOCOL.u2f). */
static size_t sk_signed_bytes(const struct signature *sig, const struct pubkey *key,
			      const void *message, size_t len, uint8_t out[SK_SIGNED_MAX])
{
	uint8_t *at = out;

	crypto_hash_sha256(at, key->application.data, key->application.len);
	at += crypto_hash_sha256_BYTES;
	*at++ = sig->sk_flags;
	for (unsigned shift = 32; shift > 0; shift -= 8)
		*at++ = (uint8_t)(sig->sk_counter >> (shift - 8));
	crypto_hash_sha256(at, message, len);
	return SK_SIGNED_MAX;
}

enum verdict signature_verify(const struct signature *sig, const struct pubkey *key,
			      const void *message, size_t len)
{
	uint8_t sk_signed[SK_SIGNED_MAX];
	bool ok;

	if (key_type_is_sk(key->type)) {
		len = sk_signed_bytes(sig, key, message, len, sk_signed);
		message = sk_signed;
	}
	if (key->type == KEY_RSA)
		ok = verify_rsa(sig, key, message, len);
	else if (type_is_ecdsa(key->type))
		ok = verify_ecdsa(sig, key, message, len);
	else
		/* refuses small-order points and S not below the group's order */
		ok = crypto_sign_verify_detached(sig->raw.data, message, len, key->point.data) == 0;
	return ok ? VERDICT_OK : VERDICT_BAD_SIGNATURE;
}
