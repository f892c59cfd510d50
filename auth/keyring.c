#include "auth/keyring.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x3167696e72594b43)
#define HEADER_BYTES 4096u
#define REFRESH_TRIES 1000u /* each time the master has published anew meanwhile */

/* The first page of the memfd. */
struct shared {
	uint64_t magic;
	uint64_t half_bytes;
	_Atomic uint64_t generation; /* the last publish; the half that counts is generation & 1 */
	_Atomic uint64_t used[2];    /* bytes of each half's image */
};

struct keyring {
	int fd;
	struct shared *shared; /* read-only pages unless we are the master */
	size_t map_bytes, half_bytes;
	uint8_t *copy; /* half_bytes of private memory, touched only as far as used */
	struct keyring_view view;
};

static const struct keyring_view empty_view = {
	.safety = KEYS_MISSING,
	.servers = "",
	.text = "",
	.text_len = 1,
};

static uint8_t *half_of(const struct keyring *keyring, uint64_t generation)
{
	return (uint8_t *)keyring->shared + HEADER_BYTES + (generation & 1) * keyring->half_bytes;
}

static int map_copy(struct keyring *keyring, size_t half_bytes)
{
	void *copy = mmap(NULL, half_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (copy == MAP_FAILED)
		return -errno;
	keyring->copy = copy;
	keyring->half_bytes = half_bytes;
	return 0;
}

static int map_shared(struct keyring *keyring, size_t bytes, int protection)
{
	void *map = mmap(NULL, bytes, protection, MAP_SHARED, keyring->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	keyring->shared = map;
	keyring->map_bytes = bytes;
	return 0;
}

void keyring_destroy(struct keyring *keyring)
{
	if (keyring == NULL)
		return;
	if (keyring->copy != NULL)
		(void)munmap(keyring->copy, keyring->half_bytes);
	if (keyring->shared != NULL)
		(void)munmap(keyring->shared, keyring->map_bytes);
	fd_close(&keyring->fd);
	free(keyring);
}

int keyring_fd(const struct keyring *keyring)
{
	return keyring->fd;
}

uint64_t keyring_generation(const struct keyring *keyring)
{
	return atomic_load_explicit(&keyring->shared->generation, memory_order_acquire);
}

const struct keyring_view *keyring_view(const struct keyring *keyring)
{
	return &keyring->view;
}

static int keyring_alloc(struct keyring **ret_keyring)
{
	struct keyring *keyring = calloc(1, sizeof(*keyring));

	if (keyring == NULL)
		return -ENOMEM;
	keyring->fd = -1;
	keyring->view = empty_view;
	*ret_keyring = keyring;
	return 0;
}

int keyring_create(size_t half_bytes, struct keyring **ret_keyring)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct keyring *keyring = NULL;
	size_t bytes;
	int ret;

	half_bytes = (half_bytes + page - 1) / page * page;
	bytes = HEADER_BYTES + 2 * half_bytes;
	ret = keyring_alloc(&keyring);
	if (ret < 0)
		return ret;
	keyring->fd = memfd_create("chat-keyring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (keyring->fd < 0 || ftruncate(keyring->fd, (off_t)bytes) < 0) {
		ret = -errno;
		goto out;
	}
	ret = map_shared(keyring, bytes, PROT_READ | PROT_WRITE);
	if (ret == 0)
		ret = map_copy(keyring, half_bytes);
	if (ret < 0)
		goto out;
	/* a child must not have the one mapping that can be written */
	if (madvise(keyring->shared, bytes, MADV_DONTFORK) < 0 ||
	    fcntl(keyring->fd, F_ADD_SEALS,
		  F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		ret = -errno;
		goto out;
	}
	keyring->shared->magic = MAGIC;
	keyring->shared->half_bytes = half_bytes;
	*ret_keyring = keyring;
	keyring = NULL;
out:
	keyring_destroy(keyring);
	return ret;
}

/* The private copy becomes the view. */
static int open_copy(struct keyring *keyring, size_t len, uint64_t generation)
{
	int ret = keyring_view_open(keyring->copy, len, &keyring->view);

	if (ret < 0)
		keyring->view = empty_view;
	keyring->view.generation = generation;
	return ret;
}

int keyring_publish(struct keyring *keyring, const void *image, size_t len)
{
	struct shared *shared = keyring->shared;
	uint64_t next = atomic_load_explicit(&shared->generation, memory_order_relaxed) + 1;
	struct keyring_view checked;
	int ret;

	if (len > keyring->half_bytes)
		return -ENOSPC;
	ret = keyring_view_open(image, len, &checked);
	if (ret < 0)
		return ret;
	memcpy(keyring->copy, image, len);
	(void)open_copy(keyring, len, next);
	/*
	 * The idle half may still be read by one who began two publishes ago. The last store of
	 * generation must be seen before the first byte here changes: then that reader finds out.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(half_of(keyring, next), image, len);
	atomic_store_explicit(&shared->used[next & 1], len, memory_order_relaxed);
	atomic_store_explicit(&shared->generation, next, memory_order_release);
	return 0;
}

void keyring_continue(struct keyring *keyring, uint64_t generation)
{
	atomic_store_explicit(&keyring->shared->generation, generation, memory_order_release);
	keyring->view.generation = generation;
}

int keyring_attach(int fd, struct keyring **ret_keyring)
{
	struct keyring *keyring = NULL;
	struct stat st;
	int ret;

	ret = keyring_alloc(&keyring);
	if (ret < 0)
		return ret;
	keyring->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (keyring->fd < 0 || fstat(keyring->fd, &st) < 0) {
		ret = -errno;
		goto out;
	}
	if (st.st_size < (off_t)HEADER_BYTES) {
		ret = -EBADMSG;
		goto out;
	}
	ret = map_shared(keyring, (size_t)st.st_size, PROT_READ);
	if (ret < 0)
		goto out;
	if (keyring->shared->magic != MAGIC ||
	    keyring->shared->half_bytes != (keyring->map_bytes - HEADER_BYTES) / 2) {
		ret = -EBADMSG;
		goto out;
	}
	ret = map_copy(keyring, keyring->shared->half_bytes);
	if (ret < 0)
		goto out;
	*ret_keyring = keyring;
	keyring = NULL;
out:
	keyring_destroy(keyring);
	return ret;
}

int keyring_refresh(struct keyring *keyring)
{
	struct shared *shared = keyring->shared;

	for (unsigned i = 0; i < REFRESH_TRIES; i++) {
		uint64_t generation = keyring_generation(keyring);
		uint64_t used;

		if (generation == keyring->view.generation)
			return 0;
		used = atomic_load_explicit(&shared->used[generation & 1], memory_order_relaxed);
		if (used > keyring->half_bytes)
			used = keyring->half_bytes;
		memcpy(keyring->copy, half_of(keyring, generation), used);
		/* the copy is whole if nothing newer was published before its last byte was read */
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&shared->generation, memory_order_relaxed) == generation)
			return open_copy(keyring, used, generation);
	}
	keyring->view = empty_view;
	return -EAGAIN;
}

