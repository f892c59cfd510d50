#include "shm/member.h"
#include "shm/room.h"
#include "shm/room_log.h"
#include "shm/segment_memory.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct segment_fixture f;

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
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

TestSuite(room, .init = begin, .fini = end);

Test(room, is_found_by_its_name_once_made)
{
	struct room_ref made, found;
	bool created = false;

	cr_assert_eq(room_find(&f.shm, "ops", &found), ROOM_NONE);
	cr_assert_eq(room_make(&f.shm, "ops", &made, &created), ROOM_OK);
	cr_assert(created);
	cr_assert_eq(room_find(&f.shm, "ops", &found), ROOM_OK);
	cr_assert_eq(found.log, made.log);
	cr_assert_eq(found.epoch, made.epoch);
	cr_assert_neq(found.epoch, 0);
	cr_assert_eq(room_make(&f.shm, "ops", &made, &created), ROOM_OK);
	cr_assert_not(created);
	expect_all_sound();
}

Test(room, is_empty_when_new)
{
	struct room_info info;
	struct room_ref ref;
	bool created;

	room_make(&f.shm, "ops", &ref, &created);
	cr_assert(room_info(&f.shm, ref, &info));
	cr_assert_str_eq(info.name, "ops");
	cr_assert_str_eq(info.topic, "");
	cr_assert_eq(info.first, 1);
	cr_assert_eq(info.head, 0);
	cr_assert_eq(info.members, 0);
	cr_assert_gt(info.created_wall_ms, 0);
	ref.epoch++;
	cr_assert_not(room_info(&f.shm, ref, &info));
	expect_all_sound();
}

Test(room, of_the_longest_name_is_told_from_its_neighbour)
{
	static const char one[] = "a2345678901234567890123456789012",
			  two[] = "a2345678901234567890123456789013";
	struct room_ref first, second;
	struct room_info info;
	bool created;

	room_make(&f.shm, one, &first, &created);
	room_make(&f.shm, two, &second, &created);
	cr_assert(created);
	cr_assert_neq(first.log, second.log);
	cr_assert(room_info(&f.shm, first, &info));
	cr_assert_str_eq(info.name, one);
	expect_all_sound();
}

Test(room, table_says_when_it_is_full)
{
	struct room_ref ref;
	bool created;
	char name[16];

	for (unsigned i = 0; i < f.shm.sizes->max_rooms; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		cr_assert_eq(room_make(&f.shm, name, &ref, &created), ROOM_OK);
	}
	cr_assert_eq(room_make(&f.shm, "more", &ref, &created), ROOM_FULL_TABLE);
	cr_assert_eq(room_make(&f.shm, "r3", &ref, &created), ROOM_OK);
	expect_all_sound();
}

Test(room, memory_is_enough_for_all_rooms_where_everything_fits)
{
	struct segment_fixture few;
	struct segment_sizes sizes = segment_fixture_small;
	struct room_ref ref;
	bool created;
	char name[16];

	/* Two inboxes need far less than an eighth. */
	sizes.max_users = 2;
	sizes.max_rooms = 100;
	segment_fixture_start(&few, &sizes);
	for (unsigned i = 0; i < sizes.max_rooms; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		cr_assert_eq(room_make(&few.shm, name, &ref, &created), ROOM_OK);
	}
	cr_assert_eq(room_make(&few.shm, "more", &ref, &created), ROOM_FULL_TABLE);
	cr_assert_eq(user_make_inbox(&few.shm, make_user(&few.shm, "alice")), 0);
	cr_assert_eq(user_make_inbox(&few.shm, make_user(&few.shm, "bob")), 0);
	segment_fixture_finish(&few);
	expect_all_sound();
}

