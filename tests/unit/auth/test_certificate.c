/* auth/certificate: read strictly, judged here and now. */
#include "signer_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOW 1000

static struct test_key key, ca;
static struct buf blob;
static struct certificate cert;
static struct certificate_demands demands;

static void set_up(void)
{
	test_key_make(&key, 1);
	test_key_make(&ca, 2);
}

static void tear_down(void)
{
	buf_finish(&blob);
}

TestSuite(certificate, .init = set_up, .fini = tear_down);

static struct test_cert good(void)
{
	return (struct test_cert){
		.key = &key,
		.ca = &ca,
		.type = 1,
		.principals = {"alice", "bob"},
		.valid_after = NOW - 10,
		.valid_before = NOW + 10,
	};
}

static enum verdict check_from(struct test_cert made, const char *peer)
{
	struct address address;

	buf_reset(&blob);
	test_cert_blob(&made, &blob);
	cr_assert_eq(certificate_parse(blob.data, blob.len, &cert), VERDICT_OK);
	if (peer == NULL)
		return certificate_check(&cert, NOW, NULL, &demands);
	cr_assert_eq(address_parse(peer, &address), 0);
	return certificate_check(&cert, NOW, &address, &demands);
}

static enum verdict check(struct test_cert made)
{
	return check_from(made, "127.0.0.1");
}

Test(certificate, a_good_one_tells_its_key_its_ca_and_its_principals)
{
	uint8_t hash[KEY_HASH_BYTES];

	cr_assert_eq(check(good()), VERDICT_OK);
	pubkey_hash(&cert.key, hash);
	cr_expect_arr_eq(hash, key.hash, sizeof(hash));
	cr_expect_arr_eq(cert.ca_hash, ca.hash, sizeof(hash));
	cr_expect_eq(cert.serial, 7);
	cr_expect(wire_equal_text(cert.key_id, "laptop"));
	cr_expect(certificate_has_principal(&cert, "alice"));
	cr_expect(certificate_has_principal(&cert, "bob"));
	cr_expect_not(certificate_has_principal(&cert, "Alice"));
	cr_expect_not(certificate_has_principal(&cert, "alic"));
	cr_expect_not(certificate_has_principal(&cert, ""));
	cr_expect(certificate_is(blob.data, blob.len));
}

Test(certificate, validity_includes_its_first_second_and_not_its_last)
{
	struct test_cert made = good();

	made.valid_after = NOW;
	cr_expect_eq(check(made), VERDICT_OK);
	made.valid_after = NOW + 1;
	cr_expect_eq(check(made), VERDICT_CERT_NOT_YET_VALID);
	made = good();
	made.valid_before = NOW + 1;
	cr_expect_eq(check(made), VERDICT_OK);
	made.valid_before = NOW;
	cr_expect_eq(check(made), VERDICT_CERT_EXPIRED);
	made.valid_after = 0;
	made.valid_before = UINT64_MAX;
	cr_expect_eq(check(made), VERDICT_OK, "for ever");
}

Test(certificate, a_host_certificate_is_none_for_users)
{
	struct test_cert made = good();

	made.type = 2;
	cr_expect_eq(check(made), VERDICT_CERT_TYPE);
	made.type = 0;
	cr_expect_eq(check(made), VERDICT_CERT_TYPE);
}

Test(certificate, every_byte_is_covered_by_the_cas_signature_or_the_parser)
{
	struct test_cert made = good();
	size_t whole;

	made.option = "source-address";
	made.option_value = "127.0.0.0/8";
	made.extension = "permit-pty";
	cr_assert_eq(check(made), VERDICT_OK);
	whole = blob.len;
	for (size_t i = 0; i < whole; i++) {
		enum verdict verdict;
		struct address here;

		cr_assert_eq(address_parse("127.0.0.1", &here), 0);
		blob.data[i] ^= 1;
		verdict = certificate_parse(blob.data, blob.len, &cert);
		if (verdict == VERDICT_OK)
			verdict = certificate_check(&cert, NOW, &here, &demands);
		cr_expect_neq(verdict, VERDICT_OK, "byte %zu", i);
		blob.data[i] ^= 1;
		cr_expect_neq(certificate_parse(blob.data, i, &cert), VERDICT_OK, "cut at %zu", i);
	}
	buf_append_char(&blob, 'x');
	cr_expect_eq(certificate_parse(blob.data, blob.len, &cert), VERDICT_MALFORMED);
}

Test(certificate, a_wrong_ca_signature_is_told_apart)
{
	struct test_cert made = good();

	made.break_signature = true;
	cr_expect_eq(check(made), VERDICT_CERT_SIGNATURE);
}

Test(certificate, without_principals_it_is_for_nobody)
{
	struct test_cert made = good();

	made.principals[0] = NULL;
	cr_expect_eq(check(made), VERDICT_CERT_PRINCIPAL);
}

Test(certificate, a_critical_option_that_is_not_honoured_refuses_it)
{
	struct test_cert made = good();

	made.option = "force-command";
	made.option_value = "/bin/true";
	cr_expect_eq(check(made), VERDICT_CERT_CRITICAL_OPTION);
	made.option = "brand-new@example.org";
	made.option_value = NULL;
	cr_expect_eq(check(made), VERDICT_CERT_CRITICAL_OPTION);
	made.option = "verify-required";
	cr_assert_eq(check(made), VERDICT_OK);
	cr_expect(demands.verify_required);
	made.option_value = "x";
	cr_expect_eq(check(made), VERDICT_CERT_CRITICAL_OPTION);
}

Test(certificate, source_address_is_checked_and_fails_closed)
{
	struct test_cert made = good();

	made.option = "source-address";
	made.option_value = "192.0.2.0/24,::1";
	cr_expect_eq(check_from(made, "192.0.2.9"), VERDICT_OK);
	cr_expect_eq(check_from(made, "::1"), VERDICT_OK);
	cr_expect_eq(check_from(made, "127.0.0.1"), VERDICT_CERT_SOURCE_ADDRESS);
	made.option_value = "192.0.2.*";
	cr_expect_eq(check_from(made, "192.0.2.9"), VERDICT_CERT_SOURCE_ADDRESS);
	cr_expect_eq(check_from(made, NULL), VERDICT_CERT_SOURCE_ADDRESS);
	made.option_value = NULL;
	cr_expect_eq(check_from(made, "192.0.2.9"), VERDICT_MALFORMED);
}

Test(certificate, an_unknown_extension_is_no_matter)
{
	struct test_cert made = good();

	made.extension = "permit-pty";
	cr_assert_eq(check(made), VERDICT_OK);
	cr_expect_not(demands.no_touch_required);
	made.extension = "no-touch-required";
	cr_assert_eq(check(made), VERDICT_OK);
	cr_expect(demands.no_touch_required);
}

Test(certificate, a_plain_key_is_none)
{
	buf_reset(&blob);
	test_key_blob(&key, &blob);
	cr_expect_not(certificate_is(blob.data, blob.len));
	cr_expect_eq(certificate_parse(blob.data, blob.len, &cert), VERDICT_UNSUPPORTED_KEY);
}
