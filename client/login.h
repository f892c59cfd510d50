/*
 * Which key to log in with: the candidates of auth/sign.h, one after the other, three to a
 * connection, until the server takes one. That one is used from then on.
 *
 *	login_begin       what keys are there?
 *	login_unlock      asks for the first one's passphrase before the server's clock runs
 *	per connection:   login_connected
 *	per challenge:    login_sign      -> session_login()
 *	                  login_refused   -> the next key, or -ENOKEY: there is none
 *	                  login_accepted
 */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H

#include "auth/sign.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct login {
	struct sign_keys keys;
	size_t at;          /* the candidate that is tried next */
	unsigned attempts;  /* on this connection */
	struct buf tried;   /* names of those refused or unusable, for the person */
	bool told_more;     /* it was more than "no" */
	char refusal[1024]; /* what the server said to the most telling attempt; "" so far */
};

/* The terminal is needed for a question: `pause` before, `resume` after. */
struct login_terminal {
	void (*pause)(void *owner);
	void (*resume)(void *owner);
	void *owner;
};

/* 0 or -errno with the reason in `problem`, for people. */
int login_begin(struct login *login, const char *key_path, const char *remembered,
		struct buf *problem);
void login_finish(struct login *login);
/* Makes the first usable candidate ready; -ENOKEY where there is none. */
int login_unlock(struct login *login, const struct login_terminal *terminal);

void login_connected(struct login *login);
struct login_fields {
	const char *server, *user, *nonce, *binding;
	int64_t expires;
};
/* Signs with the candidate: appends the SSHSIG in base64. 0 or -ENOKEY: all were tried. */
int login_sign(struct login *login, const struct login_fields *fields,
	       const struct login_terminal *terminal, struct buf *base64);
/* The server did not take it; `message` is its reason, `telling` where it says more than "no". */
int login_refused(struct login *login, const char *message, bool telling);
/* The fingerprint of the key that was taken; "" where nobody knows. */
const char *login_accepted(struct login *login);
/* Why nobody was let in, for people. */
void login_explain(const struct login *login, const char *user, const char *server,
		   struct buf *out);

#endif
