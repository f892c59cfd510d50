#include "auth/base64.h"
#include "auth/key_container.h"
#include "auth/private_key.h"
#include "auth/pubkey.h"
#include "auth/signature.h"
#include "tests/unit/auth/key_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct key_folder folder;

static void setup(void)
{
	key_folder_create(&folder);
}

static void teardown(void)
{
	key_folder_destroy(&folder);
}

TestSuite(private_key, .init = setup, .fini = teardown);

/* Loads, compares with the .pub, signs and has the server's own verifier look at it. */
static void check_signs(const char *name, const char *passphrase)
{
	static const char message[] = "what is to be signed";
	struct buf text = BUF_INIT, public = BUF_INIT, signature = BUF_INIT;
	struct private_key *key = NULL;
	struct pubkey pubkey;
	struct signature parsed;
	char pub_name[128];
	struct wire_bytes bytes;

	snprintf(pub_name, sizeof(pub_name), "%s.pub", name);
	key_read(&folder, name, &text);
	key_read_public(&folder, pub_name, &public);
	cr_assert_eq(private_key_load(text.data, text.len, passphrase, &key), 0, "%s", name);
	cr_assert_eq(private_key_public(key)->len, public.len, "%s", name);
	cr_assert_eq(memcmp(private_key_public(key)->data, public.data, public.len), 0, "%s", name);
	cr_assert_eq(private_key_sign(key, message, sizeof(message), &signature), 0, "%s", name);
	cr_assert_eq(pubkey_parse(public.data, public.len, &pubkey), VERDICT_OK, "%s", name);
	bytes = (struct wire_bytes){.data = (const uint8_t *)signature.data, .len = signature.len};
	cr_assert_eq(signature_parse(bytes, &pubkey, &parsed), VERDICT_OK, "%s", name);
	cr_assert_eq(signature_verify(&parsed, &pubkey, message, sizeof(message)), VERDICT_OK, "%s",
		     name);
	private_key_destroy(key);
	buf_finish(&text);
	buf_finish(&public);
	buf_finish(&signature);
}

static void check_load_fails(const char *name, const char *passphrase, int expected)
{
	struct buf text = BUF_INIT;
	struct private_key *key = NULL;
	int rc;

	key_read(&folder, name, &text);
	rc = private_key_load(text.data, text.len, passphrase, &key);
	cr_assert_eq(rc, expected, "%s: %d", name, rc);
	cr_assert_null(key);
	buf_finish(&text);
}

Test(private_key, every_open_type_signs_what_the_server_verifies)
{
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_make(&folder, "p256", "-t ecdsa -b 256 -N ''");
	key_make(&folder, "p384", "-t ecdsa -b 384 -N ''");
	key_make(&folder, "p521", "-t ecdsa -b 521 -N ''");
	key_make(&folder, "rsa", "-t rsa -b 2048 -N ''");
	check_signs("ed", NULL);
	check_signs("p256", NULL);
	check_signs("p384", NULL);
	check_signs("p521", NULL);
	check_signs("rsa", NULL);
}

Test(private_key, every_encrypted_type_opens_with_its_passphrase)
{
	key_make(&folder, "ed", "-t ed25519 -a 2 -N 'two words'");
	key_make(&folder, "p256", "-t ecdsa -b 256 -a 2 -N 'two words'");
	key_make(&folder, "p384", "-t ecdsa -b 384 -a 2 -N 'two words'");
	key_make(&folder, "p521", "-t ecdsa -b 521 -a 2 -N 'two words'");
	key_make(&folder, "rsa", "-t rsa -b 2048 -a 2 -N 'two words'");
	check_signs("ed", "two words");
	check_signs("p256", "two words");
	check_signs("p384", "two words");
	check_signs("p521", "two words");
	check_signs("rsa", "two words");
}

