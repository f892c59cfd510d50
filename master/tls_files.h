/*
 * The server's certificate and key: read here, published to the workers (worker/tls_share.h),
 * read again when they change.
 *
 *	--tls-cert, --tls-key    at the start, at SIGHUP, and when they have changed and then looked
 *	                         the same twice; what can't be used is logged, and the old pair
 *stays neither                  <state-dir>/<instance>/tls.pem, made at the first start: a key and
 *a certificate that it signs itself, for clients that pin it
 *
 * The keys of session tickets are made here, too, and turned each 12 hours.
 */
#ifndef MASTER_TLS_FILES_H
#define MASTER_TLS_FILES_H

#include "auth/tls_identity.h"
#include "base/config.h"
#include "master/file_look.h"
#include "worker/tls_share.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_files {
	struct tls_share *share;    /* owned */
	struct tls_secret *secret;  /* owned; what is published */
	char *cert_path, *key_path; /* owned; the same file where both are in one */
	char *own_path;             /* owned; of the pair we make ourselves */
	struct file_look cert_loaded, cert_seen, key_loaded, key_seen;
	struct tls_identity_info info; /* of what is published */
	uint64_t turn_mono_ms;         /* when the ticket keys are due */
};

/*
 * Loads and publishes; makes a pair where none is configured and none is there yet, for the
 * machine's `names`. 0, or -errno with a sentence in `error`. Zero-initialise `files` before.
 */
int tls_files_open(struct tls_files *files, const struct config *config, const char *folder,
		   const char *const *names, const char *why, struct buf *error);
void tls_files_close(struct tls_files *files);
/* In a child: its own view of what is published; gives the rest up. 0 or -errno. */
int tls_files_enter_worker(struct tls_files *files, struct tls_share **ret_share);
/* In a child that speaks no TLS: neither the key nor the way to it is there any more. */
void tls_files_enter_other(struct tls_files *files);

/* As `config` says by now. True: another certificate is published. Logs what it did. */
bool tls_files_load(struct tls_files *files, const struct config *config, const char *why);
/* Once a second. True: another certificate is published. */
bool tls_files_tick(struct tls_files *files, uint64_t now_mono_ms);

/* Could it be opened so? 0, or -errno with a sentence in `error`. */
int tls_files_check(const struct config *config, struct buf *error);
/* For --fingerprint: appends it; 0, or -errno with a sentence in `error`. */
int tls_files_fingerprint(const struct config *config, struct buf *out, struct buf *error);

#endif
