/* A room that is too big for one turn of the loop. */
#include "tests/unit/worker/worker_fixture.h"

#include "worker/broadcast.h"
#include "worker/deliver.h"
#include "worker/subscribe.h"

#include "shm/room_log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define CROWD (DELIVER_WRITES_A_TURN + 40u)

static struct ws *alice, *crowd[CROWD];

static void begin(void)
{
	fixture_defaults();
	fixture.config.max_connections_per_user = CROWD + 8;
	fixture.sizes.max_connections = CROWD + 8;
	fixture.sizes.room_lines = 512;
	fixture_start();
	alice = fixture_enter(0, "alice");
	for (unsigned i = 0; i < CROWD; i++)
		crowd[i] = fixture_enter(0, "bob");
	for (unsigned i = 0; i < CROWD; i++)
		fixture_forget(crowd[i]);
	fixture_forget(alice);
}

TestSuite(shares, .init = begin, .fini = fixture_finish);

static void say(unsigned number)
{
	char line[100];

	snprintf(line, sizeof(line), "{\"id\":\"m%u\",\"content\":\"line %u\"}", number, number);
	fixture_send(alice, line);
}

static unsigned served(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CROWD; i++)
		count += crowd[i]->frames > 0;
	return count;
}

static void flush_until_done(void)
{
	struct worker *worker = &fixture.worker[0];

	for (unsigned i = 0; i < 100 && (worker->dirty || worker->broadcasts != NULL); i++)
		worker_flush(worker);
	cr_assert_not(worker->dirty);
	cr_assert_null(worker->broadcasts);
}

/* Each of the crowd that is still there got lines 1 .. last, once and in order. */
static void expect_all(unsigned last)
{
	for (unsigned i = 0; i < CROWD; i++) {
		if (crowd[i]->conn == NULL)
			continue;
		for (unsigned seq = 1; seq <= last; seq++) {
			const char *line = fixture_next(crowd[i]);

			cr_assert_not_null(line, "client %u was not sent line %u", i, seq);
			cr_assert_eq(fixture_number(line, "seq"), seq);
		}
		fixture_expect_nothing(crowd[i]);
	}
}

Test(shares, a_turn_writes_its_share_and_the_next_ones_the_rest)
{
	say(1);
	worker_flush(&fixture.worker[0]);
	cr_assert_eq(served(), DELIVER_WRITES_A_TURN);
	cr_assert(fixture.worker[0].dirty, "the loop must not sleep");
	worker_flush(&fixture.worker[0]);
	cr_assert_eq(served(), CROWD);
	flush_until_done();
	expect_all(1);
}

static unsigned alice_had;

static void look_at_alice(void)
{
	alice_had = alice->frames;
}

Test(shares, who_speaks_and_who_asks_is_answered_before_the_crowd)
{
	crowd[0]->written = look_at_alice;
	say(1);
	worker_flush(&fixture.worker[0]);
	cr_assert_eq(alice_had, 1);
	fixture_expect(alice, "\"type\":\"message\"");
	fixture_expect(alice, "\"type\":\"ok\"");
	fixture_send(alice, "{\"type\":\"ping\",\"id\":\"p\"}");
	worker_flush(&fixture.worker[0]);
	fixture_expect(alice, "\"type\":\"pong\"");
}

Test(shares, whose_turn_comes_later_gets_in_one_frame_what_came_meanwhile)
{
	say(1);
	worker_flush(&fixture.worker[0]);
	say(2);
	worker_flush(&fixture.worker[0]);
	cr_assert_eq(crowd[CROWD - 1]->frames, 1);
	flush_until_done();
	cr_assert_eq(crowd[CROWD - 1]->frames, 1);
	cr_assert_eq(crowd[0]->frames, 2);
	expect_all(2);
}

Test(shares, lines_that_keep_coming_reach_everyone_once)
{
	for (unsigned i = 1; i <= 20; i++) {
		say(i);
		worker_flush(&fixture.worker[0]);
	}
	flush_until_done();
	expect_all(20);
}

/* The last subscriber moves to the place of one that was passed already. */
Test(shares, who_leaves_in_between_makes_nobody_miss_a_line)
{
	say(1);
	worker_flush(&fixture.worker[0]);
	for (unsigned i = 0; i < 30; i++)
		fixture_cut(crowd[i]);
	flush_until_done();
	expect_all(1);
}

/* Those who have yet to be looked at lie around the end, and he comes in there. */
Test(shares, who_comes_in_between_makes_nobody_miss_a_line)
{
	struct ws *late = fixture_connect(0);
	const char *login = fixture_login_line(late, "bob", "");
	const struct local_log *lobby = alice->conn->subs[0].local;
	unsigned said = 0;

	cr_assert_str_eq(lobby->name, "lobby");
	do {
		say(++said);
		worker_flush(&fixture.worker[0]);
	} while (said < 50 && lobby->turn + lobby->left <= lobby->count);
	cr_assert_lt(said, 50);
	fixture_send(late, login);
	cr_assert_eq(lobby->count, CROWD + 2);
	flush_until_done();
	expect_all(said);
}

