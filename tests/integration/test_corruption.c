/*
 * Memory goes bad and a worker dies of it: single bits of lines and of their index are flipped in
 * the shared memory of a running server, then a worker aborts. CORRUPTION_ROUNDS times (1): `make
 * corruption` flips a thousand.
 */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include "base/build_id.h"
#include "base/fd.h"
#include "base/random.h"
#include "shm/layout.h"
#include "worker/walls.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ROOMS 100u
#define FLIPS 50u /* a round; in as many rooms */
#define LINES 10u
#define WORKERS 8u

TestSuite(corruption, .fini = owned_finish_all, .timeout = 600);

/* ---- the segment, from outside ------------------------------------------------------- */

struct segment {
	unsigned char *memory;
	size_t size;
	const struct segment_header *header;
	struct room *rooms;
};

static struct segment segment_map(const struct server *s)
{
	struct segment segment = {.memory = MAP_FAILED};
	int fd = open(s->shm_path, O_RDWR | O_CLOEXEC);
	struct stat st;

	must(fd >= 0 && fstat(fd, &st) == 0, "no %s", s->shm_path);
	segment.size = (size_t)st.st_size;
	segment.memory = mmap(NULL, segment.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(segment.memory != MAP_FAILED, "mmap");
	fd_close(&fd);
	segment.header = (const struct segment_header *)(void *)segment.memory;
	must(segment.header->layout_version == SHM_LAYOUT_VERSION, "another layout");
	segment.rooms = (struct room *)(void *)(segment.memory + segment.header->rooms);
	return segment;
}

/* Any bit of a readable line or of its entry in the index. */
static void flip(const struct segment *segment, const char *name)
{
	const struct segment_header *header = segment->header;
	uint32_t slot = 0;
	unsigned char *body, *byte;
	struct log_entry *entry;
	uint64_t seq, next, tail, bit;

	while (strcmp(segment->rooms[slot].log.name, name) != 0)
		must(++slot < header->sizes.max_rooms, "no room %s", name);
	next = segment->rooms[slot].log.next;
	tail = segment->rooms[slot].log.tail;
	must(next > tail, "%s is empty", name);
	body = segment->memory + header->room_bodies + slot * header->room_body_bytes;
	seq = tail + random_below(next - tail);
	entry = (struct log_entry *)(void *)body + (seq & (header->room_ring - 1));
	bit = random_below(8 * (sizeof(*entry) + entry->len));
	byte = (unsigned char *)entry + bit / 8;
	if (bit / 8 >= sizeof(*entry))
		byte = body + header->room_ring * sizeof(*entry) +
		       ((entry->offset + bit / 8 - sizeof(*entry)) & (header->room_data_ring - 1));
	*byte ^= (unsigned char)(1u << (bit % 8));
}

/* ---- the rooms --------------------------------------------------------------------------- */

struct epoch {
	char text[65];
};

static const char *name_of(unsigned room)
{
	return scratch_text("room-%u", room);
}

static void fill(struct chat *c, unsigned room, unsigned round)
{
	for (unsigned i = 1; i <= LINES; i++)
		chat_say(c, name_of(room), scratch_text("%u-%u-%u", round, room, i),
			 scratch_text("line %u of room %u", i, room));
}

static struct epoch epoch_of(json_t *line)
{
	struct epoch epoch;

	snprintf(epoch.text, sizeof(epoch.text), "%s", text_of(line, "epoch"));
	return epoch;
}

/* Its first life: all lines are there, byte for byte what was said. */
static void expect_whole(struct chat *c, unsigned room, const struct epoch *epoch)
{
	json_t *line;

	chat_send(c, "{'type':'history','id':'h','room':'%s','after':0,'limit':200}",
		  name_of(room));
	line = chat_await(c, "{'type':'history','id':'h'}");
	must(number_of(line, "count") == LINES, "%s has %lld lines", name_of(room),
	     number_of(line, "count"));
	for (unsigned i = 1; i <= LINES; i++)
		chat_expect(
			c, "{'type':'message','room':'%s','seq':%u,'content':'line %u of room %u'}",
			name_of(room), i, i, room);
	line = chat_join(c, name_of(room), "'limit':0");
	must(strcmp(text_of(line, "epoch"), epoch->text) == 0, "%s has another epoch",
	     name_of(room));
	must(number_of(line, "head") == LINES, "%s ends at %lld", name_of(room),
	     number_of(line, "head"));
}

static unsigned count_resets(struct chat *c)
{
	unsigned count = 0;
	json_t *line;
	size_t at;

	json_array_foreach(c->seen, at, line) count += json_has(line, "{'type':'reset'}");
	return count;
}

/* Members of the damaged rooms are told, in whatever order the audit found them. */
static void await_resets(struct chat *c, unsigned all)
{
	while (count_resets(c) < all) {
		json_t *line = chat_next(c, PATIENCE_MS);

		must(line != NULL, "%u resets of %u", count_resets(c), all);
	}
	c->taken = json_array_size(c->seen);
}

static bool was_reset(struct chat *c, size_t from, unsigned room, struct epoch *ret_epoch)
{
	for (size_t at = from; at < json_array_size(c->seen); at++) {
		json_t *line = json_array_get(c->seen, at);

		if (json_has(line, "{'type':'reset','room':'%s','head':0}", name_of(room))) {
			*ret_epoch = epoch_of(line);
			return true;
		}
	}
	return false;
}

static void shuffle(unsigned order[ROOMS])
{
	for (unsigned i = 0; i < ROOMS; i++)
		order[i] = i;
	for (unsigned i = ROOMS - 1; i > 0; i--) {
		unsigned other = (unsigned)random_below(i + 1), room = order[i];

		order[i] = order[other];
		order[other] = room;
	}
}

static void go_round(struct server *s, const struct segment *segment, struct chat *alice,
		     struct chat *bob, struct epoch epochs[ROOMS], unsigned round)
{
	size_t alices = json_array_size(alice->seen), bobs = json_array_size(bob->seen);
	unsigned order[ROOMS], victim = 2 + round % (WORKERS - 2);
	struct epoch fresh, same;

