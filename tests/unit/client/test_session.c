#include "tests/unit/client/session_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct played played;

static void teardown(void)
{
	played_destroy(&played);
}

TestSuite(client_session, .fini = teardown);

static void create_in_lobby(unsigned window)
{
	played_create(&played, NULL, window, false);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_receive(&played,
		       "{\"type\":\"room\",\"room\":\"lobby\",\"epoch\":\"e1\",\"first\":1,"
		       "\"head\":0,\"after\":0,\"count\":0,\"members\":1}");
	played_told(&played, "ready; room lobby; ");
	played_forget(&played);
}

static void receive_message(int seq)
{
	played_receivef(&played,
			"{\"type\":\"message\",\"room\":\"lobby\",\"seq\":%d,\"timestamp\":\"t\","
			"\"sender\":\"bob\",\"content\":\"m%d\"}\n",
			seq, seq);
}

/* ---- logging in */

Test(client_session, asks_for_a_signature_and_logs_in_with_it)
{
	played_create(&played, NULL, 8, false);
	session_connected(played.session, played.now_ms);
	cr_assert_eq(session_login(played.session, "none", "early", played.now_ms), -EPROTO);
	played_receive(&played, "{\"type\":\"challenge\",\"version\":1,\"nonce\":\"abc\","
				"\"expires\":77,\"bindings\":[\"none\"]}\n");
	played_told(&played, "challenge; ");
	cr_assert_str_eq(session_nonce(played.session), "abc");
	cr_assert_eq(session_expires(played.session), 77);
	cr_assert_eq(session_login(played.session, "none", "c2ln", played.now_ms), 0);
	played_sent(&played,
		    "{\"type\":\"login\",\"user\":\"alice\",\"server\":\"localhost:8080\","
		    "\"binding\":\"none\",\"signature\":\"c2ln\",\"device\":\"laptop\"}\n");
	cr_assert_eq(session_state(played.session), SESSION_LOGGING_IN);
	played_receive(&played, WELCOME(LOBBY, NO_RATE));
	played_told(&played, "ready; ");
	cr_assert_eq(session_state(played.session), SESSION_READY);
}

Test(client_session, a_refused_login_waits_for_the_next_challenge)
{
	played_create(&played, NULL, 8, false);
	played_connect(&played);
	played_forget(&played);
	played_receive(&played,
		       "{\"type\":\"error\",\"code\":\"auth_failed\",\"message\":\"no\"}\n"
		       "{\"type\":\"challenge\",\"version\":1,\"nonce\":\"def\",\"expires\":78}\n");
	played_told(&played, "login refused auth_failed; challenge; ");
	cr_assert_str_eq(session_nonce(played.session), "def");
}

Test(client_session, pipes_subscribe_to_their_rooms_only)
{
	played_create(&played, "ops", 1, true);
	played_connect(&played);
	played_sent(&played, "{\"type\":\"login\",\"user\":\"alice\",\"server\":\"localhost:8080\","
			     "\"binding\":\"none\",\"signature\":\"sig\",\"device\":\"laptop\","
			     "\"only\":[\"ops\"]}\n");
}

Test(client_session, a_wanted_room_is_joined_before_anything_is_said)
{
	played_create(&played, "ops", 1, true);
	cr_assert_eq(played_say(&played, "ops", "deployed"), 0);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_sent(&played, "{\"type\":\"join\",\"id\":\"q-1\",\"room\":\"ops\"}\n"
			     "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"ops\","
			     "\"content\":\"deployed\"}\n");
}

Test(client_session, a_wanted_room_that_is_ours_already_is_not_joined)
{
	played_create(&played, "lobby", 1, true);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_sent(&played, "");
}

/* ---- lines and cursors */