Test(room, memory_that_is_used_up_is_a_coded_result)
{
	uint64_t body = f.shm.header->room_body_bytes;
	struct room_ref ref;
	bool created;

	/* An eighth is kept for inboxes, and of the rest a tenth stays free. */
	atomic_store(&f.shm.header->room_memory, body * 80 / 63 - 80);
	cr_assert(segment_rooms_full(&f.shm));
	cr_assert_eq(room_make(&f.shm, "one", &ref, &created), ROOM_NO_MEMORY);
	atomic_store(&f.shm.header->room_memory, body * 80 / 63 + 80);
	cr_assert_not(segment_rooms_full(&f.shm));
	cr_assert_eq(room_make(&f.shm, "one", &ref, &created), ROOM_OK);
	cr_assert(segment_rooms_full(&f.shm));
	cr_assert_eq(room_make(&f.shm, "two", &ref, &created), ROOM_NO_MEMORY);
	atomic_store(&f.shm.header->room_memory, body * 8);
	cr_assert_eq(room_make(&f.shm, "two", &ref, &created), ROOM_OK);
	expect_all_sound();
}

Test(room, nobody_lists_is_given_back_after_its_idle_time_and_not_before)
{
	struct room_ref ref, again;
	struct room_info info;
	bool created;
	int64_t since;

	room_make(&f.shm, "ops", &ref, &created);
	since = f.shm.rooms[ref.log].idle_since_wall_ms;
	cr_assert_eq(room_collect(&f.shm, since + 999, 1000), 0);
	cr_assert_eq(room_collect(&f.shm, since + 1000, 1000), 1);
	cr_assert_eq(room_find(&f.shm, "ops", &again), ROOM_NONE);
	cr_assert_not(room_info(&f.shm, ref, &info));
	/* The body stays, and the slot is the next one to be used. */
	cr_assert_eq(room_make(&f.shm, "dev", &again, &created), ROOM_OK);
	cr_assert_eq(again.log, ref.log);
	cr_assert_neq(again.epoch, ref.epoch);
	expect_all_sound();
}

Test(room, on_a_list_is_kept_however_idle)
{
	struct room_ref ref, found;
	bool created;
	uint32_t user = make_user(&f.shm, "alice");

	room_make(&f.shm, "ops", &ref, &created);
	cr_assert_eq(member_join(&f.shm, user, ref, 0, 0), MEMBER_OK);
	cr_assert_eq(room_collect(&f.shm, INT64_MAX, 0), 0);
	cr_assert_eq(room_find(&f.shm, "ops", &found), ROOM_OK);
	cr_assert_eq(member_leave(&f.shm, user, ref, true), MEMBER_OK);
	cr_assert_eq(room_collect(&f.shm, INT64_MAX, 0), 1);
	expect_all_sound();
}

Test(room, lobby_is_never_given_back)
{
	struct room_ref ref;

	make_room(&f.shm, "lobby");
	cr_assert_eq(room_collect(&f.shm, INT64_MAX, 0), 0);
	cr_assert_eq(room_find(&f.shm, "lobby", &ref), ROOM_OK);
	expect_all_sound();
}

Test(room, a_slot_used_again_shows_nothing_of_its_former_life)
{
	struct room_ref ref, again;
	struct room_info info;
	bool created;
	uint32_t user = make_user(&f.shm, "alice");

	room_make(&f.shm, "ops", &ref, &created);
	make_line(&f.shm, ref.log, user, "secret");
	room_collect(&f.shm, INT64_MAX, 0);
	room_make(&f.shm, "dev", &again, &created);
	cr_assert_eq(again.log, ref.log);
	cr_assert(room_info(&f.shm, again, &info));
	cr_assert_eq(info.head, 0);
	cr_assert_eq(make_line(&f.shm, again.log, user, "first"), 1);
	expect_all_sound();
}

Test(room, table_is_made_anew_from_the_slots)
{
	struct room_ref ref;

	make_room(&f.shm, "one");
	make_room(&f.shm, "two");
	/* What a holder of the lock could have left in the chains. */
	for (unsigned i = 0; i < f.shm.header->bucket_count[0]; i++)
		((uint32_t *)(void *)(f.shm.base + f.shm.header->room_buckets))[i] = 1;
	atomic_store(&f.shm.header->rooms_used, 77);
	room_collect(&f.shm, 0, 1000);
	cr_assert_eq(room_find(&f.shm, "one", &ref), ROOM_OK);
	cr_assert_eq(room_find(&f.shm, "two", &ref), ROOM_OK);
	cr_assert_eq(f.shm.header->rooms_used, 2);
	expect_all_sound();
}
