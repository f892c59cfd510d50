#include "shm/append.h"
#include "shm/crc32c.h"
#include "shm/image.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include "base/clock.h"
#include "base/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct segment_fixture f;
static uint32_t alice, bob;
static uint64_t ops_epoch, inbox_epoch;

#define LINES 40

static enum append_result say(const char *id, const char *content, const char *topic,
			      uint64_t *ret_seq)
{
	static const char head[] = "{\"type\":\"message\",\"room\":\"";
	struct room_ref ops = {0};
	uint32_t window;
	struct append append;
	enum append_result result;
	bool local;

	cr_assert_eq(room_find(&f.shm, "ops", &ops), ROOM_OK);
	cr_assert_eq(window_take(&f.shm, alice, "phone", &window), 0);
	append = (struct append){
		.head = head,
		.head_len = sizeof(head) - 1,
		.tail = content,
		.tail_len = strlen(content),
		.sender = alice,
		.wall_ms = clock_wall_ms(),
		.window = window,
		.id = id,
		.id_hash = shm_hash(&f.shm, id, strlen(id)),
		.content_hash = shm_hash(&f.shm, content, strlen(content)),
		.topic = topic,
		.copies = 1,
		.copy = {{.log = ops.log, .epoch = ops.epoch}},
	};
	result = append_line(&f.shm, &append, &local);
	*ret_seq = append.copy[0].ret_seq;
	return result;
}

/* Two people, a room with lines, a topic, ids, marks, a direct message. */
static void fill(void)
{
	struct room_ref ops, dev;
	bool created;
	uint64_t seq;
	char id[16];

	bob = make_user(&f.shm, "bob");
	alice = make_user(&f.shm, "alice");
	cr_assert_eq(room_make(&f.shm, "dev", &dev, &created), ROOM_OK);
	cr_assert_eq(room_make(&f.shm, "ops", &ops, &created), ROOM_OK);
	member_join(&f.shm, alice, dev, 0, 0);
	member_join(&f.shm, alice, ops, 0, 0);
	member_join(&f.shm, bob, ops, 0, 0);
	for (int i = 1; i <= LINES; i++) {
		snprintf(id, sizeof(id), "id-%d", i);
		cr_assert_eq(say(id, ",\"content\":\"x\"}\n", i == 30 ? "the topic" : NULL, &seq),
			     APPEND_OK);
		cr_assert_eq(seq, (uint64_t)i);
	}
	member_raise_read(&f.shm, alice, ops, 17);
	make_line(&f.shm, log_of_inbox(&f.shm, bob), alice, "one");
	make_line(&f.shm, log_of_inbox(&f.shm, bob), alice, "two");
	user_read_inbox(&f.shm, bob, 1);
	user_set_away(&f.shm, bob, "asleep");
	user_own(&f.shm, bob, 77);
	ops_epoch = ops.epoch;
	inbox_epoch = segment_user(&f.shm, bob)->inbox.epoch;
}

