/*
 * The text that is signed to log in (docs/protocol.md, "Log in"), and the
 * forms of its fields. Both sides build it from fields they know themselves;
 * nobody signs text that came over the wire, and the server parses none.
 *
 *	chat-auth-v1
 *	server: chat.example.org:8080
 *	user: alice
 *	key: SHA256:6VQrGMZHhLVN3IVEXSRMzgWJXCh8+DPPPCkLCwtHMyI
 *	nonce: gkvzBIZeJHgGgeds7kfDFy1oEC2EiLkufDrAuTfOi_k
 *	expires: 1795197660
 *	binding: none
 *
 * Each line ends with LF, the last one too.
 */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHALLENGE_NAMESPACE "login@chat-master"
#define BINDING_NONE "none"
/*
 * Over TLS: in the text "tls-exporter:" and 43 base64url characters, the connection's own channel
 * binding (RFC 9266), which each side computes for itself.
 */
#define BINDING_TLS_EXPORTER "tls-exporter"
#define BINDING_EXPORTER_BYTES 32u
#define BINDING_SIZE 64u /* with the NUL */
#define NONCE_BYTES 32u
#define NONCE_LEN 43u /* base64url characters */
#define NONCE_SIZE (NONCE_LEN + 1u)
#define CHALLENGE_LIFETIME_S 30 /* expires - now when it is made; a login has 20 s anyway */
#define SERVER_NAME_SIZE 272u   /* [host]:port in canonical form, with the NUL */
#define CHALLENGE_TEXT_SIZE 640u

/* Plain text fields; borrowed. */
struct challenge {
	const char *server;      /* canonical: server_name_canonical() */
	const char *user;        /* lower case already */
	const char *fingerprint; /* of the plain public key, "SHA256:..." */
	const char *nonce;
	int64_t expires_s; /* seconds since 1970 */
	const char *binding;
};

/*
 * Writes the text and a final NUL. 0; -EINVAL when a field is empty, holds a
 * control character, space or anything beyond ASCII (one line could pass for two), or expires
 * is negative; -ENAMETOOLONG when it does not fit.
 */
int challenge_text(const struct challenge *challenge, char out[CHALLENGE_TEXT_SIZE],
		   size_t *ret_len);

/* "tls-exporter:…" as it stands in the text. */
void challenge_exporter_binding(const uint8_t exporter[BINDING_EXPORTER_BYTES],
				char out[BINDING_SIZE]);

/* A fresh nonce: NONCE_BYTES random bytes, base64url. */
void challenge_nonce(char out[NONCE_SIZE]);

/*
 * The canonical form of what a user dialled, or of a name a server has:
 * lower case, the port always there, IPv6 in brackets and shortest form, its zone dropped.
 * Takes HOST, HOST:PORT, [IPV6], [IPV6]:PORT and a bare IPV6; without a port
 * `default_port` is put there. A trailing dot is kept: it is another name.
 * 0, or -EINVAL: no host, a character no host has, a port outside 1..65535 or with leading
 * zeros, or no port where default_port is 0.
 */
int server_name_canonical(const char *text, unsigned default_port, char out[SERVER_NAME_SIZE]);
/* Of a canonical name: does it name this machine itself (localhost, 127.0.0.0/8, [::1])? */
bool server_name_is_loopback(const char *canonical);
/* Splits a canonical name: `host` gets SERVER_NAME_SIZE bytes, without brackets. */
void server_name_split(const char *canonical, char *host, unsigned *ret_port);

/* The names of docs/protocol.md: [a-z0-9][a-z0-9_.-]{0,31}. */
bool user_name_valid(const char *name);
/* Folds ASCII upper case and checks: 0 or -EINVAL. */
int user_name_fold(const char *name, char out[NAME_SIZE]);

#endif
