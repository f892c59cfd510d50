#include "client/tls.h"

#include "auth/tls_identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define EXPORTER_LABEL "EXPORTER-Channel-Binding" /* RFC 9266 */

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* ---- the context ------------------------------------------------------------------- */

/* Who it is will be looked at when the handshake is done, not inside it. */
static int let_pass(X509_STORE_CTX *chain, void *data)
{
	(void)data;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	return 1;
}

/* libwebsockets names whatever was dialled; an address is no name (RFC 6066 §3). */
static void before_hello(const SSL *ssl, int where, int value)
{
	const char *name;

	(void)value;
	if ((where & SSL_CB_HANDSHAKE_START) == 0)
		return;
	name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	if (name && (is_address(name) || strchr(name, '[')))
		/* the only way to an SSL that can be changed before its first byte goes out */
		SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, NULL);
}

void *tls_context_new(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	if (!SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)) {
		SSL_CTX_free(context);
		return NULL;
	}
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_cert_verify_callback(context, let_pass, NULL);
	SSL_CTX_set_info_callback(context, before_hello);
	return context;
}

void tls_context_free(void *context)
{
	SSL_CTX_free(context);
}

/* ---- who answered --------------------------------------------------------------------- */

/* The system's CAs, this name, a server's certificate: X509_V_OK or why not. */
static int verify(X509 *cert, STACK_OF(X509) * chain, const char *host)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error = X509_V_ERR_OUT_OF_MEM;

	if (!store || !context || !X509_STORE_set_default_paths(store) ||
	    !X509_STORE_CTX_init(context, store, cert, chain))
		goto out;
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!X509_STORE_CTX_set_default(context, "ssl_server") ||
	    !(is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
			       : X509_VERIFY_PARAM_set1_host(param, host, 0)))
		goto out;
	error = X509_V_OK;
	if (X509_verify_cert(context) != 1) {
		error = X509_STORE_CTX_get_error(context);
		if (error == X509_V_OK)
			error = X509_V_ERR_UNSPECIFIED;
	}
out:
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	ERR_clear_error();
	return error;
}

static bool find_fingerprint(X509 *cert, char out[FINGERPRINT_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (len < 0)
		return false;
	tls_fingerprint(der, (size_t)len, out);
	OPENSSL_free(der);
	return true;
}

static void find_binding(SSL *ssl, char out[BINDING_SIZE])
{
	unsigned char exporter[BINDING_EXPORTER_BYTES];
	static const unsigned char no_context[1] = {0};

	out[0] = '\0';
	/* without the extended master secret somebody between could have made two alike */
	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return;
	if (SSL_export_keying_material(ssl, exporter, sizeof(exporter), EXPORTER_LABEL,
				       sizeof(EXPORTER_LABEL) - 1, no_context, 0, 1) == 1)
		challenge_exporter_binding(exporter, out);
}

int tls_peer_look(void *ssl, const char *host, struct tls_peer *ret_peer)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	int error;

	*ret_peer = (struct tls_peer){0};
	if (!cert || !find_fingerprint(cert, ret_peer->fingerprint))
		return -EPROTO;
	error = verify(cert, SSL_get_peer_cert_chain(ssl), host);
	ret_peer->vouched = error == X509_V_OK;
	if (!ret_peer->vouched)
		snprintf(ret_peer->why, sizeof(ret_peer->why), "%s",
			 X509_verify_cert_error_string(error));
	find_binding(ssl, ret_peer->binding);
	return 0;
}
