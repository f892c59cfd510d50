#include "tests/soak/ground.h"

#include "shm/segment_layout.h"
#include "shm/session.h"
#include "tests/shm_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void count_addresses(const struct shm *shm, struct ground *ground)
{
	for (uint32_t i = 0; i < shm->sizes->max_addresses; i++) {
		const struct address_counts *counts = &shm->addresses[i];
		bool used = false;

		for (unsigned w = 0; w < WORKERS_MAX; w++)
			used = used || counts->connections[w] != 0 || counts->pending[w] != 0;
		ground->addresses += used;
	}
}

static void count(struct shm *shm, struct ground *ground)
{
	for (uint32_t i = 0; i < shm->header->session_slots; i++)
		ground->sessions += shm->sessions[i].word != 0;
	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++)
		ground->members += shm->rooms[i].members;
	for (uint32_t i = 0; i < shm->sizes->max_devices; i++)
		ground->intents += (shm->windows[i].intent.state & INTENT_OPEN) != 0;
	for (uint32_t log = 0; log < segment_log_count(shm); log++)
		ground->subscribers += segment_log(shm, log)->workers != 0;
	count_addresses(shm, ground);
}

int ground_look(const char *path, struct ground *ret_ground)
{
	struct shm shm = {.fd = -1};
	struct stat st;
	void *base = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*ret_ground = (struct ground){.why = BUF_INIT};
	if (fd < 0 || fstat(fd, &st) < 0)
		goto out;
	/* Private: nothing that we do reaches the server. */
	base = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED)
		goto out;
	segment_view(&shm, base, (size_t)st.st_size);
	count(&shm, ret_ground);
	segment_is_consistent(&shm, &ret_ground->why);
	munmap(base, (size_t)st.st_size);
	close(fd);
	return 0;
out:
	if (fd >= 0)
		close(fd);
	return -errno;
}