/* All that fill() made, under whatever slots it has now. */
static void expect_all(uint64_t first)
{
	static char lines[2 * ROOM_LOG_LINE_MAX];
	struct room_ref ops, dev;
	struct room_info info;
	struct room_log_slice slice;
	struct buf why = BUF_INIT;
	char away[AWAY_SIZE];
	uint64_t seq;

	cr_expect_eq(segment_is_consistent(&f.shm, &why), 0, "%s", why.data);
	buf_finish(&why);
	cr_assert_eq(user_find(&f.shm, "alice", &alice), USER_OK);
	cr_assert_eq(user_find(&f.shm, "bob", &bob), USER_OK);
	cr_assert_eq(room_find(&f.shm, "ops", &ops), ROOM_OK);
	cr_assert_eq(room_find(&f.shm, "dev", &dev), ROOM_OK);
	cr_assert_eq(ops.epoch, ops_epoch);
	cr_assert(room_info(&f.shm, ops, &info));
	cr_assert_eq(info.first, first);
	cr_assert_eq(info.head, LINES);
	cr_assert_str_eq(info.topic, "the topic");
	cr_assert(member_is(&f.shm, alice, ops));
	cr_assert(member_is(&f.shm, alice, dev));
	cr_assert(member_is(&f.shm, bob, ops));
	cr_assert_not(member_is(&f.shm, bob, dev));
	cr_assert_eq(member_read(&f.shm, alice, ops), 17);
	cr_assert_eq(f.shm.rooms[ops.log].members, 0);
	cr_assert_eq(room_log_read(&f.shm, ops.log, ops.epoch, LINES, UINT64_MAX, lines,
				   sizeof(lines), &slice),
		     ROOM_LOG_LINES);
	cr_assert_eq(
		memcmp(lines,
		       "{\"type\":\"message\",\"room\":\"ops\",\"seq\":40,\"content\":\"x\"}\n",
		       slice.len),
		0);
	cr_assert_eq(segment_user(&f.shm, bob)->inbox.epoch, inbox_epoch);
	cr_assert_eq(segment_user(&f.shm, bob)->inbox.next, 3);
	cr_assert_eq(segment_user(&f.shm, bob)->inbox_read, 1);
	cr_assert_eq(segment_user(&f.shm, bob)->name_serial, 77);
	cr_assert(user_away(&f.shm, bob, away));
	cr_assert_str_eq(away, "asleep");
	/* An id of before is known, and the numbers go on. */
	cr_assert_eq(say("id-40", ",\"content\":\"x\"}\n", NULL, &seq), APPEND_DUPLICATE);
	cr_assert_eq(seq, LINES);
	cr_assert_eq(say("id-41", ",\"content\":\"x\"}\n", NULL, &seq), APPEND_OK);
	cr_assert_eq(seq, LINES + 1);
}

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
	fill();
}

static void end(void)
{
	segment_fixture_finish(&f);
}

TestSuite(image, .init = begin, .fini = end);

static bool is_there(const char *file)
{
	char path[256];

	return access(segment_fixture_file(&f, file, path), F_OK) == 0;
}

static bool says(const char *words)
{
	return f.error.data != NULL && strstr(f.error.data, words) != NULL;
}

Test(image, of_a_clean_stop_brings_everything_back)
{
	char name[80], path[256];
	struct stat stat_of;

	segment_fixture_stop(&f);
	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	cr_assert_lt(shm_open(name, O_RDWR, 0), 0);
	cr_assert(is_there("segment"));
	cr_assert_eq(stat(segment_fixture_file(&f, "segment", path), &stat_of), 0);
	cr_assert_eq(stat_of.st_mode & 0777, 0600);
	cr_assert_lt(stat_of.st_size, 200000, "zeroes are left out");

	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_LOADED);
	cr_assert_eq(f.report.users, 2);
	cr_assert_eq(f.report.rooms, 2);
	expect_all(1);
	/* It is loaded once. */
	cr_assert_not(is_there("segment"));
	cr_assert(is_there("segment.used"));
}

Test(image, is_carried_over_into_larger_and_smaller_sizes)
{
	segment_fixture_stop(&f);
	f.params.sizes = (struct segment_sizes){
		.max_users = 100,
		.max_devices = 50,
		.max_connections = 300,
		.max_rooms = 70,
		.rooms_per_user = 9,
		.max_addresses = 5,
		.room_lines = 300,
		.room_bytes = 200000,
	};
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	expect_all(1);
	segment_fixture_finish(&f);

	segment_fixture_start(&f, &segment_fixture_small);
	fill();
	segment_fixture_stop(&f);
	/* As small as it goes: the newest lines stay. */
	f.params.sizes = (struct segment_sizes){
		.max_users = 2,
		.max_devices = 1,
		.max_connections = 1,
		.max_rooms = 2,
		.rooms_per_user = 2,
		.max_addresses = 1,
		.room_lines = 11,
		.room_bytes = 65536,
	};
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	expect_all(LINES - 10);
}

