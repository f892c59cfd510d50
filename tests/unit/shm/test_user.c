#include "shm/append.h"
#include "shm/member.h"
#include "shm/session.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

TestSuite(user, .init = begin, .fini = end);

Test(user, is_found_by_name_and_has_an_inbox_epoch_at_once)
{
	uint32_t made = SHM_NONE, found = SHM_NONE;
	struct room_ref inbox;
	struct room_info info;
	char name[NAME_SIZE];

	cr_assert_eq(user_find(&f.shm, "alice", &found), USER_NONE);
	cr_assert_eq(user_make(&f.shm, "alice", &made), USER_OK);
	cr_assert_eq(user_find(&f.shm, "alice", &found), USER_OK);
	cr_assert_eq(found, made);
	cr_assert(user_name(&f.shm, made, name));
	cr_assert_str_eq(name, "alice");
	inbox.log = log_of_inbox(&f.shm, made);
	inbox.epoch = atomic_load(&segment_log(&f.shm, inbox.log)->epoch);
	cr_assert_neq(inbox.epoch, 0);
	cr_assert(room_info(&f.shm, inbox, &info));
	cr_assert_str_eq(info.name, "@alice");
	cr_assert_eq(info.head, 0);
	cr_assert_eq(segment_log(&f.shm, inbox.log)->made, 0);
	expect_all_sound();
}

Test(user, table_says_when_it_is_full)
{
	char name[16];
	uint32_t user;

	for (unsigned i = 0; i < f.shm.sizes->max_users; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		cr_assert_eq(user_make(&f.shm, name, &user), USER_OK);
	}
	cr_assert_eq(user_make(&f.shm, "more", &user), USER_FULL_TABLE);
	cr_assert_eq(user_make(&f.shm, "u2", &user), USER_OK);
	expect_all_sound();
}

Test(user, gets_memory_for_an_inbox_once)
{
	uint32_t user = make_user(&f.shm, "alice");

	cr_assert_eq(user_make_inbox(&f.shm, user), 0);
	cr_assert_eq(f.shm.header->inbox_memory_used, f.shm.header->inbox_body_bytes);
	cr_assert_eq(user_make_inbox(&f.shm, user), 0);
	cr_assert_eq(f.shm.header->inbox_memory_used, f.shm.header->inbox_body_bytes);
	atomic_store(&f.shm.header->room_memory, f.shm.header->inbox_body_bytes);
	cr_assert_eq(user_make_inbox(&f.shm, make_user(&f.shm, "bob")), -ENOSPC);
	cr_assert_eq(f.shm.header->inbox_memory_used, f.shm.header->inbox_body_bytes);
	expect_all_sound();
}

Test(user, forgotten_leaves_nothing_to_the_next_owner_of_the_name)
{
	uint32_t user = make_user(&f.shm, "alice"), again;
	struct room_ref room = {.log = make_room(&f.shm, "ops")};
	uint64_t epoch = atomic_load(&segment_user(&f.shm, user)->inbox.epoch);
	uint32_t window;
	bool busy;

	room.epoch = f.shm.rooms[room.log].log.epoch;
	member_join(&f.shm, user, room, 0, 0);
	make_line(&f.shm, log_of_inbox(&f.shm, user), user, "for me");
	user_read_inbox(&f.shm, user, 1);
	cr_assert_eq(window_take(&f.shm, user, "phone", &window), 0);

	cr_assert_eq(user_forget(&f.shm, "alice"), USER_OK);
	cr_assert_eq(user_forget(&f.shm, "alice"), USER_NONE);
	cr_assert_eq(user_find(&f.shm, "alice", &again), USER_NONE);

	again = make_user(&f.shm, "alice");
	cr_assert_neq(segment_user(&f.shm, again)->inbox.epoch, epoch);
	cr_assert_eq(segment_user(&f.shm, again)->inbox_read, 0);
	cr_assert_not(member_is(&f.shm, again, room));
	cr_assert_eq(window_find(&f.shm, again, "phone", &busy), SHM_NONE);
	cr_assert_eq(make_line(&f.shm, log_of_inbox(&f.shm, again), again, "new"), 1);
	expect_all_sound();
}

