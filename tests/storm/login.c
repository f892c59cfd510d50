#include "tests/storm/login.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_TYPE "ssh-ed25519"
#define LOGIN_NAMESPACE "login@chat-master"

static void put_string(struct buf *out, const void *bytes, size_t len)
{
	uint32_t size = htonl((uint32_t)len);

	buf_append(out, &size, sizeof(size));
	buf_append(out, bytes, len);
}

static void put_public(struct buf *out, const struct login_key *key)
{
	struct buf blob = BUF_INIT;

	put_string(&blob, KEY_TYPE, strlen(KEY_TYPE));
	put_string(&blob, key->public, sizeof(key->public));
	buf_append(out, blob.data, blob.len);
	buf_finish(&blob);
}

static void put_base64(struct buf *out, const void *bytes, size_t len, int variant)
{
	size_t size = sodium_base64_encoded_len(len, variant);
	char *at = buf_reserve(out, size);

	if (at == NULL)
		abort();
	sodium_bin2base64(at, size, bytes, len, variant);
	out->len += size - 1;
}

void login_key_of(const char *name, struct login_key *ret_key)
{
	unsigned char seed[crypto_sign_SEEDBYTES];

	if (sodium_init() < 0)
		abort();
	crypto_generichash(seed, sizeof(seed), (const unsigned char *)name, strlen(name), NULL, 0);
	crypto_sign_seed_keypair(ret_key->public, ret_key->secret, seed);
}

void login_key_line(const struct login_key *key, const char *name, struct buf *out)
{
	struct buf blob = BUF_INIT;

	put_public(&blob, key);
	buf_append_str(out, KEY_TYPE " ");
	put_base64(out, blob.data, blob.len, sodium_base64_VARIANT_ORIGINAL);
	buf_printf(out, " %s\n", name);
	buf_finish(&blob);
}

static void put_fingerprint(struct buf *out, const struct login_key *key)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct buf blob = BUF_INIT;

	put_public(&blob, key);
	crypto_hash_sha256(hash, (const unsigned char *)blob.data, blob.len);
	buf_append_str(out, "SHA256:");
	put_base64(out, hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	buf_finish(&blob);
}

/* PROTOCOL.sshsig: what is signed, and the blob around the signature. */
static void put_signature(struct buf *out, const struct login_key *key, const struct buf *text)
{
	unsigned char hash[crypto_hash_sha512_BYTES], raw[crypto_sign_BYTES];
	struct buf public = BUF_INIT, data = BUF_INIT, signature = BUF_INIT, blob = BUF_INIT;

	crypto_hash_sha512(hash, (const unsigned char *)text->data, text->len);
	buf_append_str(&data, "SSHSIG");
	put_string(&data, LOGIN_NAMESPACE, strlen(LOGIN_NAMESPACE));
	put_string(&data, "", 0);
	put_string(&data, "sha512", strlen("sha512"));
	put_string(&data, hash, sizeof(hash));
	crypto_sign_detached(raw, NULL, (const unsigned char *)data.data, data.len, key->secret);

	put_public(&public, key);
	put_string(&signature, KEY_TYPE, strlen(KEY_TYPE));
	put_string(&signature, raw, sizeof(raw));
	buf_append(&blob, "SSHSIG\0\0\0\1", 10);
	put_string(&blob, public.data, public.len);
	put_string(&blob, LOGIN_NAMESPACE, strlen(LOGIN_NAMESPACE));
	put_string(&blob, "", 0);
	put_string(&blob, "sha512", strlen("sha512"));
	put_string(&blob, signature.data, signature.len);
	put_base64(out, blob.data, blob.len, sodium_base64_VARIANT_ORIGINAL);
	buf_finish(&public);
	buf_finish(&data);
	buf_finish(&signature);
	buf_finish(&blob);
}

void login_line(const struct login_key *key, const struct login *login, struct buf *out)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "chat-auth-v1\nserver: %s\nuser: %s\nkey: ", login->server, login->user);
	put_fingerprint(&text, key);
	buf_printf(&text, "\nnonce: %s\nexpires: %" PRIu64 "\nbinding: none\n", login->nonce,
		   login->expires);
	buf_printf(out,
		   "{\"type\":\"login\",\"user\":\"%s\",\"server\":\"%s\",\"binding\":\"none\"%s,"
		   "\"signature\":\"",
		   login->user, login->server, login->extra);
	put_signature(out, key, &text);
	buf_append_str(out, "\"}");
	buf_finish(&text);
}
