#include "worker/tls_share.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In the memfd. */
struct shared {
	_Atomic uint64_t generation; /* odd: it is being written */
	struct tls_secret secret;
};

struct tls_share {
	int fd;                /* -1 in a worker */
	struct shared *shared; /* read-only pages unless we are the master */
	uint64_t seen;
};

static struct tls_share *share_alloc(void)
{
	struct tls_share *share = calloc(1, sizeof(*share));

	if (share != NULL)
		share->fd = -1;
	return share;
}

static int share_map(struct tls_share *share, int fd, int protection)
{
	void *map = mmap(NULL, sizeof(struct shared), protection, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	share->shared = map;
	return 0;
}

int tls_share_create(struct tls_share **ret_share)
{
	struct tls_share *share = share_alloc();
	int ret = 0;

	if (share == NULL)
		return -ENOMEM;
	share->fd = memfd_create("chat-tls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (share->fd < 0 || ftruncate(share->fd, sizeof(struct shared)) < 0)
		ret = -errno;
	if (ret == 0)
		ret = share_map(share, share->fd, PROT_READ | PROT_WRITE);
	/* A child must not have the one mapping that can be written; nor must a core hold keys. */
	if (ret == 0 &&
	    (madvise(share->shared, sizeof(struct shared), MADV_DONTFORK) < 0 ||
	     madvise(share->shared, sizeof(struct shared), MADV_DONTDUMP) < 0 ||
	     fcntl(share->fd, F_ADD_SEALS,
		   F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0))
		ret = -errno;
	if (ret < 0) {
		tls_share_destroy(share);
		return ret;
	}
	*ret_share = share;
	return 0;
}

void tls_share_destroy(struct tls_share *share)
{
	if (share == NULL)
		return;
	if (share->shared != NULL)
		(void)munmap(share->shared, sizeof(struct shared));
	fd_close(&share->fd);
	free(share);
}

void tls_share_publish(struct tls_share *share, const struct tls_secret *secret)
{
	struct shared *shared = share->shared;
	uint64_t generation = atomic_load_explicit(&shared->generation, memory_order_relaxed);

	atomic_store_explicit(&shared->generation, generation + 1, memory_order_relaxed);
	/* Whoever sees one of the bytes below sees the odd number, too. */
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(&shared->secret, secret, sizeof(*secret));
	atomic_store_explicit(&shared->generation, generation + 2, memory_order_release);
}

int tls_share_attach(struct tls_share *share, struct tls_share **ret_share)
{
	struct tls_share *own = share_alloc();
	int ret;

	if (own == NULL)
		return -ENOMEM;
	ret = share_map(own, share->fd, PROT_READ);
	fd_close(&share->fd);
	if (ret == 0 && madvise(own->shared, sizeof(struct shared), MADV_DONTDUMP) < 0)
		ret = -errno;
	if (ret < 0) {
		tls_share_destroy(own);
		return ret;
	}
	*ret_share = own;
	return 0;
}

void tls_share_leave(struct tls_share *share)
{
	fd_close(&share->fd);
}

bool tls_share_is_new(const struct tls_share *share)
{
	return atomic_load_explicit(&share->shared->generation, memory_order_relaxed) !=
	       share->seen;
}

bool tls_share_read(struct tls_share *share, struct tls_secret *ret_secret)
{
	const struct shared *shared = share->shared;
	uint64_t generation = atomic_load_explicit(&shared->generation, memory_order_acquire);

	if (generation == share->seen || (generation & 1) != 0)
		return false;
	memcpy(ret_secret, &shared->secret, sizeof(*ret_secret));
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&shared->generation, memory_order_relaxed) != generation)
		return false;
	share->seen = generation;
	return true;
}
