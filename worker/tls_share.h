/*
 * What the workers need of TLS: certificate, private key and the keys of session tickets. The
 * master reads the files and makes the ticket keys; workers open no file for it.
 *
 *	master                                worker
 *	tls_share_create, before a fork
 *	tls_share_publish        ──memfd──>   tls_share_attach, after the fork
 *	  at start, when the files change,    once a second: tls_share_read, which
 *	  when ticket keys are turned         tells whether something is new
 *
 * The memfd is sealed: a worker maps it to read, and nobody but the master can write it. A
 * worker that is taken over can read the private key: it has to sign with it.
 */
#ifndef WORKER_TLS_SHARE_H
#define WORKER_TLS_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_PEM_MAX 131072u /* a certificate with its chain, or a key */
#define TLS_TICKET_KEY_BYTES 80u

/*
 * One of the keys is used for new tickets; those before and after it open tickets only, so that
 * no worker makes a ticket that another one can't open yet.
 */
enum tls_ticket { TLS_TICKET_NOW, TLS_TICKET_BEFORE, TLS_TICKET_NEXT, TLS_TICKETS };

struct tls_secret {
	uint32_t cert_len, key_len;
	uint8_t ticket_key[TLS_TICKETS][TLS_TICKET_KEY_BYTES];
	char cert[TLS_PEM_MAX], key[TLS_PEM_MAX]; /* PEM */
};

struct tls_share;

/* 0 or -errno. The mapping that can be written isn't inherited. */
int tls_share_create(struct tls_share **ret_share);
/* Accepts NULL. Not for what a child has inherited: its mapping isn't there. */
void tls_share_destroy(struct tls_share *share);
/* The master's: all of it anew. Read by nobody half. */
void tls_share_publish(struct tls_share *share, const struct tls_secret *secret);

/* In a child: its own view, read only; the inherited descriptor is closed. 0 or -errno. */
int tls_share_attach(struct tls_share *share, struct tls_share **ret_share);
/* In a child that reads nothing of it: the inherited descriptor is closed. */
void tls_share_leave(struct tls_share *share);
/* Is there something that tls_share_read has not given yet? One load. */
bool tls_share_is_new(const struct tls_share *share);
/*
 * Copies it out if it is newer than the last copy: true. False: nothing new, or it is being
 * written at this moment (then it is new the next time).
 */
bool tls_share_read(struct tls_share *share, struct tls_secret *ret_secret);

#endif
