#include "agents/family.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

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