Test(private_key, every_cipher_of_ssh_keygen_is_opened)
{
	static const char *const ciphers[] = {
		"aes128-cbc",
		"aes192-cbc",
		"aes256-cbc",
		"aes128-ctr",
		"aes192-ctr",
		"aes256-ctr",
		"3des-cbc",
		"aes128-gcm@openssh.com",
		"aes256-gcm@openssh.com",
		"chacha20-poly1305@openssh.com",
	};
	char options[128];

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		snprintf(options, sizeof(options), "-t ed25519 -a 2 -N passes -Z %s", ciphers[i]);
		key_make(&folder, ciphers[i], options);
		check_signs(ciphers[i], "passes");
		check_load_fails(ciphers[i], "Passes", -EACCES);
		check_load_fails(ciphers[i], "", -EACCES);
		check_load_fails(ciphers[i], NULL, -EACCES);
	}
}

Test(private_key, a_wrong_or_missing_passphrase_is_asked_for_again)
{
	key_make(&folder, "ed", "-t ed25519 -a 2 -N right");
	key_make(&folder, "pem", "-t rsa -b 2048 -m PEM -N right");
	key_make(&folder, "pkcs8", "-t ecdsa -m PKCS8 -N right");
	check_load_fails("ed", NULL, -EACCES);
	check_load_fails("ed", "wrong", -EACCES);
	check_load_fails("ed", "", -EACCES);
	check_load_fails("pem", NULL, -EACCES);
	check_load_fails("pem", "wrong", -EACCES);
	check_load_fails("pkcs8", NULL, -EACCES);
	check_load_fails("pkcs8", "wrong", -EACCES);
}

Test(private_key, pem_and_pkcs8_are_read_open_and_encrypted)
{
	key_make(&folder, "rsa1", "-t rsa -b 2048 -m PEM -N ''");
	key_make(&folder, "rsa2", "-t rsa -b 2048 -m PEM -N passes");
	key_make(&folder, "rsa3", "-t rsa -b 2048 -m PKCS8 -N passes");
	key_make(&folder, "ec1", "-t ecdsa -m PEM -N ''");
	key_make(&folder, "ec2", "-t ecdsa -b 384 -m PKCS8 -N passes");
	check_signs("rsa1", NULL);
	check_signs("rsa2", "passes");
	check_signs("rsa3", "passes");
	check_signs("ec1", NULL);
	check_signs("ec2", "passes");
}

Test(private_key, an_ed25519_key_of_openssl_is_read)
{
	struct buf text = BUF_INIT, signature = BUF_INIT;
	struct private_key *key = NULL;
	struct pubkey pubkey;

	key_run(&folder, "openssl genpkey -quiet -algorithm ed25519 -out \"$D/ed\" 2>/dev/null ||"
			 " openssl genpkey -algorithm ed25519 -out \"$D/ed\"");
	key_read(&folder, "ed", &text);
	cr_assert_eq(private_key_load(text.data, text.len, NULL, &key), 0);
	cr_assert_eq(
		pubkey_parse(private_key_public(key)->data, private_key_public(key)->len, &pubkey),
		VERDICT_OK);
	cr_assert_eq(pubkey.type, KEY_ED25519);
	cr_assert_eq(private_key_sign(key, "x", 1, &signature), 0);
	private_key_destroy(key);
	buf_finish(&text);
	buf_finish(&signature);
}

Test(private_key, a_container_tells_its_cipher)
{
	struct buf text = BUF_INIT;
	struct private_key_info info;

	key_make(&folder, "gcm", "-t ed25519 -a 2 -N passes -Z aes256-gcm@openssh.com");
	key_read(&folder, "gcm", &text);
	cr_assert_eq(private_key_inspect(text.data, text.len, &info), 0);
	cr_assert_eq(info.reader, PRIVATE_KEY_READ_HERE);
	cr_assert(info.encrypted);
	cr_assert_str_eq(info.cipher, "aes256-gcm@openssh.com");
	cr_assert_gt(info.public_blob.len, 0);
	private_key_info_finish(&info);
	buf_finish(&text);
}

