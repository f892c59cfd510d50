#include "auth/private_key_parts.h"

#include "auth/key_cipher.h"
#include "auth/key_container.h"
#include "auth/pubkey.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is it */

static bool looks_like_pem(const char *text, size_t len)
{
	return memmem(text, len, "PRIVATE KEY-----", 16) != NULL;
}

/* Can the private half of this type be in a file, and do we sign with it? */
static bool is_type_of_ours(struct wire_bytes blob)
{
	struct wire_reader reader = wire_reader(blob.data, blob.len);
	struct wire_bytes name;
	enum key_type type;

	return wire_get_string(&reader, &name) == 0 && key_type_find(name, &type) &&
	       !key_type_is_sk(type);
}

static enum private_key_reader reader_of(const struct key_container *container)
{
	if (!is_type_of_ours(container->public_blob))
		return PRIVATE_KEY_READ_SSH_KEYGEN;
	if (strcmp(container->cipher, "none") == 0 || key_cipher_knows(container))
		return PRIVATE_KEY_READ_HERE;
	return PRIVATE_KEY_READ_SSH_KEYGEN;
}

int private_key_inspect(const char *text, size_t len, struct private_key_info *ret_info)
{
	struct private_key_info info = {.reader = PRIVATE_KEY_READ_LIBCRYPTO};
	struct key_container container;
	int rc;

	if (!key_container_is(text, len)) {
		if (!looks_like_pem(text, len))
			return -EBADMSG;
		info.encrypted = memmem(text, len, "ENCRYPTED", 9) != NULL;
		*ret_info = info;
		return 0;
	}
	rc = key_container_read(text, len, &container);
	if (rc < 0)
		return rc;
	memcpy(info.cipher, container.cipher, sizeof(info.cipher));
	info.encrypted = strcmp(container.cipher, "none") != 0;
	info.reader = reader_of(&container);
	buf_append(&info.public_blob, container.public_blob.data, container.public_blob.len);
	key_container_finish(&container);
	if (info.public_blob.failed)
		return -ENOMEM;
	*ret_info = info;
	return 0;
}

void private_key_info_finish(struct private_key_info *info)
{
	buf_finish(&info->public_blob);
}

/* ---- PEM and PKCS#8 */

struct pem_passphrase {
	const char *text;
	bool asked;
};

static int give_passphrase(char *out, int size, int writing, void *data)
{
	struct pem_passphrase *passphrase = data;
	size_t len;

	(void)writing;
	passphrase->asked = true;
	if (!passphrase->text)
		return -1;
	len = strlen(passphrase->text);
	if (len > (size_t)size)
		return -1;
	memcpy(out, passphrase->text, len);
	return (int)len;
}

static int type_of_pkey(const EVP_PKEY *pkey, enum key_type *ret_type)
{
	char group[64];
	size_t len = 0;

	if (EVP_PKEY_is_a(pkey, "RSA")) {
		*ret_type = KEY_RSA;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*ret_type = KEY_ED25519;
		return 0;
	}
	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) <= 0)
		return -ENOTSUP;
	if (strcmp(group, "prime256v1") == 0)
		*ret_type = KEY_ECDSA256;
	else if (strcmp(group, "secp384r1") == 0)
		*ret_type = KEY_ECDSA384;
	else if (strcmp(group, "secp521r1") == 0)
		*ret_type = KEY_ECDSA521;
	else
		return -ENOTSUP;
	return 0;
}

static int take_ed25519(const EVP_PKEY *pkey, struct private_key *key)
{
	unsigned char seed[crypto_sign_SEEDBYTES];
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	size_t len = sizeof(seed);
	int rc = -EBADMSG;

	if (EVP_PKEY_get_raw_private_key(pkey, seed, &len) > 0 && len == sizeof(seed) &&
	    crypto_sign_seed_keypair(public, key->ed25519, seed) == 0)
		rc = 0;
	sodium_memzero(seed, sizeof(seed));
	return rc;
}

static int load_pem(const char *text, size_t len, const char *words, struct private_key *key)
{
	struct pem_passphrase passphrase = {.text = words};
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *pkey = NULL;
	int rc;

	if (!bio)
		return -ENOMEM;
	pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &passphrase);
	BIO_free(bio);
	ERR_clear_error();
	if (!pkey)
		return passphrase.asked ? -EACCES : -EBADMSG;
	rc = type_of_pkey(pkey, &key->type);
	if (rc == 0 && key->type == KEY_ED25519) {
		rc = take_ed25519(pkey, key);
	} else if (rc == 0) {
		key->pkey = pkey;
		pkey = NULL;
	}
	EVP_PKEY_free(pkey);
	return rc;
}

/* ---- containers */

static int load_encrypted(const struct key_container *container, const char *passphrase,
			  struct private_key *key)
{
	struct buf plain = BUF_INIT;
	struct wire_bytes part;
	int rc;

	if (!passphrase)
		return -EACCES;
	rc = key_cipher_open(container, passphrase, &plain);
	if (rc < 0)
		goto out;
	part = (struct wire_bytes){.data = (const uint8_t *)plain.data, .len = plain.len};
	rc = private_key_read_part(part, key);
	/* without a tag, a wrong passphrase shows as rubbish */
	if (rc == -EBADMSG && container->tag.len == 0)
		rc = -EACCES;
out:
	buf_wipe(&plain);
	return rc;
}