Test(image, that_does_not_fit_names_the_option_and_is_kept)
{
	static const struct {
		const char *option;
		size_t at;
		uint32_t value;
	} small[] = {
		{"--max-users", offsetof(struct segment_sizes, max_users), 1},
		{"--max-rooms", offsetof(struct segment_sizes, max_rooms), 1},
		{"--max-rooms-per-user", offsetof(struct segment_sizes, rooms_per_user), 1},
	};
	char name[80];

	segment_fixture_stop(&f);
	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		f.params.sizes = segment_fixture_small;
		memcpy((char *)&f.params.sizes + small[i].at, &small[i].value, sizeof(uint32_t));
		cr_assert_eq(segment_fixture_try(&f), -ENOSPC);
		cr_assert(says(small[i].option), "%s", f.error.data);
		cr_assert(is_there("segment"));
		cr_assert_lt(shm_open(name, O_RDWR, 0), 0);
	}
	f.params.sizes = segment_fixture_small;
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	expect_all(1);
}

Test(image, never_drops_a_direct_message_that_nobody_read)
{
	for (int i = 0; i < 4; i++)
		make_line(&f.shm, log_of_inbox(&f.shm, alice), bob, "unread");
	segment_fixture_stop(&f);
	f.params.sizes.room_lines = 12; /* an inbox of 3 */
	cr_assert_eq(segment_fixture_try(&f), -ENOSPC);
	cr_assert(says("unread"), "%s", f.error.data);
	f.params.sizes.room_lines = 16;
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(user_find(&f.shm, "alice", &alice), USER_OK);
	cr_assert_eq(segment_user(&f.shm, alice)->inbox.next, 5);
	cr_assert_eq(segment_user(&f.shm, alice)->inbox.tail, 1);
}

Test(image, once_loaded_gives_people_and_rooms_but_no_lines)
{
	struct room_ref ops;
	struct room_info info;
	uint64_t seq;
	char name[80];

	segment_fixture_stop(&f);
	cr_assert_eq(segment_fixture_try(&f), 0);
	/* Lines that no image knows, then a power cut. */
	cr_assert_eq(say("late", ",\"content\":\"late\"}\n", NULL, &seq), APPEND_OK);
	segment_fixture_kill(&f);
	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	shm_unlink(name);

	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_RECOVERED);
	cr_assert_eq(f.report.users, 2);
	cr_assert_eq(f.report.rooms, 2);
	cr_assert_eq(user_find(&f.shm, "alice", &alice), USER_OK);
	cr_assert_eq(user_find(&f.shm, "bob", &bob), USER_OK);
	cr_assert_eq(room_find(&f.shm, "ops", &ops), ROOM_OK);
	cr_assert_neq(ops.epoch, ops_epoch);
	cr_assert_neq(segment_user(&f.shm, bob)->inbox.epoch, inbox_epoch);
	cr_assert(room_info(&f.shm, ops, &info));
	cr_assert_eq(info.head, 0);
	cr_assert_str_eq(info.topic, "the topic");
	cr_assert(member_is(&f.shm, alice, ops));
	cr_assert_eq(member_read(&f.shm, alice, ops), 0);
	/* The windows are dropped with the numbers they told. */
	cr_assert_eq(say("id-40", ",\"content\":\"x\"}\n", NULL, &seq), APPEND_OK);
	cr_assert_eq(seq, 1);
	cr_assert(room_info(&f.shm, ops, &info));
	cr_assert_str_eq(info.topic, "the topic");
	cr_assert_eq(say("id-2", ",\"content\":\"x\"}\n", "a newer one", &seq), APPEND_OK);
	cr_assert(room_info(&f.shm, ops, &info));
	cr_assert_str_eq(info.topic, "a newer one");
}

Test(image, beside_a_segment_is_the_older_one)
{
	cr_assert_eq(image_save(&f.shm, f.state_dir), 0);
	segment_fixture_kill(&f);
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_ATTACHED);
	cr_assert_not(is_there("segment"));
	cr_assert(is_there("segment.used"));
	expect_all(1);
}

Test(image, is_the_way_of_a_killed_master_s_segment_into_other_sizes)
{
	segment_fixture_kill(&f);
	f.params.sizes.max_rooms = 30;
	f.params.sizes.room_lines = 100;
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_LOADED);
	cr_assert_eq(f.shm.sizes->max_rooms, 30);
	expect_all(1);
}

static void read_file(const char *file, struct buf *bytes)
{
	char path[256];

	cr_assert_eq(buf_read_file(bytes, segment_fixture_file(&f, file, path), 1u << 24), 0);
}