	shuffle(order);
	for (unsigned i = 0; i < FLIPS; i++)
		flip(segment, name_of(order[i]));
	kill(server_worker(s, victim), SIGABRT);
	await_resets(alice, (round + 1) * FLIPS);
	await_resets(bob, (round + 1) * FLIPS);
	for (unsigned i = 0; i < FLIPS; i++) {
		unsigned room = order[i];

		must(was_reset(alice, alices, room, &fresh) && was_reset(bob, bobs, room, &same),
		     "%s: a flipped bit was not found", name_of(room));
		must(strcmp(fresh.text, same.text) == 0 &&
			     strcmp(fresh.text, epochs[room].text) != 0,
		     "%s: from %s to %s and %s", name_of(room), epochs[room].text, fresh.text,
		     same.text);
		epochs[room] = fresh;
	}
	for (unsigned i = FLIPS; i < ROOMS; i++)
		expect_whole(alice, order[i], &epochs[order[i]]);
	for (unsigned i = 0; i < FLIPS; i++) {
		fill(alice, order[i], round + 1);
		expect_whole(alice, order[i], &epochs[order[i]]);
	}
	must(count_resets(alice) == (round + 1) * FLIPS, "a sound room was reset, too");
}

OwnedTest(corruption, every_flipped_bit_is_found_and_only_its_room_starts_anew)
{
	const char *rounds = getenv("CORRUPTION_ROUNDS");
	unsigned count = rounds != NULL ? (unsigned)atoi(rounds) : 1;
	struct server *s =
		server_with(.users = "alice bob", .workers = WORKERS, .faults_expected = true,
			    .args = "--rate 0 --max-rooms 128 --max-rooms-per-user 0 "
				    "--room-lines 64 --room-bytes 16k --max-users 16 "
				    "--max-devices 32 --max-connections 64");
	struct chat *alice = chat_login_on(s, "alice", NULL, 0),
		    *bob = chat_login_on(s, "bob", NULL, 1);
	struct segment segment = segment_map(s);
	struct epoch epochs[ROOMS];

	for (unsigned room = 0; room < ROOMS; room++) {
		epochs[room] = epoch_of(chat_join(alice, name_of(room), NULL));
		fill(alice, room, 0);
		chat_join(bob, name_of(room), "'limit':0");
	}
	for (unsigned round = 0; round < count; round++)
		go_round(s, &segment, alice, bob, epochs, round);
	munmap(segment.memory, segment.size);
}

/* ---- last words ------------------------------------------------------------------------ */

OwnedTest(corruption, a_worker_that_dies_of_a_fault_leaves_its_last_words)
{
	if (WALLS_OFF)
		cr_skip("this build leaves it to the sanitizer");
	struct server *s = server_with(.users = "alice", .workers = 1, .faults_expected = true);
	struct chat *alice = chat_login(s, "alice");
	struct outcome notes = run("readelf", "-n", program_path("chat-master"));
	struct segment segment = segment_map(s);
	struct worker_slot *slot;
	const char *build;
	json_t *line;

	chat_join(alice, "ops", NULL);
	chat_say(alice, "ops", "a1", "the last thing");
	kill(server_worker(s, 0), SIGSEGV);
	line = server_log_await(s, NULL, "\"event\":\"worker panic\"", NULL);
	must(json_has(line, "{'worker':0,'signal':11}"), "it says %s", json_text(line));
	must(text_of(line, "room")[0] != '\0', "no room");
	build = text_of(line, "build");
	must(strlen(build) == BUILD_ID_SIZE - 1 && strstr(notes.out, build) != NULL,
	     "build %s is none of: %s", build, notes.out);
	/* And they stay, whoever lives there now. */
	server_worker(s, 0);
	slot = (struct worker_slot *)(void *)(segment.memory + segment.header->worker_slots);
	must(slot->panic_signal == SIGSEGV && strcmp(slot->panic_build, build) == 0, "forgotten");
	munmap(segment.memory, segment.size);
	alice = chat_login(s, "alice");
	chat_say(alice, "ops", "a2", "and on it goes");
}