Test(client_session, lines_in_order_are_taken_whether_batched_or_not)
{
	create_in_lobby(8);
	receive_message(1);
	played_receive(&played,
		       "{\"type\":\"message\",\"room\":\"lobby\",\"seq\":2,\"sender\":\"b\"}\n\n"
		       "{\"type\":\"message\",\"room\":\"lobby\",\"seq\":3,\"sender\":\"b\"}");
	played_told(&played, "message lobby 1 live; message lobby 2 live; message lobby 3 live; ");
}

Test(client_session, a_line_seen_already_is_dropped)
{
	create_in_lobby(8);
	receive_message(1);
	receive_message(2);
	played_forget(&played);
	receive_message(2);
	receive_message(1);
	played_told(&played, "");
	played_sent(&played, "");
}

Test(client_session, a_hole_without_a_gap_makes_it_join_again_and_miss_nothing)
{
	create_in_lobby(8);
	receive_message(1);
	played_forget(&played);
	receive_message(4);
	receive_message(5);
	played_told(&played, "");
	/* once, however many lines follow */
	played_sent(&played,
		    "{\"type\":\"join\",\"id\":\"q-1\",\"room\":\"lobby\",\"epoch\":\"e1\","
		    "\"after\":1}\n");
	played_receive(&played, "{\"type\":\"room\",\"id\":\"q-1\",\"room\":\"lobby\","
				"\"epoch\":\"e1\",\"first\":1,\"head\":5,\"after\":1,\"count\":4}");
	receive_message(2);
	receive_message(3);
	receive_message(4);
	receive_message(5);
	receive_message(6);
	played_told(&played,
		    "room lobby for q-1; message lobby 2 replay; message lobby 3 replay; "
		    "message lobby 4 replay; message lobby 5 replay; message lobby 6 live; ");
	cr_assert_eq(session_unanswered(played.session), 0);
}

Test(client_session, prev_tells_that_numbers_were_skipped_and_nothing_is_missing)
{
	create_in_lobby(8);
	receive_message(1);
	played_receive(&played, "{\"type\":\"message\",\"room\":\"lobby\",\"seq\":9,\"prev\":1}");
	played_told(&played, "message lobby 1 live; message lobby 9 live; ");
	played_receive(&played, "{\"type\":\"message\",\"room\":\"lobby\",\"seq\":12,\"prev\":10}");
	played_told(&played, "");
	played_sent(&played,
		    "{\"type\":\"join\",\"id\":\"q-1\",\"room\":\"lobby\",\"epoch\":\"e1\","
		    "\"after\":9}\n");
}

Test(client_session, after_a_gap_the_next_line_is_taken)
{
	create_in_lobby(8);
	receive_message(1);
	played_forget(&played);
	played_receive(&played, "{\"type\":\"gap\",\"room\":\"lobby\",\"after\":1,\"next\":100,"
				"\"head\":120}");
	receive_message(100);
	receive_message(101);
	played_told(&played, "gap lobby; message lobby 100 live; message lobby 101 live; ");
	played_sent(&played, "");
}

Test(client_session, after_a_reset_numbers_start_afresh)
{
	create_in_lobby(8);
	receive_message(1);
	receive_message(2);
	played_forget(&played);
	played_receive(&played,
		       "{\"type\":\"reset\",\"room\":\"lobby\",\"epoch\":\"e2\",\"head\":0}");
	receive_message(1);
	played_told(&played, "reset lobby; message lobby 1 live; ");
}

Test(client_session, announced_lines_are_replays_and_end_after_their_count)
{
	played_create(&played, NULL, 8, false);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_receive(&played,
		       "{\"type\":\"room\",\"room\":\"lobby\",\"epoch\":\"e1\",\"first\":1,"
		       "\"head\":7,\"after\":5,\"count\":2}");
	receive_message(6);
	receive_message(7);
	receive_message(8);
	played_told(&played, "ready; room lobby; message lobby 6 replay; message lobby 7 replay; "
			     "message lobby 8 live; ");
}

