#include "shm/janitor.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/session.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include <criterion/criterion.h>

static struct segment_fixture f;
static uint32_t alice, bob;
static struct room_ref ops, dev;

static struct room_ref ref_of(const char *name)
{
	uint32_t log = make_room(&f.shm, name);

	return (struct room_ref){.log = log, .epoch = f.shm.rooms[log].log.epoch};
}

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
	alice = make_user(&f.shm, "alice");
	bob = make_user(&f.shm, "bob");
	ops = ref_of("ops");
	dev = ref_of("dev");
}

static void end(void)
{
	segment_fixture_finish(&f);
}

/* The end of each test: what fails in .fini doesn't count with Criterion. */
static void expect_all_sound(void)
{
	struct buf why = BUF_INIT;

	cr_expect_eq(segment_is_consistent(&f.shm, &why), 0, "%s", why.data);
	buf_finish(&why);
}

TestSuite(member, .init = begin, .fini = end);

Test(member, joins_once_and_stays_until_he_leaves)
{
	uint64_t change = member_list_change(&f.shm, alice);
	struct room_ref rooms[4];

	cr_assert_not(member_is(&f.shm, alice, ops));
	cr_assert_eq(member_join(&f.shm, alice, ops, 0, 0), MEMBER_OK);
	cr_assert_eq(member_join(&f.shm, alice, ops, 0, 0), MEMBER_ALREADY);
	cr_assert(member_is(&f.shm, alice, ops));
	cr_assert_not(member_is(&f.shm, bob, ops));
	cr_assert_gt(member_list_change(&f.shm, alice), change);
	cr_assert_eq(member_rooms(&f.shm, alice, rooms, 4), 1);
	cr_assert_eq(rooms[0].log, ops.log);
	cr_assert_eq(rooms[0].epoch, ops.epoch);
	cr_assert_eq(member_join(&f.shm, alice, dev, 0, 0), MEMBER_OK);
	cr_assert_eq(member_leave(&f.shm, alice, ops, false), MEMBER_OK);
	cr_assert_eq(member_leave(&f.shm, alice, ops, false), MEMBER_NOT);
	cr_assert_not(member_is(&f.shm, alice, ops));
	expect_all_sound();
}

Test(member, does_not_leave_his_only_room_by_himself)
{
	member_join(&f.shm, alice, ops, 0, 0);
	cr_assert_eq(member_leave(&f.shm, alice, ops, false), MEMBER_LAST);
	cr_assert(member_is(&f.shm, alice, ops));
	cr_assert_eq(member_leave(&f.shm, alice, ops, true), MEMBER_OK);
	expect_all_sound();
}

Test(member, limits_are_coded_results)
{
	uint32_t session;

	cr_assert_eq(session_attach(&f.shm, alice, "", 0, &session), SESSION_OK);
	cr_assert_eq(member_join(&f.shm, alice, ops, 1, 0), MEMBER_OK);
	cr_assert_eq(member_join(&f.shm, bob, ops, 1, 0), MEMBER_ROOM_FULL);
	cr_assert_eq(member_join(&f.shm, alice, dev, 0, 1), MEMBER_TOO_MANY);
	cr_assert_eq(member_join(&f.shm, alice, ref_of("r3"), 0, 0), MEMBER_OK);
	cr_assert_eq(member_join(&f.shm, alice, ref_of("r4"), 0, 0), MEMBER_OK);
	cr_assert_eq(member_join(&f.shm, alice, ref_of("r5"), 0, 0), MEMBER_OK);
	/* The list itself has four entries. */
	cr_assert_eq(member_join(&f.shm, alice, dev, 0, 0), MEMBER_TOO_MANY);
	expect_all_sound();
}

Test(member, of_a_room_that_has_another_epoch_must_look_again)
{
	struct room_ref old = ops;

	old.epoch--;
	cr_assert_eq(member_join(&f.shm, alice, old, 0, 0), MEMBER_STALE);
	cr_assert_eq(member_leave(&f.shm, alice, old, true), MEMBER_STALE);
	expect_all_sound();
}

