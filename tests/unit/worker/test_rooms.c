#include "tests/unit/worker/worker_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
	fixture_defaults();
	fixture_start();
}

TestSuite(rooms, .init = begin, .fini = fixture_finish);

static void send_and_turn(struct ws *ws, const char *line)
{
	fixture_send(ws, line);
	fixture_turn();
}

Test(rooms, a_join_elsewhere_subscribes_the_users_other_connections)
{
	struct ws *here = fixture_enter(0, "alice"), *there = fixture_enter(1, "alice");
	struct ws *beside = fixture_enter(0, "alice");

	send_and_turn(here, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"ops\"}");
	fixture_expect(here, "\"type\":\"room\",\"id\":\"j\",\"room\":\"ops\"");
	fixture_expect(there, "\"type\":\"room\",\"room\":\"ops\"");
	fixture_expect(beside, "\"type\":\"room\",\"room\":\"ops\"");
	send_and_turn(here, "{\"content\":\"hi\"}");
	fixture_expect(here, "\"content\":\"hi\"");
	fixture_expect(there, "\"content\":\"hi\"");
	fixture_expect(beside, "\"content\":\"hi\"");
	fixture_expect_nothing(there);
}

Test(rooms, what_is_said_before_the_others_hear_of_the_join_reaches_them)
{
	struct ws *here = fixture_enter(0, "alice"), *there = fixture_enter(1, "alice");

	/* Worker 1 sleeps meanwhile. */
	fixture_send(here, "{\"type\":\"join\",\"room\":\"ops\"}\n{\"content\":\"first\"}");
	worker_flush(&fixture.worker[0]);
	fixture_turn();
	fixture_expect(there, "\"type\":\"room\",\"room\":\"ops\"");
	fixture_expect(there, "\"content\":\"first\"");
	fixture_expect_nothing(there);
}

Test(rooms, a_leave_tells_the_users_other_connections)
{
	struct ws *here = fixture_enter(0, "alice"), *there = fixture_enter(1, "alice");

	send_and_turn(here, "{\"type\":\"join\",\"room\":\"ops\"}");
	fixture_forget(here);
	fixture_forget(there);
	send_and_turn(here, "{\"type\":\"leave\",\"id\":\"l\",\"room\":\"ops\"}");
	fixture_expect(here, "\"type\":\"ok\",\"id\":\"l\"");
	fixture_expect_nothing(here);
	fixture_expect(there, "\"type\":\"left\",\"room\":\"ops\"");
	fixture_expect_nothing(there);
}

Test(rooms, a_lost_datagram_is_mended_by_the_next_look)
{
	struct ws *here = fixture_enter(0, "alice"), *there = fixture_enter(1, "alice");
	char drop[4096];

	fixture_send(here, "{\"type\":\"join\",\"room\":\"ops\"}");
	/* Whatever has been sent to worker 1 is gone. */
	while (recv(fixture.bells[1][0], drop, sizeof(drop), MSG_DONTWAIT) >= 0 ||
	       recv(fixture.bells[1][1], drop, sizeof(drop), MSG_DONTWAIT) >= 0)
		continue;
	fixture_turn();
	fixture_expect_nothing(there);
	send_and_turn(here, "{\"content\":\"first\"}");
	fixture_look();
	fixture_expect(there, "\"type\":\"room\",\"room\":\"ops\"");
	fixture_expect(there, "\"content\":\"first\"");
}

Test(rooms, only_leaves_the_others_out_and_a_join_adds_to_it)
{
	struct ws *all = fixture_enter(0, "alice"), *some;

	send_and_turn(all, "{\"type\":\"join\",\"room\":\"ops\"}");
	send_and_turn(all, "{\"type\":\"join\",\"room\":\"dev\"}");
	some = fixture_enter_with(1, "alice", ",\"only\":[\"ops\",\"nowhere\"]");
	fixture_expect(some, "\"type\":\"welcome\"");
	fixture_expect(some, "\"type\":\"room\",\"room\":\"ops\"");
	fixture_expect(some, "\"type\":\"room\",\"room\":\"@alice\"");
	fixture_expect_nothing(some);
	fixture_forget(all);
	send_and_turn(all, "{\"room\":\"dev\",\"content\":\"one\"}");
	send_and_turn(all, "{\"type\":\"join\",\"room\":\"new\"}");
	fixture_expect_nothing(some);
	send_and_turn(some, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"dev\"}");
	fixture_expect(some, "\"type\":\"room\",\"id\":\"j\",\"room\":\"dev\"");
	fixture_expect(some, "\"content\":\"one\"");
	fixture_expect_nothing(some);
}

Test(rooms, a_room_that_he_could_not_be_in_is_not_made)
{
	struct ws *ws = fixture_enter(0, "alice");
	char line[100];

	for (unsigned i = 1; i < 8; i++) {
		snprintf(line, sizeof(line), "{\"type\":\"join\",\"id\":\"j\",\"room\":\"r%u\"}",
			 i);
		send_and_turn(ws, line);
		fixture_expect(ws, "\"type\":\"room\",\"id\":\"j\"");
	}
	send_and_turn(ws, "{\"type\":\"join\",\"id\":\"k\",\"room\":\"one-more\"}");
	fixture_expect(ws, "\"id\":\"k\",\"code\":\"too_many_rooms\"");
	send_and_turn(ws, "{\"type\":\"rooms\",\"match\":\"one-more\"}");
	fixture_expect(ws, "\"rooms\":[]");
}

