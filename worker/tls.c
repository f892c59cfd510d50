#include "worker/tls.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* Not longer than a ticket key opens tickets: it is turned each 12 hours (master/tls_files.h). */
#define SESSION_S (12L * 3600)
#define NAME_BYTES 16u
#define SECRET_BYTES 32u
#define EXPORTER_LABEL "EXPORTER-Channel-Binding"

_Static_assert(NAME_BYTES + 2 * SECRET_BYTES == TLS_TICKET_KEY_BYTES, "name, cipher key, MAC key");

struct tls {
	SSL_CTX *context; /* borrowed */
	uint8_t ticket_key[TLS_TICKETS][TLS_TICKET_KEY_BYTES];
};

struct tls *tls_create(void)
{
	return calloc(1, sizeof(struct tls));
}

void tls_destroy(struct tls *tls)
{
	if (tls == NULL)
		return;
	OPENSSL_cleanse(tls->ticket_key, sizeof(tls->ticket_key));
	free(tls);
}

/* ---- tickets (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)) ----------------------------- */

static int use_ticket_key(const uint8_t *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			  EVP_MAC_CTX *mac, int encrypt)
{
	uint8_t mac_key[SECRET_BYTES];
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	int ok;

	memcpy(mac_key, key + NAME_BYTES + SECRET_BYTES, sizeof(mac_key));
	ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + NAME_BYTES, iv, encrypt) &&
	     EVP_MAC_CTX_set_params(mac, params);
	OPENSSL_cleanse(mac_key, sizeof(mac_key));
	return ok;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (encrypt) {
		const uint8_t *key = tls->ticket_key[TLS_TICKET_NOW];

		memcpy(name, key, NAME_BYTES);
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
		return use_ticket_key(key, iv, cipher, mac, 1) ? 1 : -1;
	}
	for (unsigned i = 0; i < TLS_TICKETS; i++) {
		if (memcmp(name, tls->ticket_key[i], NAME_BYTES) != 0)
			continue;
		if (!use_ticket_key(tls->ticket_key[i], iv, cipher, mac, 0))
			return -1;
		return i == TLS_TICKET_NOW ? 1 : 2; /* 2: good, and give a new one */
	}
	return 0;
}

/* ---- the context --------------------------------------------------------------------- */

int tls_context_prepare(struct tls *tls, void *ssl_ctx)
{
	SSL_CTX *context = ssl_ctx;

	tls->context = context;
	/*
	 * libwebsockets' own would look for another of its virtual hosts by the name that the
	 * client sends; one name is as good as another here.
	 */
	SSL_CTX_set_tlsext_servername_callback(context, NULL);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_timeout(context, SESSION_S);
	if (!SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
	    !SSL_CTX_set_app_data(context, tls) ||
	    !SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket)) {
		ERR_clear_error();
		return -EIO;
	}
	return 0;
}

static X509 *read_chain(const struct tls_secret *secret, STACK_OF(X509) * chain)
{
	BIO *bio = BIO_new_mem_buf(secret->cert, (int)secret->cert_len);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509 *next = NULL;

	while (cert != NULL && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(chain, next) <= 0)
			X509_free(next);
	}
	BIO_free(bio);
	return cert;
}

int tls_context_load(struct tls *tls, const struct tls_secret *secret)
{
	BIO *bio = BIO_new_mem_buf(secret->key, (int)secret->key_len);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *cert = chain != NULL ? read_chain(secret, chain) : NULL;
	int ret = -EBADMSG;

	memcpy(tls->ticket_key, secret->ticket_key, sizeof(tls->ticket_key));
	if (cert != NULL && key != NULL &&
	    SSL_CTX_use_cert_and_key(tls->context, cert, key, chain, 1) == 1)
		ret = 0;
	ERR_clear_error();
	X509_free(cert);
	sk_X509_pop_free(chain, X509_free);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ret;
}

int tls_refresh(struct tls *tls, struct tls_share *share)
{
	struct tls_secret *secret;
	int ret = 0;

	if (!tls_share_is_new(share))
		return 0;
	secret = OPENSSL_malloc(sizeof(*secret));
	if (secret == NULL)
		return -ENOMEM;
	if (tls_share_read(share, secret))
		ret = tls_context_load(tls, secret);
	OPENSSL_clear_free(secret, sizeof(*secret));
	return ret;
}

/* ---- a connection ----------------------------------------------------------------------- */

bool tls_exporter(void *ssl, uint8_t out[TLS_EXPORTER_BYTES])
{
	static const unsigned char no_context[1] = {0};

	/* Without it two connections can be made to share a secret (RFC 7627). */
	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return false;
	return SSL_export_keying_material(ssl, out, TLS_EXPORTER_BYTES, EXPORTER_LABEL,
					  sizeof(EXPORTER_LABEL) - 1, no_context, 0, 1) == 1;
}
