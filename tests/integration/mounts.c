#include "tests/integration/mounts.h"

#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* Root of a user namespace is root enough to mount there. */
static bool enter_as_nobody(void)
{
	const char *uid = scratch_text("%u %u 1", (unsigned)getuid(), (unsigned)getuid());
	const char *gid = scratch_text("%u %u 1", (unsigned)getgid(), (unsigned)getgid());

	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_to("/proc/self/setgroups", "deny") && write_to("/proc/self/uid_map", uid) &&
	       write_to("/proc/self/gid_map", gid);
}

void mounts_enter(void)
{
	if ((unshare(CLONE_NEWNS) == 0 || enter_as_nobody()) &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return;
	cr_skip_test("SKIPPED: no mount namespace can be made here (%s)", strerror(errno));
}

void mounts_tmpfs(const char *folder, const char *size)
{
	mkdir(folder, 0700);
	if (mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV,
		  scratch_text("mode=0700,size=%s", size)) < 0)
		cr_skip_test("SKIPPED: no tmpfs can be mounted on %s (%s)", folder,
			     strerror(errno));
}

void mounts_fill(const char *path)
{
	static const char zeros[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	must(fd >= 0, "%s: %s", path, strerror(errno));
	for (size_t some = sizeof(zeros); some > 0;) {
		if (write(fd, zeros, some) < 0) {
			must(errno == ENOSPC, "%s: %s", path, strerror(errno));
			some /= 2;
		}
	}
	close(fd);
}
