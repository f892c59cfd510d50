#include "client/known_hosts.h"

#include "base/buf.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

char *known_hosts_path(void)
{
	const char *state_home = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (state_home && state_home[0] == '/')
		buf_printf(&path, "%s/chat/known_hosts", state_home);
	else if (home && home[0] == '/')
		buf_printf(&path, "%s/.local/state/chat/known_hosts", home);
	if (path.failed)
		buf_finish(&path);
	return path.data;
}

/* Splits "server fingerprint": false for a comment, and for what is no such line. */
static bool split(char *line, char **ret_server, char **ret_fingerprint)
{
	char *rest = NULL;

	*ret_server = strtok_r(line, " \t\r", &rest);
	*ret_fingerprint = strtok_r(NULL, " \t\r", &rest);
	return *ret_server && **ret_server != '#' && *ret_fingerprint;
}

static enum known_host search(char *text, const char *server, const char *fingerprint,
			      unsigned *ret_line)
{
	enum known_host found = KNOWN_HOST_NONE;
	unsigned number = 0;

	for (char *line = text, *next; line; line = next) {
		char *name, *key;

		number++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!split(line, &name, &key) || strcmp(name, server) != 0)
			continue;
		if (strcmp(key, fingerprint) == 0)
			return KNOWN_HOST_SAME;
		found = KNOWN_HOST_OTHER;
		*ret_line = number;
	}
	return found;
}

enum known_host known_hosts_find(const char *path, const char *server, const char *fingerprint,
				 unsigned *ret_line)
{
	struct buf text = BUF_INIT;
	int rc = buf_read_file(&text, path, FILE_MAX);
	enum known_host found = KNOWN_HOST_NONE;

	if (rc == -ENOENT)
		found = KNOWN_HOST_NONE;
	else if (rc < 0)
		found = KNOWN_HOST_UNREADABLE;
	else if (text.data)
		found = search(text.data, server, fingerprint, ret_line);
	buf_finish(&text);
	return found;
}

static int make_folder_of(const char *path)
{
	char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int rc = -ENOMEM;

	if (slash) {
		*slash = '\0';
		rc = fd_make_folders(folder, 0700);
	}
	free(folder);
	return rc;
}

/* An editor may have left the last line without its end. */
static bool ends_in_line(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last = '\n';

	return end <= 0 || pread(fd, &last, 1, end - 1) != 1 || last == '\n';
}

int known_hosts_add(const char *path, const char *server, const char *fingerprint)
{
	struct buf line = BUF_INIT;
	int rc = make_folder_of(path);
	int fd = -1;

	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (!ends_in_line(fd))
		buf_append_char(&line, '\n');
	buf_printf(&line, "%s %s\n", server, fingerprint);
	/* one write: two programs that add at once don't mix their lines */
	rc = line.failed ? -ENOMEM : fd_write_all(fd, line.data, line.len);
	fd_close(&fd);
	buf_finish(&line);
	return rc;
}
