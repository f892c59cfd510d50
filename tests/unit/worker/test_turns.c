/* Who has a turn of his own gets nothing that others get, before it or behind a close. */
#include "tests/unit/worker/worker_fixture.h"

#include "worker/subscribe.h"

#include "shm/news.h"
#include "shm/room_log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct ws *alice, *bob, *carol;

/* alice is on the other worker. bob hears her in x and y, and carol in z. */
static void begin(void)
{
	fixture_defaults();
	fixture_start();
	alice = fixture_enter(1, "alice");
	bob = fixture_enter(0, "bob");
	carol = fixture_enter(0, "carol");
	for (const char *room = "xyz"; *room != '\0'; room++) {
		char line[40];

		snprintf(line, sizeof(line), "{\"type\":\"join\",\"room\":\"%c\"}", *room);
		fixture_send(alice, line);
		fixture_send(*room == 'z' ? carol : bob, line);
		fixture_turn();
	}
	fixture_look();
	fixture_forget(alice);
	fixture_forget(bob);
	fixture_forget(carol);
}

TestSuite(turns, .init = begin, .fini = fixture_finish);

static uint32_t log_of(const struct ws *ws, const char *room)
{
	for (unsigned i = 0; i < ws->conn->sub_count; i++)
		if (strcmp(ws->conn->subs[i].local->name, room) == 0)
			return ws->conn->subs[i].log;
	cr_assert_fail("not in %s", room);
	return SHM_NONE;
}

static void say_in(const char *room)
{
	char line[100];

	snprintf(line, sizeof(line), "{\"room\":\"%s\",\"content\":\"new\"}", room);
	fixture_send(alice, line);
	worker_flush(&fixture.worker[1]);
}

static void say_in_y(void)
{
	carol->written = NULL;
	say_in("y");
}

/* One look at the dirty logs: bob is lapped in x, y has a new life, and then a line. */
Test(turns, a_new_life_is_announced_before_its_first_line)
{
	uint32_t x = log_of(alice, "x"), y = log_of(alice, "y"), z = log_of(alice, "z");
	bool announced = false;
	unsigned lines = 0;
	const char *line;

	cr_assert(0 < x && x < y && y < z);
	for (unsigned i = 0; i < 200; i++)
		say_in("x");
	cr_assert_eq(room_log_reset(&fixture.worker[1].shm, y), 0);
	worker_bell(&fixture.worker[1]);
	say_in("z");
	carol->written = say_in_y;
	/* The look begins in the middle, and so comes by once more. */
	fixture.worker[0].dirty_cursor = x;
	worker_bell(&fixture.worker[0]);
	worker_flush(&fixture.worker[0]);
	cr_assert_null(carol->written);
	fixture_turn();
	while ((line = fixture_next(bob)) != NULL) {
		if (strstr(line, "\"room\":\"y\"") == NULL)
			continue;
		announced |= strstr(line, "\"type\":\"room\"") != NULL;
		if (strstr(line, "\"type\":\"message\"") == NULL)
			continue;
		cr_assert(announced, "%s", line);
		lines++;
	}
	cr_assert_eq(lines, 1);
}

Test(turns, nothing_is_written_behind_a_close)
{
	struct conn *conn = bob->conn;

	/* His leaving sends at once what is owed to him, and he stays on the list. */
	fixture_send(bob, "{\"type\":\"ping\"}\n{\"type\":\"leave\",\"room\":\"x\"}\n"
			  "{\"type\":\"bye\"}\n");
	worker_flush(&fixture.worker[0]);
	cr_assert_neq(bob->close_code, 0);
	fixture_forget(bob);
	say_in("lobby");
	fixture_turn();
	fixture_expect_nothing(bob);
	cr_assert_eq(subscribe_find(conn, conn->subs[0].log, conn->subs[0].local->epoch)->lines, 0);
}

/* In his outbox: his coming, his leaving, the ok of a line, his coming again. */
Test(turns, who_comes_back_before_his_socket_is_free_reads_on_from_there)
{
	struct ws *elsewhere = fixture_enter(1, "bob");
	unsigned seen[2] = {0};
	bool in = false;
	const char *line;

	fixture_send(bob, "{\"type\":\"leave\",\"room\":\"x\"}");
	fixture_turn();
	say_in("x");
	bob->full = true;
	fixture_send(bob, "{\"type\":\"ping\"}");
	fixture_turn();
	fixture_forget(bob);
	fixture_send(bob, "{\"type\":\"join\",\"room\":\"x\",\"limit\":0}");
	fixture_send(bob, "{\"type\":\"leave\",\"room\":\"x\",\"id\":\"l\"}");
	fixture_turn();
	fixture_send(elsewhere, "{\"type\":\"join\",\"room\":\"x\"}");
	say_in("x");
	fixture_send(bob, "{\"room\":\"x\",\"content\":\"mine\",\"id\":\"m\"}");
	fixture_turn();
	bob->full = bob->blocked = false;
	worker_ws_handler.writable(bob->conn);
	fixture_turn();
	while ((line = fixture_next(bob)) != NULL) {
		if (strstr(line, "\"type\":\"room\"") != NULL)
			in = true;
		else if (strstr(line, "\"id\":\"l\"") != NULL)
			in = false;
		if (strstr(line, "\"type\":\"message\"") == NULL)
			continue;
		cr_assert(in, "%s", line);
		cr_assert_leq(fixture_number(line, "seq"), 3);
		seen[fixture_number(line, "seq") - 2]++;
	}
	cr_assert_eq(seen[0], 1);
	cr_assert_eq(seen[1], 1);
}

/* As an agent's process sends it; the message ends it, and nothing would take it away again. */
Test(turns, partial_text_comes_before_the_message_that_ends_it)
{
	static const char partial[] = "{\"type\":\"partial\",\"room\":\"x\"}\n";
	const struct local_log *x = fixture.worker[0].log_at[log_of(alice, "x")];
	struct news news;

	cr_assert(news_fill(&news, NEWS_ROOM, x->log, x->epoch, partial, sizeof(partial) - 1));
	news_send_to_readers(&fixture.worker[1].shm, x->log, &news);
	say_in("x");
	fixture_turn();
	fixture_expect(bob, "\"type\":\"partial\"");
	fixture_expect(bob, "\"type\":\"message\"");
}