Test(user, forgotten_while_connected_keeps_the_slot_and_loses_the_rest)
{
	uint32_t user = make_user(&f.shm, "alice"), found, session;
	struct room_ref room = {.log = make_room(&f.shm, "ops")};
	uint64_t epoch = atomic_load(&segment_user(&f.shm, user)->inbox.epoch);

	room.epoch = f.shm.rooms[room.log].log.epoch;
	cr_assert_eq(session_attach(&f.shm, user, "", 0, &session), SESSION_OK);
	member_join(&f.shm, user, room, 0, 0);
	cr_assert_eq(user_forget(&f.shm, "alice"), USER_OK);
	cr_assert_eq(user_find(&f.shm, "alice", &found), USER_OK);
	cr_assert_eq(found, user);
	cr_assert_neq(segment_user(&f.shm, user)->inbox.epoch, epoch);
	cr_assert_not(member_is(&f.shm, user, room));
	cr_assert_eq(f.shm.rooms[room.log].members, 0);
	expect_all_sound();
}

Test(user, forgotten_since_he_was_looked_up_gets_neither_session_nor_room)
{
	uint32_t user = make_user(&f.shm, "alice"), session;
	struct room_ref room = {.log = make_room(&f.shm, "ops")};

	room.epoch = f.shm.rooms[room.log].log.epoch;
	cr_assert_eq(user_forget(&f.shm, "alice"), USER_OK);
	cr_assert_eq(session_attach(&f.shm, user, "", 0, &session), SESSION_BUSY);
	cr_assert_eq(member_join(&f.shm, user, room, 0, 0), MEMBER_BUSY);
	cr_assert_eq(session_count(&f.shm), 0);
	expect_all_sound();
}

Test(user, name_of_another_owner_starts_with_a_fresh_inbox)
{
	uint32_t user = make_user(&f.shm, "alice");
	uint64_t epoch = atomic_load(&segment_user(&f.shm, user)->inbox.epoch);

	cr_assert_eq(user_own(&f.shm, user, 0), USER_OK);
	cr_assert_eq(user_own(&f.shm, user, 7), USER_OK);
	cr_assert_eq(user_own(&f.shm, user, 7), USER_OK);
	cr_assert_eq(segment_user(&f.shm, user)->inbox.epoch, epoch);
	cr_assert_eq(user_own(&f.shm, user, 9), USER_OK);
	cr_assert_neq(segment_user(&f.shm, user)->inbox.epoch, epoch);
	cr_assert_eq(segment_user(&f.shm, user)->name_serial, 9);
	expect_all_sound();
}

Test(user, away_is_told_with_its_words_until_he_is_back)
{
	uint32_t user = make_user(&f.shm, "alice");
	struct room_ref room = {.log = make_room(&f.shm, "ops")};
	char text[AWAY_SIZE];
	uint64_t change;

	room.epoch = f.shm.rooms[room.log].log.epoch;
	member_join(&f.shm, user, room, 0, 0);
	change = member_change(&f.shm, room.log);
	cr_assert_not(user_away(&f.shm, user, text));
	cr_assert_eq(user_set_away(&f.shm, user, "lunch"), 0);
	cr_assert(user_away(&f.shm, user, text));
	cr_assert_str_eq(text, "lunch");
	cr_assert_gt(member_change(&f.shm, room.log), change);
	cr_assert_eq(user_set_away(&f.shm, user, NULL), 0);
	cr_assert_not(user_away(&f.shm, user, text));
	expect_all_sound();
}

Test(user, read_mark_only_rises_and_not_beyond_the_last_line)
{
	uint32_t user = make_user(&f.shm, "alice"), other = make_user(&f.shm, "bob");

	for (int i = 0; i < 3; i++)
		make_line(&f.shm, log_of_inbox(&f.shm, user), other, "hi");
	cr_assert(user_read_inbox(&f.shm, user, 2));
	cr_assert_not(user_read_inbox(&f.shm, user, 1));
	cr_assert_not(user_read_inbox(&f.shm, user, 2));
	cr_assert(user_read_inbox(&f.shm, user, 1000));
	cr_assert_eq(segment_user(&f.shm, user)->inbox_read, 3);
	expect_all_sound();
}