Test(private_key, a_derivation_without_end_is_left_to_ssh_keygen)
{
	struct buf text = BUF_INIT;
	struct private_key_info info;
	struct key_container container;
	struct private_key *key = NULL;
	char *rounds;

	key_make(&folder, "slow", "-t ed25519 -a 2 -N passes");
	key_read(&folder, "slow", &text);
	cr_assert_eq(key_container_read(text.data, text.len, &container), 0);
	/* the rounds stand right before the number of keys, 1 */
	rounds = memmem(container.bytes.data, container.bytes.len, "\0\0\0\2\0\0\0\1", 8);
	cr_assert_not_null(rounds);
	rounds[0] = '\x7f';
	buf_reset(&text);
	buf_append_str(&text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	base64_encode(&text, container.bytes.data, container.bytes.len, 70);
	buf_append_str(&text, "\n-----END OPENSSH PRIVATE KEY-----\n");
	key_container_finish(&container);
	cr_assert_eq(private_key_inspect(text.data, text.len, &info), 0);
	cr_assert_eq(info.reader, PRIVATE_KEY_READ_SSH_KEYGEN);
	private_key_info_finish(&info);
	cr_assert_eq(private_key_load(text.data, text.len, "passes", &key), -ENOTSUP);
	buf_finish(&text);
}

Test(private_key, a_container_tells_its_public_key_without_the_passphrase)
{
	struct buf text = BUF_INIT, public = BUF_INIT;
	struct private_key_info info;

	key_make(&folder, "ed", "-t ed25519 -a 2 -N passes");
	key_read(&folder, "ed", &text);
	key_read_public(&folder, "ed.pub", &public);
	cr_assert_eq(private_key_inspect(text.data, text.len, &info), 0);
	cr_assert_eq(info.reader, PRIVATE_KEY_READ_HERE);
	cr_assert_eq(info.public_blob.len, public.len);
	cr_assert_eq(memcmp(info.public_blob.data, public.data, public.len), 0);
	private_key_info_finish(&info);
	buf_finish(&text);
	buf_finish(&public);
}

Test(private_key, a_file_whose_halves_differ_is_refused)
{
	struct buf text = BUF_INIT;
	struct private_key *key = NULL;
	size_t changed = 0;

	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_read(&folder, "ed", &text);
	/* each base64 character in turn: whatever it belongs to, no other key may come out */
	for (size_t i = strlen("-----BEGIN OPENSSH PRIVATE KEY-----\n"); i + 60 < text.len;
	     i += 7) {
		char was = text.data[i];
		int rc;

		if (was == '\n' || was == '-')
			continue;
		text.data[i] = was == 'A' ? 'B' : 'A';
		rc = private_key_load(text.data, text.len, NULL, &key);
		cr_assert(rc == 0 || rc == -EBADMSG || rc == -ENOTSUP || rc == -EACCES, "%d", rc);
		if (rc < 0)
			changed++;
		else
			private_key_destroy(key); /* the comment, or the check numbers' partner */
		text.data[i] = was;
	}
	cr_assert_gt(changed, 20);
	buf_finish(&text);
}

Test(private_key, a_truncated_file_is_refused_at_every_length)
{
	struct buf text = BUF_INIT;
	struct private_key *key = NULL;

	key_make(&folder, "p256", "-t ecdsa -N ''");
	key_read(&folder, "p256", &text);
	for (size_t len = 0; len + 2 < text.len; len++)
		cr_assert_lt(private_key_load(text.data, len, NULL, &key), 0, "%zu", len);
	buf_finish(&text);
}

Test(private_key, what_is_no_key_is_told_so)
{
	static const char pub[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 alice@laptop\n";
	struct private_key_info info;
	struct private_key *key = NULL;

	cr_assert_eq(private_key_inspect(pub, strlen(pub), &info), -EBADMSG);
	cr_assert_eq(private_key_inspect("", 0, &info), -EBADMSG);
	cr_assert_eq(private_key_load(pub, strlen(pub), NULL, &key), -EBADMSG);
}

Test(private_key, destroy_accepts_nothing)
{
	private_key_destroy(NULL);
	cr_assert(1);
}
