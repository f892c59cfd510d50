/*
 * The client's side of a key login: which keys to try, in which order, and the SSHSIG made with
 * one of them (OpenSSH PROTOCOL.sshsig).
 *
 *	struct sign_keys keys;
 *
 *	sign_keys_load(&source, &problem, &keys);
 *	for each of keys.list, until the server is content:
 *		sign_key_unlock(key, ask, owner);    may ask for a passphrase; keeps the open key
 *		... the text to sign names key->fingerprint ...
 *		sign_key_sign(key, namespace, text, len, &base64);
 *	sign_keys_finish(&keys);
 *
 * Order: the key given; else the one that last worked here, then the usual files of ~/.ssh, then
 * what else the agent holds. A key whose certificate lies beside it (KEY-cert.pub) is offered with
 * the certificate first. Who signs: the agent where it holds the key; else the file is read here;
 * else (security keys, containers that we cannot open) `ssh-keygen -Y sign`.
 */
#ifndef AUTH_SIGN_H
#define AUTH_SIGN_H

#include "auth/private_key.h"
#include "base/buf.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

/* Where to look; borrowed strings. */
struct sign_source {
	const char *key_path;     /* --key: a private key, its .pub, or a -cert.pub; or NULL */
	const char *home;         /* whose .ssh holds the usual files; or NULL */
	const char *agent_socket; /* SSH_AUTH_SOCK; NULL or "": no agent */
	const char *remembered;   /* fingerprint of the key that last worked; or NULL */
};

/* A private-key file; a plain key and its certificate share one. */
struct sign_secret {
	char *path; /* owned */
	enum private_key_reader reader;
	bool encrypted;
	struct private_key *key; /* owned; NULL until unlocked */
};

/* One thing to try. */
struct sign_key {
	char *name;          /* owned; for people: the path, or the agent's comment (clean it) */
	struct buf plain;    /* the plain public key; empty until unlocked if nobody told it */
	struct buf offered;  /* what stands in the signature: plain, or the certificate */
	struct buf in_agent; /* the agent's name for it; empty: the agent hasn't it */
	bool certified;      /* offered is a certificate */
	char fingerprint[FINGERPRINT_SIZE]; /* of the plain key; "" until that is known */
	struct sign_secret *secret;         /* borrowed from the sign_keys; NULL: only the agent */
};

struct sign_keys {
	struct sign_key *list; /* owned */
	size_t count;
	struct sign_secret **secrets; /* owned */
	size_t secret_count;
	char *agent_socket; /* owned; NULL: none */
};

/*
 * Collects the keys. 0, also where there are none (unless one was named); -ENOMEM; or another
 * -errno where the key named cannot be used: then `problem` says why, for people.
 */
int sign_keys_load(const struct sign_source *source, struct buf *problem,
		   struct sign_keys *ret_keys);
void sign_keys_finish(struct sign_keys *keys);

/*
 * Asks for the passphrase of a key: appends it to `words`. 0; -ECANCELED: nobody to ask, or they
 * do not want to. `attempt` counts from 0.
 */
typedef int sign_ask_fn(void *owner, const char *path, unsigned attempt, struct buf *words);

/* Would unlocking have to ask somebody? */
bool sign_key_is_locked(const struct sign_key *key);
/*
 * Makes the key ready. 0; -ECANCELED; -EACCES: three wrong passphrases; -EBADMSG: the file is
 * damaged or of no kind we know; or another -errno.
 */
int sign_key_unlock(struct sign_key *key, sign_ask_fn *ask, void *owner);

/*
 * Signs a text: appends the SSHSIG blob in base64. 0; -EACCES: agent, owner or ssh-keygen said no;
 * or another -errno.
 */
int sign_key_sign(const struct sign_keys *keys, const struct sign_key *key, const char *namespace,
		  const void *text, size_t len, struct buf *base64);

#endif
