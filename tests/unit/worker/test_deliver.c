#include "tests/unit/worker/worker_fixture.h"

#include "worker/subscribe.h"

#include "shm/room_log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void begin(void)
{
	fixture_defaults();
	fixture_start();
}

TestSuite(deliver, .init = begin, .fini = fixture_finish);

static void say(struct ws *ws, unsigned number)
{
	char line[100];

	snprintf(line, sizeof(line), "{\"id\":\"m%u\",\"content\":\"line %u\"}", number, number);
	fixture_send(ws, line);
}

Test(deliver, a_line_comes_before_its_ok_in_one_frame)
{
	struct ws *alice = fixture_enter(0, "alice");

	for (unsigned i = 1; i <= 5; i++)
		say(alice, i);
	fixture_turn();
	cr_assert_eq(alice->frames, 1);
	for (unsigned i = 1; i <= 5; i++)
		fixture_expect(alice, "\"type\":\"message\"");
	for (unsigned i = 1; i <= 5; i++)
		fixture_expect(alice, "\"type\":\"ok\"");
	fixture_expect_nothing(alice);
}

Test(deliver, everyone_gets_the_same_bytes_in_the_same_order)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");
	struct ws *carol = fixture_enter(1, "carol");
	char one[512];

	for (unsigned i = 1; i <= 20; i++) {
		say(i % 2 == 0 ? alice : bob, i);
		if (i % 5 == 0)
			fixture_turn();
	}
	for (unsigned i = 1; i <= 20; i++) {
		const char *line;

		do {
			line = fixture_next(alice);
			cr_assert_not_null(line);
		} while (strstr(line, "\"type\":\"ok\"") != NULL);
		snprintf(one, sizeof(one), "%s", line);
		cr_assert_eq(fixture_number(one, "seq"), i);
		line = fixture_next(carol);
		cr_assert_not_null(line);
		cr_assert_str_eq(line, one);
	}
}

Test(deliver, lines_of_one_turn_go_out_in_one_frame)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");

	for (unsigned i = 1; i <= 10; i++)
		say(alice, i);
	fixture_turn();
	cr_assert_eq(bob->frames, 1);
	cr_assert_leq(bob->longest, FRAME_MAX_BYTES);
}

Test(deliver, a_full_socket_is_left_alone_and_goes_on_from_its_cursor)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");

	bob->full = true;
	say(alice, 1);
	fixture_turn();
	cr_assert(bob->conn->blocked);
	for (unsigned i = 2; i <= 30; i++) {
		say(alice, i);
		fixture_turn();
	}
	cr_assert_eq(bob->frames, 1);
	bob->full = false;
	bob->blocked = false;
	worker_ws_handler.writable(bob->conn);
	for (unsigned i = 1; i <= 30; i++) {
		const char *line = fixture_next(bob);

		cr_assert_not_null(line);
		cr_assert_eq(fixture_number(line, "seq"), i);
	}
	fixture_expect_nothing(bob);
	cr_assert_eq(bob->frames, 2);
}

Test(deliver, who_was_lapped_gets_a_gap_and_then_the_oldest_line)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");
	unsigned long next;
	const char *line;

	bob->full = true;
	say(alice, 1);
	fixture_turn();
	fixture_forget(bob);
	for (unsigned i = 2; i <= 200; i++) {
		say(alice, i);
		fixture_turn();
	}
	bob->full = false;
	bob->blocked = false;
	worker_ws_handler.writable(bob->conn);
	line = fixture_next(bob);
	cr_assert_not_null(line);
	cr_assert_not_null(strstr(line, "\"type\":\"gap\",\"room\":\"lobby\",\"after\":1"), "%s",
			   line);
	cr_assert_eq(fixture_number(line, "head"), 200);
	next = fixture_number(line, "next");
	cr_assert_gt(next, 100);
	for (; next <= 200; next++) {
		line = fixture_next(bob);
		cr_assert_not_null(line);
		cr_assert_eq(fixture_number(line, "seq"), next);
	}
	fixture_expect_nothing(bob);
}

