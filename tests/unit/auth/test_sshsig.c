/* auth/sshsig: beside the vectors, every cut and every flipped bit. */
#include "signer_fixture.h"

#include "auth/base64.h"
#include "auth/sshsig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE "a message"
#define BEGIN "-----BEGIN SSH SIGNATURE-----"
#define END "-----END SSH SIGNATURE-----"

static struct test_key key;
static struct buf text;
static uint8_t blob[SSHSIG_BLOB_MAX];
static size_t blob_len;

static void set_up(void)
{
	struct buf public = BUF_INIT;

	test_key_make(&key, 1);
	test_key_blob(&key, &public);
	test_sign(&key, &public, "ns", MESSAGE, strlen(MESSAGE), &text);
	cr_assert_eq(sshsig_decode(text.data, text.len, blob, &blob_len), VERDICT_OK);
	buf_finish(&public);
}

static void tear_down(void)
{
	buf_finish(&text);
}

TestSuite(sshsig, .init = set_up, .fini = tear_down);

static enum verdict verify(const uint8_t *bytes, size_t len)
{
	struct sshsig sig;
	enum verdict verdict = sshsig_read(bytes, len, "ns", &sig);

	return verdict == VERDICT_OK ? sshsig_verify(&sig, MESSAGE, strlen(MESSAGE)) : verdict;
}

Test(sshsig, a_good_signature_is_good)
{
	cr_expect_eq(verify(blob, blob_len), VERDICT_OK);
}

Test(sshsig, every_cut_is_malformed)
{
	for (size_t len = 0; len < blob_len; len++)
		cr_expect_eq(verify(blob, len), VERDICT_MALFORMED, "%zu bytes", len);
	cr_expect_eq(verify(blob, blob_len + 1), VERDICT_MALFORMED);
}

Test(sshsig, every_flipped_bit_is_found)
{
	for (size_t i = 0; i < blob_len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			blob[i] ^= (uint8_t)(1u << bit);
			cr_expect_neq(verify(blob, blob_len), VERDICT_OK, "byte %zu bit %u", i,
				      bit);
			blob[i] ^= (uint8_t)(1u << bit);
		}
	}
}

/* `before`, the signature's base64, `after`. */
static enum verdict decode(const char *before, const char *after)
{
	char form[2048];
	size_t len;

	(void)snprintf(form, sizeof(form), "%s%s%s", before, text.data, after);
	return sshsig_decode(form, strlen(form), blob, &len);
}

Test(sshsig, armor_is_taken_as_ssh_keygen_prints_it)
{
	cr_expect_eq(decode(BEGIN "\n", "\n" END "\n"), VERDICT_OK);
	cr_expect_eq(decode(BEGIN "\n", "\n" END), VERDICT_OK);
	cr_expect_eq(decode(BEGIN "\r\n", "\r\n" END "\r\n"), VERDICT_OK);
	cr_expect_eq(decode("", ""), VERDICT_OK);
	cr_expect_eq(decode("", "\n"), VERDICT_OK);
}

Test(sshsig, armor_is_whole_or_nothing)
{
	cr_expect_eq(decode(BEGIN "\n", "\n"), VERDICT_MALFORMED);
	cr_expect_eq(decode("", "\n" END), VERDICT_MALFORMED);
	cr_expect_eq(decode(BEGIN "\n", END), VERDICT_MALFORMED);
	cr_expect_eq(decode(BEGIN "\n", "\n" END "x"), VERDICT_MALFORMED);
	cr_expect_eq(decode("x" BEGIN "\n", "\n" END), VERDICT_MALFORMED);
	cr_expect_eq(decode("-----BEGIN PGP SIGNATURE-----\n", "\n-----END PGP SIGNATURE-----"),
		     VERDICT_MALFORMED);
	cr_expect_eq(decode("", "="), VERDICT_MALFORMED);
	cr_expect_eq(decode("*", ""), VERDICT_MALFORMED);
}

Test(sshsig, text_over_the_limit_is_refused_before_it_is_read)
{
	static char large[SSHSIG_TEXT_MAX + 2];
	size_t len;

	memset(large, 'A', sizeof(large));
	cr_expect_eq(sshsig_decode(large, SSHSIG_TEXT_MAX, blob, &len), VERDICT_OK);
	cr_expect_eq(len, SSHSIG_BLOB_MAX);
	cr_expect_eq(sshsig_decode(large, SSHSIG_TEXT_MAX + 1, blob, &len), VERDICT_MALFORMED);
	cr_expect_eq(verify(blob, SSHSIG_BLOB_MAX), VERDICT_MALFORMED);
}

Test(sshsig, the_namespace_is_compared_whole)
{
	struct sshsig sig;

	cr_expect_eq(sshsig_read(blob, blob_len, "ns", &sig), VERDICT_OK);
	cr_expect_eq(sshsig_read(blob, blob_len, "n", &sig), VERDICT_WRONG_NAMESPACE);
	cr_expect_eq(sshsig_read(blob, blob_len, "nsx", &sig), VERDICT_WRONG_NAMESPACE);
	cr_expect_eq(sshsig_read(blob, blob_len, "", &sig), VERDICT_WRONG_NAMESPACE);
}

Test(sshsig, another_message_is_a_bad_signature)
{
	struct sshsig sig;

	cr_assert_eq(sshsig_read(blob, blob_len, "ns", &sig), VERDICT_OK);
	cr_expect_eq(sshsig_verify(&sig, "a messagf", 9), VERDICT_BAD_SIGNATURE);
	cr_expect_eq(sshsig_verify(&sig, "", 0), VERDICT_BAD_SIGNATURE);
}

/* An S that is the same modulo the group's order, but not below it. */
Test(sshsig, a_second_form_of_the_same_signature_is_refused)
{
	static const uint8_t order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
		0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
		0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10,
	};
	uint8_t *s = blob + blob_len - 32;
	unsigned carry = 0;

	for (unsigned i = 0; i < 32; i++) {
		carry += (unsigned)s[i] + order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
	cr_assert_eq(carry, 0);
	cr_expect_eq(verify(blob, blob_len), VERDICT_BAD_SIGNATURE);
}

Test(sshsig, the_touch_rule_is_for_security_keys_only)
{
	struct sshsig sig;

	cr_assert_eq(sshsig_read(blob, blob_len, "ns", &sig), VERDICT_OK);
	cr_expect_eq(sshsig_check_sk(&sig, false, true), VERDICT_OK);
	sig.key.type = KEY_SK_ED25519;
	cr_expect_eq(sshsig_check_sk(&sig, false, false), VERDICT_NO_TOUCH);
	cr_expect_eq(sshsig_check_sk(&sig, true, false), VERDICT_OK);
	sig.signature.sk_flags = SK_USER_PRESENT;
	cr_expect_eq(sshsig_check_sk(&sig, false, true), VERDICT_NOT_VERIFIED);
	sig.signature.sk_flags |= SK_USER_VERIFIED;
	cr_expect_eq(sshsig_check_sk(&sig, false, true), VERDICT_OK);
}