static void write_file(const char *file, const char *bytes, size_t len)
{
	char path[256];

	cr_assert_eq(fd_replace_file(segment_fixture_file(&f, file, path), bytes, len, 0600), 0);
}

Test(image, cut_short_anywhere_is_refused_with_the_command_that_moves_it)
{
	struct buf whole = BUF_INIT;

	segment_fixture_stop(&f);
	read_file("segment", &whole);
	for (size_t i = 0; i < 40; i++) {
		size_t len = whole.len * i / 40;

		write_file("segment", whole.data, len);
		cr_assert_eq(segment_fixture_try(&f), -EBADMSG, "%zu of %zu", len, whole.len);
		cr_assert(says("mv "), "%s", f.error.data);
		cr_assert(is_there("segment"));
	}
	write_file("segment", whole.data, whole.len - 1);
	cr_assert_eq(segment_fixture_try(&f), -EBADMSG);
	write_file("segment", whole.data, whole.len);
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	expect_all(1);
	buf_finish(&whole);
}

Test(image, of_another_layout_is_kept_and_named)
{
	struct buf whole = BUF_INIT;
	uint32_t version = SHM_LAYOUT_VERSION + 1, crc = 0;

	segment_fixture_stop(&f);
	read_file("segment", &whole);
	/* The head: magic, version, crc, total, mono, wall; the crc is over it with crc 0. */
	memcpy(whole.data + 8, &version, 4);
	memcpy(whole.data + 12, &crc, 4);
	crc = crc32c(0, whole.data, 40);
	memcpy(whole.data + 12, &crc, 4);
	write_file("segment", whole.data, whole.len);
	cr_assert_eq(segment_fixture_try(&f), -EPROTO);
	cr_assert(says("another version"), "%s", f.error.data);
	cr_assert(says("mv "));
	cr_assert(is_there("segment"));
	buf_finish(&whole);
}

Test(image, with_any_bit_flipped_is_refused)
{
	struct buf whole = BUF_INIT;

	segment_fixture_stop(&f);
	read_file("segment", &whole);
	srandom(7);
	for (size_t i = 0; i < 300; i++) {
		size_t at = i < 100 ? i : (size_t)random() % whole.len;
		int bit = 1 << (random() % 8);
		int err;

		whole.data[at] = (char)(whole.data[at] ^ bit);
		write_file("segment", whole.data, whole.len);
		err = segment_fixture_try(&f);
		cr_assert(err == -EBADMSG || err == -EPROTO, "byte %zu: %d %s", at, err,
			  f.error.data);
		whole.data[at] = (char)(whole.data[at] ^ bit);
	}
	buf_finish(&whole);
}

Test(image, that_cannot_be_written_leaves_the_segment)
{
	char path[256];

	cr_assert_eq(fd_make_folders(segment_fixture_file(&f, "segment.tmp/x", path), 0700), 0);
	cr_assert_lt(segment_stop(&f.shm, f.state_dir), 0);
	segment_fixture_kill(&f);
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_ATTACHED);
	expect_all(1);
}

Test(image, of_a_damaged_log_leaves_out_its_lines_only)
{
	struct room_ref ops;
	struct room_info info;

	room_find(&f.shm, "ops", &ops);
	segment_log_bytes(&f.shm, ops.log)[100] ^= 1;
	cr_assert_eq(image_save(&f.shm, f.state_dir), 0);
	segment_fixture_kill(&f);
	{
		char name[80];

		snprintf(name, sizeof(name), "/chat-%s", f.instance);
		shm_unlink(name);
	}
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.origin, SEGMENT_LOADED);
	cr_assert_eq(f.report.logs_quarantined, 1);
	cr_assert_eq(room_find(&f.shm, "ops", &ops), ROOM_OK);
	cr_assert_neq(ops.epoch, ops_epoch);
	cr_assert(room_info(&f.shm, ops, &info));
	cr_assert_eq(info.head, 0);
	cr_assert_str_eq(info.topic, "the topic");
	cr_assert_eq(user_find(&f.shm, "bob", &bob), USER_OK);
	cr_assert_eq(segment_user(&f.shm, bob)->inbox.next, 3);
}
