#include "shm/segment_look.h"

#include "shm/segment_check.h"
#include "shm/segment_layout.h"
#include "shm/segment_open.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/dev/shm"
#define PREFIX "chat-"

static bool is_alive(int pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static int check(int fd, const char *instance, size_t *ret_size, struct buf *error)
{
	struct segment_header header;
	struct stat stat;
	ssize_t got = pread(fd, &header, sizeof(header), 0);

	if (got < 0 || fstat(fd, &stat) < 0)
		return -errno;
	switch (segment_header_check(&header, (size_t)got, (uint64_t)stat.st_size)) {
	case FOUND_OURS:
		if (!is_alive(atomic_load(&header.master_pid))) {
			buf_printf(error, "no server of instance %s runs: its chat-master is gone",
				   instance);
			return -ENOENT;
		}
		*ret_size = (size_t)stat.st_size;
		return 0;
	case FOUND_OTHER_LAYOUT:
		buf_printf(error, "the server of instance %s is another version than this program",
			   instance);
		return -EPROTO;
	case FOUND_NOTHING:
		buf_printf(error, "the server of instance %s is just starting", instance);
		return -ENOENT;
	case FOUND_FOREIGN:
	case FOUND_DAMAGED:
		break;
	}
	buf_printf(error, FOLDER "/" PREFIX "%s is no server's shared memory", instance);
	return -EPROTO;
}

int segment_look(const char *instance, struct shm *ret_shm, struct buf *error)
{
	char name[SEGMENT_NAME_SIZE];
	struct shm shm = {.fd = -1, .slot = SLOTS_MAX};
	void *base = MAP_FAILED;
	size_t size = 0;
	int err = segment_name(instance, name, error);

	if (err < 0)
		return err;
	shm.fd = shm_open(name, O_RDONLY, 0);
	if (shm.fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			buf_printf(error, "no server of instance %s runs on this machine",
				   instance);
		else
			buf_printf(error, FOLDER "%s: %s%s", name, strerror(-err),
				   err == -EACCES ? "; ask as the server's user, or as root" : "");
		goto out;
	}
	err = check(shm.fd, instance, &size, error);
	if (err < 0)
		goto out;
	base = mmap(NULL, size, PROT_READ, MAP_SHARED, shm.fd, 0);
	if (base == MAP_FAILED) {
		err = -errno;
		buf_printf(error, FOLDER "%s: %s", name, strerror(-err));
		goto out;
	}
	segment_view(&shm, base, size);
	*ret_shm = shm;
	return 0;
out:
	fd_close(&shm.fd);
	return err;
}

void segment_look_close(struct shm *shm)
{
	if (shm->base == NULL)
		return;
	munmap(shm->base, shm->size);
	fd_close(&shm->fd);
	*shm = (struct shm){.fd = -1};
}

bool segment_look_is_current(const struct shm *shm)
{
	return shm->base != NULL && segment_is_named(shm->header->instance, shm->fd) &&
	       is_alive(atomic_load(&shm->header->master_pid));
}

/* Of another user's we can't know; a leftover of a dead master isn't a server. */
static bool is_server(const char *instance)
{
	struct segment_header header;
	char name[SEGMENT_NAME_SIZE];
	struct buf error = BUF_INIT;
	int fd = -1;
	bool is = false;

	if (segment_name(instance, name, &error) == 0)
		fd = shm_open(name, O_RDONLY, 0);
	if (fd >= 0)
		is = pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
		     header.magic == SHM_MAGIC && is_alive(atomic_load(&header.master_pid));
	else
		is = errno == EACCES;
	fd_close(&fd);
	buf_finish(&error);
	return is;
}

unsigned segment_look_list(char ret_instance[SEGMENT_LOOK_MAX][64])
{
	DIR *dir = opendir(FOLDER);
	unsigned count = 0;
	const struct dirent *entry;

	while (dir != NULL && count < SEGMENT_LOOK_MAX && (entry = readdir(dir)) != NULL) {
		const char *instance = entry->d_name + strlen(PREFIX);

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || strlen(instance) > 63 ||
		    !is_server(instance))
			continue;
		snprintf(ret_instance[count++], 64, "%s", instance);
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}