Test(member, stays_one_when_the_log_begins_a_new_epoch)
{
	struct room_ref now = ops;

	member_join(&f.shm, alice, ops, 0, 0);
	for (int i = 0; i < 5; i++)
		make_line(&f.shm, ops.log, bob, "x");
	cr_assert(member_raise_read(&f.shm, alice, ops, 4));
	cr_assert_eq(room_log_reset(&f.shm, ops.log), 0);
	now.epoch = f.shm.rooms[ops.log].log.epoch;
	cr_assert_neq(now.epoch, ops.epoch);
	cr_assert(member_is(&f.shm, alice, now));
	cr_assert_not(member_is(&f.shm, alice, ops));
	/* The mark was the old epoch's. */
	cr_assert_eq(member_read(&f.shm, alice, now), 0);
	make_line(&f.shm, ops.log, bob, "y");
	make_line(&f.shm, ops.log, bob, "z");
	cr_assert(member_raise_read(&f.shm, alice, now, 2));
	cr_assert_eq(member_read(&f.shm, alice, now), 2);
	cr_assert_eq(member_leave(&f.shm, alice, now, true), MEMBER_OK);
	expect_all_sound();
}

Test(member, read_mark_only_rises_and_not_beyond_the_last_line)
{
	member_join(&f.shm, alice, ops, 0, 0);
	for (int i = 0; i < 5; i++)
		make_line(&f.shm, ops.log, bob, "x");
	cr_assert_eq(member_read(&f.shm, alice, ops), 0);
	cr_assert(member_raise_read(&f.shm, alice, ops, 3));
	cr_assert_not(member_raise_read(&f.shm, alice, ops, 2));
	cr_assert(member_raise_read(&f.shm, alice, ops, 99));
	cr_assert_eq(member_read(&f.shm, alice, ops), 5);
	cr_assert_not(member_raise_read(&f.shm, bob, ops, 1));
	expect_all_sound();
}

Test(member, counts_in_his_rooms_while_he_has_a_session)
{
	uint64_t change = member_change(&f.shm, ops.log);
	uint32_t one, two;

	member_join(&f.shm, alice, ops, 0, 0);
	member_join(&f.shm, alice, dev, 0, 0);
	cr_assert_eq(f.shm.rooms[ops.log].members, 0);
	cr_assert_eq(session_attach(&f.shm, alice, "a", 0, &one), SESSION_OK);
	cr_assert_eq(f.shm.rooms[ops.log].members, 1);
	cr_assert_eq(f.shm.rooms[dev.log].members, 1);
	cr_assert_eq(session_attach(&f.shm, alice, "b", 0, &two), SESSION_OK);
	cr_assert_eq(f.shm.rooms[ops.log].members, 1);
	session_end(&f.shm, one);
	cr_assert_eq(f.shm.rooms[ops.log].members, 1);
	session_end(&f.shm, two);
	cr_assert_eq(f.shm.rooms[ops.log].members, 0);
	cr_assert_eq(f.shm.rooms[dev.log].members, 0);
	cr_assert_gt(member_change(&f.shm, ops.log), change);
	expect_all_sound();
}

static void note(void *data, unsigned room, uint32_t user)
{
	unsigned(*seen)[8] = data;

	seen[room][user]++;
}

Test(member, scan_finds_those_present_of_several_rooms)
{
	struct room_ref rooms[2] = {ops, dev};
	unsigned seen[2][8] = {{0}};
	uint32_t carol = make_user(&f.shm, "carol"), session;

	member_join(&f.shm, alice, ops, 0, 0);
	member_join(&f.shm, alice, dev, 0, 0);
	member_join(&f.shm, bob, dev, 0, 0);
	member_join(&f.shm, carol, ops, 0, 0);
	session_attach(&f.shm, alice, "", 0, &session);
	session_attach(&f.shm, bob, "", 0, &session);
	member_scan(&f.shm, rooms, 2, note, seen);
	cr_assert_eq(seen[0][alice], 1);
	cr_assert_eq(seen[1][alice], 1);
	cr_assert_eq(seen[1][bob], 1);
	cr_assert_eq(seen[0][bob], 0);
	cr_assert_eq(seen[0][carol], 0, "carol isn't present");
	expect_all_sound();
}

Test(member, recount_mends_a_wrong_number)
{
	uint32_t session;

	member_join(&f.shm, alice, ops, 0, 0);
	session_attach(&f.shm, alice, "", 0, &session);
	atomic_store(&f.shm.rooms[ops.log].members, 12);
	atomic_store(&f.shm.rooms[ops.log].recount, 1);
	member_recount(&f.shm, ops.log);
	cr_assert_eq(f.shm.rooms[ops.log].members, 1);
	cr_assert_eq(f.shm.rooms[ops.log].recount, 0);
	expect_all_sound();
}
