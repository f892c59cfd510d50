/*
 * A segment that lies: headers of all kinds of damage, damage anywhere in the tables, and
 * damage in a log. Fixed seeds, so a failure can be met again.
 */
#include "shm/append.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/segment_check.h"
#include "shm/segment_layout.h"
#include "shm/session.h"
#include "tests/shm_segment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADERS 10000
#define TABLES 400

static struct segment_fixture f;
static uint64_t state;

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
	state = UINT64_C(20261121);
}

static void end(void)
{
	segment_fixture_finish(&f);
}

TestSuite(segment_fuzz, .init = begin, .fini = end);

/* splitmix64 (Steele, Lea, Flood, 2014). */
static uint64_t next(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int open_segment(void)
{
	char name[80];
	int fd;

	snprintf(name, sizeof(name), "/chat-%s", f.instance);
	fd = shm_open(name, O_RDWR, 0);
	cr_assert_geq(fd, 0);
	return fd;
}

static void mutate(unsigned char *bytes, size_t len)
{
	static const uint64_t nasty[] = {0, 1, UINT32_MAX, UINT64_MAX, INT64_MAX, 4095, 4097};
	unsigned times = 1 + (unsigned)(next() % 4);

	for (unsigned i = 0; i < times; i++) {
		size_t at = (size_t)(next() % len);
		uint64_t value = nasty[next() % 7];
		size_t width = (size_t)1 << (next() % 4);

		if (next() % 2 == 0)
			bytes[at] ^= (unsigned char)(1u << (next() % 8));
		else
			memcpy(bytes + at, &value, at + width <= len ? width : len - at);
	}
}

static void fill(void)
{
	uint32_t alice = make_user(&f.shm, "alice"), bob = make_user(&f.shm, "bob");
	uint32_t ops = make_room(&f.shm, "ops"), session, window;
	struct room_ref ref = {.log = ops, .epoch = f.shm.rooms[ops].log.epoch};

	make_room(&f.shm, "lobby");
	member_join(&f.shm, alice, ref, 0, 0);
	session_attach(&f.shm, alice, "phone", 0, &session);
	window_take(&f.shm, alice, "phone", &window);
	for (int i = 0; i < 10; i++)
		make_line(&f.shm, ops, alice, "a line of some length");
	make_line(&f.shm, log_of_inbox(&f.shm, bob), alice, "hello");
}

static void expect_sound_or_refused(int err, unsigned round)
{
	struct buf why = BUF_INIT;

	if (err != 0) {
		cr_assert_gt(f.error.len, 0);
		return;
	}
	cr_assert_eq(segment_is_consistent(&f.shm, &why), 0, "round %u: %s", round, why.data);
	buf_finish(&why);
	segment_fixture_kill(&f);
}

Test(segment_fuzz, ten_thousand_headers_are_judged_and_none_crashes, .timeout = 120)
{
	struct segment_header good, bad;
	unsigned attached = 0, refused = 0, empty = 0;
	uint64_t total;
	int fd;

	fill();
	memcpy(&good, f.shm.header, sizeof(good));
	total = good.total_bytes;
	segment_fixture_kill(&f);
	fd = open_segment();
	for (unsigned round = 0; round < HEADERS; round++) {
		enum segment_found found;
		size_t len = sizeof(bad);
		uint64_t size = total;

		memcpy(&bad, &good, sizeof(bad));
		/* Nine of ten in the part that a start believes before it looks further. */
		mutate((unsigned char *)&bad,
		       next() % 10 != 0 ? SEGMENT_HEADER_CONSTANT + 4 : sizeof(bad));
		if (next() % 2 == 0)
			bad.crc = segment_header_crc(&bad);
		if (next() % 8 == 0)
			size = next() % (2 * total);
		if (next() % 16 == 0)
			len = (size_t)(next() % sizeof(bad));
		found = segment_header_check(&bad, len, size);
		if (found == FOUND_OURS)
			cr_assert(len == sizeof(bad) && size == bad.total_bytes);
		/* Each twentieth goes all the way. */
		if (round % 20 != 0)
			continue;
		cr_assert_eq(pwrite(fd, &bad, sizeof(bad), 0), (ssize_t)sizeof(bad));
		found = segment_header_check(&bad, sizeof(bad), total);
		if (found == FOUND_NOTHING) {
			empty++; /* would be made anew, and with it this test's segment */
		} else {
			int err = segment_fixture_try(&f);

			cr_assert_eq(err == 0, found == FOUND_OURS, "round %u: %d %s", round, err,
				     f.error.data);
			attached += err == 0;
			refused += err != 0;
			expect_sound_or_refused(err, round);
		}
		cr_assert_eq(pwrite(fd, &good, sizeof(good), 0), (ssize_t)sizeof(good));
	}
	close(fd);
	cr_assert_gt(attached, 10);
	cr_assert_gt(refused, 100);
	(void)empty;
	cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
	cr_assert_eq(f.report.rooms, 2);
}

Test(segment_fuzz, damage_anywhere_in_the_tables_is_mended_or_given_up, .timeout = 120)
{
	static unsigned char good[1 << 20], bad[1 << 20];
	size_t tables = (size_t)f.shm.header->room_bodies;
	size_t header = (size_t)f.shm.header->worker_slots;
	int fd;

	cr_assert_leq(tables, sizeof(good));
	fill();
	segment_fixture_kill(&f);
	fd = open_segment();
	cr_assert_eq(pread(fd, good, tables, 0), (ssize_t)tables);
	for (unsigned round = 0; round < TABLES; round++) {
		memcpy(bad, good, tables);
		for (int i = 0; i < 20; i++)
			mutate(bad + header, tables - header);
		cr_assert_eq(pwrite(fd, bad, tables, 0), (ssize_t)tables);
		expect_sound_or_refused(segment_fixture_try(&f), round);
	}
	close(fd);
}

Test(segment_fuzz, a_flip_in_a_log_is_found_and_resets_only_that_log, .timeout = 120)
{
	uint32_t ops, lobby;
	uint64_t ops_epoch, lobby_epoch, end;

	fill();
	ops = make_room(&f.shm, "ops");
	lobby = make_room(&f.shm, "lobby");
	for (unsigned round = 0; round < 300; round++) {
		uint64_t at;

		make_line(&f.shm, ops, 0, "a line of some length");
		make_line(&f.shm, ops, 0, "another one");
		make_line(&f.shm, lobby, 0, "untouched");
		ops_epoch = f.shm.rooms[ops].log.epoch;
		lobby_epoch = f.shm.rooms[lobby].log.epoch;
		/* The bytes of its lines; after a reset they begin at 0 again. */
		end = segment_log_index(&f.shm, ops)[f.shm.rooms[ops].log.next - 1].offset;
		at = next() % (end + 1);
		segment_log_bytes(&f.shm, ops)[at] ^= (unsigned char)(1u << (next() % 8));
		cr_assert_not(room_log_audit(&f.shm, ops), "round %u at %llu of %llu", round,
			      (unsigned long long)at, (unsigned long long)end);
		segment_fixture_kill(&f);
		cr_assert_eq(segment_fixture_try(&f), 0, "%s", f.error.data);
		cr_assert_eq(f.report.logs_quarantined, 1);
		cr_assert_neq(f.shm.rooms[ops].log.epoch, ops_epoch);
		cr_assert_eq(f.shm.rooms[lobby].log.epoch, lobby_epoch);
		cr_assert_eq(f.shm.rooms[lobby].log.next, round + 2);
	}
}
