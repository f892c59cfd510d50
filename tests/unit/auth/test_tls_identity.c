#include "auth/tls_identity.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define NOW 1795197630

static struct buf cert, key, error;
static struct tls_identity_info info;

static void make(void)
{
	static const char *const names[] = {"box", "", "box.example.org", "bad name,DNS:evil.org",
					    NULL};

	cr_assert_eq(tls_identity_make(names, NOW, &cert, &key), 0);
}

static void teardown(void)
{
	buf_finish(&cert);
	buf_finish(&key);
	buf_finish(&error);
}

TestSuite(tls_identity, .init = make, .fini = teardown);

Test(tls_identity, what_is_made_reads_back_with_its_names_and_its_end)
{
	cr_assert_eq(tls_identity_read(&cert, &key, &info, &error), 0, "%s", error.data);
	cr_assert_str_eq(info.names, "localhost\nbox\nbox.example.org\n");
	cr_assert_eq(info.not_after_s, NOW + (int64_t)TLS_IDENTITY_YEARS * 365 * 86400);
	cr_assert_eq(strncmp(info.fingerprint, "SHA256:", 7), 0);
	cr_assert_eq(strlen(info.fingerprint), 50u);
}

/* openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
 */
Test(tls_identity, the_fingerprint_is_the_hash_of_the_public_key)
{
	static const char pem[] =
		"-----BEGIN CERTIFICATE-----\n"
		"MIIBbzCCARWgAwIBAgIUGfRywYfSiXK9lO/YcfdRxZI8uFAwCgYIKoZIzj0EAwIw\n"
		"DDEKMAgGA1UEAwwBeDAgFw0yNjExMjgxMTA1MTlaGA8yMTI2MTEwNDExMDUxOVow\n"
		"DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCG5aCaxbkbo\n"
		"j9sY+cavuPDcVWd78MGcLHDuE5B9s9RJyjfqLyNw1+Sg9B0ab6j66NgqwZzC5Nhe\n"
		"7mftpJZThBejUzBRMB0GA1UdDgQWBBRURH8owMy6Rg2vw2qIjGaOFPqP7TAfBgNV\n"
		"HSMEGDAWgBRURH8owMy6Rg2vw2qIjGaOFPqP7TAPBgNVHRMBAf8EBTADAQH/MAoG\n"
		"CCqGSM49BAMCA0gAMEUCIQDu+XPmdv30wHSX/FqhBq7ogt0zYbVMYilCk8bXiPUh\n"
		"fgIgCWXC1ay+jJxW/BFEnGtQpWx7FoDssU7IlGIJCP5MhtI=\n"
		"-----END CERTIFICATE-----\n";
	struct buf known = {.data = (char *)(uintptr_t)pem, .len = sizeof(pem) - 1};

	cr_assert_eq(tls_identity_read(&known, NULL, &info, &error), 0, "%s", error.data);
	cr_assert_str_eq(info.fingerprint, "SHA256:dX1WfvExA+DCul47VliecwHTuOtcvvb4rmxv+BKlMQs");
}

Test(tls_identity, two_of_them_are_two)
{
	char first[FINGERPRINT_SIZE];

	cr_assert_eq(tls_identity_read(&cert, NULL, &info, &error), 0);
	strcpy(first, info.fingerprint);
	buf_reset(&cert);
	buf_reset(&key);
	make();
	cr_assert_eq(tls_identity_read(&cert, NULL, &info, &error), 0);
	cr_assert_str_neq(info.fingerprint, first);
}

Test(tls_identity, a_key_of_another_certificate_is_refused)
{
	struct buf first = cert;

	cert = BUF_INIT;
	buf_reset(&key);
	make();
	cr_assert_eq(tls_identity_read(&first, &key, &info, &error), -EBADMSG);
	cr_assert_str_eq(error.data, "the key is not the certificate's");
	buf_finish(&first);
}

Test(tls_identity, key_and_certificate_in_one_file_are_fine_in_either_order)
{
	buf_append(&key, cert.data, cert.len);
	cr_assert_eq(tls_identity_read(&key, &key, &info, &error), 0, "%s", error.data);
}

Test(tls_identity, what_is_none_is_told_in_words)
{
	struct buf none = BUF_INIT;

	buf_append_str(&none, "hello\n");
	cr_assert_eq(tls_identity_read(&none, &key, &info, &error), -EBADMSG);
	cr_assert_str_eq(error.data, "no certificate in PEM form in it");
	buf_reset(&error);
	cr_assert_eq(tls_identity_read(&cert, &none, &info, &error), -EBADMSG);
	cr_assert_str_eq(error.data, "no private key in PEM form in it");
	buf_reset(&error);
	buf_append_str(&cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	cr_assert_eq(tls_identity_read(&cert, &key, &info, &error), -EBADMSG);
	cr_assert_str_eq(error.data, "a certificate of its chain is damaged");
	buf_finish(&none);
}

Test(tls_identity, a_key_with_a_passphrase_is_refused_at_once)
{
	static const char locked[] =
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjES+ljSfR8DwICCAAw\n"
		"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEP8psk0OBo46hghnmDU0iNgEgZDF\n"
		"UO4kbnSqp0vt8j57MjMJa22MBIdXoUJh5wilG/QtQR3QX9RGYMeLbjOr2svGsESA\n"
		"NZPwjipaAx4mdVOz2+F2CtO99QIzWasw/8uGmYNOkQhJCtmLgw8H5nqp220CLMBa\n"
		"jIArvuiwClzkEb7a5YgWTqsd9M9wFoQAV0LfizcF8IA7z+CIhDDp1Oo3xxX5NhY=\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n";
	struct buf text = {.data = (char *)(uintptr_t)locked, .len = sizeof(locked) - 1};

	cr_assert_eq(tls_identity_read(&cert, &text, &info, &error), -EBADMSG);
	cr_assert_not_null(strstr(error.data, "passphrase"), "%s", error.data);
}
