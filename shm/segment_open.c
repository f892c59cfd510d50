#include "shm/segment_open.h"

#include "shm/layout.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS 20
/* A process that was just killed may be seen alive for a moment. */
#define DYING_MS 100

int segment_name(const char *instance, char ret_name[SEGMENT_NAME_SIZE], struct buf *error)
{
	size_t len = strlen(instance);

	if (len == 0 || len >= sizeof(((struct segment_header *)0)->instance) ||
	    strspn(instance, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
		    len) {
		buf_printf(
			error,
			"bad instance name: 1 to 63 letters, digits, '_', '.' or '-' are allowed");
		return -EINVAL;
	}
	snprintf(ret_name, SEGMENT_NAME_SIZE, "/chat-%s", instance);
	return 0;
}

static void wait_a_moment(unsigned ms)
{
	struct timespec moment = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&moment, NULL);
}

/* Alive and no zombie: one that was killed and not yet waited for holds nothing any more. */
static bool process_is_alive(int pid)
{
	char path[64], stat[512];
	const char *state;
	ssize_t got;
	int fd;

	if (pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	got = read(fd, stat, sizeof(stat) - 1);
	fd_close(&fd);
	if (got <= 0)
		return false;
	stat[got] = '\0';
	state = strrchr(stat, ')');
	return state == NULL || state[1] == '\0' || strchr("ZX", state[2]) == NULL;
}

/* The master that the header names, 0 if that can't be read. */
static int header_master(int fd)
{
	struct segment_header header;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    header.magic != SHM_MAGIC || header.layout_version != SHM_LAYOUT_VERSION)
		return 0;
	return header.master_pid;
}

/* A worker of the old master that still lives, 0 if none is known. */
static int living_worker(int fd)
{
	struct segment_header header;

	if (header_master(fd) == 0 ||
	    pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return 0;
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		struct worker_slot worker;
		off_t at = (off_t)(header.worker_slots + slot * sizeof(worker));

		if (pread(fd, &worker, sizeof(worker), at) != (ssize_t)sizeof(worker))
			return 0;
		if (worker.alive != 0 && process_is_alive(worker.pid))
			return worker.pid;
	}
	return 0;
}

static bool master_is_alive(int fd)
{
	int pid = header_master(fd);

	if (!process_is_alive(pid))
		return false;
	wait_a_moment(DYING_MS);
	return process_is_alive(pid);
}

static int open_ours(const char *instance, const char *name, int *ret_fd, struct buf *error)
{
	struct stat stat;
	int fd = -1, err = 0;

	fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0) {
		err = -errno;
		buf_printf(error, "cannot open /dev/shm%s for instance %s: %s", name, instance,
			   strerror(errno));
		goto out;
	}
	if (fstat(fd, &stat) < 0) {
		err = -errno;
		goto out;
	}
	if (stat.st_uid != geteuid() || (stat.st_mode & 077) != 0) {
		err = -EPERM;
		buf_printf(error,
			   "/dev/shm%s belongs to user %lu with mode %o, not to this user alone; "
			   "remove it (rm /dev/shm%s) or choose another --instance",
			   name, (unsigned long)stat.st_uid, (unsigned)(stat.st_mode & 0777), name);
		goto out;
	}
	err = fd_set_cloexec(fd, 1);
	if (err == 0) {
		*ret_fd = fd;
		fd = -1;
	}
out:
	fd_close(&fd);
	return err;
}

static void say_who_holds(const char *instance, const char *name, int fd, unsigned waited_ms,
			  struct buf *error)
{
	int worker = living_worker(fd);

	buf_printf(error, "instance %s is still held after %u ms: its chat-master is gone, but ",
		   instance, waited_ms);
	if (worker > 0)
		buf_printf(error, "process %d (a worker of it) lives; kill it, or", worker);
	else
		buf_printf(error, "a process has /dev/shm%s open (fuser /dev/shm%s names it);",
			   name, name);
	buf_printf(error, " choose another --instance");
}

bool segment_is_named(const char *instance, int fd)
{
	char name[SEGMENT_NAME_SIZE];
	struct buf error = BUF_INIT;
	struct stat ours, named;
	int other = -1;
	bool same = false;

	if (segment_name(instance, name, &error) == 0)
		other = shm_open(name, O_RDONLY, 0);
	if (other >= 0 && fstat(fd, &ours) == 0 && fstat(other, &named) == 0)
		same = ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
	fd_close(&other);
	buf_finish(&error);
	return same;
}

int segment_open(const char *instance, unsigned wait_ms, int *ret_fd, struct buf *error)
{
	char name[SEGMENT_NAME_SIZE];
	uint64_t give_up = clock_mono_ms() + wait_ms;
	int fd = -1, err;

	err = segment_name(instance, name, error);
	while (err == 0) {
		fd_close(&fd);
		err = open_ours(instance, name, &fd, error);
		if (err < 0)
			break;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (!segment_is_named(instance, fd))
				continue; /* stopped cleanly and unlinked while we waited */
			*ret_fd = fd;
			return 0;
		}
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK) {
			err = -errno;
			buf_printf(error, "cannot lock /dev/shm%s: %s", name, strerror(errno));
		} else if (master_is_alive(fd)) {
			err = -EBUSY;
			buf_printf(error,
				   "instance %s is running already: its chat-master is process %d",
				   instance, header_master(fd));
		} else if (clock_mono_ms() >= give_up) {
			err = -EBUSY;
			say_who_holds(instance, name, fd, wait_ms, error);
		} else {
			wait_a_moment(RETRY_MS);
		}
	}
	fd_close(&fd);
	return err;
}