Test(client_session, a_gap_ends_the_announced_lines)
{
	played_create(&played, NULL, 8, false);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_receive(&played,
		       "{\"type\":\"room\",\"room\":\"lobby\",\"epoch\":\"e1\",\"first\":1,"
		       "\"head\":7,\"after\":0,\"count\":7}");
	receive_message(1);
	played_receive(&played, "{\"type\":\"gap\",\"room\":\"lobby\",\"after\":1,\"next\":50,"
				"\"head\":60}");
	receive_message(50);
	played_told(&played, "ready; room lobby; message lobby 1 replay; gap lobby; "
			     "message lobby 50 live; ");
}

Test(client_session, history_does_not_touch_the_cursor)
{
	struct request_ask ask = {
		.kind = REQUEST_HISTORY, .target = "lobby", .before = 3, .limit = 2};

	create_in_lobby(8);
	for (int seq = 1; seq <= 5; seq++)
		receive_message(seq);
	played_forget(&played);
	cr_assert_eq(session_send(played.session, &ask, played.now_ms), 0);
	played_sent(&played, "{\"type\":\"history\",\"id\":\"q-1\",\"room\":\"lobby\",\"before\":3,"
			     "\"limit\":2}\n");
	played_receive(&played,
		       "{\"type\":\"history\",\"id\":\"q-1\",\"room\":\"lobby\",\"first\":1,"
		       "\"last\":2,\"count\":2,\"more\":false}");
	receive_message(1);
	receive_message(2);
	receive_message(2);
	receive_message(6);
	played_told(&played, "history lobby for q-1; message lobby 1 history; "
			     "message lobby 2 history; message lobby 6 live; ");
}

Test(client_session, joining_a_room_again_goes_on_from_the_cursor)
{
	struct request_ask ask = {.kind = REQUEST_JOIN, .target = "lobby", .limit = -1};

	create_in_lobby(8);
	receive_message(1);
	played_forget(&played);
	cr_assert_eq(session_send(played.session, &ask, played.now_ms), 0);
	played_sent(&played,
		    "{\"type\":\"join\",\"id\":\"q-1\",\"room\":\"lobby\",\"epoch\":\"e1\","
		    "\"after\":1}\n");
}

Test(client_session, lines_of_unknown_types_move_the_cursor_and_pass)
{
	create_in_lobby(8);
	played_receive(&played, "{\"type\":\"dance\",\"room\":\"lobby\",\"seq\":1}\n"
				"{\"type\":\"sing\",\"loud\":true}\n");
	receive_message(2);
	played_told(&played, "dance lobby 1 live; sing; message lobby 2 live; ");
}

Test(client_session, rubbish_is_passed_over)
{
	create_in_lobby(8);
	played_receive(&played, "nonsense\n[1]\n{\"no\":\"type\"}\n{\"type\":1}\n\n");
	receive_message(1);
	played_told(&played, "message lobby 1 live; ");
}

Test(client_session, a_topic_and_the_members_are_remembered)
{
	const struct room *room;

	create_in_lobby(8);
	played_receive(&played,
		       "{\"type\":\"topic\",\"room\":\"lobby\",\"seq\":1,\"content\":\"Friday\"}\n"
		       "{\"type\":\"presence\",\"room\":\"lobby\",\"joined\":[\"bob\"],"
		       "\"left\":[],\"members\":2}\n");
	room = rooms_find(session_rooms(played.session), "lobby");
	cr_assert_str_eq(room->topic, "Friday");
	cr_assert_eq(room->members, 2);
}

/* ---- leaving */

Test(client_session, a_room_left_elsewhere_is_left_here)
{
	create_in_lobby(8);
	played_receive(&played, "{\"type\":\"left\",\"room\":\"lobby\"}");
	played_told(&played, "left lobby; ");
	cr_assert_null(rooms_find(session_rooms(played.session), "lobby"));
}

Test(client_session, an_answered_leave_forgets_the_room)
{
	struct request_ask ask = {.kind = REQUEST_LEAVE, .target = "lobby"};

	create_in_lobby(8);
	cr_assert_eq(session_send(played.session, &ask, played.now_ms), 0);
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"q-1\"}");
	cr_assert_null(rooms_find(session_rooms(played.session), "lobby"));
}

