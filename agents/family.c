#include "agents/family.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ENVIRONMENT_MAX (256u * 1024u)

int family_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static bool is_kept(pid_t pid, const pid_t *keep, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (keep[i] == pid)
			return true;
	return false;
}

int family_kill(const pid_t *keep, unsigned count)
{
	char path[64];
	FILE *list;
	int pid, killed = 0;

	/* We have one thread, and it has the process's number. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	list = fopen(path, "re");
	if (list == NULL)
		return -errno;
	while (fscanf(list, "%d", &pid) == 1) {
		if (is_kept((pid_t)pid, keep, count))
			continue;
		kill((pid_t)pid, SIGKILL);
		killed++;
	}
	fclose(list);
	return killed;
}

/* The environment that it was started with: entries, each ended by a NUL. */
static bool has_entry(const char *pid, const char *entry)
{
	char path[64];
	struct buf environment = BUF_INIT;
	size_t len = strlen(entry) + 1;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	if (buf_read_file(&environment, path, ENVIRONMENT_MAX) == 0) {
		const char *at = environment.data, *end = at + environment.len;

		while (at != NULL && at < end && !found) {
			size_t size = strnlen(at, (size_t)(end - at)) + 1;

			found = size == len && memcmp(at, entry, len) == 0;
			at += size;
		}
	}
	buf_finish(&environment);
	return found;
}

unsigned family_kill_marked(const char *entry)
{
	DIR *proc = opendir("/proc");
	const struct dirent *item;
	unsigned killed = 0;

	while (proc != NULL && (item = readdir(proc)) != NULL) {
		int pid = atoi(item->d_name);

		if (pid <= 1 || pid == (int)getpid() || !has_entry(item->d_name, entry))
			continue;
		kill((pid_t)pid, SIGKILL);
		killed++;
	}
	if (proc != NULL)
		closedir(proc);
	return killed;
}
