#include "auth/keys_file.h"
#include "auth/authorized_keys.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void keys_file_init(struct keys_file *file)
{
	*file = (struct keys_file){.safety = KEYS_MISSING};
}

void keys_file_finish(struct keys_file *file)
{
	buf_finish(&file->bytes);
	keys_file_init(file);
}

const char *keys_safety_name(enum keys_safety safety)
{
	switch (safety) {
	case KEYS_SAFE:
		return "safe";
	case KEYS_MISSING:
		return "missing";
	case KEYS_EMPTY:
		return "empty";
	case KEYS_UNSAFE:
		return "unsafe";
	case KEYS_TOO_LARGE:
		return "too large";
	}
	return "unsafe";
}

__attribute__((format(printf, 3, 4))) static void
verdict_set(struct keys_file *file, enum keys_safety safety, const char *fmt, ...)
{
	va_list args;

	file->safety = safety;
	va_start(args, fmt);
	(void)vsnprintf(file->reason, sizeof(file->reason), fmt, args);
	va_end(args);
}

/* For a shell: as it is where nothing in it means something, else in single quotes. */
static void put_path(struct buf *buf, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+@%:,";

	if (*path != '\0' && *path != '-' && path[strspn(path, plain)] == '\0') {
		buf_append_str(buf, path);
		return;
	}
	buf_append_char(buf, '\'');
	for (; *path != '\0'; path++) {
		if (*path == '\'')
			buf_append_str(buf, "'\\''");
		else
			buf_append_char(buf, *path);
	}
	buf_append_char(buf, '\'');
}

/* The command, or nothing: half a command would mend something else. */
static void mend_set(struct keys_file *file, const struct buf *command)
{
	file->mend[0] = '\0';
	if (!command->failed && command->len > 0 && command->len < sizeof(file->mend))
		memcpy(file->mend, command->data, command->len + 1);
}

static void mend_with_path(struct keys_file *file, const char *command, const char *path)
{
	struct buf text = BUF_INIT;

	buf_append_str(&text, command);
	put_path(&text, path);
	mend_set(file, &text);
	buf_finish(&text);
}

/* What has to be done to make the path safe. */
struct mending {
	struct buf chown, chmod;
};

static void mending_finish(struct mending *mending)
{
	buf_finish(&mending->chown);
	buf_finish(&mending->chmod);
}

static void put_owner(struct buf *buf)
{
	struct passwd entry, *found = NULL;
	char memory[4096];

	if (getpwuid_r(geteuid(), &entry, memory, sizeof(memory), &found) == 0 && found != NULL)
		buf_append_str(buf, found->pw_name);
	else
		buf_append_u64(buf, geteuid());
}

/* One file or folder on the way: notes what is wrong with it. */
static void check_part(struct keys_file *file, const char *path, const struct stat *st,
		       struct mending *mending)
{
	bool sticky = S_ISDIR(st->st_mode) && st->st_uid == 0 && (st->st_mode & S_ISVTX) != 0;
	const char *kind = S_ISDIR(st->st_mode) ? "folder" : "file";

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		if (file->safety == KEYS_SAFE)
			verdict_set(file, KEYS_UNSAFE,
				    "%s %s belongs to user %u, not to root or us", kind, path,
				    (unsigned)st->st_uid);
		buf_append_char(&mending->chown, ' ');
		put_path(&mending->chown, path);
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky) {
		if (file->safety == KEYS_SAFE)
			verdict_set(file, KEYS_UNSAFE,
				    "%s %s is writable by others than its owner (mode %04o)", kind,
				    path, (unsigned)st->st_mode & 07777u);
		buf_append_char(&mending->chmod, ' ');
		put_path(&mending->chmod, path);
	}
}

/* Every folder above real_path, up to `home` or /. */
static void check_folders(struct keys_file *file, const char *real_path, const char *home,
			  struct mending *mending)
{
	char folder[PATH_MAX], real_home[PATH_MAX] = "";
	struct stat st;
	char *slash;

	if (home == NULL || realpath(home, real_home) == NULL)
		real_home[0] = '\0';
	(void)snprintf(folder, sizeof(folder), "%s", real_path);
	while ((slash = strrchr(folder, '/')) != NULL) {
		bool top = slash == folder;

		slash[top ? 1 : 0] = '\0';
		if (stat(folder, &st) < 0) {
			verdict_set(file, KEYS_UNSAFE, "folder %s: %s", folder, strerror(errno));
			return;
		}
		check_part(file, folder, &st, mending);
		if (top || strcmp(folder, real_home) == 0)
			return;
	}
}