Test(deliver, nothing_comes_between_a_room_line_and_its_lines)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");

	for (unsigned i = 1; i <= 3; i++)
		say(alice, i);
	fixture_turn();
	fixture_forget(bob);
	bob->full = true;
	fixture_send(bob, "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	fixture_forget(bob);
	fixture_send(bob, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"lobby\",\"after\":1}");
	fixture_send(bob, "{\"type\":\"ping\",\"id\":\"q\"}");
	say(alice, 4);
	fixture_send(alice, "{\"type\":\"typing\",\"room\":\"lobby\"}");
	fixture_turn();
	bob->full = false;
	bob->blocked = false;
	worker_ws_handler.writable(bob->conn);
	fixture_expect(bob, "\"type\":\"room\",\"id\":\"j\"");
	fixture_expect(bob, "\"seq\":2");
	fixture_expect(bob, "\"seq\":3");
	fixture_expect(bob, "\"id\":\"q\"");
	fixture_expect(bob, "\"type\":\"typing\"");
	fixture_expect(bob, "\"seq\":4");
	fixture_expect_nothing(bob);
}

Test(deliver, history_does_not_move_the_cursor)
{
	struct ws *alice = fixture_enter(0, "alice");

	for (unsigned i = 1; i <= 5; i++)
		say(alice, i);
	fixture_turn();
	fixture_forget(alice);
	fixture_send(alice, "{\"type\":\"history\",\"id\":\"h\",\"room\":\"lobby\",\"before\":4,"
			    "\"limit\":2}");
	say(alice, 6);
	fixture_turn();
	fixture_expect(alice, "\"type\":\"history\",\"id\":\"h\",\"room\":\"lobby\",\"first\":2,"
			      "\"last\":3,\"count\":2,\"more\":true");
	fixture_expect(alice, "\"seq\":2");
	fixture_expect(alice, "\"seq\":3");
	fixture_expect(alice, "\"seq\":6");
	fixture_expect(alice, "\"type\":\"ok\",\"id\":\"m6\"");
	fixture_expect_nothing(alice);
}

Test(deliver, a_stale_cursor_gets_its_gap_right_behind_the_room_line)
{
	struct ws *alice = fixture_enter(0, "alice");
	const char *line;

	for (unsigned i = 1; i <= 100; i++) {
		say(alice, i);
		fixture_turn();
	}
	fixture_forget(alice);
	fixture_send(alice, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"lobby\",\"after\":3}\n"
			    "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	line = fixture_next(alice);
	cr_assert_not_null(line);
	cr_assert_eq(fixture_number(line, "after"), 3);
	cr_assert_eq(fixture_number(line, "count"), 0);
	fixture_expect(alice, "\"type\":\"gap\",\"room\":\"lobby\",\"after\":3");
}

Test(deliver, another_epoch_is_told_as_a_reset_with_what_is_there)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");
	uint32_t lobby = alice->conn->subs[0].local->log;

	say(alice, 1);
	fixture_turn();
	cr_assert_eq(room_log_reset(&fixture.shm, lobby), 0);
	fixture_forget(alice);
	fixture_forget(bob);
	fixture_look();
	fixture_expect(alice, "\"type\":\"reset\",\"room\":\"lobby\"");
	fixture_expect(alice, "\"type\":\"room\",\"room\":\"lobby\"");
	fixture_expect(bob, "\"type\":\"reset\",\"room\":\"lobby\"");
	fixture_expect(bob, "\"type\":\"room\",\"room\":\"lobby\"");
	say(bob, 2);
	fixture_turn();
	fixture_expect(alice, "\"seq\":1");
	fixture_expect(bob, "\"seq\":1");
	fixture_expect(bob, "\"type\":\"ok\",\"id\":\"m2\",\"room\":\"lobby\",\"seq\":1");
}

static struct ws *writer;
static unsigned written;

static void another_worker_appends(void)
{
	if (written < 100)
		say(writer, 2 + written++);
}