Test(client_session, a_room_that_is_ours_no_more_after_a_reconnect_is_told)
{
	create_in_lobby(8);
	played_receive(&played, "{\"type\":\"room\",\"room\":\"ops\",\"epoch\":\"e5\",\"after\":3,"
				"\"head\":3,\"count\":0}");
	session_lost(played.session, 0, played.now_ms);
	played_forget(&played);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_told(&played, "missing ops; ready; ");
}

/* ---- coming back */

Test(client_session, resumes_every_room_where_it_was)
{
	create_in_lobby(8);
	played_receive(&played,
		       "{\"type\":\"room\",\"room\":\"@alice\",\"epoch\":\"e9\",\"after\":7,"
		       "\"head\":7,\"count\":0}");
	receive_message(1);
	receive_message(2);
	session_lost(played.session, 1006, played.now_ms);
	played_forget(&played);
	played_connect(&played);
	played_sent(&played, "{\"type\":\"login\",\"user\":\"alice\",\"server\":\"localhost:8080\","
			     "\"binding\":\"none\",\"signature\":\"sig\",\"device\":\"laptop\","
			     "\"resume\":[{\"room\":\"lobby\",\"epoch\":\"e1\",\"after\":2},"
			     "{\"room\":\"@alice\",\"epoch\":\"e9\",\"after\":7}]}\n");
	played_receive(&played, WELCOME(LOBBY, NO_RATE));
	played_forget(&played);
	played_receive(&played,
		       "{\"type\":\"room\",\"room\":\"lobby\",\"epoch\":\"e1\",\"first\":1,"
		       "\"head\":3,\"after\":2,\"count\":1}");
	receive_message(3);
	receive_message(4);
	played_told(&played, "room lobby; message lobby 3 replay; message lobby 4 live; ");
}

Test(client_session, a_lost_log_is_reset_on_the_way_back)
{
	create_in_lobby(8);
	receive_message(1);
	session_lost(played.session, 0, played.now_ms);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_forget(&played);
	played_receive(&played,
		       "{\"type\":\"reset\",\"room\":\"lobby\",\"epoch\":\"e7\",\"head\":2}\n"
		       "{\"type\":\"room\",\"room\":\"lobby\",\"epoch\":\"e7\",\"first\":1,"
		       "\"head\":2,\"after\":0,\"count\":2}");
	receive_message(1);
	receive_message(2);
	played_told(&played, "reset lobby; room lobby; message lobby 1 replay; "
			     "message lobby 2 replay; ");
}

Test(client_session, unanswered_lines_go_again_in_order_with_their_ids)
{
	create_in_lobby(8);
	played_say(&played, "lobby", "one");
	played_say(&played, "lobby", "two");
	played_say(&played, "@bob", "three");
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"k-1\",\"room\":\"lobby\",\"seq\":1}");
	played_told(&played, "ok lobby for k-1; ");
	session_lost(played.session, 0, played.now_ms);
	played_say(&played, "lobby", "four");
	played_forget(&played);
	cr_assert_eq(session_unanswered(played.session), 3);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_sent(&played,
		    "{\"type\":\"message\",\"id\":\"k-2\",\"room\":\"lobby\",\"content\":\"two\"}\n"
		    "{\"type\":\"message\",\"id\":\"k-3\",\"recipient\":\"bob\","
		    "\"content\":\"three\"}\n"
		    "{\"type\":\"message\",\"id\":\"k-4\",\"room\":\"lobby\","
		    "\"content\":\"four\"}\n");
	played_receive(&played,
		       "{\"type\":\"ok\",\"id\":\"k-2\",\"duplicate\":true}\n"
		       "{\"type\":\"ok\",\"id\":\"k-3\"}\n{\"type\":\"ok\",\"id\":\"k-4\"}");
	cr_assert_eq(session_unanswered(played.session), 0);
}

