#include "tests/storm/holder.h"

#include "base/fd.h"
#include "shm/layout.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A robust mutex of glibc is the kernel's: its word is the holder's number and two flags. */
#define HOLDER_MASK 0x3fffffff

bool holder_open(struct holder *holder, const char *shm_path)
{
	int fd = open(shm_path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	holder->memory = NULL;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof(struct segment_header)) {
		holder->size = (size_t)st.st_size;
		holder->memory = mmap(NULL, holder->size, PROT_READ, MAP_SHARED, fd, 0);
		if (holder->memory == MAP_FAILED)
			holder->memory = NULL;
	}
	fd_close(&fd);
	return holder->memory != NULL;
}

void holder_close(struct holder *holder)
{
	if (holder->memory != NULL)
		munmap(holder->memory, holder->size);
	holder->memory = NULL;
}

bool holder_is(const struct holder *holder, pid_t pid)
{
	const struct segment_header *header = holder->memory;
	const struct room *rooms =
		(const struct room *)(const void *)((const char *)holder->memory + header->rooms);

	for (uint32_t i = 0; i < header->sizes.max_rooms; i++) {
		const volatile int *word = &rooms[i].log.lock.mutex.__data.__lock;

		if ((*word & HOLDER_MASK) == pid)
			return true;
	}
	return false;
}
