/*
 * The account that the processes facing strangers run as, when the server is started by root.
 *
 *	account_find     before the first fork: looks into the system's user database
 *	account_enter    in the child, for good: root's rights can't be had back
 */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

/* Where no option names one: without files of its own, and there on every system. */
#define ACCOUNT_DEFAULT "nobody"
#define ACCOUNT_DEFAULT_ID 65534u

struct account {
	bool change; /* false: we are not root, or asked to stay it */
	bool asked;  /* somebody named it: better no server than one that runs as another */
	uid_t uid;
	gid_t gid;
};

/*
 * `name`: a user's name or number; "" for the default, or no change where we aren't root. 0, or
 * -EINVAL with a sentence in `error`: there is no such user, or we may not become it.
 */
int account_find(const char *name, struct account *ret_account, struct buf *error);
/*
 * Gives up user, groups and with them root's capabilities: 0, or -errno and the user is what it
 * was. The kernel forgets PR_SET_PDEATHSIG by it.
 */
int account_enter(const struct account *account);

#endif