Test(rooms, the_last_one_is_not_left)
{
	struct ws *ws = fixture_enter(0, "alice");

	send_and_turn(ws, "{\"type\":\"leave\",\"id\":\"l\",\"room\":\"lobby\"}");
	fixture_expect(ws, "\"id\":\"l\",\"code\":\"last_room\"");
	send_and_turn(ws, "{\"type\":\"leave\",\"id\":\"l\",\"room\":\"ops\"}");
	fixture_expect(ws, "\"id\":\"l\",\"code\":\"no_such_room\"");
	send_and_turn(ws, "{\"type\":\"leave\",\"id\":\"l\",\"room\":\"@alice\"}");
	fixture_expect(ws, "\"id\":\"l\",\"code\":\"forbidden\"");
}

Test(rooms, an_inbox_is_its_owners_alone)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");

	send_and_turn(alice, "{\"id\":\"1\",\"recipient\":\"bob\",\"content\":\"psst\"}");
	fixture_expect(alice, "\"room\":\"@alice\",\"seq\":1");
	fixture_expect(alice, "\"type\":\"ok\",\"id\":\"1\",\"room\":\"@alice\",\"seq\":1");
	fixture_expect(bob, "\"room\":\"@bob\",\"seq\":1");
	send_and_turn(alice, "{\"type\":\"join\",\"id\":\"2\",\"room\":\"@bob\"}");
	fixture_expect(alice, "\"id\":\"2\",\"code\":\"forbidden\"");
	send_and_turn(alice, "{\"type\":\"history\",\"id\":\"3\",\"room\":\"@bob\",\"after\":0,"
			     "\"limit\":5}");
	fixture_expect(alice, "\"id\":\"3\",\"code\":\"forbidden\"");
	send_and_turn(bob, "{\"type\":\"history\",\"id\":\"4\",\"room\":\"@bob\",\"after\":0,"
			   "\"limit\":5}");
	fixture_expect(
		bob, "\"type\":\"history\",\"id\":\"4\",\"room\":\"@bob\",\"first\":1,\"last\":1");
	fixture_expect(bob, "\"content\":\"psst\"");
}

Test(rooms, a_direct_message_needs_someone_who_is_known)
{
	struct ws *alice = fixture_enter(0, "alice");

	send_and_turn(alice, "{\"id\":\"1\",\"recipient\":\"zoe\",\"content\":\"hello?\"}");
	fixture_expect(alice, "\"id\":\"1\",\"code\":\"no_such_user\"");
	send_and_turn(alice, "{\"id\":\"2\",\"recipient\":\"alice\",\"content\":\"note\"}");
	fixture_expect(alice, "\"room\":\"@alice\",\"seq\":1");
	fixture_expect(alice, "\"type\":\"ok\",\"id\":\"2\"");
	fixture_expect_nothing(alice);
}

Test(rooms, a_read_mark_goes_to_the_users_other_connections)
{
	struct ws *here = fixture_enter(0, "alice"), *there = fixture_enter(1, "alice");

	send_and_turn(here, "{\"content\":\"hi\"}");
	fixture_forget(here);
	fixture_forget(there);
	send_and_turn(here, "{\"type\":\"read\",\"room\":\"lobby\",\"seq\":1}");
	fixture_expect_nothing(here);
	fixture_expect(there, "\"type\":\"read\",\"room\":\"lobby\",\"seq\":1");
	send_and_turn(here, "{\"type\":\"read\",\"id\":\"r\",\"room\":\"lobby\",\"seq\":2}");
	fixture_expect(here, "\"id\":\"r\",\"code\":\"bad_field\"");
	fixture_expect_nothing(there);
}

Test(rooms, typing_goes_to_the_others_in_every_worker)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");
	struct ws *carol = fixture_enter(0, "carol");

	send_and_turn(alice, "{\"type\":\"typing\",\"room\":\"lobby\"}");
	fixture_expect(bob, "\"type\":\"typing\",\"room\":\"lobby\",\"sender\":\"alice\"");
	fixture_expect(carol, "\"type\":\"typing\",\"room\":\"lobby\",\"sender\":\"alice\"");
	fixture_expect_nothing(alice);
}

Test(rooms, presence_tells_who_came_and_who_went)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob;

	fixture_look();
	fixture_forget(alice);
	bob = fixture_enter(1, "bob");
	fixture_look();
	fixture_expect(alice,
		       "\"type\":\"presence\",\"room\":\"lobby\",\"joined\":[\"bob\"],\"left\":[],"
		       "\"members\":2");
	fixture_expect_nothing(bob);
	send_and_turn(bob, "{\"type\":\"bye\"}");
	fixture_look();
	fixture_expect(alice, "\"joined\":[],\"left\":[\"bob\"],\"members\":1");
	fixture_look();
	fixture_expect_nothing(alice);
}

Test(rooms, a_lost_connection_is_silent_within_the_grace)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");

	fixture_look();
	fixture_forget(alice);
	fixture_cut(bob);
	fixture_look();
	fixture_enter(0, "bob");
	fixture_look();
	fixture_expect_nothing(alice);
}

static void big(void)
{
	fixture_defaults();
	fixture.config.presence_limit = 2;
	fixture_start();
}

Test(big_rooms, tell_only_the_count, .init = big, .fini = fixture_finish)
{
	struct ws *alice = fixture_enter(0, "alice");
	const char *line;

	fixture_enter(1, "bob");
	fixture_look();
	fixture_forget(alice);
	fixture_enter(1, "carol");
	fixture_look();
	line = fixture_next(alice);
	cr_assert_not_null(line);
	cr_assert_not_null(strstr(line, "\"members\":3"), "%s", line);
	cr_assert_null(strstr(line, "carol"), "%s", line);
}
