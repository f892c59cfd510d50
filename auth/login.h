/*
 * The server's decision about a login, and about a session that lives already.
 *
 *	verdict = login_judge(view, &request, &result)
 *
 *	LOGIN_ACCEPT       result.identity is who it is. If result.needs_claim, the
 *	                   master decides first (result.claim goes to it); then
 *	                   keyring_refresh, login_rejudge, register.
 *	LOGIN_AUTH_FAILED, after LOGIN_FAIL_DELAY_MS, counted from the receipt
 *	LOGIN_NAME_TAKEN   of the login line
 *	the others         at once: they depend on the fields alone
 *
 * Nothing is allocated but what libcrypto needs for one verification. The time is
 * that of one signature (two with a certificate), and only where some line knows
 * the key. result.message is what the client may be told: the same words for
 * every AUTH_FAILED. result.why is for logs and tests.
 */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "auth/address.h"
#include "auth/challenge.h"
#include "auth/keyring.h"
#include "auth/pubkey.h"
#include "auth/verdict.h"

#include <sys/socket.h>

#define LOGIN_NAMES_TOLD 8u /* names listed in name_taken; more are counted */
#define LOGIN_MESSAGE_SIZE 512u

enum login_verdict {
	LOGIN_ACCEPT,
	LOGIN_MISSING_FIELD,
	LOGIN_BAD_FIELD,
	LOGIN_BAD_NAME,
	LOGIN_WRONG_SERVER,
	LOGIN_AUTH_FAILED,
	LOGIN_NAME_TAKEN,
};

/* All borrowed. A field that the login line lacks is NULL. */
struct login_request {
	const char *user, *server, *binding, *signature;
	size_t signature_len;
	/* what the challenge said */
	const char *nonce;
	int64_t expires_s;
	/* the connection */
	const char *exporter; /* challenge_exporter_binding's; NULL: it has none */
	int64_t now_s;
	const struct sockaddr *peer;
	bool proxied; /* a proxy says who the peer is: never on this machine, whatever it says */
	const struct sockaddr *local; /* NULL unless the listener is bound to every address */
};

/*
 * Who a session is: keep it as long as the session lives. No pointers, no secrets.
 */
struct login_identity {
	char user[NAME_SIZE];
	struct address peer;
	bool has_key;                     /* it is known whose key it is: the following count */
	uint8_t key_hash[KEY_HASH_BYTES]; /* of the plain key: fingerprint_format */
	uint8_t sk_flags;                 /* where key_type_is_sk */
	enum key_type key_type;           /* of the plain key */
	bool certified;
	struct certificate_demands demands; /* this and the next two: where certified */
	uint8_t ca_hash[KEY_HASH_BYTES];
	int64_t cert_valid_before_s; /* first second that isn't valid any more */
	int64_t good_until_s;        /* judge again at this second; INT64_MAX: no end in sight */
	uint64_t name_serial;        /* which ownership of the name; 0 while a claim is needed */
	unsigned roles;              /* ROLE_*; of the lines that grant this name */
	unsigned line;               /* number of the first line that grants it */
};

struct login_result {
	struct login_identity identity; /* LOGIN_ACCEPT */
	bool needs_claim;
	struct name_claim claim;
	enum verdict why;                 /* AUTH_FAILED: what really was wrong */
	const char *field;                /* MISSING_FIELD, BAD_FIELD: which; static */
	char message[LOGIN_MESSAGE_SIZE]; /* for people; printable ASCII */
};

enum login_verdict login_judge(const struct keyring_view *view, const struct login_request *request,
			       struct login_result *ret_result);

/*
 * The full rule again, for a live session: is a line still there that accepts key, address and
 * time, is the certificate still valid, is the name still its own? VERDICT_OK updates roles, line,
 * good_until_s and name_serial; anything else is `key_revoked` (VERDICT_KEY_MISMATCH:
 * the name went to others). A name that would need a claim is not one's own.
 */
enum verdict login_rejudge(const struct keyring_view *view, int64_t now_s,
			   struct login_identity *identity);

/*
 * Is `server` (what was dialled) one of ours? True gives the canonical form. The loopback names
 * count only from a loopback peer. For the Origin header too.
 */
bool login_server_is_ours(const struct keyring_view *view, const char *server, bool peer_is_local,
			  const struct sockaddr *local, char ret_canonical[SERVER_NAME_SIZE]);

/*
 * Writes the names a key may use now: "alice, bob or any free name", at most LOGIN_NAMES_TOLD of
 * them. After a name claim was refused by the master: result.message again with what is true now.
 */
void login_name_taken_message(const struct keyring_view *view,
			      const struct login_identity *identity, char out[LOGIN_MESSAGE_SIZE]);

#endif
