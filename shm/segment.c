#include "shm/segment.h"

#include "shm/append.h"
#include "shm/counters.h"
#include "shm/crash_point.h"
#include "shm/image.h"
#include "shm/limit.h"
#include "shm/lock.h"
#include "shm/room_table.h"
#include "shm/segment_check.h"
#include "shm/segment_layout.h"
#include "shm/segment_memory.h"
#include "shm/segment_open.h"
#include "shm/user_table.h"

#include "base/fd.h"
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct start {
	const struct segment_params *params;
	struct segment_header want; /* what this start's sizes give */
	struct shm shm;
	struct segment_report report;
	struct buf *error;
};

uint64_t segment_new_epoch(struct shm *shm)
{
	uint64_t epoch;

	/* From a random start, so that one life's numbers aren't another's. */
	do
		epoch = atomic_fetch_add(&shm->header->epoch_counter, 1);
	while (epoch == 0);
	return epoch;
}

/* ---- starting ---- */

static int map_segment(struct shm *shm, int fd, uint64_t bytes)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	shm->base = base;
	shm->size = bytes;
	shm->fd = fd;
	shm->slot = SLOTS_MAX;
	return 0;
}

static void read_boot_id(uint64_t ret_id[2])
{
	char text[64] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	unsigned digits = 0;

	ret_id[0] = ret_id[1] = 0;
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0) {
		for (const char *at = text; *at != '\0' && digits < 32; at++) {
			const char *hex = "0123456789abcdef";
			const char *digit = strchr(hex, *at);

			if (digit == NULL)
				continue;
			ret_id[digits / 16] = ret_id[digits / 16] << 4 | (uint64_t)(digit - hex);
			digits++;
		}
	}
	fd_close(&fd);
}

static int init_locks(struct shm *shm)
{
	struct segment_header *header = shm->header;
	struct shm_lock *locks[] = {&header->room_table,    &header->user_table,
				    &header->window_table,  &header->address_table,
				    &header->penalty_table, &header->janitor};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(locks) / sizeof(locks[0]); i++)
		err = lock_init(locks[i]);
	for (uint32_t log = 0; err == 0 && log < segment_log_count(shm); log++)
		err = lock_init(&segment_log(shm, log)->lock);
	for (uint32_t user = 0; err == 0 && user < shm->sizes->max_users; user++)
		err = lock_init(&segment_user(shm, user)->lock);
	for (uint32_t window = 0; err == 0 && window < shm->sizes->max_devices; window++)
		err = lock_init(&shm->windows[window].lock);
	return err;
}

/*
 * A new segment in the locked file. Its magic comes last: a file without it holds nothing that
 * anyone was promised, and the next start begins anew. `from`: the image to fill it with, or NULL.
 */
static int start_fresh(struct start *start, int fd, const struct image *from)
{
	struct segment_header header = start->want;
	struct shm *shm = &start->shm;
	uint64_t magic = header.magic;
	int err;

	read_boot_id(header.boot_id);
	snprintf(header.instance, sizeof(header.instance), "%s", start->params->instance);
	random_bytes(header.hash_key, sizeof(header.hash_key));
	if (from != NULL)
		memcpy(header.hash_key, from->shm.header->hash_key, sizeof(header.hash_key));
	header.crc = segment_header_crc(&header);
	header.magic = 0;
	atomic_init(&header.epoch_counter, random_u64());
	atomic_init(&header.master_pid, getpid());

	if (ftruncate(fd, 0) < 0) {
		err = -errno;
		goto out;
	}
	err = segment_reserve_tables(fd, &start->want, start->error);
	CRASH_POINT(start_reserved);
	if (err == 0)
		err = map_segment(shm, fd, header.total_bytes);
	if (err < 0)
		goto out;
	assert(shm->base != NULL);
	memcpy(shm->base, &header, sizeof(header));
	segment_view(shm, shm->base, shm->size);
	err = init_locks(shm);
	if (err < 0)
		goto out;
	segment_measure(shm);
	room_table_rebuild(shm);
	user_table_rebuild(shm);
	CRASH_POINT(start_emptied);
	if (from != NULL)
		err = image_import(from, shm, &start->report, start->error);
	if (err < 0)
		goto out;
	window_table_rebuild(shm);
	CRASH_POINT(start_filled);
	atomic_thread_fence(memory_order_seq_cst);
	shm->header->magic = magic;
	CRASH_POINT(start_published);
out:
	if (err < 0) {
		if (start->error->len == 0)
			buf_printf(start->error, "cannot make the segment of instance %s: %s",
				   start->params->instance, strerror(-err));
		if (shm->base != NULL)
			munmap(shm->base, shm->size);
		shm->base = NULL;
		if (ftruncate(fd, 0) < 0)
			err = -errno;
	}
	return err;
}

