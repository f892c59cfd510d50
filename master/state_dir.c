#include "master/state_dir.h"

#include "base/fd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Bindings of names lie here: who may write them may become anybody. A folder above may be
 * root's, and a sticky one lets nobody replace what is ours.
 */
static int check(const char *path, bool above, struct buf *error)
{
	struct stat st;
	int err = stat(path, &st) < 0 ? -errno : 0;

	if (err < 0) {
		buf_printf(error, "--state-dir: %s: %s", path, strerror(-err));
	} else if (!S_ISDIR(st.st_mode)) {
		err = -ENOTDIR;
		buf_printf(error, "--state-dir: %s is not a folder", path);
	} else if (st.st_uid != geteuid() && !(above && st.st_uid == 0)) {
		err = -EPERM;
		buf_printf(error,
			   "--state-dir: %s belongs to uid %u, the server runs as uid %u; mend it "
			   "with: chown %u '%s'",
			   path, st.st_uid, geteuid(), geteuid(), path);
	} else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
		   !(above && (st.st_mode & S_ISVTX) != 0)) {
		err = -EPERM;
		buf_printf(error,
			   "--state-dir: others may write into %s (mode %04o); mend it with: "
			   "chmod go-w '%s'",
			   path, (unsigned)(st.st_mode & 07777), path);
	} else if (!above && access(path, R_OK | W_OK | X_OK) < 0) {
		err = -errno;
		buf_printf(error, "--state-dir: cannot write into %s: %s", path, strerror(-err));
	}
	return err;
}

int state_dir_prepare(const char *state_dir, const char *instance, struct buf *ret_path,
		      struct buf *error)
{
	struct buf path = BUF_INIT;
	int err;

	buf_printf(&path, "%s/%s", state_dir, instance);
	if (path.failed)
		return -ENOMEM;
	err = fd_make_folders(path.data, 0700);
	if (err < 0)
		buf_printf(error, "--state-dir: cannot make %s: %s", path.data, strerror(-err));
	else
		err = check(state_dir, true, error);
	if (err == 0)
		err = check(path.data, false, error);
	if (err < 0) {
		buf_finish(&path);
		return err;
	}
	*ret_path = path;
	return 0;
}
