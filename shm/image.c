#include "shm/image.h"

#include "shm/crash_point.h"
#include "shm/crc32c.h"
#include "shm/segment_check.h"
#include "shm/segment_layout.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_MAGIC UINT64_C(0x31676d4979654b52) /* "RKeyImg1" */
#define BLOCK 4096u
#define EXTENT_MAX 65536u
#define EXTENT_END UINT64_MAX
/* More than a segment of the largest sizes that are accepted anywhere near a real machine. */
#define TOTAL_MAX (UINT64_C(1) << 44)

struct image_head {
	uint64_t magic;
	uint32_t layout_version;
	uint32_t crc; /* of this struct with crc 0 */
	uint64_t total_bytes;
	uint64_t mono_ms;
	int64_t wall_ms;
};

/* Followed by `len` bytes. The end: offset EXTENT_END, len the number of extents before it. */
struct image_extent {
	uint64_t offset;
	uint32_t len;
	uint32_t crc; /* of offset, len and the bytes */
};

static uint32_t head_crc(struct image_head head)
{
	head.crc = 0;
	return crc32c(0, &head, sizeof(head));
}

static uint32_t extent_crc(const struct image_extent *extent, const void *bytes, size_t len)
{
	uint32_t crc = crc32c(0, &extent->offset, sizeof(extent->offset));

	crc = crc32c(crc, &extent->len, sizeof(extent->len));
	return crc32c(crc, bytes, len);
}

static int image_path(const char *state_dir, const char *instance, const char *file, char *ret_path,
		      size_t size)
{
	int len = snprintf(ret_path, size, "%s/%s%s%s", state_dir, instance,
			   file[0] == '\0' ? "" : "/", file);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

/* A rename is only sure once its folder is on disk. */
static int sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		err = -errno;
	fd_close(&fd);
	return err;
}

static int rename_in(const char *folder, const char *from, const char *to)
{
	return rename(from, to) < 0 ? -errno : sync_folder(folder);
}

/* ---- saving ---- */

struct writer {
	int fd;
	uint32_t extents;
};

static int put_extent(struct writer *writer, uint64_t offset, const void *bytes, uint32_t len)
{
	struct image_extent extent = {.offset = offset, .len = len};
	int err;

	extent.crc = extent_crc(&extent, bytes, len);
	writer->extents++;
	err = fd_write_all(writer->fd, &extent, sizeof(extent));
	return err < 0 ? err : fd_write_all(writer->fd, bytes, len);
}

static bool is_zero(const unsigned char *bytes)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, BLOCK - 1) == 0;
}

/* A range of whole blocks, without those that are all zero. */
static int put_range(struct writer *writer, const struct shm *shm, uint64_t from, uint64_t to)
{
	uint64_t start = from;
	int err = 0;

	for (uint64_t at = from; err == 0 && at <= to; at += BLOCK) {
		bool zero = at == to || is_zero(shm->base + at);

		if (at > start && (zero || at - start == EXTENT_MAX)) {
			err = put_extent(writer, start, shm->base + start, (uint32_t)(at - start));
			start = at;
		}
		if (zero)
			start = at + BLOCK;
	}
	return err;
}

static int put_segment(struct writer *writer, const struct shm *shm)
{
	struct image_head head = {
		.magic = IMAGE_MAGIC,
		.layout_version = SHM_LAYOUT_VERSION,
		.total_bytes = shm->header->total_bytes,
		.mono_ms = clock_mono_ms(),
		.wall_ms = clock_wall_ms(),
	};
	struct image_extent end = {.offset = EXTENT_END};
	int err;

	head.crc = head_crc(head);
	err = fd_write_all(writer->fd, &head, sizeof(head));
	if (err == 0)
		err = put_range(writer, shm, 0, shm->header->room_bodies);
	for (uint32_t log = 0; err == 0 && log < segment_log_count(shm); log++) {
		uint64_t at = segment_body_offset(shm, log);

		/* What has no epoch is a body without a log. */
		if (atomic_load(&segment_log(shm, log)->made) != 0 &&
		    atomic_load(&segment_log(shm, log)->epoch) != 0)
			err = put_range(writer, shm, at, at + segment_body_bytes(shm, log));
	}
	end.len = writer->extents;
	end.crc = extent_crc(&end, NULL, 0);
	return err < 0 ? err : fd_write_all(writer->fd, &end, sizeof(end));
}