/* From the image of a clean stop, from what a loaded image left, or empty. */
static int start_without_segment(struct start *start, int fd)
{
	const struct segment_params *params = start->params;
	struct image image = IMAGE_INIT;
	char name[SEGMENT_NAME_SIZE];
	int err;

	err = image_load(params->state_dir, params->instance, &image, start->error);
	if (err == -ENOENT)
		err = start_fresh(start, fd, NULL);
	else if (err == 0)
		err = start_fresh(start, fd, &image);
	if (err == 0 && image.shm.base != NULL)
		start->report.origin = image.used ? SEGMENT_RECOVERED : SEGMENT_LOADED;
	/* From here on the segment is the truth, and the image is never loaded a second time. */
	if (err == 0) {
		err = image_mark_used(params->state_dir, params->instance);
		if (err < 0)
			buf_printf(
				start->error,
				"cannot rename the image in %s/%s, so it might be loaded twice: %s",
				params->state_dir, params->instance, strerror(-err));
	}
	CRASH_POINT(start_marked_used);
	image_finish(&image);
	/* Nobody waits for what could not be made. */
	if (err < 0 && segment_name(params->instance, name, start->error) == 0)
		shm_unlink(name);
	return err;
}

static int start_attach(struct start *start, int fd, const struct segment_header *found,
			bool *ret_again)
{
	const struct segment_params *params = start->params;
	struct shm *shm = &start->shm;
	int err;

	err = map_segment(shm, fd, found->total_bytes);
	if (err < 0)
		return err;
	segment_view(shm, shm->base, shm->size);
	atomic_store(&shm->header->master_pid, getpid());
	err = segment_reserve(fd, 0, found->room_bodies);
	if (err == 0)
		err = segment_repair(shm, &start->report, start->error);
	if (err < 0)
		return err;
	segment_measure(shm);
	start->report.origin = SEGMENT_ATTACHED;
	if (memcmp(&found->sizes, &start->want.sizes, sizeof(found->sizes)) != 0) {
		/* Other sizes: through an image, which is on disk before the segment goes. */
		err = segment_stop(shm, params->state_dir);
		CRASH_POINT(start_resized);
		if (err < 0)
			buf_printf(
				start->error,
				"the sizes changed and the old registry cannot be saved in %s: %s; "
				"start once with the former sizes, or make room there",
				params->state_dir, strerror(-err));
		munmap(shm->base, shm->size);
		shm->base = NULL;
		*ret_again = err == 0;
		return err;
	}
	/* An image beside a segment is older than it. */
	err = image_mark_used(params->state_dir, params->instance);
	if (err < 0)
		buf_printf(start->error, "cannot rename the older image in %s/%s: %s",
			   params->state_dir, params->instance, strerror(-err));
	return err;
}

static int judge(struct start *start, int fd, struct segment_header *ret_header,
		 enum segment_found *ret_found)
{
	const char *instance = start->params->instance;
	const char *why = NULL;
	struct stat stat;
	ssize_t got;

	memset(ret_header, 0, sizeof(*ret_header));
	if (fstat(fd, &stat) < 0)
		return -errno;
	got = pread(fd, ret_header, sizeof(*ret_header), 0);
	if (got < 0)
		return -errno;
	*ret_found = segment_header_check(ret_header, (size_t)got, (uint64_t)stat.st_size);
	switch (*ret_found) {
	case FOUND_NOTHING:
	case FOUND_OURS:
		return 0;
	case FOUND_FOREIGN:
		why = "is no segment of a chat server";
		break;
	case FOUND_OTHER_LAYOUT:
		why = "was made by another version of this server, which can go on with it";
		break;
	case FOUND_DAMAGED:
		why = "is damaged: its header does not agree with itself";
		break;
	}
	buf_printf(start->error,
		   "/dev/shm/chat-%s %s; keep it aside (mv /dev/shm/chat-%s /dev/shm/kept-%s) to "
		   "start "
		   "without it, or choose another --instance",
		   instance, why, instance, instance);
	return -EPROTO;
}

static int start_in(struct start *start, int *fd)
{
	const struct segment_params *params = start->params;
	bool again;
	int err;

	do {
		struct segment_header header;
		enum segment_found found = FOUND_NOTHING;

		again = false;
		fd_close(fd);
		err = segment_open(params->instance, params->wait_ms, fd, start->error);
		if (err == 0)
			err = judge(start, *fd, &header, &found);
		if (err < 0)
			return err;
		if (found == FOUND_NOTHING)
			err = start_without_segment(start, *fd);
		else
			err = start_attach(start, *fd, &header, &again);
	} while (again);
	return err;
}