static int load_container(const char *text, size_t len, const char *passphrase,
			  struct private_key *key)
{
	struct key_container container;
	int rc = key_container_read(text, len, &container);

	if (rc < 0)
		return rc;
	if (reader_of(&container) != PRIVATE_KEY_READ_HERE)
		rc = -ENOTSUP;
	else if (strcmp(container.cipher, "none") == 0)
		rc = private_key_read_part(container.private_part, key);
	else
		rc = load_encrypted(&container, passphrase, key);
	/* The open half told everyone which key this is; it must not have lied. */
	if (rc == 0 && (rc = private_key_put_public(key)) == 0 &&
	    (key->public_blob.len != container.public_blob.len ||
	     memcmp(key->public_blob.data, container.public_blob.data, container.public_blob.len) !=
		     0))
		rc = -EBADMSG;
	key_container_finish(&container);
	return rc;
}

int private_key_load(const char *text, size_t len, const char *passphrase,
		     struct private_key **ret_key)
{
	struct private_key *key;
	int rc;

	if (len > PRIVATE_KEY_FILE_MAX || sodium_init() < 0)
		return -EBADMSG;
	key = calloc(1, sizeof(*key));
	if (!key)
		return -ENOMEM;
	if (key_container_is(text, len)) {
		rc = load_container(text, len, passphrase, key);
	} else {
		rc = load_pem(text, len, passphrase, key);
		if (rc == 0)
			rc = private_key_put_public(key);
	}
	if (rc < 0) {
		private_key_destroy(key);
		return rc;
	}
	*ret_key = key;
	return 0;
}

void private_key_destroy(struct private_key *key)
{
	if (!key)
		return;
	sodium_memzero(key->ed25519, sizeof(key->ed25519));
	EVP_PKEY_free(key->pkey);
	buf_finish(&key->public_blob);
	free(key);
}

const struct buf *private_key_public(const struct private_key *key)
{
	return &key->public_blob;
}

/* ---- signing */

static int sign_digest(EVP_PKEY *pkey, const EVP_MD *digest, const void *data, size_t len,
		       unsigned char **ret_bytes, size_t *ret_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *bytes = NULL;
	size_t size = 0;
	int rc = -EIO;

	if (!context || EVP_DigestSignInit(context, NULL, digest, NULL, pkey) <= 0 ||
	    EVP_DigestSign(context, NULL, &size, data, len) <= 0)
		goto out;
	bytes = malloc(size);
	if (!bytes) {
		rc = -ENOMEM;
		goto out;
	}
	if (EVP_DigestSign(context, bytes, &size, data, len) <= 0)
		goto out;
	*ret_bytes = bytes;
	*ret_len = size;
	bytes = NULL;
	rc = 0;
out:
	free(bytes);
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return rc;
}

/* RFC 5656 §3.1.2: DER's two numbers as two mpints. */
static int put_ecdsa_value(const unsigned char *der, size_t len, struct buf *value)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
	unsigned char bytes[66];

	if (!pair)
		return -EIO;
	wire_put_mpint(value, bytes, (size_t)BN_bn2bin(ECDSA_SIG_get0_r(pair), bytes));
	wire_put_mpint(value, bytes, (size_t)BN_bn2bin(ECDSA_SIG_get0_s(pair), bytes));
	ECDSA_SIG_free(pair);
	return 0;
}

static const EVP_MD *ecdsa_digest(enum key_type type)
{
	if (type == KEY_ECDSA256)
		return EVP_sha256();
	return type == KEY_ECDSA384 ? EVP_sha384() : EVP_sha512();
}

static int sign_with_pkey(const struct private_key *key, const void *data, size_t len,
			  struct buf *signature)
{
	const EVP_MD *digest = key->type == KEY_RSA ? EVP_sha512() : ecdsa_digest(key->type);
	struct buf value = BUF_INIT;
	unsigned char *bytes = NULL;
	size_t size = 0;
	int rc = sign_digest(key->pkey, digest, data, len, &bytes, &size);

	if (rc < 0)
		return rc;
	if (key->type == KEY_RSA) {
		wire_put_text(signature, "rsa-sha2-512");
		wire_put_string(signature, bytes, size);
	} else {
		rc = put_ecdsa_value(bytes, size, &value);
		wire_put_text(signature, key_type_name(key->type));
		wire_put_string(signature, value.data, value.len);
		if (value.failed)
			rc = -ENOMEM;
	}
	buf_finish(&value);
	free(bytes);
	return rc;
}

int private_key_sign(const struct private_key *key, const void *data, size_t len,
		     struct buf *signature)
{
	unsigned char bytes[crypto_sign_BYTES];
	int rc;

	if (key->pkey) {
		rc = sign_with_pkey(key, data, len, signature);
	} else {
		rc = crypto_sign_detached(bytes, NULL, data, len, key->ed25519) == 0 ? 0 : -EIO;
		wire_put_text(signature, key_type_name(KEY_ED25519));
		wire_put_string(signature, bytes, sizeof(bytes));
	}
	if (rc == 0 && signature->failed)
		rc = -ENOMEM;
	return rc;
}
