/*
 * A signer for the tests of the verifying side: ed25519 keys from a seed,
 * SSHSIG texts and certificates with any field wrong on purpose.
 */
#ifndef TESTS_SIGNER_FIXTURE_H
#define TESTS_SIGNER_FIXTURE_H

#include "auth/keyring.h"
#include "auth/login.h"
#include "base/buf.h"

#include <stdint.h>

struct test_key {
	uint8_t public[32], secret[64];
	uint8_t hash[KEY_HASH_BYTES];
	char fingerprint[FINGERPRINT_SIZE];
};

/* The same key for the same seed. */
void test_key_make(struct test_key *key, uint8_t seed);
void test_key_blob(const struct test_key *key, struct buf *blob);
/* "ssh-ed25519 AAAA…", no newline. */
void test_key_line(const struct test_key *key, struct buf *text);
/* Appends "OPTIONS ssh-ed25519 AAAA…\n" (options may be ""). */
void test_keys_file_add(struct buf *file, const char *options, const struct test_key *key);

struct test_cert {
	const struct test_key *key, *ca;
	uint32_t type; /* 1 user */
	const char *principals[4];
	uint64_t valid_after, valid_before;
	const char *option, *option_value; /* a critical one; value NULL: a flag */
	const char *extension;
	bool break_signature;
};
void test_cert_blob(const struct test_cert *cert, struct buf *blob);

/* A bare base64 SSHSIG by `key` over `message`; public_blob is what stands in it as the key. */
void test_sign(const struct test_key *key, const struct buf *public_blob, const char *namespace,
	       const void *message, size_t len, struct buf *ret_text);

/* A keyring image from a file's text; `names` may be NULL. The view lives as long as the image. */
void test_view(const char *keys, const struct names *names, struct buf *image,
	       struct keyring_view *ret_view);

/* One attempt: fields that are NULL are filled with what is right. */
struct test_login {
	const struct test_key *key;
	const struct buf *cert; /* NULL: the plain key */
	const char *user, *server, *binding;
	const char *signed_server, *signed_user, *signed_nonce, *signed_binding, *namespace;
	int64_t signed_expires_s, now_s;
	const char *peer; /* "127.0.0.1" */
};
#define TEST_NONCE "gkvzBIZeJHgGgeds7kfDFy1oEC2EiLkufDrAuTfOi_k"
#define TEST_EXPIRES 1795197660
#define TEST_NOW 1795197630
#define TEST_SERVER "chat.example.org:8080"
enum login_verdict test_login_judge(const struct keyring_view *view, const struct test_login *login,
				    struct login_result *ret_result);
void test_sockaddr(const char *address, unsigned port, struct sockaddr_storage *ret_sockaddr);

#endif