int segment_start(const struct segment_params *params, struct shm *ret_shm,
		  struct segment_report *ret_report, struct buf *ret_error)
{
	struct start start = {.params = params, .error = ret_error, .shm = {.fd = -1}};
	int fd = -1, err;

	start.want.sizes = params->sizes;
	err = segment_sizes_complete(&start.want.sizes);
	if (err == 0)
		err = segment_layout(&start.want);
	if (err < 0)
		buf_printf(ret_error, "a table size is 0 or beyond what a segment can hold");
	else
		err = start_in(&start, &fd);
	if (err < 0) {
		if (ret_error->len == 0)
			buf_printf(ret_error, "cannot start instance %s: %s", params->instance,
				   strerror(-err));
		if (start.shm.base != NULL)
			munmap(start.shm.base, start.shm.size);
		fd_close(&fd);
		return err;
	}
	start.report.rooms = atomic_load(&start.shm.header->rooms_used);
	start.report.users = atomic_load(&start.shm.header->users_used);
	*ret_shm = start.shm;
	*ret_report = start.report;
	return 0;
}

int segment_accepts(int fd, const struct segment_sizes *sizes, struct buf *ret_error)
{
	struct segment_sizes wanted = *sizes;
	struct segment_header header;
	struct stat stat;
	ssize_t got;

	memset(&header, 0, sizeof(header));
	if (fstat(fd, &stat) < 0 || (got = pread(fd, &header, sizeof(header), 0)) < 0) {
		buf_printf(ret_error, "cannot read the segment: %s", strerror(errno));
		return -EPROTO;
	}
	switch (segment_header_check(&header, (size_t)got, (uint64_t)stat.st_size)) {
	case FOUND_OURS:
		if (segment_sizes_complete(&wanted) == 0 &&
		    memcmp(&wanted, &header.sizes, sizeof(wanted)) == 0)
			return 0;
		buf_printf(ret_error, "its tables would have other sizes");
		return -EPROTO;
	case FOUND_OTHER_LAYOUT:
		buf_printf(ret_error,
			   "its shared memory has another layout: version %u, the running one %u",
			   SHM_LAYOUT_VERSION, header.layout_version);
		return -EPROTO;
	case FOUND_NOTHING:
	case FOUND_FOREIGN:
	case FOUND_DAMAGED:
		break;
	}
	buf_printf(ret_error, "its shared memory has another layout, of the same version %u",
		   SHM_LAYOUT_VERSION);
	return -EPROTO;
}

int segment_adopt(int fd, struct shm *ret_shm)
{
	struct shm shm = {.fd = -1};
	struct stat stat;
	int err = fstat(fd, &stat) < 0 ? -errno : map_segment(&shm, fd, (uint64_t)stat.st_size);

	if (err < 0)
		return err;
	segment_view(&shm, shm.base, shm.size);
	*ret_shm = shm;
	return 0;
}

int segment_stop(struct shm *shm, const char *state_dir)
{
	char name[SEGMENT_NAME_SIZE];
	struct segment_report report = {0};
	struct buf ignored = BUF_INIT;
	int err;

	/*
	 * A worker that had to be killed may have left an append half done: that is no longer
	 * told by then.
	 */
	err = segment_repair(shm, &report, &ignored);
	atomic_store(&shm->header->clean, 1);
	if (err == 0)
		err = image_save(shm, state_dir);
	CRASH_POINT(start_stop_saved);
	if (err == 0)
		err = segment_name(shm->header->instance, name, &ignored);
	/* Only our own: the name may be another's by now if someone removed the file. */
	if (err == 0 && segment_is_named(shm->header->instance, shm->fd) && shm_unlink(name) < 0)
		err = -errno;
	CRASH_POINT(start_stop_unlinked);
	buf_finish(&ignored);
	return err;
}

void segment_enter_worker(struct shm *shm, unsigned slot)
{
	struct worker_slot *worker = &shm->workers[slot];
	uint64_t bit = UINT64_C(1) << slot;

	assert(slot < SLOTS_MAX);
	shm->slot = slot;
	shm->generation = atomic_load(&worker->generation);
	/* No member of any room is ours yet. Nobody else clears the bit, so nobody is forgotten. */
	for (uint32_t log = 0; log < segment_log_count(shm); log++) {
		_Atomic uint64_t *workers = &segment_log(shm, log)->workers;

		if ((atomic_load(workers) & bit) != 0)
			atomic_fetch_and(workers, ~bit);
	}
	atomic_store(&worker->sessions, 0);
	counter_clear_gauges(shm, slot);
	/* A ringer may have died between the flag and the ring. */
	atomic_store(&worker->pending, 0);
	if (slot < WORKERS_MAX)
		limit_clear_worker(shm, slot);
}
