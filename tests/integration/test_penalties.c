/* docs/protocol.md, "Limits": who fails to log in too often has to wait, and nobody else. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define GUESSER "127.0.0.7"
#define TRIES 3u

TestSuite(penalties, .fini = owned_finish_all, .timeout = 90);
TestSuite(startups, .fini = owned_finish_all, .timeout = 90);

static struct chat *open_from(struct server *s, const char *source)
{
	return chat_open_raw(s, source, &(struct ws_request){.source = source});
}

/* A login by a key that isn't alice's; the answer. */
static json_t *guess(struct chat *c)
{
	struct key wrong = key_of("mallory");

	chat_send_login(c, "alice", &wrong, NULL);
	return chat_await(c, "{'type':'error'}");
}

/* So many refused logins from there, three a connection. */
static void guess_times(struct server *s, const char *source, unsigned times)
{
	struct chat *c = NULL;

	for (unsigned i = 0; i < times; i++) {
		if (i % TRIES == 0)
			c = open_from(s, source);
		chat_await(c, "{'type':'challenge'}");
		must(json_has(guess(c), "{'code':'%s','retry_after_ms':null}",
			      i % TRIES == TRIES - 1 ? "too_many_attempts" : "auth_failed"),
		     "guess %u: another answer", i + 1);
	}
}

/* Told at once, and closed: what it has to wait. */
static long long expect_told(struct chat *c)
{
	json_t *line = chat_expect(
		c, "{'type':'error','code':'rate_limited','fatal':true,'retry_after_ms':'*'}");
	long long wait_ms = number_of(line, "retry_after_ms");

	chat_closed(c, 4002);
	return wait_ms;
}

/* A real login from there, by a person. */
static struct chat *enter_from(struct server *s, const char *user, const char *source)
{
	struct chat *c = open_from(s, source);
	struct key key = key_of(user);

	chat_expect(c, "{'type':'challenge'}");
	chat_send_login(c, user, &key, NULL);
	chat_await(c, "{'type':'welcome','user':'%s'}", user);
	return c;
}

OwnedTest(penalties, begin_with_the_tenth_refused_login_of_a_minute)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *in = enter_from(s, "bob", GUESSER);
	long long wait_ms;

	guess_times(s, GUESSER, 10);
	wait_ms = expect_told(open_from(s, GUESSER));
	must(wait_ms > 0 && wait_ms <= 5000, "%lld ms to wait", wait_ms);
	/* Others, and who is in already, notice nothing. */
	chat_forget(enter_from(s, "alice", "127.0.0.8"));
	chat_forget(chat_login(s, "alice"));
	chat_say(in, "lobby", "m1", "still here");
}

OwnedTest(penalties, forget_what_failed_on_this_machine_when_somebody_gets_in)
{
	struct server *s = server_with(.users = "alice", .workers = 2);

	for (unsigned i = 0; i < 3; i++) {
		guess_times(s, GUESSER, 9);
		chat_forget(enter_from(s, "alice", GUESSER));
	}
	guess_times(s, GUESSER, 10);
	expect_told(open_from(s, GUESSER));
}

OwnedTest(penalties, end_when_the_time_that_was_told_is_over)
{
	struct server *s =
		server_with(.users = "alice", .args = "--penalty-after 3 --penalty-auth-failed 1");
	long long wait_ms;

	guess_times(s, GUESSER, 3);
	wait_ms = expect_told(open_from(s, GUESSER));
	poll(NULL, 0, (int)wait_ms + 50);
	enter_from(s, "alice", GUESSER);
}

OwnedTest(penalties, hold_on_a_connection_that_was_there_before)
{
	struct server *s = server_with(.users = "alice", .args = "--penalty-after 4");
	struct chat *early = open_from(s, GUESSER);
	struct key key = key_of("alice");

	chat_expect(early, "{'type':'challenge'}");
	guess_times(s, GUESSER, 4);
	chat_send_login(early, "alice", &key, NULL);
	must(expect_told(early) > 0, "told to come back at once");
}

OwnedTest(penalties, grow_with_each_further_failure)
{
	struct server *s =
		server_with(.users = "alice", .args = "--penalty-after 2 --penalty-auth-failed 50 "
						      "--penalty-max 120 --max-pending-logins 0");
	struct chat *guests[4];
	long long wait_ms, longest = 0;

	for (unsigned i = 0; i < 4; i++) {
		guests[i] = open_from(s, GUESSER);
		chat_expect(guests[i], "{'type':'challenge'}");
	}
	/* All are looked at before the first of them is told. */
	for (unsigned i = 0; i < 4; i++) {
		struct key wrong = key_of("mallory");

		chat_send_login(guests[i], "alice", &wrong, NULL);
	}
	for (unsigned i = 0; i < 4; i++) {
		json_t *line = chat_expect(guests[i], "{'type':'error'}");

		if (json_has(line, "{'code':'rate_limited'}"))
			longest = number_of(line, "retry_after_ms");
	}
	wait_ms = expect_told(open_from(s, GUESSER));
	/* The third is turned away already, unless another worker had it under its hands. */
	must(wait_ms > 40000 && wait_ms <= 120000 && longest <= 120000, "%lld ms, %lld ms", wait_ms,
	     longest);
}

