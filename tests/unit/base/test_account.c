#include "base/account.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct account account;
static struct buf error;

static void teardown(void)
{
	buf_finish(&error);
}

TestSuite(account, .fini = teardown);

static bool is_root(void)
{
	return geteuid() == 0;
}

Test(account, root_without_a_word_becomes_nobody)
{
	const struct passwd *nobody = getpwnam(ACCOUNT_DEFAULT);

	cr_assert_eq(account_find("", &account, &error), 0);
	cr_assert_not(account.asked);
	cr_assert_eq(account.change, is_root());
	if (is_root())
		cr_assert_eq(account.uid, nobody != NULL ? nobody->pw_uid : ACCOUNT_DEFAULT_ID);
}

Test(account, an_account_that_is_not_there_is_named)
{
	cr_assert_eq(account_find("no-such-account", &account, &error), -EINVAL);
	cr_assert_not_null(strstr(error.data, "no-such-account"));
	buf_reset(&error);
	cr_assert_eq(account_find("12x", &account, &error), -EINVAL);
	cr_assert_eq(account_find("4294967295", &account, &error), -EINVAL);
}

Test(account, ones_own_account_is_no_change)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	cr_assert_eq(account_find(number, &account, &error), 0);
	cr_assert(account.asked);
	cr_assert_not(account.change);
	cr_assert_eq(account_enter(&account), 0);
}

Test(account, a_number_needs_no_entry)
{
	if (!is_root())
		cr_skip("only root can choose");
	cr_assert_eq(account_find("54321", &account, &error), 0);
	cr_assert_eq(account.uid, 54321u);
	cr_assert(account.change);
}

/* In a process of its own: there is no way back. */
static int change_in_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		gid_t groups[4];

		if (account_find("54321", &account, &error) < 0 || account_enter(&account) < 0)
			_exit(1);
		if (getuid() != 54321 || geteuid() != 54321 || getgid() != 54321 ||
		    getgroups(4, groups) != 0)
			_exit(2);
		if (setuid(0) == 0)
			_exit(3);
		/* Who isn't root any more has no choice. */
		if (account_find("nobody", &account, &error) != -EINVAL)
			_exit(4);
		if (account_find("", &account, &error) != 0 || account.change)
			_exit(5);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(account, what_was_entered_is_for_good)
{
	if (!is_root())
		cr_skip("only root can choose");
	cr_assert_eq(change_in_child(), 0);
}