Test(shares, another_room_has_its_turn_while_a_big_one_is_served)
{
	struct ws *carol = fixture_enter(0, "carol");

	fixture_send(carol, "{\"type\":\"join\",\"room\":\"small\"}");
	fixture_send(alice, "{\"type\":\"join\",\"room\":\"small\"}");
	fixture_turn();
	fixture_forget(carol);
	for (unsigned i = 0; i < 3; i++) {
		fixture_send(alice, "{\"room\":\"lobby\",\"content\":\"to all\"}");
		fixture_send(alice, "{\"room\":\"small\",\"content\":\"to a few\"}");
		worker_flush(&fixture.worker[0]);
		cr_assert(fixture.worker[0].dirty, "the big one is never done");
	}
	fixture_expect(carol, "to a");
	cr_assert_not_null(strstr(carol->out.data + carol->read, "to a few"));
}

/* Else the sender's own lines would be written over before they are read. */
Test(shares, a_log_that_fills_up_is_served_at_once)
{
	for (unsigned i = 1; i <= 128; i++)
		say(i);
	cr_assert_not(fixture.worker[0].dirty);
	expect_all(128);
}

Test(shares, a_life_that_ends_in_between_is_told_to_everyone)
{
	uint32_t lobby = alice->conn->subs[0].local->log;

	say(1);
	worker_flush(&fixture.worker[0]);
	cr_assert_eq(room_log_reset(&fixture.shm, lobby), 0);
	flush_until_done();
	fixture_look();
	for (unsigned i = 0; i < CROWD; i++)
		cr_assert_not_null(strstr(crowd[i]->out.data, "\"type\":\"reset\""));
}

/* Everyone is judged before a frame is made, and who is judged out of the room gets none. */
Test(shares, whose_key_was_taken_away_gets_no_line)
{
	struct ws *carol = fixture_enter(1, "carol");

	fixture_turn();
	fixture_forget(alice);
	fixture_send(carol, "{\"content\":\"between us\"}");
	fixture_revoke_all();
	worker_bell(&fixture.worker[0]);
	worker_flush(&fixture.worker[0]);
	fixture_expect(alice, "\"type\":\"error\"");
	cr_assert_null(strstr(alice->out.data, "between us"));
	cr_assert_null(strstr(crowd[0]->out.data, "between us"));
}

/* ---- news ---- */

static void expect_typing_once(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		fixture_expect(crowd[i], "\"type\":\"typing\"");
		fixture_expect_nothing(crowd[i]);
	}
}

Test(shares, news_go_out_in_shares_too)
{
	fixture_send(alice, "{\"type\":\"typing\",\"room\":\"lobby\"}");
	cr_assert_eq(served(), 0);
	worker_flush(&fixture.worker[0]);
	cr_assert_eq(served(), BROADCAST_WRITES_A_TURN - 1); /* alice is passed over */
	cr_assert_not_null(fixture.worker[0].broadcasts, "the loop must not sleep");
	flush_until_done();
	expect_typing_once(0, CROWD);
}

Test(shares, lines_do_not_wait_for_news)
{
	fixture_send(alice, "{\"type\":\"typing\",\"room\":\"lobby\"}");
	worker_flush(&fixture.worker[0]);
	say(1);
	worker_flush(&fixture.worker[0]);
	worker_flush(&fixture.worker[0]);
	cr_assert_not_null(fixture.worker[0].broadcasts);
	fixture_expect(crowd[CROWD - 1], "\"seq\":1");
	flush_until_done();
	fixture_expect(crowd[CROWD - 1], "\"type\":\"typing\"");
}

Test(shares, who_leaves_in_between_makes_nobody_miss_the_news)
{
	fixture_send(alice, "{\"type\":\"typing\",\"room\":\"lobby\"}");
	worker_flush(&fixture.worker[0]);
	fixture_send(crowd[20], "{\"type\":\"typing\",\"room\":\"lobby\"}");
	for (unsigned i = 0; i < 10; i++) {
		fixture_cut(crowd[i]);
		fixture_cut(crowd[CROWD - 1 - i]);
	}
	flush_until_done();
	expect_typing_once(10, CROWD - 10);
}

Test(shares, the_next_news_wait_for_the_first)
{
	fixture_send(alice, "{\"type\":\"typing\",\"room\":\"lobby\"}");
	worker_flush(&fixture.worker[0]);
	fixture_send(crowd[0], "{\"type\":\"typing\",\"room\":\"lobby\"}");
	flush_until_done();
	fixture_expect(crowd[CROWD - 1], "\"sender\":\"alice\"");
	fixture_expect_nothing(crowd[CROWD - 1]);
	fixture_expect(alice, "\"sender\":\"bob\"");
}