int keyring_move(struct keyring *keyring, int fd)
{
	struct keyring *fresh = NULL;
	struct keyring old = *keyring;
	int ret = keyring_attach(fd, &fresh);

	if (ret == 0)
		ret = keyring_refresh(fresh);
	if (ret < 0) {
		keyring_destroy(fresh);
		return ret;
	}
	*keyring = *fresh;
	*fresh = old;
	keyring_destroy(fresh);
	return 0;
}

/* The first index in [0, count) whose entry isn't below the key. */
#define LOWER_BOUND(count, is_below)                                                               \
	unsigned low = 0, high = (count);                                                          \
	while (low < high) {                                                                       \
		unsigned middle = low + (high - low) / 2;                                          \
		if (is_below)                                                                      \
			low = middle + 1;                                                          \
		else                                                                               \
			high = middle;                                                             \
	}

unsigned keyring_find_lines(const struct keyring_view *view, const uint8_t key_hash[KEY_HASH_BYTES],
			    unsigned *ret_count)
{
	unsigned end;

	LOWER_BOUND(view->line_count,
		    memcmp(view->lines[middle].key_hash, key_hash, KEY_HASH_BYTES) < 0)
	for (end = low; end < view->line_count; end++)
		if (memcmp(view->lines[end].key_hash, key_hash, KEY_HASH_BYTES) != 0)
			break;
	*ret_count = end - low;
	return low;
}

struct key_rule keyring_rule(const struct keyring_view *view, const struct keyring_line *line)
{
	return (struct key_rule){
		.flags = line->flags,
		.roles = line->roles,
		.expires_s = line->expires_s,
		.from = view->text + line->from,
		.principals = view->text + line->principals,
		.names = view->text + line->names,
	};
}

unsigned keyring_find_pins(const struct keyring_view *view, const char *name, unsigned *ret_count)
{
	unsigned end;

	LOWER_BOUND(view->pin_count, strcmp(view->pins[middle].name, name) < 0)
	for (end = low; end < view->pin_count; end++)
		if (strcmp(view->pins[end].name, name) != 0)
			break;
	*ret_count = end - low;
	return low;
}

const struct name_binding *keyring_find_binding(const struct keyring_view *view, const char *name)
{
	LOWER_BOUND(view->binding_count, strcmp(view->bindings[middle].name, name) < 0)
	if (low == view->binding_count || strcmp(view->bindings[low].name, name) != 0)
		return NULL;
	return &view->bindings[low];
}

bool keyring_knows_name(const struct keyring_view *view, const char *name)
{
	unsigned count;

	(void)keyring_find_pins(view, name, &count);
	return count > 0 || keyring_find_binding(view, name) != NULL;
}

unsigned keyring_line_count(const struct keyring_view *view)
{
	return view->line_count;
}

unsigned keyring_roles(const struct keyring_view *view, const char *name)
{
	const struct name_binding *binding = keyring_find_binding(view, name);
	unsigned roles = 0, count, first;

	first = keyring_find_pins(view, name, &count);
	for (unsigned i = 0; i < count; i++)
		roles |= view->lines[view->pins[first + i].line].roles;
	if (count > 0 || binding == NULL)
		return roles;
	first = keyring_find_lines(view, binding->hash, &count);
	for (unsigned i = 0; i < count; i++)
		roles |= view->lines[first + i].roles;
	return roles;
}
