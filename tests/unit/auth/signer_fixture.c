#include "signer_fixture.h"

#include "auth/base64.h"
#include "auth/challenge.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

void test_key_make(struct test_key *key, uint8_t seed)
{
	uint8_t bytes[crypto_sign_SEEDBYTES];
	struct buf blob = BUF_INIT;

	memset(bytes, seed, sizeof(bytes));
	crypto_sign_seed_keypair(key->public, key->secret, bytes);
	test_key_blob(key, &blob);
	crypto_hash_sha256(key->hash, (const unsigned char *)blob.data, blob.len);
	fingerprint_format(key->hash, key->fingerprint);
	buf_finish(&blob);
}

void test_key_blob(const struct test_key *key, struct buf *blob)
{
	wire_put_text(blob, "ssh-ed25519");
	wire_put_string(blob, key->public, sizeof(key->public));
}

void test_key_line(const struct test_key *key, struct buf *text)
{
	struct buf blob = BUF_INIT;

	test_key_blob(key, &blob);
	buf_append_str(text, "ssh-ed25519 ");
	base64_encode(text, blob.data, blob.len, 0);
	buf_finish(&blob);
}

void test_keys_file_add(struct buf *file, const char *options, const struct test_key *key)
{
	buf_append_str(file, options);
	if (*options != '\0')
		buf_append_char(file, ' ');
	test_key_line(key, file);
	buf_append_char(file, '\n');
}

/* string algorithm, string signature */
static void put_signature(const struct test_key *key, const void *bytes, size_t len, bool broken,
			  struct buf *out)
{
	uint8_t signature[crypto_sign_BYTES];
	struct buf inner = BUF_INIT;

	crypto_sign_detached(signature, NULL, bytes, len, key->secret);
	if (broken)
		signature[3] ^= 1;
	wire_put_text(&inner, "ssh-ed25519");
	wire_put_string(&inner, signature, sizeof(signature));
	wire_put_string(out, inner.data, inner.len);
	buf_finish(&inner);
}

void test_cert_blob(const struct test_cert *cert, struct buf *blob)
{
	struct buf part = BUF_INIT;

	wire_put_text(blob, "ssh-ed25519-cert-v01@openssh.com");
	wire_put_text(blob, "a nonce of the authority");
	wire_put_string(blob, cert->key->public, sizeof(cert->key->public));
	wire_put_u64(blob, 7);
	wire_put_u32(blob, cert->type);
	wire_put_text(blob, "laptop");
	for (unsigned i = 0; i < 4 && cert->principals[i] != NULL; i++)
		wire_put_text(&part, cert->principals[i]);
	wire_put_string(blob, part.data, part.len);
	wire_put_u64(blob, cert->valid_after);
	wire_put_u64(blob, cert->valid_before);
	buf_reset(&part);
	if (cert->option != NULL) {
		struct buf value = BUF_INIT;

		wire_put_text(&part, cert->option);
		if (cert->option_value != NULL)
			wire_put_text(&value, cert->option_value);
		wire_put_string(&part, value.data, value.len);
		buf_finish(&value);
	}
	wire_put_string(blob, part.data, part.len);
	buf_reset(&part);
	if (cert->extension != NULL) {
		wire_put_text(&part, cert->extension);
		wire_put_text(&part, "");
	}
	wire_put_string(blob, part.data, part.len);
	wire_put_text(blob, "");
	buf_reset(&part);
	test_key_blob(cert->ca, &part);
	wire_put_string(blob, part.data, part.len);
	put_signature(cert->ca, blob->data, blob->len, cert->break_signature, blob);
	buf_finish(&part);
}

