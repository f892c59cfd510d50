#include "shm/segment_memory.h"

#include "shm/crash_point.h"
#include "shm/segment_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Tables take at most this part of /dev/shm, inboxes have this part of the rest for themselves. */
#define TABLES_PART 4
#define INBOX_PART 8
/* New rooms end here, where not all of them would fit. */
#define ROOMS_TENTHS 9

int segment_reserve(int fd, uint64_t offset, uint64_t bytes)
{
	while (fallocate(fd, 0, (off_t)offset, (off_t)bytes) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static uint64_t all_bodies(const struct segment_header *header)
{
	return header->total_bytes - header->room_bodies;
}

void segment_measure(struct shm *shm)
{
	struct statfs fs;
	uint64_t memory = all_bodies(shm->header);
	uint64_t used = atomic_load(&shm->header->room_memory_used) +
			atomic_load(&shm->header->inbox_memory_used);

	/* No blocks: a file system without a size of its own. */
	if (fstatfs(shm->fd, &fs) == 0 && fs.f_blocks > 0) {
		uint64_t there = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize + used;

		if (there < memory)
			memory = there;
	}
	atomic_store(&shm->header->room_memory, memory);
}

static void say_full(const struct segment_header *header, uint64_t limit, const char *what,
		     struct buf *error)
{
	uint64_t table;
	const char *option = segment_largest_table(header, &table);

	buf_printf(error,
		   "the shared tables need %llu kB, %s %llu kB: lower %s (its table takes "
		   "%llu kB), or give /dev/shm more (Docker's default is 64 MB: "
		   "docker run --shm-size=256m)",
		   (unsigned long long)header->room_bodies / 1024, what,
		   (unsigned long long)limit / 1024, option, (unsigned long long)table / 1024);
}

int segment_reserve_tables(int fd, const struct segment_header *header, struct buf *error)
{
	uint64_t tables = header->room_bodies;
	struct statfs fs;
	int err;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_blocks > 0) {
		uint64_t all = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
		uint64_t there = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;

		if (tables > all / TABLES_PART) {
			say_full(header, all / TABLES_PART, "a quarter of /dev/shm is", error);
			return -ENOSPC;
		}
		if (tables > there) {
			say_full(header, there, "free in /dev/shm are", error);
			return -ENOSPC;
		}
	}
	if (ftruncate(fd, (off_t)header->total_bytes) < 0)
		return -errno;
	err = segment_reserve(fd, 0, tables);
	if (err == -ENOSPC)
		say_full(header, (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize,
			 "free in /dev/shm were", error);
	return err;
}

/*
 * What rooms may take: inboxes have a part for themselves, but no more than all of them need, so
 * that where everything fits every room does.
 */
static uint64_t memory_of_rooms(const struct segment_header *header)
{
	uint64_t memory = atomic_load(&header->room_memory);
	uint64_t inboxes = header->total_bytes - header->inbox_bodies;
	uint64_t part = memory / INBOX_PART;

	if (memory >= all_bodies(header))
		return memory - inboxes;
	/* What others put into /dev/shm meanwhile may be more than we hear of in time. */
	return (memory - (part < inboxes ? part : inboxes)) / 10 * ROOMS_TENTHS;
}

bool segment_rooms_full(const struct shm *shm)
{
	const struct segment_header *header = shm->header;

	return atomic_load(&header->room_memory) < all_bodies(header) &&
	       atomic_load(&header->room_memory_used) + header->room_body_bytes >
		       memory_of_rooms(header);
}

int segment_make_body(struct shm *shm, uint32_t log)
{
	struct segment_header *header = shm->header;
	struct log_head *head = segment_log(shm, log);
	uint64_t bytes = segment_body_bytes(shm, log);
	bool inbox = log_is_inbox(shm, log);
	_Atomic uint64_t *mine = inbox ? &header->inbox_memory_used : &header->room_memory_used;
	uint64_t used;
	int err;

	if (atomic_load(&head->made) != 0)
		return 0;
	used = atomic_fetch_add(mine, bytes) + bytes;
	CRASH_POINT(segment_body_counted);
	if ((!inbox && used > memory_of_rooms(header)) ||
	    atomic_load(&header->room_memory_used) + atomic_load(&header->inbox_memory_used) >
		    atomic_load(&header->room_memory))
		err = -ENOSPC;
	else
		err = segment_reserve(shm->fd, segment_body_offset(shm, log), bytes);
	CRASH_POINT(segment_body_reserved);
	if (err < 0) {
		atomic_fetch_sub(mine, bytes);
		return err;
	}
	/* seq_cst: a login sets its bit in `workers`, then looks here; an append the other way. */
	atomic_store(&head->made, 1);
	CRASH_POINT(segment_body_made);
	return 0;
}

void segment_memory(const struct shm *shm, uint64_t *ret_tables, uint64_t *ret_bodies)
{
	*ret_tables = shm->header->room_bodies;
	*ret_bodies = atomic_load(&shm->header->room_memory_used) +
		      atomic_load(&shm->header->inbox_memory_used);
}
