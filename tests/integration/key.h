/*
 * Keys of the people in the tests. A derived key is made from a name alone, so
 * it needs no file and signs in microseconds; a kept key lies in the scratch
 * folder, made and used by ssh-keygen as people do. Both sign the same bytes.
 * The reader of PROTOCOL.sshsig here is our own second opinion: it shares no
 * code with the server.
 */
#ifndef TESTS_INTEGRATION_KEY_H
#define TESTS_INTEGRATION_KEY_H

#include <stddef.h>

#define LOGIN_NAMESPACE "login@chat-master"

struct key {
	char *line;        /* "ssh-ed25519 AAAA... comment", no newline */
	char *fingerprint; /* SHA256:... */
	char *file;        /* private key file, or NULL for a derived key */
	unsigned char public[32];
	unsigned char secret[64];
};

/* The derived ed25519 key of that name: always the same. */
struct key key_of(const char *name);
/* ssh-keygen -t TYPE -b BITS (0: the default) without passphrase. */
struct key key_make(const char *name, const char *type, unsigned bits);
/* The certificate `ssh-keygen -s CA` makes for the key; options is "-n alice -V +1h ...". */
struct key key_certify(const struct key *key, const struct key *ca, const char *options);

/* The SSHSIG of the text: base64 for a derived key, armored text for a kept one. */
char *key_sign(const struct key *key, const char *namespace, const char *text);
/* The same through `ssh-keygen -Y sign` and an agent: key_file may be the public half. */
char *key_sign_file(const char *key_file, const char *agent_socket, const char *namespace,
		    const char *text);

/* The text that a login signs. */
char *login_text(const char *server, const char *user, const char *fingerprint, const char *nonce,
		 long long expires, const char *binding);

#endif
