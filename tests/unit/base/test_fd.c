#include "base/buf.h"
#include "base/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/roomkey-fd-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

static void drop_folder(void)
{
	rmdir(in_folder("a/b/c"));
	rmdir(in_folder("a/b"));
	rmdir(in_folder("a"));
	unlink(in_folder("file"));
	rmdir(folder);
}

TestSuite(fd, .init = make_folder, .fini = drop_folder);

Test(fd, close_is_told_once_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int copy = fd;

	errno = ENOENT;
	fd_close(&fd);
	cr_assert_eq(fd, -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(fcntl(copy, F_GETFD), -1);
	fd_close(&fd);
	cr_assert_eq(fd, -1);
}

Test(fd, write_all_writes_all_or_says_why)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_assert_eq(fd_write_all(fd, "x", 1), -ENOSPC);
	fd_close(&fd);
	cr_assert_eq(fd_write_all(-1, "x", 1), -EBADF);
}

Test(fd, inheritance_goes_on_and_off)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(fd_set_cloexec(ends[0], 1), 0);
	cr_assert_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fd_set_cloexec(ends[0], 0), 0);
	cr_assert_eq(fcntl(ends[0], F_GETFD), 0);
	close(ends[0]);
	close(ends[1]);
	cr_assert_eq(fd_set_cloexec(ends[0], 1), -EBADF);
}

Test(fd, a_file_is_replaced_as_a_whole)
{
	const char *path = in_folder("file");
	struct buf buf = BUF_INIT;
	struct stat st;

	cr_assert_eq(fd_replace_file(path, "old", 3, 0600), 0);
	cr_assert_eq(fd_replace_file(path, "newer", 5, 0600), 0);
	cr_assert_eq(buf_read_file(&buf, path, 100), 0);
	cr_assert_str_eq(buf.data, "newer");
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(access(in_folder("file.tmp"), F_OK), -1);
	buf_finish(&buf);
}

Test(fd, a_replacement_that_fails_leaves_nothing_behind)
{
	char longest[PATH_MAX + 1];

	cr_assert_eq(fd_replace_file(in_folder("none/file"), "x", 1, 0600), -ENOENT);
	memset(longest, 'x', sizeof(longest));
	longest[PATH_MAX] = '\0';
	cr_assert_eq(fd_replace_file(longest, "x", 1, 0600), -ENAMETOOLONG);
	/* The target is a folder: the rename fails, and its temporary file goes. */
	cr_assert_eq(fd_make_folders(in_folder("a"), 0700), 0);
	cr_assert_lt(fd_replace_file(in_folder("a"), "x", 1, 0600), 0);
	cr_assert_eq(access(in_folder("a.tmp"), F_OK), -1);
}

Test(fd, a_bare_name_is_a_file_of_this_folder)
{
	cr_assert_eq(chdir(folder), 0);
	cr_assert_eq(fd_replace_file("file", "x", 1, 0600), 0);
	cr_assert_eq(access(in_folder("file"), F_OK), 0);
}

Test(fd, folders_are_made_with_their_parents)
{
	struct stat st;

	cr_assert_eq(fd_make_folders(in_folder("a/b/c"), 0700), 0);
	cr_assert_eq(fd_make_folders(in_folder("a/b/c"), 0700), 0);
	cr_assert_eq(stat(in_folder("a/b/c"), &st), 0);
	cr_assert(S_ISDIR(st.st_mode));
	cr_assert_eq(st.st_mode & 0777, 0700);
	cr_assert_eq(fd_make_folders("", 0700), -EINVAL);
	cr_assert_eq(fd_make_folders("/dev/null/x", 0700), -ENOTDIR);
}
