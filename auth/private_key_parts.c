#include "auth/private_key_parts.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

static const char *ecdsa_curve(enum key_type type)
{
	if (type == KEY_ECDSA256)
		return "nistp256";
	return type == KEY_ECDSA384 ? "nistp384" : "nistp521";
}

static const char *ecdsa_group(enum key_type type)
{
	if (type == KEY_ECDSA256)
		return "P-256";
	return type == KEY_ECDSA384 ? "P-384" : "P-521";
}

/* ---- numbers into keys */

static EVP_PKEY *make_pkey(const char *algorithm, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	EVP_PKEY *pkey = NULL;

	if (!params || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return pkey;
}

static BIGNUM *number(struct wire_bytes bytes)
{
	return BN_bin2bn(bytes.data, (int)bytes.len, NULL);
}

/*
 * n, e, d, iqmp, p, q; the last three only speed signing up, and d alone cannot be wrong by half.
 */
static EVP_PKEY *read_rsa(struct wire_reader *reader)
{
	struct wire_bytes field[6];
	BIGNUM *n = NULL, *e = NULL, *d = NULL;
	OSSL_PARAM_BLD *builder = NULL;
	EVP_PKEY *pkey = NULL;

	for (size_t i = 0; i < 6; i++) {
		if (wire_get_mpint(reader, &field[i]) < 0 || field[i].len == 0)
			return NULL;
	}
	n = number(field[0]);
	e = number(field[1]);
	d = number(field[2]);
	builder = OSSL_PARAM_BLD_new();
	if (n && e && d && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d))
		pkey = make_pkey("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	BN_clear_free(d);
	return pkey;
}

/* curve, Q, d */
static EVP_PKEY *read_ecdsa(struct wire_reader *reader, enum key_type type)
{
	struct wire_bytes curve, point, scalar;
	OSSL_PARAM_BLD *builder = NULL;
	EVP_PKEY *pkey = NULL;
	BIGNUM *d = NULL;

	if (wire_get_string(reader, &curve) < 0 || !wire_equal_text(curve, ecdsa_curve(type)) ||
	    wire_get_string(reader, &point) < 0 || wire_get_mpint(reader, &scalar) < 0 ||
	    scalar.len == 0)
		return NULL;
	d = number(scalar);
	builder = OSSL_PARAM_BLD_new();
	if (d && builder &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, ecdsa_group(type),
					    0) &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data,
					     point.len) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d))
		pkey = make_pkey("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_clear_free(d);
	return pkey;
}

static int read_ed25519(struct wire_reader *reader, struct private_key *key)
{
	struct wire_bytes public, secret;
	unsigned char pair[crypto_sign_PUBLICKEYBYTES];
	unsigned char full[crypto_sign_SECRETKEYBYTES];
	int rc = -EBADMSG;

	if (wire_get_string(reader, &public) < 0 || public.len != crypto_sign_PUBLICKEYBYTES ||
	    wire_get_string(reader, &secret) < 0 || secret.len != crypto_sign_SECRETKEYBYTES)
		return -EBADMSG;
	/* The seed decides; a file whose halves differ would sign for nobody. */
	if (crypto_sign_seed_keypair(pair, full, secret.data) == 0 &&
	    memcmp(pair, public.data, sizeof(pair)) == 0 &&
	    memcmp(full, secret.data, sizeof(full)) == 0) {
		memcpy(key->ed25519, full, sizeof(full));
		rc = 0;
	}
	sodium_memzero(full, sizeof(full));
	return rc;
}

/* ---- the private part of an open container */

static bool padding_is_right(const struct wire_reader *reader)
{
	for (size_t i = 0; i < reader->left; i++) {
		if (reader->at[i] != (uint8_t)(i + 1))
			return false;
	}
	return reader->left < 256;
}

int private_key_read_part(struct wire_bytes part, struct private_key *key)
{
	struct wire_reader reader = wire_reader(part.data, part.len);
	uint32_t check1 = 0, check2 = 0;
	struct wire_bytes name, comment;
	int rc = 0;

	if (wire_get_u32(&reader, &check1) < 0 || wire_get_u32(&reader, &check2) < 0 ||
	    check1 != check2 || wire_get_string(&reader, &name) < 0 ||
	    !key_type_find(name, &key->type))
		return -EBADMSG;
	switch (key->type) {
	case KEY_ED25519:
		rc = read_ed25519(&reader, key);
		break;
	case KEY_RSA:
		key->pkey = read_rsa(&reader);
		rc = key->pkey ? 0 : -EBADMSG;
		break;
	case KEY_ECDSA256:
	case KEY_ECDSA384:
	case KEY_ECDSA521:
		key->pkey = read_ecdsa(&reader, key->type);
		rc = key->pkey ? 0 : -EBADMSG;
		break;
	case KEY_SK_ED25519:
	case KEY_SK_ECDSA256:
		rc = -ENOTSUP;
		break;
	}
	if (rc == 0 && (wire_get_string(&reader, &comment) < 0 || !padding_is_right(&reader)))
		rc = -EBADMSG;
	return rc;
}

/* ---- the public half */

static int put_rsa_public(const EVP_PKEY *pkey, struct buf *blob)
{
	static const char *const params[] = {OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_N};
	unsigned char bytes[WIRE_MPINT_MAX];

	wire_put_text(blob, "ssh-rsa");
	for (size_t i = 0; i < 2; i++) {
		BIGNUM *value = NULL;
		int len;

		if (!EVP_PKEY_get_bn_param(pkey, params[i], &value))
			return -EBADMSG;
		len = BN_num_bytes(value);
		if (len > (int)sizeof(bytes)) {
			BN_free(value);
			return -EBADMSG;
		}
		BN_bn2bin(value, bytes);
		BN_free(value);
		wire_put_mpint(blob, bytes, (size_t)len);
	}
	return 0;
}

static int put_ecdsa_public(const EVP_PKEY *pkey, enum key_type type, struct buf *blob)
{
	unsigned char point[1 + 2 * 66];
	size_t len = 0;
	BIGNUM *x = NULL, *y = NULL;
	int size = type == KEY_ECDSA256 ? 32 : type == KEY_ECDSA384 ? 48 : 66;
	int rc = -EBADMSG;

	point[0] = 0x04;
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) &&
	    BN_bn2binpad(x, point + 1, size) == size &&
	    BN_bn2binpad(y, point + 1 + size, size) == size) {
		len = (size_t)(1 + 2 * size);
		wire_put_text(blob, key_type_name(type));
		wire_put_text(blob, ecdsa_curve(type));
		wire_put_string(blob, point, len);
		rc = 0;
	}
	BN_free(x);
	BN_free(y);
	return rc;
}

int private_key_put_public(struct private_key *key)
{
	int rc = 0;

	switch (key->type) {
	case KEY_ED25519:
		wire_put_text(&key->public_blob, key_type_name(KEY_ED25519));
		wire_put_string(&key->public_blob,
				key->ed25519 + crypto_sign_SECRETKEYBYTES -
					crypto_sign_PUBLICKEYBYTES,
				crypto_sign_PUBLICKEYBYTES);
		break;
	case KEY_RSA:
		rc = put_rsa_public(key->pkey, &key->public_blob);
		break;
	case KEY_ECDSA256:
	case KEY_ECDSA384:
	case KEY_ECDSA521:
		rc = put_ecdsa_public(key->pkey, key->type, &key->public_blob);
		break;
	case KEY_SK_ED25519:
	case KEY_SK_ECDSA256:
		rc = -ENOTSUP;
		break;
	}
	if (rc == 0 && key->public_blob.failed)
		rc = -ENOMEM;
	return rc;
}
