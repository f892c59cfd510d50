/* auth/keys_file: a file that others could have written lets nobody in, and the reason tells how to
 * mend it. */
#include "signer_fixture.h"

#include "auth/keys_file.h"
#include "base/fd.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[256];
static struct keys_file file;

static void set_up(void)
{
	struct test_key key;
	struct buf text = BUF_INIT;

	strcpy(folder, "/tmp/chat-keys-file-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/authorized_keys", folder);
	test_key_make(&key, 1);
	test_keys_file_add(&text, "", &key);
	cr_assert_eq(fd_replace_file(path, text.data, text.len, 0600), 0);
	buf_finish(&text);
	keys_file_init(&file);
}

static void tear_down(void)
{
	char command[128];

	keys_file_finish(&file);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_expect_eq(system(command), 0);
}

TestSuite(keys_file, .init = set_up, .fini = tear_down);

static enum keys_safety load(void)
{
	cr_assert_eq(keys_file_load(&file, path, "/nonexistent"), 0);
	return file.safety;
}

static void expect_mend(const char *fmt, const char *what)
{
	char command[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(command, sizeof(command), fmt, what);
#pragma GCC diagnostic pop
	cr_expect_str_eq(file.mend, command);
}

/* Running the command must really mend it. */
static void mend(void)
{
	cr_assert_str_neq(file.mend, "");
	cr_assert_eq(system(file.mend), 0, "%s", file.mend);
	cr_expect_eq(load(), KEYS_SAFE, "%s", file.reason);
}

Test(keys_file, a_private_file_in_a_private_folder_is_safe)
{
	cr_expect_eq(load(), KEYS_SAFE, "%s", file.reason);
	cr_expect_gt(file.bytes.len, 0);
	cr_expect_str_eq(file.mend, "");
	cr_assert_eq(chmod(path, 0644), 0);
	cr_expect_eq(load(), KEYS_SAFE);
}

Test(keys_file, a_file_that_the_group_may_write_is_unsafe)
{
	cr_assert_eq(chmod(path, 0664), 0);
	cr_expect_eq(load(), KEYS_UNSAFE);
	cr_expect_eq(file.bytes.len, 0);
	cr_expect(strstr(file.reason, path) != NULL, "%s", file.reason);
	cr_expect(strstr(file.reason, "0664") != NULL);
	expect_mend("chmod go-w %s", path);
	mend();
}

Test(keys_file, a_folder_that_others_may_write_is_unsafe)
{
	cr_assert_eq(chmod(folder, 0777), 0);
	cr_assert_eq(chmod(path, 0622), 0);
	cr_expect_eq(load(), KEYS_UNSAFE);
	mend();
}

Test(keys_file, a_sticky_folder_counts_only_if_it_is_roots)
{
	cr_assert_eq(chmod(folder, 01777), 0);
	cr_expect_eq(load(), geteuid() == 0 ? KEYS_SAFE : KEYS_UNSAFE);
}

Test(keys_file, a_file_of_another_user_is_unsafe)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	cr_assert_eq(chown(path, 12345, (gid_t)-1), 0);
	cr_expect_eq(load(), KEYS_UNSAFE);
	cr_expect(strstr(file.reason, "12345") != NULL);
	mend();
}

Test(keys_file, folders_above_the_home_folder_are_not_looked_at)
{
	char home[96];

	(void)snprintf(home, sizeof(home), "%s/home", folder);
	cr_assert_eq(mkdir(home, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/keys", home);
	cr_assert_eq(fd_replace_file(path, "x", 1, 0600), 0);
	cr_assert_eq(chmod(folder, 0777), 0);
	cr_assert_eq(keys_file_load(&file, path, home), 0);
	cr_expect_eq(file.safety, KEYS_EMPTY, "%s", file.reason);
	cr_assert_eq(keys_file_load(&file, path, NULL), 0);
	cr_expect_eq(file.safety, KEYS_UNSAFE);
}

Test(keys_file, a_link_is_judged_by_where_it_leads)
{
	char link[96];

	(void)snprintf(link, sizeof(link), "%s/link", folder);
	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(keys_file_load(&file, link, "/nonexistent"), 0);
	cr_expect_eq(file.safety, KEYS_SAFE);
	cr_assert_eq(chmod(path, 0666), 0);
	cr_assert_eq(keys_file_load(&file, link, "/nonexistent"), 0);
	cr_expect_eq(file.safety, KEYS_UNSAFE);
	expect_mend("chmod go-w %s", path);
}

Test(keys_file, a_missing_file_says_so)
{
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(load(), KEYS_MISSING);
	cr_expect(strstr(file.reason, path) != NULL);
	expect_mend("install -D -m 600 ~/.ssh/id_ed25519.pub %s", path);
}

Test(keys_file, a_file_without_a_key_is_empty)
{
	cr_assert_eq(fd_replace_file(path, "", 0, 0600), 0);
	cr_expect_eq(load(), KEYS_EMPTY);
	expect_mend("cat ~/.ssh/id_ed25519.pub >> %s", path);
	cr_assert_eq(fd_replace_file(path, "# none\nbad line\n", 16, 0600), 0);
	cr_expect_eq(load(), KEYS_EMPTY);
	cr_expect_eq(file.bytes.len, 16, "kept, so that its lines can be told");
}

Test(keys_file, what_is_no_regular_file_is_unsafe_and_does_not_hang)
{
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(load(), KEYS_UNSAFE);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(load(), KEYS_UNSAFE);
}

Test(keys_file, a_file_over_the_limit_is_too_large)
{
	cr_assert_eq(truncate(path, KEYS_FILE_MAX + 1), 0);
	cr_expect_eq(load(), KEYS_TOO_LARGE);
	cr_expect_eq(file.bytes.len, 0);
}

Test(keys_file, a_path_with_odd_characters_is_quoted_in_the_command)
{
	(void)snprintf(path, sizeof(path), "%s/a b'c", folder);
	cr_assert_eq(fd_replace_file(path, "x", 1, 0600), 0);
	cr_assert_eq(chmod(path, 0620), 0);
	cr_expect_eq(load(), KEYS_UNSAFE);
	cr_assert_eq(system(file.mend), 0, "%s", file.mend);
	cr_expect_eq(load(), KEYS_EMPTY);
}
