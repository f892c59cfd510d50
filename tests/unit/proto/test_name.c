#include "proto/name.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define LONGEST "abcdefghijklmnopqrstuvwxyz012345"

static int fold(const char *name, char ret[NAME_SIZE])
{
	return name_fold(name, strlen(name), ret);
}

static int fold_room(const char *name, char ret[ROOM_SIZE])
{
	return room_name_fold(name, strlen(name), ret);
}

Test(name, valid_names_begin_with_a_letter_or_a_digit)
{
	static const char *const good[] = {"a", "0", "alice", "a_b.c-d", "9lives", LONGEST};
	static const char *const bad[] = {"",    ".a", "-a", "_a",          "A",         "a b",
					  "a/b", "#a", "@a", "caf\xc3\xa9", LONGEST "6", "a\n"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert(name_is_valid(good[i], strlen(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(name_is_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
	cr_assert_not(name_is_valid("a\0b", 3));
}

Test(name, an_inbox_is_a_name_behind_an_at_sign)
{
	cr_assert(room_name_is_valid("@alice", 6));
	cr_assert(room_name_is_valid("@" LONGEST, 33));
	cr_assert(room_name_is_valid("ops", 3));
	cr_assert_not(room_name_is_valid("@", 1));
	cr_assert_not(room_name_is_valid("@@a", 3));
	cr_assert_not(room_name_is_valid("", 0));
	cr_assert(name_is_inbox("@alice"));
	cr_assert_not(name_is_inbox("alice"));
}

Test(name, ascii_upper_case_is_folded_and_nothing_else)
{
	char name[NAME_SIZE] = "untouched";

	cr_assert_eq(fold("Alice.B-9", name), 0);
	cr_assert_str_eq(name, "alice.b-9");
	cr_assert_eq(fold("K\xc3\x84SE", name), -EINVAL);
	cr_assert_eq(fold("#alice", name), -EINVAL);
	cr_assert_eq(fold(LONGEST "6", name), -EINVAL);
	cr_assert_eq(fold("", name), -EINVAL);
	cr_assert_eq(name_fold("a\0", 2, name), -EINVAL);
	cr_assert_str_eq(name, "alice.b-9");
}

Test(name, a_room_loses_one_hash_and_keeps_its_at_sign)
{
	char room[ROOM_SIZE];

	cr_assert_eq(fold_room("#Ops", room), 0);
	cr_assert_str_eq(room, "ops");
	cr_assert_eq(fold_room("Ops", room), 0);
	cr_assert_str_eq(room, "ops");
	cr_assert_eq(fold_room("@Alice", room), 0);
	cr_assert_str_eq(room, "@alice");
	cr_assert_eq(fold_room("@" LONGEST, room), 0);
	cr_assert_str_eq(room, "@" LONGEST);
	cr_assert_eq(fold_room("##ops", room), -EINVAL);
	cr_assert_eq(fold_room("#@alice", room), -EINVAL);
	cr_assert_eq(fold_room("@#alice", room), -EINVAL);
	cr_assert_eq(fold_room("#", room), -EINVAL);
	cr_assert_eq(fold_room("@", room), -EINVAL);
	cr_assert_eq(fold_room("", room), -EINVAL);
}

Test(name, devices_keep_their_case)
{
	cr_assert(device_name_is_valid("Laptop-7f3a", 11));
	cr_assert(device_name_is_valid(".", 1));
	cr_assert(device_name_is_valid(LONGEST, 32));
	cr_assert_not(device_name_is_valid(LONGEST "6", 33));
	cr_assert_not(device_name_is_valid("", 0));
	cr_assert_not(device_name_is_valid("a b", 3));
	cr_assert_not(device_name_is_valid("a@b", 3));
}
