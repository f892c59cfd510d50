/*
 * The rule that says whose a name is. Workers ask it before they let a login
 * go on; the master asks it again when it decides a claim, with its own bindings.
 *
 *	pinned by the keys file     for those keys, and the certificates of those CAs, only
 *	otherwise owned             for its owner only, also when the owner's key is gone
 *	otherwise free              for who claims it first, but the reserved words for nobody
 */
#ifndef AUTH_NAME_RULE_H
#define AUTH_NAME_RULE_H

#include "auth/keyring.h"
#include "auth/names.h"

enum name_right {
	NAME_RIGHT_OWNED,  /* it is the claimant's */
	NAME_RIGHT_CLAIM,  /* the claimant may have it: the master writes it down */
	NAME_RIGHT_PASSES, /* the same, and someone else had it before */
	NAME_RIGHT_LIMIT,  /* it is free, but this key has names enough */
	NAME_RIGHT_NONE,
};

/*
 * `binding` is what stands in the books for claim->name, NULL if nothing does; released ones may
 * be given or not. `owned` says how many names of kind NAME_KEY the claimant's key has.
 */
enum name_right name_rule(const struct keyring_view *view, const struct name_binding *binding,
			  unsigned owned, const struct name_claim *claim);

/* How many of the bindings are the key's by NAME_KEY. */
unsigned name_count_owned(const struct name_binding *bindings, unsigned count,
			  const uint8_t key_hash[KEY_HASH_BYTES]);

#endif