int image_save(const struct shm *shm, const char *state_dir)
{
	const char *instance = shm->header->instance;
	char folder[512], tmp[512], path[512];
	struct writer writer = {.fd = -1};
	int err;

	err = image_path(state_dir, instance, "", folder, sizeof(folder));
	if (err == 0)
		err = image_path(state_dir, instance, "segment.tmp", tmp, sizeof(tmp));
	if (err == 0)
		err = image_path(state_dir, instance, "segment", path, sizeof(path));
	if (err == 0)
		err = fd_make_folders(folder, 0700);
	if (err < 0)
		return err;
	writer.fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (writer.fd < 0)
		return -errno;
	err = put_segment(&writer, shm);
	if (err == 0 && fsync(writer.fd) < 0)
		err = -errno;
	fd_close(&writer.fd);
	CRASH_POINT(start_image_written);
	if (err == 0)
		err = rename_in(folder, tmp, path);
	if (err < 0)
		unlink(tmp);
	return err;
}

/* ---- loading ---- */

/* All of it: 0, -EBADMSG at the file's end, or -errno. */
static int read_all(int fd, void *bytes, size_t len)
{
	unsigned char *at = bytes;

	while (len > 0) {
		ssize_t got = read(fd, at, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

static int read_extents(int fd, struct image *image)
{
	uint32_t count = 0;

	for (;;) {
		struct image_extent extent;
		int err = read_all(fd, &extent, sizeof(extent));

		if (err < 0)
			return err;
		if (extent.offset == EXTENT_END)
			return extent.len == count && extent.crc == extent_crc(&extent, NULL, 0)
				       ? 0
				       : -EBADMSG;
		if (extent.len > EXTENT_MAX || extent.offset > image->shm.size ||
		    extent.len > image->shm.size - extent.offset)
			return -EBADMSG;
		err = read_all(fd, image->shm.base + extent.offset, extent.len);
		if (err < 0)
			return err;
		if (extent.crc != extent_crc(&extent, image->shm.base + extent.offset, extent.len))
			return -EBADMSG;
		count++;
	}
}

static int read_image(int fd, struct image *image)
{
	struct image_head head;
	void *base;
	int err;

	err = read_all(fd, &head, sizeof(head));
	if (err < 0)
		return err;
	if (head.magic != IMAGE_MAGIC || head.crc != head_crc(head))
		return -EBADMSG;
	if (head.layout_version != SHM_LAYOUT_VERSION)
		return -EPROTO;
	if (head.total_bytes < sizeof(struct segment_header) || head.total_bytes > TOTAL_MAX)
		return -EBADMSG;
	base = mmap(NULL, head.total_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	image->shm.base = base;
	image->shm.size = head.total_bytes;
	image->mono_ms = head.mono_ms;
	err = read_extents(fd, image);
	if (err < 0)
		return err;
	if (segment_header_check(base, head.total_bytes, head.total_bytes) != FOUND_OURS)
		return -EBADMSG;
	segment_view(&image->shm, base, head.total_bytes);
	image->shm.slot = SLOTS_MAX;
	return 0;
}

static int load_file(const char *path, struct image *image, struct buf *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err;

	if (fd < 0)
		return -errno;
	err = read_image(fd, image);
	fd_close(&fd);
	if (err == -EPROTO)
		buf_printf(error,
			   "the saved registry %s was written by another version of this server: "
			   "start "
			   "that one, or begin without it: mv %s %s.kept",
			   path, path, path);
	else if (err == -EBADMSG)
		buf_printf(error,
			   "the saved registry %s is damaged or cut short; to begin without it: "
			   "mv %s %s.damaged",
			   path, path, path);
	else if (err < 0)
		buf_printf(error, "cannot read the saved registry %s: %s", path, strerror(-err));
	return err;
}

int image_load(const char *state_dir, const char *instance, struct image *ret_image,
	       struct buf *error)
{
	static const char *const files[] = {"segment", "segment.used"};
	int err = -ENOENT;

	for (int i = 0; i < 2 && err == -ENOENT; i++) {
		err = image_path(state_dir, instance, files[i], ret_image->path,
				 sizeof(ret_image->path));
		if (err == 0)
			err = load_file(ret_image->path, ret_image, error);
		ret_image->used = i == 1;
	}
	return err;
}

int image_mark_used(const char *state_dir, const char *instance)
{
	char folder[512], from[512], to[512];
	int err;

	err = image_path(state_dir, instance, "", folder, sizeof(folder));
	if (err == 0)
		err = image_path(state_dir, instance, "segment", from, sizeof(from));
	if (err == 0)
		err = image_path(state_dir, instance, "segment.used", to, sizeof(to));
	if (err == 0)
		err = rename_in(folder, from, to);
	return err == -ENOENT ? 0 : err;
}

void image_finish(struct image *image)
{
	if (image->shm.base != NULL)
		munmap(image->shm.base, image->shm.size);
	*image = IMAGE_INIT;
}
