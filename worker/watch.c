#include "worker/watch.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "shm/counters.h"
#include "shm/janitor.h"
#include "shm/segment_memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FULL_AT(max) ((max) / 10 * 9 + (max) % 10 * 9 / 10)
#define FREE_AT(max) ((max) / 20 * 17 + (max) % 20 * 17 / 20)
#define FILES_MS 5000u

/* ---- measuring -------------------------------------------------------------------- */

/* Linux says it since 6.2; before, each is an entry of the folder. */
static uint64_t open_files(const struct watch *watch)
{
	struct stat stat_of;
	uint64_t count = 0;

	if (watch->files == NULL)
		return 0;
	if (fstat(dirfd(watch->files), &stat_of) == 0 && stat_of.st_size > 0)
		return (uint64_t)stat_of.st_size;
	rewinddir(watch->files);
	while (readdir(watch->files) != NULL)
		count++;
	return count > 2 ? count - 2 : 0; /* "." and ".." */
}

static ssize_t read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, out, size - 1);

	fd_close(&fd);
	out[got > 0 ? got : 0] = '\0';
	return got;
}

/* Resident, without what is shared: the segment isn't ours. 0: unknown. */
static uint64_t own_memory(const struct watch *watch)
{
	unsigned long long size, resident, shared;
	char text[128];
	ssize_t got = pread(watch->memory_fd, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	if (sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || shared > resident)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "max" reads as 0: none. */
static void lower_to(uint64_t *memory, const char *path)
{
	char text[64];
	uint64_t limit;

	if (read_text(path, text, sizeof(text)) <= 0)
		return;
	limit = strtoull(text, NULL, 10);
	if (limit > 0 && limit < *memory)
		*memory = limit;
}

/* The machine's, or what the container or the service (MemoryMax=) may take of it: cgroups(7). */
static uint64_t machine_memory(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char own[1024], path[sizeof(own) + 64];
	char *group;

	lower_to(&memory, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
	/* "0::/system.slice/roomkey.service": its own limit, and those of the groups above. */
	if (read_text("/proc/self/cgroup", own, sizeof(own)) <= 0)
		return memory;
	group = strstr(own, "0::/");
	if (group == NULL)
		return memory;
	group += 3;
	group[strcspn(group, "\n")] = '\0';
	for (char *slash; (slash = strrchr(group, '/')) != NULL; *slash = '\0') {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", group);
		lower_to(&memory, path);
	}
	lower_to(&memory, "/sys/fs/cgroup/memory.max");
	return memory;
}

/* ---- crossing ----------------------------------------------------------------------- */

static bool cross(bool was, uint64_t used, uint64_t max)
{
	if (max == 0)
		return false;
	return was ? used >= FREE_AT(max) : used >= FULL_AT(max);
}

static void say(bool is, const char *what, const char *refused, uint64_t used, uint64_t max,
		const char *mend)
{
	if (is)
		log_error("nearly full",
			  "resource=%s used=%" PRIu64 " max=%" PRIu64 " refused=%s mend=%s", what,
			  used, max, refused, mend);
	else
		log_info("not full any more", "resource=%s used=%" PRIu64 " max=%" PRIu64, what,
			 used, max);
}

static void set_files_full(struct watch *watch, struct shm *shm, bool full, uint64_t used)
{
	counter_set(shm, COUNTER_worker_files_full, full);
	if (full == watch->files_full)
		return;
	watch->files_full = full;
	say(full, "file descriptors", "logins", used, watch->files_max,
	    "raise the limit of open files (ulimit -n, LimitNOFILE=), or --workers");
}

static void look_at_files(struct watch *watch, struct shm *shm)
{
	uint64_t now = clock_mono_ms(), used;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != watch->files_max) {
		watch->files_max = files.rlim_cur;
		watch->files_due_ms = 0;
	}
	if (now < watch->files_due_ms)
		return;
	watch->files_due_ms = now + FILES_MS;
	used = open_files(watch);
	counter_set(shm, COUNTER_worker_files, used);
	counter_set(shm, COUNTER_worker_files_max, watch->files_max);
	set_files_full(watch, shm, cross(watch->files_full, used, watch->files_max), used);
}

static void look_at_memory(struct watch *watch, struct shm *shm, const struct config *config)
{
	uint64_t used = own_memory(watch);
	bool full;

	watch->memory_max = config->max_worker_memory > 0 ? config->max_worker_memory
							  : watch->machine_memory / config->workers;
	full = cross(watch->memory_full, used, watch->memory_max);
	if (full && !watch->memory_full) {
		/* What is free but not given back doesn't count. */
		malloc_trim(0);
		used = own_memory(watch);
		full = cross(false, used, watch->memory_max);
	}
	counter_set(shm, COUNTER_worker_memory_bytes, used);
	counter_set(shm, COUNTER_worker_memory_max_bytes, watch->memory_max);
	counter_set(shm, COUNTER_worker_memory_full, full);
	if (full == watch->memory_full)
		return;
	watch->memory_full = full;
	say(full, "memory of a worker", "logins", used, watch->memory_max,
	    "raise --max-worker-memory, or --workers");
}

/* One worker is enough. */
static bool is_lowest(const struct shm *shm)
{
	for (unsigned slot = 0; slot < shm->slot; slot++) {
		if (janitor_worker_alive(shm, slot))
			return false;
	}
	return true;
}

static void look_at_shared(struct watch *watch, struct shm *shm)
{
	const struct segment_header *header = shm->header;
	bool full;

	if (!is_lowest(shm))
		return;
	segment_measure(shm);
	full = segment_rooms_full(shm);
	if (full == watch->rooms_full)
		return;
	watch->rooms_full = full;
	say(full, "shared memory", "rooms", atomic_load(&header->room_memory_used),
	    atomic_load(&header->room_memory),
	    "give /dev/shm more (docker run --shm-size=), or lower --room-bytes");
}

/* ---- verbs ---------------------------------------------------------------------------- */

void watch_init(struct watch *watch, struct shm *shm, const struct config *config)
{
	memset(watch, 0, sizeof(*watch));
	watch->machine_memory = machine_memory();
	watch->memory_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	watch->files = opendir("/proc/self/fd");
	watch_look(watch, shm, config);
}

void watch_finish(struct watch *watch)
{
	fd_close(&watch->memory_fd);
	if (watch->files != NULL)
		closedir(watch->files);
	watch->files = NULL;
}

void watch_look(struct watch *watch, struct shm *shm, const struct config *config)
{
	look_at_files(watch, shm);
	look_at_memory(watch, shm, config);
	look_at_shared(watch, shm);
}

void watch_file(struct watch *watch, struct shm *shm, int fd)
{
	if (!watch->files_full && watch->files_max > 0 && (uint64_t)fd >= FULL_AT(watch->files_max))
		set_files_full(watch, shm, true, (uint64_t)fd);
}

void watch_publish(struct watch *watch, struct shm *shm)
{
	struct lock_counts now = lock_counts();
	uint64_t dropped = log_dropped();

	counter_add(shm, COUNTER_lock_waits_total, now.waits - watch->locks.waits);
	counter_add(shm, COUNTER_lock_timeouts_total, now.timeouts - watch->locks.timeouts);
	counter_add(shm, COUNTER_lock_repairs_total, now.repairs - watch->locks.repairs);
	counter_add(shm, COUNTER_log_lines_dropped_total, dropped - watch->dropped);
	watch->locks = now;
	watch->dropped = dropped;
}

const char *watch_full_text(const struct watch *watch)
{
	return watch->files_full
		       ? "the server has hardly any file descriptors left: ask its operator"
		       : "the server has hardly any memory left: ask its operator";
}