Test(client_session, nothing_is_sent_before_welcome)
{
	played_create(&played, NULL, 8, false);
	played_say(&played, "lobby", "early");
	played_sent(&played, "");
	played_connect(&played);
	played_forget(&played);
	played_wait(&played, 10);
	played_sent(&played, "");
	played_receive(&played, WELCOME(LOBBY, NO_RATE));
	played_sent(&played, "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"lobby\","
			     "\"content\":\"early\"}\n");
}

Test(client_session, an_answer_from_before_the_reconnect_settles_nothing_twice)
{
	create_in_lobby(1);
	played_say(&played, "lobby", "one");
	played_receive(&played,
		       "{\"type\":\"ok\",\"id\":\"k-1\"}\n{\"type\":\"ok\",\"id\":\"k-1\"}\n"
		       "{\"type\":\"ok\",\"id\":\"other\"}");
	played_told(&played, "ok for k-1; ok; ok; ");
	cr_assert_eq(session_unanswered(played.session), 0);
}

/* ---- how much at a time */

static size_t count_sent(void)
{
	struct buf *out = session_output(played.session);
	size_t lines = 0;

	for (size_t i = 0; i < out->len; i++)
		lines += out->data[i] == '\n';
	buf_reset(out);
	return lines;
}

Test(client_session, fewer_than_the_servers_memory_of_ids_are_unanswered)
{
	played_create(&played, NULL, 1000, false);
	played_log_in(&played, WELCOME(LOBBY, "\"rate\":[0,0],\"dedupe\":5"));
	for (int i = 0; i < 20; i++)
		played_say(&played, "lobby", "x");
	cr_assert_eq(count_sent(), 4);
	played_receive(&played,
		       "{\"type\":\"ok\",\"id\":\"k-1\"}\n{\"type\":\"ok\",\"id\":\"k-2\"}");
	cr_assert_eq(count_sent(), 2);
}

Test(client_session, with_a_window_of_one_a_refusal_for_now_keeps_the_order)
{
	create_in_lobby(1);
	played_say(&played, "lobby", "one");
	played_say(&played, "lobby", "two");
	played_forget(&played);
	played_receive(&played, "{\"type\":\"error\",\"id\":\"k-1\",\"code\":\"rate_limited\","
				"\"message\":\"slow down\",\"retry_after_ms\":700}");
	played_told(&played, "held k-1 700; ");
	played_sent(&played, "");
	cr_assert_eq(session_deadline(played.session), played.now_ms + 700);
	played_wait(&played, 699);
	played_sent(&played, "");
	played_wait(&played, 1);
	played_sent(&played, "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"lobby\","
			     "\"content\":\"one\"}\n");
	played_receive(&played, "{\"type\":\"error\",\"id\":\"k-1\",\"code\":\"busy\"}");
	played_told(&played, "held k-1 500; ");
	played_wait(&played, 500);
	played_forget(&played);
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"k-1\"}");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"k-2\",\"room\":\"lobby\","
			     "\"content\":\"two\"}\n");
}

Test(client_session, keeps_to_the_rate_it_was_told)
{
	played_create(&played, NULL, 8, false);
	played_log_in(&played, WELCOME(LOBBY, "\"rate\":[2,3],\"dedupe\":64"));
	for (int i = 0; i < 8; i++)
		played_say(&played, "lobby", "x");
	cr_assert_eq(count_sent(), 3);
	cr_assert_gt(session_deadline(played.session), played.now_ms);
	cr_assert_leq(session_deadline(played.session), played.now_ms + 501);
	played_wait(&played, 502);
	cr_assert_eq(count_sent(), 1);
	played_wait(&played, 1002);
	cr_assert_eq(count_sent(), 2);
}

