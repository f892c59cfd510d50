/*
 * `ssh-keygen -Y sign`, for keys that we cannot use ourselves: security keys (FIDO), tokens, and
 * containers that no library here opens. It asks for PIN, touch and passphrase by itself, on the
 * terminal or through SSH_ASKPASS.
 */
#ifndef AUTH_KEYGEN_H
#define AUTH_KEYGEN_H

#include "base/buf.h"

#include <stddef.h>

/*
 * Signs the text: appends the inner SSH signature (of an SSHSIG with sha512). Blocks as long as
 * the person needs. 0; -ENOENT: no ssh-keygen; -EACCES: it refused; -EBADMSG; or another -errno.
 */
int keygen_sign(const char *key_path, const char *namespace, const void *text, size_t len,
		struct buf *signature);

#endif
