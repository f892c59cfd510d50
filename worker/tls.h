/*
 * TLS as a worker does it, with OpenSSL: what its context is like, and what binds a login to
 * one connection. The bytes are libwebsockets' business (worker/ws.c); the contexts and
 * connections come from there as what they are to OpenSSL, SSL_CTX and SSL.
 *
 * TLS 1.2 and 1.3. Session tickets are ours, so that every worker opens those of every other;
 * no session is kept in memory, and there is no early data.
 */
#ifndef WORKER_TLS_H
#define WORKER_TLS_H

#include "worker/tls_share.h"

#include <stdbool.h>
#include <stdint.h>

#define TLS_EXPORTER_BYTES 32u

struct tls;

/* NULL: out of memory. */
struct tls *tls_create(void);
/* Not before the context is gone. Accepts NULL. */
void tls_destroy(struct tls *tls);

/* Sets an SSL_CTX up; `tls` must outlive it. 0 or -EIO. */
int tls_context_prepare(struct tls *tls, void *ssl_ctx);
/*
 * Certificate, key and ticket keys for the connections that come from now on. 0, or -EBADMSG: the
 * master has looked at them, so only memory can be short; then the old ones stay.
 */
int tls_context_load(struct tls *tls, const struct tls_secret *secret);

/*
 * The same from what the master shares, if that is new. 0, also when it isn't; -EBADMSG, -ENOMEM:
 * the old ones stay.
 */
int tls_refresh(struct tls *tls, struct tls_share *share);

/*
 * The channel binding "tls-exporter" of a connection (RFC 9266): false where it has none, a
 * TLS 1.2 without the extended master secret.
 */
bool tls_exporter(void *ssl, uint8_t out[TLS_EXPORTER_BYTES]);

#endif
