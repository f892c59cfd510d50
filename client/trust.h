/*
 * May this server be trusted? As ssh does it, with CAs in front:
 *
 *	--fingerprint given      that key and no other
 *	a CA vouches for it      yes
 *	known_hosts names it     yes, with the key that is there; with another one a loud no
 *	else                     the person is asked, once, and known_hosts gets a line; where there
 *is no terminal: no
 *
 * And which binding a login is signed with: where a CA vouched, a login may be signed unbound; else
 * only bound to this very TLS connection, so that whoever stands between gains nothing.
 */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "base/buf.h"
#include "client/tls.h"

#include <stdbool.h>

struct trust {
	const char *server;              /* canonical, as it was dialled; borrowed */
	const char *wanted;              /* of --fingerprint; borrowed; NULL: not given */
	char *path;                      /* owned; of known_hosts; NULL: nothing is kept */
	char accepted[FINGERPRINT_SIZE]; /* by the person, in this run */
	bool over_tls;                   /* the connection that stands */
	bool vouched;
	char binding[BINDING_SIZE];
};

/* The question, where there is a terminal: 0 yes, -EPERM no, -ENOTTY nobody is there. */
typedef int trust_ask_fn(void *owner, const char *question);

void trust_init(struct trust *trust, const char *server, const char *wanted);
void trust_finish(struct trust *trust);

/*
 * A connection stands; `peer` NULL: without TLS. 0, or -EPERM with the reason in `problem`: say
 * no more on it.
 */
int trust_judge(struct trust *trust, const struct tls_peer *peer, trust_ask_fn *ask, void *owner,
		struct buf *problem);

/*
 * What to sign, of the bindings that a challenge offers: the text's value (borrowed), or NULL with
 * the reason in `problem`.
 */
const char *trust_binding(const struct trust *trust, bool offers_none, bool offers_exporter,
			  struct buf *problem);

#endif
