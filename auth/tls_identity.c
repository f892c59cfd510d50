#include "auth/tls_identity.h"
#include "auth/pubkey.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY_S INT64_C(86400)
#define SERIAL_BYTES 16

/* ---- what people see -------------------------------------------------------------- */

void tls_fingerprint(const void *spki, size_t len, char out[FINGERPRINT_SIZE])
{
	uint8_t hash[KEY_HASH_BYTES];

	SHA256(spki, len, hash);
	fingerprint_format(hash, out);
}

static int fingerprint_of(X509 *cert, char out[FINGERPRINT_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (len < 0)
		return -ENOMEM;
	tls_fingerprint(der, (size_t)len, out);
	OPENSSL_free(der);
	return 0;
}

static void add_name(struct buf *names, const char *text, size_t len)
{
	/* A name with a NUL or a blank inside is somebody's trick, a wildcard nobody's name. */
	if (len == 0 || memchr(text, '\0', len) != NULL || memchr(text, '*', len) != NULL ||
	    memchr(text, '\n', len) != NULL || memchr(text, ' ', len) != NULL)
		return;
	buf_append(names, text, len);
	buf_append_char(names, '\n');
}

static void add_address(struct buf *names, const ASN1_OCTET_STRING *bytes)
{
	const unsigned char *data = ASN1_STRING_get0_data(bytes);
	int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (ASN1_STRING_length(bytes) != 4 && ASN1_STRING_length(bytes) != 16)
		return;
	if (inet_ntop(family, data, text, sizeof(text)) != NULL)
		add_name(names, text, strlen(text));
}

static void names_of(X509 *cert, char *out, size_t size)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct buf names = BUF_INIT;

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_DNS)
			add_name(&names, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
				 (size_t)ASN1_STRING_length(name->d.dNSName));
		else if (name->type == GEN_IPADD)
			add_address(&names, name->d.iPAddress);
	}
	GENERAL_NAMES_free(all);
	/* whole names only */
	while (names.len >= size) {
		names.data[names.len - 1] = '\0';
		char *last = strrchr(names.data, '\n');

		names.len = last != NULL ? (size_t)(last - names.data) + 1 : 0;
		names.data[names.len] = '\0';
	}
	snprintf(out, size, "%s", names.len > 0 ? names.data : "");
	buf_finish(&names);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	if (epoch == NULL || !ASN1_TIME_diff(&days, &seconds, epoch, time))
		days = seconds = 0;
	ASN1_TIME_free(epoch);
	return days * DAY_S + seconds;
}

/* ---- reading ------------------------------------------------------------------------ */

/* A key that asks for a passphrase is refused: nobody is there to be asked. */
static int no_passphrase(char *out, int size, int writing, void *data)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)data = true;
	return -1;
}

static int bad(struct buf *error, const char *what)
{
	ERR_clear_error();
	buf_append_str(error, what);
	return -EBADMSG;
}

static int check_key(X509 *cert, const struct buf *key_pem, struct buf *error)
{
	BIO *bio = BIO_new_mem_buf(key_pem->data, (int)key_pem->len);
	bool locked = false;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &locked);
	int ret = 0;

	if (locked)
		ret = bad(error, "the key needs a passphrase, and nobody is there to be asked");
	else if (key == NULL)
		ret = bad(error, "no private key in PEM form in it");
	else if (X509_check_private_key(cert, key) != 1)
		ret = bad(error, "the key is not the certificate's");
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ret;
}

int tls_identity_read(const struct buf *cert_pem, const struct buf *key_pem,
		      struct tls_identity_info *ret_info, struct buf *error)
{
	BIO *bio = BIO_new_mem_buf(cert_pem->data, (int)cert_pem->len);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509 *next = NULL;
	int ret = 0;

	if (cert == NULL) {
		ret = bad(error, "no certificate in PEM form in it");
		goto out;
	}
	/* The chain behind it, up to the end of the text: what is no certificate is passed over. */
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		X509_free(next);
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		ret = bad(error, "a certificate of its chain is damaged");
		goto out;
	}
	ERR_clear_error();
	if (key_pem != NULL)
		ret = check_key(cert, key_pem, error);
	if (ret < 0)
		goto out;
	*ret_info = (struct tls_identity_info){
		.not_after_s = seconds_of(X509_get0_notAfter(cert)),
	};
	names_of(cert, ret_info->names, sizeof(ret_info->names));
	ret = fingerprint_of(cert, ret_info->fingerprint);
out:
	X509_free(cert);
	BIO_free(bio);
	return ret;
}

/* ---- making --------------------------------------------------------------------------- */

static int set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	int ok;

	random_bytes(bytes, sizeof(bytes));
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and always as long */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return ok;
}

static int add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	int ok;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension != NULL && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

static bool is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_";

	return name[0] != '\0' && name[strspn(name, plain)] == '\0';
}

static int add_names(X509 *cert, const char *const *names)
{
	struct buf list = BUF_INIT;
	int ok;

	buf_append_str(&list, "DNS:localhost");
	for (; *names != NULL; names++) {
		if (is_plain(*names) && strcmp(*names, "localhost") != 0)
			buf_printf(&list, ",DNS:%s", *names);
	}
	ok = !list.failed && add_extension(cert, NID_subject_alt_name, list.data);
	buf_finish(&list);
	return ok;
}

static int fill(X509 *cert, EVP_PKEY *key, const char *const *names, int64_t now_s)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	/* A day back: the clocks of those who look at it differ. */
	return X509_set_version(cert, 2) && set_serial(cert) &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(now_s - DAY_S)) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(cert),
			     (time_t)(now_s + TLS_IDENTITY_YEARS * 365 * DAY_S)) != NULL &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
					  (const unsigned char *)"chat-master", -1, -1, 0) &&
	       X509_set_issuer_name(cert, subject) && X509_set_pubkey(cert, key) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") && add_names(cert, names) &&
	       X509_sign(cert, key, EVP_sha256());
}

static int append_bio(BIO *bio, struct buf *out)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	buf_append(out, data, (size_t)len);
	return out->failed ? -ENOMEM : 0;
}

int tls_identity_make(const char *const *names, int64_t now_s, struct buf *ret_cert,
		      struct buf *ret_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
	int ret = -EIO;

	if (key == NULL || cert == NULL || cert_bio == NULL || key_bio == NULL) {
		ret = -ENOMEM;
		goto out;
	}
	if (!fill(cert, key, names, now_s) || !PEM_write_bio_X509(cert_bio, cert) ||
	    !PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL))
		goto out;
	ret = append_bio(cert_bio, ret_cert);
	if (ret == 0)
		ret = append_bio(key_bio, ret_key);
out:
	ERR_clear_error();
	BIO_free(cert_bio);
	BIO_free(key_bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ret;
}
