#include "tests/unit/shm/log_fixture.h"

#include "shm/doorbell.h"
#include "shm/lock.h"
#include "shm/segment_layout.h"

#include "base/fd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const struct segment_sizes log_fixture_small = {
	.max_users = 4,
	.max_devices = 4,
	.max_connections = 8,
	.max_rooms = 4,
	.rooms_per_user = 4,
	.room_lines = 16,
	.inbox_lines = 8,
	.room_bytes = 4096,
	.inbox_bytes = 2048,
};

static void must(bool true_or_abort, const char *what)
{
	if (!true_or_abort) {
		perror(what);
		abort();
	}
}

static void log_make(struct shm *shm, uint32_t log, char kind, unsigned number)
{
	struct log_head *head = segment_log(shm, log);

	snprintf(head->name, sizeof(head->name), kind == '@' ? "@u%u" : "r%u", number);
	atomic_store(&head->made, 1);
	room_log_clear(shm, log, segment_new_epoch(shm));
}

void log_fixture_fill(struct log_fixture *fixture)
{
	struct shm *shm = &fixture->shm;

	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++)
		log_make(shm, i, '#', i);
	for (uint32_t i = 0; i < shm->sizes->max_users; i++) {
		struct user *user = segment_user(shm, i);

		log_make(shm, log_of_inbox(shm, i), '@', i);
		atomic_store(&user->life, segment_new_epoch(shm));
		atomic_store(&user->state, USER_USED);
	}
	window_table_rebuild(shm);
}

static void locks_make(struct shm *shm)
{
	for (uint32_t i = 0; i < shm->sizes->max_rooms + shm->sizes->max_users; i++)
		must(lock_init(&segment_log(shm, i)->lock) == 0, "lock_init");
	for (uint32_t i = 0; i < shm->sizes->max_users; i++)
		must(lock_init(&segment_user(shm, i)->lock) == 0, "lock_init");
	for (uint32_t i = 0; i < shm->sizes->max_devices; i++)
		must(lock_init(&shm->windows[i].lock) == 0, "lock_init");
	must(lock_init(&shm->header->window_table) == 0, "lock_init");
	must(lock_init(&shm->header->user_table) == 0, "lock_init");
	must(lock_init(&shm->header->room_table) == 0, "lock_init");
}

void log_fixture_start(struct log_fixture *fixture, const struct segment_sizes *sizes)
{
	struct segment_header header = {.sizes = *sizes};
	struct shm *shm = &fixture->shm;
	unsigned char *base;

	memset(fixture, 0, sizeof(*fixture));
	if (header.sizes.max_addresses == 0)
		header.sizes.max_addresses = 1;
	if (header.sizes.max_penalties == 0)
		header.sizes.max_penalties = 1;
	must(segment_layout(&header) == 0, "segment_layout");
	header.hash_key[0] = 1;
	base = mmap(NULL, header.total_bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(base != MAP_FAILED, "mmap");
	memcpy(base, &header, sizeof(header));
	segment_view(shm, base, header.total_bytes);
	shm->fd = -1;
	must(doorbell_create(fixture->bells) == 0, "doorbell_create");
	shm->bells = (const int(*)[2])fixture->bells;
	locks_make(shm);
	log_fixture_fill(fixture);
}

void log_fixture_finish(struct log_fixture *fixture)
{
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		fd_close(&fixture->bells[i][0]);
		fd_close(&fixture->bells[i][1]);
	}
	munmap(fixture->shm.base, fixture->shm.size);
}

uint64_t log_epoch(const struct shm *shm, uint32_t log)
{
	return atomic_load(&segment_log(shm, log)->epoch);
}

enum append_result say(struct shm *shm, const struct saying *saying, uint64_t *ret_seq)
{
	static const char head[] = "{\"type\":\"message\",\"room\":\"";
	static _Thread_local char tail[ROOM_LOG_LINE_MAX * 2];
	struct append append = {
		.head = head,
		.head_len = strlen(head),
		.tail = tail,
		.sender = saying->sender,
		.wall_ms = saying->wall_ms,
		.window = saying->id != NULL ? saying->window : SHM_NONE,
		.id = saying->id,
		.topic = saying->topic,
		.by_mono_ms = saying->by_mono_ms,
		.copies = saying->to != 0 ? 2 : 1,
		.copy = {{.log = saying->log, .epoch = log_epoch(shm, saying->log)},
			 {.log = saying->to, .epoch = log_epoch(shm, saying->to)}},
	};
	enum append_result result;
	bool local;

	append.tail_len =
		(size_t)snprintf(tail, sizeof(tail), ",\"content\":\"%s\"}\n", saying->content);
	must(append.tail_len < sizeof(tail), "content");
	append.content_hash = shm_hash(shm, saying->content, strlen(saying->content));
	if (saying->id != NULL)
		append.id_hash = shm_hash(shm, saying->id, strlen(saying->id));
	result = append_line(shm, &append, &local);
	if (ret_seq != NULL && (result == APPEND_OK || result == APPEND_DUPLICATE))
		*ret_seq = append.copy[0].ret_seq;
	return result;
}

uint64_t say_plain(struct shm *shm, uint32_t log, const char *content)
{
	uint64_t seq = 0;

	must(say(shm, &(struct saying){.log = log, .content = content}, &seq) == APPEND_OK,
	     "say_plain");
	return seq;
}
