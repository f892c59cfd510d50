/* auth/pubkey: keys are read strictly. */
#include "signer_fixture.h"

#include "auth/base64.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static enum verdict parse(const struct buf *blob)
{
	struct pubkey key;

	return pubkey_parse(blob->data, blob->len, &key);
}

/* ssh-rsa with these numbers; n gets its top bit and is odd unless told otherwise. */
static void put_rsa(struct buf *blob, const char *e, size_t e_len, unsigned bits, bool odd)
{
	uint8_t n[1100] = {0};
	size_t len = (bits + 7) / 8;

	memset(n, 0xa5, len);
	n[0] = (uint8_t)(1u << ((bits - 1) % 8));
	n[len - 1] = odd ? 0xa5 : 0xa4;
	buf_reset(blob);
	wire_put_text(blob, "ssh-rsa");
	wire_put_mpint(blob, e, e_len);
	wire_put_mpint(blob, n, len);
}

Test(pubkey, rsa_has_2048_to_8192_bits)
{
	struct buf blob = BUF_INIT;

	put_rsa(&blob, "\x01\x00\x01", 3, 2047, true);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	put_rsa(&blob, "\x01\x00\x01", 3, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_OK);
	put_rsa(&blob, "\x01\x00\x01", 3, 8192, true);
	cr_expect_eq(parse(&blob), VERDICT_OK);
	put_rsa(&blob, "\x01\x00\x01", 3, 8193, true);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	buf_finish(&blob);
}

Test(pubkey, rsa_has_an_odd_modulus_and_a_small_odd_exponent)
{
	struct buf blob = BUF_INIT;

	put_rsa(&blob, "\x01\x00\x01", 3, 2048, false);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	put_rsa(&blob, "\x01", 1, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	put_rsa(&blob, "", 0, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	put_rsa(&blob, "\x02", 1, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	put_rsa(&blob, "\x03", 1, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_OK);
	put_rsa(&blob, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_OK);
	put_rsa(&blob, "\x01\x00\x00\x00\x00\x00\x00\x00\x01", 9, 2048, true);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	buf_finish(&blob);
}

Test(pubkey, nothing_follows_a_key_and_nothing_is_missing)
{
	struct buf blob = BUF_INIT;
	struct test_key key;

	test_key_make(&key, 1);
	test_key_blob(&key, &blob);
	cr_expect_eq(parse(&blob), VERDICT_OK);
	for (size_t len = 0; len < blob.len; len++) {
		struct buf part = {.data = blob.data, .len = len};
		enum verdict verdict = parse(&part);

		cr_expect_eq(verdict, VERDICT_MALFORMED, "%zu bytes", len);
	}
	buf_append_char(&blob, '\0');
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED);
	buf_finish(&blob);
}

static void put_ecdsa(struct buf *blob, const char *type, const char *curve, const void *point,
		      size_t len)
{
	buf_reset(blob);
	wire_put_text(blob, type);
	wire_put_text(blob, curve);
	wire_put_string(blob, point, len);
}

Test(pubkey, points_are_uncompressed_and_on_their_curve)
{
	/* the generator of P-256 */
	uint8_t point[65] = {
		0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
		0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
		0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
		0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
		0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
	};
	struct buf blob = BUF_INIT;
	struct pubkey key;

	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", point, 65);
	cr_assert_eq(pubkey_parse(blob.data, blob.len, &key), VERDICT_OK);
	cr_expect_eq(key.type, KEY_ECDSA256);
	cr_expect_eq(pubkey_bits(&key), 256);
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp384", point, 65);
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED);
	put_ecdsa(&blob, "ecdsa-sha2-nistp384", "nistp384", point, 65);
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED);
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", point, 64);
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED);
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", "", 1);
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED, "infinity");
	point[0] = 0x03;
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", point, 33);
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED, "compressed");
	point[0] = 0x07;
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", point, 65);
	cr_expect_eq(parse(&blob), VERDICT_MALFORMED, "hybrid");
	point[0] = 0x04;
	point[64] ^= 1;
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", point, 65);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY);
	memset(point + 1, 0xff, 64);
	put_ecdsa(&blob, "ecdsa-sha2-nistp256", "nistp256", point, 65);
	cr_expect_eq(parse(&blob), VERDICT_BAD_KEY, "coordinates over the prime");
	buf_finish(&blob);
}

Test(pubkey, other_types_are_unsupported)
{
	static const char *const types[] = {
		"ssh-dss",
		"ssh-ed448",
		"SSH-ED25519",
		"ssh-ed25519 ",
		"rsa-sha2-256",
		"",
		"ssh-ed25519-cert-v01@openssh.com",
		"ssh-xmss@openssh.com",
	};
	struct buf blob = BUF_INIT;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_reset(&blob);
		wire_put_text(&blob, types[i]);
		wire_put_text(&blob, "01234567890123456789012345678901");
		cr_expect_eq(parse(&blob), VERDICT_UNSUPPORTED_KEY, "%s", types[i]);
	}
	buf_finish(&blob);
}

Test(pubkey, a_fingerprint_reads_back)
{
	uint8_t hash[KEY_HASH_BYTES];
	struct test_key key;

	test_key_make(&key, 1);
	cr_expect_eq(strlen(key.fingerprint), 50);
	cr_assert_eq(fingerprint_parse(key.fingerprint, hash), 0);
	cr_expect_arr_eq(hash, key.hash, sizeof(hash));
	cr_expect_eq(fingerprint_parse("SHA256:", hash), -EINVAL);
	cr_expect_eq(fingerprint_parse(key.fingerprint + 1, hash), -EINVAL);
	key.fingerprint[20] = '*';
	cr_expect_eq(fingerprint_parse(key.fingerprint, hash), -EINVAL);
	cr_expect_eq(fingerprint_parse("MD5:00:11", hash), -EINVAL);
}

Test(pubkey, the_text_form_must_name_its_blob)
{
	struct buf blob = BUF_INIT, text = BUF_INIT;
	struct wire_bytes comment;
	struct test_key key;

	test_key_make(&key, 1);
	test_key_line(&key, &text);
	buf_append_str(&text, "  me@laptop \r\nmore");
	cr_assert_eq(pubkey_text_decode(text.data, text.len, &blob, &comment), 0);
	cr_expect_eq(parse(&blob), VERDICT_OK);
	cr_expect(wire_equal_text(comment, "me@laptop"));
	text.data[4] = 'E';
	cr_expect_eq(pubkey_text_decode(text.data, text.len, &blob, NULL), -EBADMSG);
	cr_expect_eq(pubkey_text_decode("ssh-ed25519", 11, &blob, NULL), -EBADMSG);
	cr_expect_eq(pubkey_text_decode("", 0, &blob, NULL), -EBADMSG);
	buf_finish(&blob);
	buf_finish(&text);
}

Test(pubkey, an_rsa_signature_algorithm_may_stand_before_an_rsa_key)
{
	struct buf blob = BUF_INIT, text = BUF_INIT, decoded = BUF_INIT;

	put_rsa(&blob, "\x03", 1, 2048, true);
	buf_append_str(&text, "rsa-sha2-512 ");
	base64_encode(&text, blob.data, blob.len, 0);
	cr_expect_eq(pubkey_text_decode(text.data, text.len, &decoded, NULL), 0);
	cr_expect_eq(decoded.len, blob.len);
	buf_finish(&blob);
	buf_finish(&text);
	buf_finish(&decoded);
}