static void check_safety(struct keys_file *file, int fd, const char *path, const char *home)
{
	struct mending mending = {BUF_INIT, BUF_INIT};
	struct buf command = BUF_INIT;
	char real_path[PATH_MAX];
	struct stat st, named;

	file->safety = KEYS_SAFE;
	if (fstat(fd, &st) < 0 || realpath(path, real_path) == NULL ||
	    stat(real_path, &named) < 0) {
		verdict_set(file, KEYS_MISSING, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		verdict_set(file, KEYS_UNSAFE, "%s is not a regular file", path);
		goto out;
	}
	if (st.st_dev != named.st_dev || st.st_ino != named.st_ino) {
		verdict_set(file, KEYS_UNSAFE, "%s was replaced while it was read", path);
		goto out;
	}
	check_part(file, real_path, &st, &mending);
	check_folders(file, real_path, home, &mending);
	if (mending.chown.len > 0) {
		buf_append_str(&command, "chown ");
		put_owner(&command);
		buf_append(&command, mending.chown.data, mending.chown.len);
	}
	if (mending.chmod.len > 0) {
		buf_append_str(&command, command.len > 0 ? " && chmod go-w" : "chmod go-w");
		buf_append(&command, mending.chmod.data, mending.chmod.len);
	}
	mend_set(file, &command);
out:
	buf_finish(&command);
	mending_finish(&mending);
}

/* Reads what fd holds: 0, -EFBIG or -errno. */
static int read_all(int fd, struct buf *bytes)
{
	for (;;) {
		char *at = buf_reserve(bytes, 16384);
		ssize_t got;

		if (at == NULL)
			return -ENOMEM;
		got = read(fd, at, 16384);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		bytes->len += (size_t)got;
		bytes->data[bytes->len] = '\0';
		if (bytes->len > KEYS_FILE_MAX)
			return -EFBIG;
		if (got == 0)
			return 0;
	}
}

/* Is there a line that accepts a key? Stops at the first. */
static int has_any_key(const struct buf *bytes, bool *ret_any)
{
	struct authorized_reader r = authorized_reader(bytes->data, bytes->len);
	struct authorized_line line;
	const char *text;
	size_t len;
	int ret = 0;

	*ret_any = false;
	authorized_line_init(&line);
	while (ret == 0 && !*ret_any && authorized_reader_next(&r, &text, &len)) {
		ret = authorized_line_parse(&line, text, len);
		*ret_any = line.status == AUTHORIZED_ACCEPTED;
	}
	authorized_line_finish(&line);
	return ret;
}

int keys_file_load(struct keys_file *file, const char *path, const char *home)
{
	bool any = false;
	int fd, ret;

	keys_file_finish(file);
	/* nonblocking: a fifo in its place must not hang us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		ret = errno;
		verdict_set(file, KEYS_MISSING, "%s: %s", path, strerror(ret));
		if (ret == ENOENT)
			mend_with_path(file, "install -D -m 600 ~/.ssh/id_ed25519.pub ", path);
		return 0;
	}
	check_safety(file, fd, path, home != NULL ? home : getenv("HOME"));
	ret = file->safety == KEYS_SAFE ? read_all(fd, &file->bytes) : 0;
	fd_close(&fd);
	if (ret == -EFBIG)
		verdict_set(file, KEYS_TOO_LARGE, "%s is larger than %u bytes", path,
			    KEYS_FILE_MAX);
	else if (ret < 0)
		verdict_set(file, KEYS_MISSING, "%s: %s", path, strerror(-ret));
	if (ret == 0 && file->safety == KEYS_SAFE)
		ret = has_any_key(&file->bytes, &any);
	if (file->safety == KEYS_SAFE && !any) {
		verdict_set(file, KEYS_EMPTY, "%s has no line that accepts a key", path);
		mend_with_path(file, "cat ~/.ssh/id_ed25519.pub >> ", path);
	}
	if (file->safety != KEYS_SAFE && file->safety != KEYS_EMPTY)
		buf_finish(&file->bytes);
	return ret == -ENOMEM ? -ENOMEM : 0;
}
