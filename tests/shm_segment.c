#include "tests/shm_segment.h"

#include "shm/append.h"
#include "shm/janitor.h"
#include "shm/room.h"
#include "shm/segment_layout.h"
#include "shm/user.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/random.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct segment_sizes segment_fixture_small = {
	.max_users = 8,
	.max_devices = 8,
	.max_connections = 8,
	.max_rooms = 6,
	.rooms_per_user = 4,
	.max_addresses = 8,
	.room_lines = 64,
	.room_bytes = 65536,
};

static void must(bool true_or_abort, const char *what, const struct buf *why)
{
	if (!true_or_abort) {
		fprintf(stderr, "%s: %s\n", what,
			why != NULL && why->data != NULL ? why->data : "");
		abort();
	}
}

void segment_fixture_prepare(struct segment_fixture *fixture, const struct segment_sizes *sizes)
{
	const char *tmp = getenv("TMPDIR");

	*fixture = (struct segment_fixture){.shm = {.fd = -1}};
	snprintf(fixture->instance, sizeof(fixture->instance), "unit-%d-%llx", getpid(),
		 (unsigned long long)random_u64());
	snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/rk-state-XXXXXX",
		 tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	must(mkdtemp(fixture->state_dir) != NULL, "mkdtemp", NULL);
	fixture->params = (struct segment_params){
		.instance = fixture->instance,
		.state_dir = fixture->state_dir,
		.sizes = *sizes,
		.wait_ms = 200,
	};
}

int segment_fixture_try(struct segment_fixture *fixture)
{
	int err;

	buf_reset(&fixture->error);
	err = segment_start(&fixture->params, &fixture->shm, &fixture->report, &fixture->error);
	if (err == 0) {
		janitor_worker_born(&fixture->shm, 0);
		janitor_worker_born(&fixture->shm, 1);
		segment_enter_worker(&fixture->shm, 0);
	}
	return err;
}

void segment_fixture_start(struct segment_fixture *fixture, const struct segment_sizes *sizes)
{
	segment_fixture_prepare(fixture, sizes);
	must(segment_fixture_try(fixture) == 0, "segment_start", &fixture->error);
}

void segment_fixture_kill(struct segment_fixture *fixture)
{
	if (fixture->shm.base != NULL)
		munmap(fixture->shm.base, fixture->shm.size);
	fixture->shm.base = NULL;
	fd_close(&fixture->shm.fd);
}

void segment_fixture_stop(struct segment_fixture *fixture)
{
	must(segment_stop(&fixture->shm, fixture->state_dir) == 0, "segment_stop", NULL);
	segment_fixture_kill(fixture);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	(void)stat;
	(void)type;
	(void)at;
	return remove(path);
}

void segment_fixture_unlink(const struct segment_fixture *fixture)
{
	char name[80];

	snprintf(name, sizeof(name), "/chat-%s", fixture->instance);
	shm_unlink(name);
	nftw(fixture->state_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void segment_fixture_finish(struct segment_fixture *fixture)
{
	segment_fixture_kill(fixture);
	segment_fixture_unlink(fixture);
	buf_finish(&fixture->error);
}

struct shm as_worker(const struct segment_fixture *fixture, unsigned slot)
{
	struct shm shm = fixture->shm;

	segment_enter_worker(&shm, slot);
	return shm;
}

const char *segment_fixture_file(const struct segment_fixture *fixture, const char *file,
				 char ret_path[256])
{
	snprintf(ret_path, 256, "%s/%s/%s", fixture->state_dir, fixture->instance, file);
	return ret_path;
}

uint32_t make_user(struct shm *shm, const char *name)
{
	uint32_t user = SHM_NONE;

	must(user_make(shm, name, &user) == USER_OK, "user_make", NULL);
	return user;
}

uint32_t make_room(struct shm *shm, const char *name)
{
	struct room_ref ref;
	bool created;

	must(room_make(shm, name, &ref, &created) == ROOM_OK, "room_make", NULL);
	return ref.log;
}

uint64_t make_line(struct shm *shm, uint32_t log, uint32_t sender, const char *content)
{
	static const char head[] = "{\"type\":\"message\",\"room\":\"";
	char tail[600];
	struct append append = {
		.head = head,
		.head_len = sizeof(head) - 1,
		.tail = tail,
		.tail_len = (size_t)snprintf(tail, sizeof(tail), ",\"content\":\"%s\"}\n", content),
		.sender = sender,
		.wall_ms = clock_wall_ms(),
		.window = SHM_NONE,
		.copies = 1,
		.copy = {{.log = log, .epoch = atomic_load(&segment_log(shm, log)->epoch)}},
	};
	bool local;

	must(append_line(shm, &append, &local) == APPEND_OK, "append_line", NULL);
	return append.copy[0].ret_seq;
}
