/*
 * TLS as a client does it, with OpenSSL: the context that libwebsockets connects with, and a look
 * at who answered. libwebsockets lets every certificate pass; whether a login is made is decided
 * by trust.h, from what is seen here, before anything but the upgrade has been sent.
 *
 * CAs are those of the system (SSL_CERT_FILE and SSL_CERT_DIR name others, as for all of OpenSSL).
 */
#ifndef CLIENT_TLS_H
#define CLIENT_TLS_H

#include "auth/challenge.h"
#include "base/limits.h"

#include <stdbool.h>

/* The server, as its TLS shows it. */
struct tls_peer {
	char fingerprint[FINGERPRINT_SIZE]; /* of its public key: auth/tls_identity.h */
	bool vouched;                       /* a CA vouches for this certificate and this name */
	char why[128];                      /* not vouched: why not, for people */
	char binding[BINDING_SIZE];         /* "tls-exporter:…", or "": this TLS has none */
};

/* An SSL_CTX, or NULL. tls_context_free accepts NULL. */
void *tls_context_new(void);
void tls_context_free(void *context);

/* Looks at a connection (an SSL) whose handshake is done; `host` was dialled. 0 or -EPROTO. */
int tls_peer_look(void *ssl, const char *host, struct tls_peer *ret_peer);

#endif
