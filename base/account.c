#include "base/account.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_MAX UINT32_C(4294967294) /* the one above means "leave it" to setresuid */

/* A number needs no entry: containers often have none. */
static bool find_number(const char *name, struct account *account)
{
	unsigned long long number;
	const struct passwd *user;
	char *end;

	if (!isdigit((unsigned char)name[0]))
		return false;
	number = strtoull(name, &end, 10);
	if (*end != '\0' || number > NUMBER_MAX)
		return false;
	account->uid = (uid_t)number;
	account->gid = (gid_t)number;
	user = getpwuid(account->uid);
	if (user != NULL)
		account->gid = user->pw_gid;
	return true;
}

static bool find(const char *name, struct account *account)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL)
		return find_number(name, account);
	account->uid = user->pw_uid;
	account->gid = user->pw_gid;
	return true;
}

int account_find(const char *name, struct account *ret_account, struct buf *error)
{
	struct account account = {.asked = name[0] != '\0'};
	bool is_root = geteuid() == 0;

	if (!account.asked && !is_root) {
		*ret_account = account;
		return 0;
	}
	if (!find(account.asked ? name : ACCOUNT_DEFAULT, &account)) {
		if (account.asked) {
			buf_printf(error, "user: there is no account \"%s\"", name);
			return -EINVAL;
		}
		account.uid = ACCOUNT_DEFAULT_ID;
		account.gid = ACCOUNT_DEFAULT_ID;
	}
	account.change = account.uid != geteuid();
	if (account.change && !is_root) {
		buf_printf(error, "user: only root can run the workers as \"%s\"", name);
		return -EINVAL;
	}
	*ret_account = account;
	return 0;
}

int account_enter(const struct account *account)
{
	if (!account->change)
		return 0;
	/* In this order: without root's user there is no right to change groups any more. */
	if (setgroups(0, NULL) < 0 || setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0)
		return -errno;
	/* What must not be possible: the way back. */
	if (account->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		abort();
	return 0;
}
