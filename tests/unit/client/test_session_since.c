/* What was said since some time, and then what is said now: once each, and in order. */
#include "tests/unit/client/session_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static struct played played;

static void setup(void)
{
	played_create_since(&played, "ops", INT64_C(1795194000000));
	played_log_in(&played, WELCOME("{\"room\":\"ops\",\"epoch\":\"e\",\"first\":1,\"head\":9}",
				       NO_RATE));
	played_forget(&played);
}

static void teardown(void)
{
	played_destroy(&played);
}

TestSuite(session_since, .init = setup, .fini = teardown);

static void room_line(const char *id, int head, int after, int count)
{
	played_receivef(&played,
			"{\"type\":\"room\",%s\"room\":\"ops\",\"epoch\":\"e\",\"first\":1,"
			"\"head\":%d,\"after\":%d,\"count\":%d,\"members\":1}",
			id, head, after, count);
}

static void said(int seq)
{
	played_receivef(&played,
			"{\"type\":\"message\",\"room\":\"ops\",\"seq\":%d,\"sender\":\"bob\","
			"\"content\":\"x\"}",
			seq);
}

static void history(const char *id, int first, int last, const char *more)
{
	played_receivef(&played,
			"{\"type\":\"history\",\"id\":\"%s\",\"room\":\"ops\",\"first\":%d,"
			"\"last\":%d,\"count\":%d,\"more\":%s}",
			id, first, last, last > 0 ? last - first + 1 : 0, more);
}

#define ASK_AT(id)                                                                                 \
	"{\"type\":\"history\",\"id\":\"" id                                                       \
	"\",\"room\":\"ops\",\"at\":\"2026-11-20T17:00:00.000Z\",\"limit\":200}\n"
#define ASK_AFTER(id, after)                                                                       \
	"{\"type\":\"history\",\"id\":\"" id "\",\"room\":\"ops\",\"after\":" after                \
	",\"limit\":200}\n"
#define JOIN_AFTER(id, after)                                                                      \
	"{\"type\":\"join\",\"id\":\"" id "\",\"room\":\"ops\",\"epoch\":\"e\",\"after\":" after   \
	"}\n"

Test(session_since, pages_then_the_rest_then_live_lines)
{
	room_line("", 9, 7, 2);
	played_sent(&played, ASK_AT("q-1"));
	said(8);
	said(9);
	said(10);
	played_told(&played, "room ops; ");
	history("q-1", 3, 4, "true");
	played_sent(&played, ASK_AFTER("q-2", "4"));
	said(3);
	said(4);
	said(11);
	history("q-2", 5, 11, "false");
	for (int seq = 5; seq <= 11; seq++)
		said(seq);
	played_sent(&played, JOIN_AFTER("q-3", "11"));
	said(12);
	played_told(&played, "history ops for q-1; message ops 3 replay; message ops 4 replay; "
			     "history ops for q-2; message ops 5 replay; message ops 6 replay; "
			     "message ops 7 replay; message ops 8 replay; message ops 9 replay; "
			     "message ops 10 replay; message ops 11 replay; ");
	room_line("\"id\":\"q-3\",", 12, 11, 1);
	said(12);
	said(13);
	played_told(&played, "room ops for q-3; message ops 12 replay; message ops 13 live; ");
	played_sent(&played, "");
}

Test(session_since, where_nothing_was_said_live_lines_go_on_from_the_head)
{
	room_line("", 9, 7, 2);
	said(8);
	said(9);
	history("q-1", 0, 0, "false");
	played_sent(&played, ASK_AT("q-1") JOIN_AFTER("q-2", "9"));
	said(10);
	room_line("\"id\":\"q-2\",", 10, 9, 1);
	said(10);
	played_told(&played, "room ops; history ops for q-1; room ops for q-2; "
			     "message ops 10 replay; ");
}

Test(session_since, a_lost_connection_goes_on_behind_the_last_line_that_came)
{
	room_line("", 9, 7, 2);
	history("q-1", 3, 6, "true");
	said(3);
	said(4);
	session_lost(played.session, 0, played.now_ms);
	played_connect(&played);
	played_forget(&played);
	played_receive(&played, WELCOME("{\"room\":\"ops\",\"epoch\":\"e\",\"first\":1,\"head\":9}",
					NO_RATE));
	room_line("", 9, 7, 2);
	said(8);
	said(9);
	played_sent(&played, ASK_AFTER("q-3", "4"));
	history("q-3", 5, 9, "false");
	said(5);
	played_sent(&played, JOIN_AFTER("q-4", "9"));
	/* now behind the last page, but not all of it has come */
	session_lost(played.session, 0, played.now_ms);
	played_connect(&played);
	played_forget(&played);
	played_receive(&played, WELCOME("{\"room\":\"ops\",\"epoch\":\"e\",\"first\":1,\"head\":9}",
					NO_RATE));
	room_line("", 9, 7, 2);
	played_sent(&played, ASK_AFTER("q-5", "5"));
}

Test(session_since, a_login_does_not_resume_a_room_that_is_still_behind)
{
	room_line("", 9, 7, 2);
	session_lost(played.session, 0, played.now_ms);
	played_forget(&played);
	played_connect(&played);
	cr_assert_null(strstr(session_output(played.session)->data, "\"after\""), "%s",
		       session_output(played.session)->data);
}

Test(session_since, a_refused_question_is_told_and_live_lines_go_on)
{
	room_line("", 9, 7, 2);
	played_forget(&played);
	played_receive(&played, "{\"type\":\"error\",\"id\":\"q-1\",\"code\":\"no_history\"}");
	played_told(&played, "error no_history for q-1; ");
	played_sent(&played, JOIN_AFTER("q-2", "9"));
	room_line("\"id\":\"q-2\",", 9, 9, 0);
	said(10);
	played_told(&played, "room ops for q-2; message ops 10 live; ");
}
