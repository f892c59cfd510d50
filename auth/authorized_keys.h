/*
 * authorized_keys: what one line means, by sshd's grammar (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 *
 *	[options] type base64 [comment]
 *
 * Options that belong to shells (restrict, command=, permitopen=, pty, …) are checked as sshd
 * checks them, and then mean nothing here; an option sshd refuses makes the line
 * worthless. What means something: cert-authority, principals=, from=, expiry-time=,
 * [no-]touch-required, [no-]verify-required, and
 *
 *	environment="CHAT_USER=alice,bob"   the names this key may use, and no other key may
 *	environment="CHAT_ROLE=op"          op and/or agent
 *
 * Differences from sshd: a line with a NUL, or over 16 KiB, is refused; so are keys that
 * verification would refuse (RSA below 2048 bits, DSA, small-order points); principals= on
 * a plain key pins names instead of making the line useless. Comments grant nothing.
 */
#ifndef AUTH_AUTHORIZED_KEYS_H
#define AUTH_AUTHORIZED_KEYS_H

#include "auth/address.h"
#include "auth/certificate.h"
#include "auth/pubkey.h"

#define AUTHORIZED_LINE_MAX 16384u

#define RULE_CA 0x01u         /* cert-authority: vouches for certificates, logs nobody in itself */
#define RULE_NAMES 0x02u      /* names are pinned: `names` are the only ones */
#define RULE_PRINCIPALS 0x04u /* a CA line with principals= */
#define RULE_FROM 0x08u       /* a from= list */
#define RULE_NO_TOUCH_REQUIRED 0x10u /* security keys need no touch */
#define RULE_VERIFY_REQUIRED 0x20u   /* security keys must have asked for their PIN */

#define ROLE_OP 0x01u
#define ROLE_AGENT 0x02u

/* What a line allows. The strings are never NULL; "" where there is none. Borrowed. */
struct key_rule {
	unsigned flags;
	unsigned roles;
	int64_t expires_s;      /* last good second; 0: never expires */
	const char *from;       /* as written */
	const char *principals; /* of a CA line, as written */
	const char *names;      /* comma-separated valid names */
};

enum authorized_status {
	AUTHORIZED_EMPTY,   /* blank or a comment */
	AUTHORIZED_REFUSED, /* `why` says what is wrong */
	AUTHORIZED_ACCEPTED,
};

/* One parsed line. init once, parse as many lines as you like, finish. */
struct authorized_line {
	enum authorized_status status;
	char why[160];     /* refused: for people, printable */
	char note[160];    /* accepted, but something in it has no effect; or "" */
	struct pubkey key; /* views into `blob` */
	struct key_rule rule;
	struct buf blob, text; /* owned */
};

void authorized_line_init(struct authorized_line *line);
void authorized_line_finish(struct authorized_line *line);
/* `text` without its '\n'. 0, or -ENOMEM (then the line counts as refused). */
int authorized_line_parse(struct authorized_line *line, const char *text, size_t len);

/* Walks a file's bytes line by line. */
struct authorized_reader {
	const char *at, *end;
	unsigned number; /* of the line given last, from 1 */
};
struct authorized_reader authorized_reader(const char *bytes, size_t len);
/* False at the end. */
bool authorized_reader_next(struct authorized_reader *r, const char **ret_text, size_t *ret_len);

/* Who comes: a plain key, or a certificate that was checked by itself already. */
struct key_subject {
	const uint8_t *key_hash;
	const uint8_t *ca_hash; /* NULL: a plain key */
	bool is_sk;
	uint8_t sk_flags;
	struct certificate_demands demands; /* of the certificate */
	struct address peer;
	int64_t now_s;
};

/*
 * Does the line's rule let the subject in? Expiry, from=, touch. Not: is it the line of that key,
 * and which names. VERDICT_OK, LINE_EXPIRED, LINE_FROM, NO_TOUCH, NOT_VERIFIED, or NO_LINE where a
 * certificate meets a plain line, or a plain key a CA line.
 */
enum verdict key_rule_check(const struct key_rule *rule, const struct key_subject *subject);

/* Is `name` in the comma-separated list? Exact. */
bool name_list_has(const char *list, const char *name);
/* The same for a name that is a view. */
bool name_list_has_bytes(const char *list, struct wire_bytes name);

#endif
