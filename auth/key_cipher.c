#include "auth/key_cipher.h"

#include "auth/bcrypt_pbkdf.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#define TAG_LEN 16u
#define KEY_AND_IV_MAX 80u

enum mode { MODE_PLAIN, MODE_GCM, MODE_CHACHA };

struct cipher {
	const char *name;
	enum mode mode;
	size_t key_len, iv_len, block;
	const EVP_CIPHER *(*evp)(void);
};

/* clang-format off */
static const struct cipher ciphers[] = {
	{"aes128-cbc",                    MODE_PLAIN,  16, 16, 16, EVP_aes_128_cbc},
	{"aes192-cbc",                    MODE_PLAIN,  24, 16, 16, EVP_aes_192_cbc},
	{"aes256-cbc",                    MODE_PLAIN,  32, 16, 16, EVP_aes_256_cbc},
	{"aes128-ctr",                    MODE_PLAIN,  16, 16, 16, EVP_aes_128_ctr},
	{"aes192-ctr",                    MODE_PLAIN,  24, 16, 16, EVP_aes_192_ctr},
	{"aes256-ctr",                    MODE_PLAIN,  32, 16, 16, EVP_aes_256_ctr},
	{"3des-cbc",                      MODE_PLAIN,  24,  8,  8, EVP_des_ede3_cbc},
	{"aes128-gcm@openssh.com",        MODE_GCM,    16, 12, 16, EVP_aes_128_gcm},
	{"aes256-gcm@openssh.com",        MODE_GCM,    32, 12, 16, EVP_aes_256_gcm},
	{"chacha20-poly1305@openssh.com", MODE_CHACHA, 64,  0,  8, NULL},
};
/* clang-format on */

static const struct cipher *find(const char *name)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		if (strcmp(ciphers[i].name, name) == 0)
			return &ciphers[i];
	}
	return NULL;
}

bool key_cipher_knows(const struct key_container *container)
{
	return find(container->cipher) && container->rounds <= KEY_CONTAINER_ROUNDS_MAX;
}

static int open_with_evp(const struct cipher *cipher, const struct key_container *container,
			 const uint8_t *key, const uint8_t *iv, uint8_t *out)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG_LEN];
	int len = 0, last = 0;
	int rc = -EIO;

	if (!context)
		return -ENOMEM;
	if (EVP_DecryptInit_ex(context, cipher->evp(), NULL, key, iv) <= 0 ||
	    EVP_CIPHER_CTX_set_padding(context, 0) <= 0)
		goto out;
	if (cipher->mode == MODE_GCM) {
		memcpy(tag, container->tag.data, TAG_LEN);
		if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) <= 0)
			goto out;
	}
	if (EVP_DecryptUpdate(context, out, &len, container->private_part.data,
			      (int)container->private_part.len) <= 0)
		goto out;
	rc = EVP_DecryptFinal_ex(context, out + len, &last) > 0 ? 0 : -EACCES;
out:
	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	return rc;
}

/* OpenSSH PROTOCOL.chacha20poly1305 with sequence number 0 and no length to hide. */
static int open_with_chacha(const struct key_container *container, const uint8_t *key, uint8_t *out)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t poly_key[crypto_onetimeauth_KEYBYTES];
	struct wire_bytes part = container->private_part;
	int rc = -EACCES;

	crypto_stream_chacha20(poly_key, sizeof(poly_key), nonce, key);
	if (crypto_onetimeauth_verify(container->tag.data, part.data, part.len, poly_key) == 0) {
		crypto_stream_chacha20_xor_ic(out, part.data, part.len, nonce, 1, key);
		rc = 0;
	}
	sodium_memzero(poly_key, sizeof(poly_key));
	return rc;
}

int key_cipher_open(const struct key_container *container, const char *passphrase,
		    struct buf *plain)
{
	const struct cipher *cipher = find(container->cipher);
	size_t len = container->private_part.len;
	uint8_t key[KEY_AND_IV_MAX];
	char *out;
	int rc;

	if (!cipher || !key_cipher_knows(container))
		return -ENOTSUP;
	if (len % cipher->block != 0 ||
	    container->tag.len != (cipher->mode == MODE_PLAIN ? 0 : TAG_LEN))
		return -EBADMSG;
	rc = bcrypt_pbkdf(passphrase, strlen(passphrase), container->salt.data, container->salt.len,
			  container->rounds, key, cipher->key_len + cipher->iv_len);
	if (rc < 0)
		return rc == -EINVAL ? -EACCES : rc; /* an empty passphrase opens nothing */
	out = buf_reserve(plain, len + cipher->block);
	if (!out)
		rc = -ENOMEM;
	else if (cipher->mode == MODE_CHACHA)
		rc = open_with_chacha(container, key, (uint8_t *)out);
	else
		rc = open_with_evp(cipher, container, key, key + cipher->key_len, (uint8_t *)out);
	if (rc == 0)
		plain->len += len;
	sodium_memzero(key, sizeof(key));
	return rc;
}