Test(client_session, a_refused_line_is_told_with_what_it_was)
{
	create_in_lobby(8);
	played_say(&played, "ops", "hi");
	played_receive(&played, "{\"type\":\"error\",\"id\":\"k-1\",\"code\":\"not_member\","
				"\"message\":\"join first\"}");
	played_told(&played, "error not_member for k-1; ");
	cr_assert_eq(session_unanswered(played.session), 0);
}

Test(client_session, what_is_too_long_is_refused_before_it_is_sent)
{
	char *content = malloc(4002 * 3 + 1);

	create_in_lobby(8);
	for (size_t i = 0; i < 4001; i++)
		memcpy(content + i * 3, "\u20ac", 3);
	content[4001 * 3] = '\0';
	cr_assert_eq(played_say(&played, "lobby", content), -EMSGSIZE);
	content[4000 * 3] = '\0';
	cr_assert_eq(played_say(&played, "lobby", content), 0);
	cr_assert_eq(played_say(&played, "lobby", "\xff"), -EINVAL);
	free(content);
}

/* ---- the end of a connection */

static enum session_verdict lose(unsigned code)
{
	struct session_loss loss = session_lost(played.session, code, played.now_ms);

	return loss.verdict;
}

Test(client_session, comes_back_after_the_codes_of_the_contract_and_no_others)
{
	static const unsigned back[] = {0, 1001, 1006, 1012, 4002};
	static const unsigned up[] = {1000, 1002, 1003, 1007, 1009, 1011, 4000, 4001, 4003};

	played_create(&played, NULL, 8, false);
	for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++)
		cr_assert_eq(lose(back[i]), SESSION_COME_BACK, "%u", back[i]);
	for (size_t i = 0; i < sizeof(up) / sizeof(up[0]); i++)
		cr_assert_eq(lose(up[i]), SESSION_GIVE_UP, "%u", up[i]);
}

Test(client_session, waits_longer_each_time_up_to_ten_seconds)
{
	int64_t cap = 100, longest = 0;

	played_create(&played, NULL, 8, false);
	for (int i = 0; i < 200; i++) {
		struct session_loss loss = session_lost(played.session, 0, played.now_ms);

		cr_assert_geq(loss.delay_ms, 0);
		cr_assert_leq(loss.delay_ms, cap);
		if (loss.delay_ms > longest)
			longest = loss.delay_ms;
		cap = cap * 2 > 10000 ? 10000 : cap * 2;
	}
	cr_assert_gt(longest, 7000);
}

Test(client_session, a_steady_session_starts_the_waiting_afresh)
{
	played_create(&played, NULL, 8, false);
	for (int i = 0; i < 20; i++)
		session_lost(played.session, 0, played.now_ms);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played.now_ms += 5000;
	cr_assert_leq(session_lost(played.session, 0, played.now_ms).delay_ms, 100);
}

/* libwebsockets knows no close code 1012 and tells us of a broken frame. */
Test(client_session, a_restart_is_known_by_its_bye_whatever_the_library_says)
{
	struct session_loss loss;

	create_in_lobby(8);
	played_receive(&played, "{\"type\":\"bye\",\"code\":\"restart\",\"message\":\"m\","
				"\"retry_after_ms\":100}");
	loss = session_lost(played.session, 1002, played.now_ms);
	cr_assert_eq(loss.verdict, SESSION_COME_BACK);
	cr_assert_geq(loss.delay_ms, 100);
}

Test(client_session, never_comes_back_before_the_server_says)
{
	struct session_loss loss;

	create_in_lobby(8);
	played_receive(&played, "{\"type\":\"bye\",\"code\":\"restart\",\"message\":\"upgrading\","
				"\"retry_after_ms\":4000}");
	loss = session_lost(played.session, 1012, played.now_ms);
	cr_assert_eq(loss.verdict, SESSION_COME_BACK);
	cr_assert_geq(loss.delay_ms, 4000);
	cr_assert_str_eq(loss.code, "restart");
	cr_assert_str_eq(loss.message, "upgrading");
	cr_assert_not(loss.in_login);
}

