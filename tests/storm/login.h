/* A user's key, and the login line it signs (docs/protocol.md, "Log in"). */
#ifndef TESTS_STORM_LOGIN_H
#define TESTS_STORM_LOGIN_H

#include "base/buf.h"

#include <stdint.h>

struct login_key {
	unsigned char public[32], secret[64];
};

/* The ed25519 key of that name: always the same. */
void login_key_of(const char *name, struct login_key *ret_key);
/* "ssh-ed25519 AAAA... name\n", for authorized_keys. */
void login_key_line(const struct login_key *key, const char *name, struct buf *out);

struct login {
	const char *user, *server, *nonce;
	uint64_t expires;
	const char *extra; /* further fields: ,"device":"d1" */
};

void login_line(const struct login_key *key, const struct login *login, struct buf *out);

#endif