/* Else those who write elsewhere keep a worker from its own clients as long as they go on. */
Test(deliver, lines_that_come_meanwhile_wait_for_the_next_turn)
{
	struct ws *bob = fixture_enter(1, "bob");

	writer = fixture_enter(0, "alice");
	fixture_forget(bob);
	bob->frames = 0;
	say(writer, 1);
	bob->written = another_worker_appends;
	worker_bell(&fixture.worker[1]);
	worker_flush(&fixture.worker[1]);
	cr_assert_eq(bob->frames, 1);
	worker_bell(&fixture.worker[1]);
	worker_flush(&fixture.worker[1]);
	cr_assert_eq(bob->frames, 2);
	bob->written = NULL;
	fixture_turn();
	for (unsigned i = 1; i <= 3; i++) {
		const char *line = fixture_next(bob);

		cr_assert_not_null(line);
		cr_assert_eq(fixture_number(line, "seq"), i);
	}
}

Test(deliver, a_lost_ring_is_made_good_by_the_look)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(1, "bob");
	char drop[4096];

	say(alice, 1);
	worker_flush(&fixture.worker[0]);
	while (recv(fixture.bells[1][0], drop, sizeof(drop), MSG_DONTWAIT) >= 0 ||
	       recv(fixture.bells[1][1], drop, sizeof(drop), MSG_DONTWAIT) >= 0)
		continue;
	fixture_expect_nothing(bob);
	worker_look(&fixture.worker[1]);
	worker_flush(&fixture.worker[1]);
	fixture_expect(bob, "\"seq\":1");
}

Test(deliver, who_asks_and_never_reads_is_closed_as_too_slow)
{
	struct ws *alice = fixture_enter(0, "alice");

	fixture.config.rate = 0;
	alice->full = true;
	fixture_send(alice, "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	for (unsigned i = 0; i < 10000 && alice->conn->state == CONN_LOGGED_IN; i++)
		fixture_send(alice, "{\"type\":\"ping\",\"id\":\"p\"}");
	cr_assert_eq(alice->conn->state, CONN_CLOSING);
	alice->full = false;
	alice->blocked = false;
	worker_ws_handler.writable(alice->conn);
	cr_assert_eq(alice->close_code, 4002);
	fixture_next(alice);
	fixture_expect(alice, "\"code\":\"too_slow\"");
}

Test(deliver, a_broken_socket_does_no_harm_to_the_others)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");
	struct ws *carol = fixture_enter(0, "carol");

	bob->broken = true;
	say(alice, 1);
	fixture_turn();
	fixture_expect(alice, "\"seq\":1");
	fixture_expect(carol, "\"seq\":1");
	fixture_cut(bob);
	say(alice, 2);
	fixture_turn();
	fixture_expect(carol, "\"seq\":2");
}

Test(deliver, the_last_subscriber_takes_the_local_log_with_it)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");
	struct worker *worker = &fixture.worker[0];
	uint32_t lobby = alice->conn->subs[0].local->log;

	cr_assert_eq(worker->log_count, 3, "lobby and two inboxes");
	cr_assert_eq(worker->log_at[lobby]->count, 2);
	fixture_cut(alice);
	cr_assert_eq(worker->log_count, 2);
	cr_assert_eq(worker->log_at[lobby]->count, 1);
	cr_assert_eq(worker->log_at[lobby]->subs[0].conn, bob->conn);
	cr_assert(segment_log(&fixture.shm, lobby)->workers & 1);
	fixture_cut(bob);
	cr_assert_eq(worker->log_count, 0);
	cr_assert_null(worker->log_at[lobby]);
	cr_assert_eq(segment_log(&fixture.shm, lobby)->workers & 1, 0);
}

Test(deliver, an_idle_connection_keeps_no_outbox)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob = fixture_enter(0, "bob");

	cr_assert_null(alice->conn->outbox);
	cr_assert_geq(fixture.worker[0].spare_count, 1);
	fixture_send(bob, "{\"type\":\"ping\",\"id\":\"p\"}");
	cr_assert_not_null(bob->conn->outbox);
	fixture_turn();
	fixture_expect(bob, "\"id\":\"p\"");
	cr_assert_null(bob->conn->outbox);
}