Test(client_session, a_fatal_error_is_remembered_for_the_person)
{
	struct session_loss loss;

	create_in_lobby(8);
	played_receive(&played, "{\"type\":\"error\",\"code\":\"key_revoked\",\"fatal\":true,"
				"\"message\":\"your key was removed\"}");
	loss = session_lost(played.session, 4003, played.now_ms);
	cr_assert_eq(loss.verdict, SESSION_GIVE_UP);
	cr_assert_str_eq(loss.code, "key_revoked");
	cr_assert_str_eq(loss.message, "your key was removed");
}

Test(client_session, says_bye_and_is_done)
{
	create_in_lobby(8);
	session_leave(played.session, played.now_ms);
	played_sent(&played, "{\"type\":\"bye\"}\n");
	cr_assert_eq(lose(1000), SESSION_DONE);
	cr_assert_eq(session_state(played.session), SESSION_OFFLINE);
}

Test(client_session, waits_a_second_for_the_answer_to_bye)
{
	create_in_lobby(8);
	session_leave(played.session, played.now_ms);
	cr_assert_eq(session_deadline(played.session), played.now_ms + 1000);
	played_wait(&played, 1000);
	played_told(&played, "silent; ");
	cr_assert_eq(session_deadline(played.session), -1);
	cr_assert_eq(lose(0), SESSION_DONE);
}

/* ---- time */

Test(client_session, tells_what_was_read_now_and_then_and_before_bye)
{
	create_in_lobby(8);
	receive_message(1);
	receive_message(2);
	session_mark_read(played.session, "lobby", 1, played.now_ms);
	session_mark_read(played.session, "lobby", 2, played.now_ms);
	session_mark_read(played.session, "nowhere", 2, played.now_ms);
	played_sent(&played, "");
	played_wait(&played, 300);
	played_sent(&played, "{\"type\":\"read\",\"room\":\"lobby\",\"seq\":2}\n");
	session_mark_read(played.session, "lobby", 2, played.now_ms);
	played_wait(&played, 300);
	played_sent(&played, "");
	receive_message(3);
	session_mark_read(played.session, "lobby", 3, played.now_ms);
	session_leave(played.session, played.now_ms);
	played_sent(&played,
		    "{\"type\":\"read\",\"room\":\"lobby\",\"seq\":3}\n{\"type\":\"bye\"}\n");
}

Test(client_session, asks_a_silent_server_and_then_gives_the_connection_up)
{
	create_in_lobby(8);
	cr_assert_eq(session_deadline(played.session), played.now_ms + 30000);
	played_wait(&played, 30000);
	played_sent(&played, "{\"type\":\"ping\"}\n");
	played_told(&played, "");
	played_wait(&played, 1000);
	played_sent(&played, "");
	played_receive(&played, "{\"type\":\"pong\"}");
	played_told(&played, "pong; ");
	played_wait(&played, 30000);
	played_sent(&played, "{\"type\":\"ping\"}\n");
	played_wait(&played, 15000);
	played_told(&played, "silent; ");
	/* told once: closing takes a moment */
	cr_assert_eq(session_deadline(played.session), -1);
	played_wait(&played, 1000);
	played_told(&played, "");
}

Test(client_session, a_server_that_never_greets_is_given_up)
{
	played_create(&played, NULL, 8, false);
	session_connected(played.session, played.now_ms);
	cr_assert_eq(session_deadline(played.session), played.now_ms + 10000);
	played_wait(&played, 9999);
	played_told(&played, "");
	played_wait(&played, 1);
	played_told(&played, "silent; ");
}

Test(client_session, a_log_in_that_is_never_answered_is_given_up)
{
	played_create(&played, NULL, 8, false);
	played_connect(&played);
	played_forget(&played);
	cr_assert_eq(session_deadline(played.session), played.now_ms + 25000);
	played_wait(&played, 24999);
	played_told(&played, "");
	played_wait(&played, 1);
	played_told(&played, "silent; ");
}