OwnedTest(penalties, meet_those_who_never_log_in)
{
	struct server *s = server_with(
			.users = "alice",
			.args = "--login-timeout 1 --penalty-after 3 --penalty-auth-timeout 30");
	struct chat *silent[3];
	long long wait_ms;

	for (unsigned i = 0; i < 3; i++)
		silent[i] = open_from(s, GUESSER);
	for (unsigned i = 0; i < 3; i++) {
		chat_await(silent[i], "{'type':'error','code':'auth_timeout','fatal':true}");
		chat_closed(silent[i], 4001);
	}
	wait_ms = expect_told(open_from(s, GUESSER));
	must(wait_ms > 5000 && wait_ms <= 30000, "%lld ms to wait", wait_ms);
	enter_from(s, "alice", "127.0.0.8");
}

OwnedTest(penalties, are_no_matter_where_they_are_switched_off)
{
	struct server *s = server_with(.users = "alice", .args = "--penalty-max 0");

	guess_times(s, GUESSER, 12);
	enter_from(s, "alice", GUESSER);
}

/* Mistakes that no key is guessed with: a client that is set up wrongly, in a loop. */
OwnedTest(penalties, count_no_login_that_is_only_mistaken)
{
	struct server *s = server_with(.users = "alice bob", .args = "--penalty-after 2");
	struct key alice = key_of("alice");

	enter_from(s, "bob", GUESSER);
	for (unsigned i = 0; i < 4; i++) {
		struct chat *c = open_from(s, GUESSER);

		chat_expect(c, "{'type':'challenge'}");
		chat_send(c, "{'type':'login','user':'alice'}");
		chat_await(c, "{'type':'error','code':'missing_field'}");
		chat_await(c, "{'type':'challenge'}");
		chat_send_login(c, "bob", &alice, NULL);
		chat_await(c, "{'type':'error','code':'name_taken'}");
		chat_forget(c);
	}
	enter_from(s, "alice", GUESSER);
}

/* ---- a crowd without logins ---- */

#define CROWD 60u

/* Silent sockets, half requests and upgrades: how many of them have been closed by now. */
static unsigned crowd_lost(struct ws *crowd)
{
	unsigned lost = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		struct pollfd one = {.fd = crowd[i].fd, .events = POLLRDHUP};

		lost += poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP)) != 0;
	}
	return lost;
}

/* As server_metric; but the one who asks may be drawn himself, and asks again then. */
static double metric_in_a_crowd(struct server *s, const char *name)
{
	struct buf body = BUF_INIT;
	const char *at;
	double value;

	for (unsigned i = 0; http_get(s->port, "/metrics", &body) != 200; i++)
		must(i < 50, "no /metrics");
	at = strstr(body.data, scratch_text("\n%s ", name));
	must(at != NULL, "no %s", name);
	value = atof(at + strlen(name) + 2);
	buf_finish(&body);
	return value;
}

OwnedTest(startups, of_a_crowd_go_at_random_and_real_logins_get_through)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2,
				       .args = "--max-startups 20 --max-pending-logins 0");
	struct ws_request request = {.port = s->port};
	struct ws crowd[CROWD];
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	unsigned through = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		must(ws_dial(&crowd[i], &request), "nobody listens");
		if (i % 3 == 1)
			ws_send_raw(&crowd[i], "GET /ws HT", 10);
		if (i % 3 == 2)
			ws_send_raw(&crowd[i], "GET /ws HTTP/1.1\r\nHost: a\r\n", 27);
	}
	/* All but as many as may wait go, and the number is known. */
	while (crowd_lost(crowd) < CROWD - 20 || metric_in_a_crowd(s, "roomkey_startups") > 21) {
		must(clock_mono_ms() < deadline, "%u of the crowd have gone, %.0f wait",
		     crowd_lost(crowd), metric_in_a_crowd(s, "roomkey_startups"));
		poll(NULL, 0, 20);
	}
	must(metric_in_a_crowd(s, "roomkey_startups_dropped_total") >= CROWD - 20, "not counted");
	/* One in twenty may be drawn before it has logged in. */
	for (unsigned i = 0; i < 20; i++) {
		struct chat *c = chat_try_login(s, "alice", NULL);

		through += c != NULL;
		if (c != NULL)
			chat_forget(c);
	}
	must(through >= 12, "only %u of 20 logins got through", through);
	for (unsigned i = 0; i < CROWD; i++)
		ws_drop(&crowd[i]);
	while (metric_in_a_crowd(s, "roomkey_startups") > 1)
		must(clock_mono_ms() < deadline + PATIENCE_MS, "still counted: %.0f",
		     metric_in_a_crowd(s, "roomkey_startups"));
}