void test_sign(const struct test_key *key, const struct buf *public_blob, const char *namespace,
	       const void *message, size_t len, struct buf *ret_text)
{
	uint8_t hash[crypto_hash_sha512_BYTES];
	struct buf to_sign = BUF_INIT, blob = BUF_INIT;

	crypto_hash_sha512(hash, message, len);
	buf_append_str(&to_sign, "SSHSIG");
	wire_put_text(&to_sign, namespace);
	wire_put_text(&to_sign, "");
	wire_put_text(&to_sign, "sha512");
	wire_put_string(&to_sign, hash, sizeof(hash));
	buf_append_str(&blob, "SSHSIG");
	wire_put_u32(&blob, 1);
	wire_put_string(&blob, public_blob->data, public_blob->len);
	wire_put_text(&blob, namespace);
	wire_put_text(&blob, "");
	wire_put_text(&blob, "sha512");
	put_signature(key, to_sign.data, to_sign.len, false, &blob);
	base64_encode(ret_text, blob.data, blob.len, 0);
	buf_finish(&blob);
	buf_finish(&to_sign);
}

void test_view(const char *keys, const struct names *names, struct buf *image,
	       struct keyring_view *ret_view)
{
	static const char *const servers[] = {TEST_SERVER, "localhost:8080", "127.0.0.1:8080",
					      "[::1]:8080", NULL};
	const struct keyring_source source = {
		.safety = KEYS_SAFE,
		.keys = keys,
		.keys_len = strlen(keys),
		.names = names,
		.servers = servers,
		.names_per_key = 1,
	};
	struct keyring_report report;

	buf_reset(image);
	cr_assert_eq(keyring_image_build(&source, NULL, NULL, image, &report), 0);
	cr_assert_eq(keyring_view_open(image->data, image->len, ret_view), 0);
	ret_view->generation = 1;
}

void test_sockaddr(const char *address, unsigned port, struct sockaddr_storage *ret_sockaddr)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	memset(ret_sockaddr, 0, sizeof(*ret_sockaddr));
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		memcpy(ret_sockaddr, &in, sizeof(in));
	} else {
		cr_assert_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
		memcpy(ret_sockaddr, &in6, sizeof(in6));
	}
}

static const char *or_else(const char *given, const char *otherwise)
{
	return given != NULL ? given : otherwise;
}

enum login_verdict test_login_judge(const struct keyring_view *view, const struct test_login *login,
				    struct login_result *ret_result)
{
	const char *user = or_else(login->user, "alice");
	const char *server = or_else(login->server, TEST_SERVER);
	const char *binding = or_else(login->binding, "none");
	struct challenge challenge = {
		.server = or_else(login->signed_server, server),
		.user = or_else(login->signed_user, user),
		.fingerprint = login->key->fingerprint,
		.nonce = or_else(login->signed_nonce, TEST_NONCE),
		.expires_s = login->signed_expires_s != 0 ? login->signed_expires_s : TEST_EXPIRES,
		.binding = or_else(login->signed_binding, binding),
	};
	struct buf blob = BUF_INIT, signature = BUF_INIT;
	struct sockaddr_storage peer;
	char text[CHALLENGE_TEXT_SIZE];
	struct login_request request;
	enum login_verdict verdict;
	size_t len;

	cr_assert_eq(challenge_text(&challenge, text, &len), 0);
	if (login->cert != NULL)
		buf_append(&blob, login->cert->data, login->cert->len);
	else
		test_key_blob(login->key, &blob);
	test_sign(login->key, &blob, or_else(login->namespace, CHALLENGE_NAMESPACE), text, len,
		  &signature);
	test_sockaddr(or_else(login->peer, "127.0.0.1"), 5555, &peer);
	request = (struct login_request){
		.user = user,
		.server = server,
		.binding = binding,
		.signature = signature.data,
		.signature_len = signature.len,
		.nonce = TEST_NONCE,
		.expires_s = TEST_EXPIRES,
		.now_s = login->now_s != 0 ? login->now_s : TEST_NOW,
		.peer = (const struct sockaddr *)&peer,
	};
	verdict = login_judge(view, &request, ret_result);
	buf_finish(&blob);
	buf_finish(&signature);
	return verdict;
}
