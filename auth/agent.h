/*
 * The ssh-agent: which keys it holds, and signing with one (draft-miller-ssh-agent).
 *
 * Blocking, with a deadline: an agent may ask its owner to confirm or to touch a key, so signing
 * waits up to a minute; listing waits two seconds. Each call is a connection of its own.
 */
#ifndef AUTH_AGENT_H
#define AUTH_AGENT_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define AGENT_KEYS_MAX 256u

struct agent_key {
	struct buf blob; /* a public key or a certificate, SSH wire form */
	char *comment;   /* may hold anything: clean it before printing */
};

struct agent_keys {
	struct agent_key *keys; /* owned */
	size_t count;
};

/*
 * Asks the agent at `socket_path` (the value of SSH_AUTH_SOCK). 0, -ENOENT (no such agent),
 * -ETIMEDOUT, -EBADMSG (it talks nonsense) or another -errno.
 */
int agent_list(const char *socket_path, struct agent_keys *ret_keys);
void agent_keys_finish(struct agent_keys *keys);

/*
 * Signs `data` with the private half of `blob`: appends the SSH signature blob. RSA keys sign
 * with rsa-sha2-512. -EACCES: the agent refused (its owner said no, or it hasn't the key).
 */
int agent_sign(const char *socket_path, const struct buf *blob, const void *data, size_t len,
	       struct buf *signature);

#endif
