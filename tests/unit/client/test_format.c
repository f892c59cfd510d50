#include "client/format.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct format format = {.user = "alice"};

static void setup(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

TestSuite(format, .init = setup);

static void check_answer(const char *json, const struct request *request, enum format_kind kind,
			 const char *expected)
{
	struct server_line line;
	struct session_event event = {
		.type = SESSION_EVENT_LINE, .line = &line, .request = request};
	struct buf out = BUF_INIT;

	cr_assert_eq(server_line_parse(json, strlen(json), &line), 0, "%s", json);
	cr_assert_eq(format_event(&format, &event, &out), kind, "%s", json);
	cr_assert_str_eq(out.data ? out.data : "", expected);
	server_line_finish(&line);
	buf_finish(&out);
}

static void check(const char *json, enum format_kind kind, const char *expected)
{
	check_answer(json, NULL, kind, expected);
}

#define AT "\"timestamp\":\"2026-11-20T12:39:01.500Z\","

Test(format, messages_say_when_where_and_who)
{
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"build is green\"}",
	      FORMAT_SAID, "12:39 #dev bob: build is green");
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"waves\",\"kind\":\"me\"}",
	      FORMAT_SAID, "12:39 #dev * bob waves");
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"fire\",\"kind\":\"alert\"}",
	      FORMAT_SAID, "12:39 #dev !! bob: fire");
}

Test(format, a_notice_is_marked_more_quietly)
{
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"built\",\"kind\":\"notice\"}",
	      FORMAT_SAID, "12:39 #dev -- bob: built");
}

Test(format, code_begins_on_its_own_line_and_keeps_its_columns)
{
	static const char code[] = "{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
				   "\"sender\":\"bob\",\"content\":\"if "
				   "(\u20ac)\\n\\tx;\\t\\u001b[2J\",\"format\":\"code\"}";

	check(code, FORMAT_SAID, "12:39 #dev bob:\n      if (\u20ac)\n              x;      [2J");
	format.dates = true;
	check(code, FORMAT_SAID,
	      "2026-11-20 12:39:01 #dev bob:\n      if (\u20ac)\n      \tx;\t[2J");
	format.dates = false;
}

Test(format, direct_messages_are_marked)
{
	check("{\"type\":\"message\",\"room\":\"@alice\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"recipient\":\"alice\",\"content\":\"hi\"}",
	      FORMAT_SAID, "12:39 [bob -> you] hi");
	check("{\"type\":\"message\",\"room\":\"@alice\",\"seq\":1," AT
	      "\"sender\":\"alice\",\"recipient\":\"bob\",\"content\":\"hi\"}",
	      FORMAT_SAID, "12:39 [you -> bob] hi");
	check("{\"type\":\"message\",\"room\":\"@alice\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"recipient\":\"alice\",\"content\":\"waves\",\"kind\":\"me\"}",
	      FORMAT_SAID, "12:39 [bob -> you] * bob waves");
}

Test(format, files_get_the_date)
{
	format.dates = true;
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"x\"}",
	      FORMAT_SAID, "2026-11-20 12:39:01 #dev bob: x");
}

Test(format, a_second_line_cannot_pass_for_someone_elses)
{
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"a\\n12:40 #dev carol: b\"}",
	      FORMAT_SAID, "12:39 #dev bob: a\n      12:40 #dev carol: b");
}

Test(format, everything_foreign_is_cleaned)
{
	check("{\"type\":\"message\",\"room\":\"d\\u001bv\",\"seq\":1,\"timestamp\":\"\\u001b\","
	      "\"sender\":\"b\\u0007ob\\n\",\"content\":\"\\u001b[31m\\u202ex\\u009b\"}",
	      FORMAT_SAID, "--:-- #dv bob : [31mx");
	check("{\"type\":\"notice\",\"message\":\"\\u001b]0;x\\u0007\"}", FORMAT_NOTE,
	      "-- server: ]0;x");
	check("{\"type\":\"error\",\"code\":\"x\",\"message\":\"a\\u001bb\\nc\"}", FORMAT_TROUBLE,
	      "!! ab c");
}

Test(format, other_stored_lines)
{
	check("{\"type\":\"topic\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"Friday\"}",
	      FORMAT_SAID, "12:39 #dev bob set the topic: Friday");
	check("{\"type\":\"edit\",\"room\":\"dev\",\"seq\":2," AT
	      "\"sender\":\"bob\",\"content\":\"x\"}",
	      FORMAT_SAID, "12:39 #dev bob changed a message to: x");
	check("{\"type\":\"delete\",\"room\":\"dev\",\"seq\":2," AT "\"sender\":\"bob\"}",
	      FORMAT_SAID, "12:39 #dev bob deleted a message");
	check("{\"type\":\"reaction\",\"room\":\"dev\",\"seq\":2," AT
	      "\"sender\":\"bob\",\"emoji\":\"+1\"}",
	      FORMAT_SAID, "12:39 #dev bob reacts with +1");
	check("{\"type\":\"moderation\",\"room\":\"dev\",\"seq\":2," AT
	      "\"sender\":\"bob\",\"action\":\"kick\",\"user\":\"eve\",\"reason\":\"spam\"}",
	      FORMAT_SAID, "12:39 #dev bob kick eve: spam");
	check("{\"type\":\"answer\",\"room\":\"dev\",\"seq\":2," AT
	      "\"sender\":\"bob\",\"option\":\"deny\"}",
	      FORMAT_SAID, "12:39 #dev bob answered: deny");
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":2," AT
	      "\"sender\":\"bot\",\"content\":\"May I?\",\"kind\":\"ask\",\"options\":[\"allow\","
	      "\"deny\"],\"approve\":[\"ops\"]}",
	      FORMAT_SAID, "12:39 #dev bot: May I?\n      answer with /allow or /deny (ops)");
	check("{\"type\":\"dance\",\"room\":\"dev\",\"seq\":2}", FORMAT_NOTHING, "");
}

Test(format, comings_and_goings)
{
	check("{\"type\":\"presence\",\"room\":\"dev\",\"joined\":[\"bob\",\"eve\"],"
	      "\"left\":[\"carol\"],\"members\":3}",
	      FORMAT_NOTE, "-- #dev: bob, eve joined; carol left");
	check("{\"type\":\"presence\",\"room\":\"dev\",\"joined\":[],\"left\":[\"carol\"]}",
	      FORMAT_NOTE, "-- #dev: carol left");
	check("{\"type\":\"presence\",\"room\":\"dev\",\"members\":300}", FORMAT_NOTHING, "");
}

Test(format, gap_and_reset_are_lines)
{
	check("{\"type\":\"gap\",\"room\":\"ops\",\"after\":120,\"next\":4097,\"head\":8190}",
	      FORMAT_NOTE,
	      "-- #ops: lines 121 to 4096 are missing here; the server has them in memory no more");
	check("{\"type\":\"reset\",\"room\":\"ops\",\"epoch\":\"e\",\"head\":0}", FORMAT_NOTE,
	      "-- #ops: the server began this room's log afresh");
	check("{\"type\":\"left\",\"room\":\"ops\"}", FORMAT_NOTE,
	      "-- #ops: left, with another of your programs");
}

Test(format, a_room_is_told_when_one_enters_it_and_not_at_each_log_in)
{
	struct request join = {.kind = REQUEST_JOIN};
	struct request own = {.kind = REQUEST_JOIN, .own = true};
	const char *json =
		"{\"type\":\"room\",\"room\":\"dev\",\"members\":5,\"topic\":\"Friday\"}";

	check(json, FORMAT_NOTHING, "");
	check_answer(json, &own, FORMAT_NOTHING, "");
	check_answer(json, &join, FORMAT_NOTE, "-- #dev: 5 members, topic: Friday");
	check_answer("{\"type\":\"room\",\"room\":\"dev\",\"members\":1,\"topic\":\"\","
		     "\"created\":true}",
		     &join, FORMAT_NOTE, "-- #dev: a new room");
}

Test(format, lists)
{
	check("{\"type\":\"rooms\",\"rooms\":[{\"room\":\"dev\",\"members\":5,\"topic\":\"T\","
	      "\"head\":3}]}",
	      FORMAT_ANSWER, "  #dev                    5  T");
	check("{\"type\":\"rooms\",\"rooms\":[]}", FORMAT_ANSWER, "  no such rooms");
	check("{\"type\":\"users\",\"room\":\"dev\",\"users\":[{\"user\":\"bob\",\"connections\":1,"
	      "\"away\":\"lunch\",\"role\":\"op\"},{\"user\":\"eve\",\"away\":true,"
	      "\"role\":\"member\"},{\"user\":\"mel\",\"away\":false}]}",
	      FORMAT_ANSWER, "  #dev: bob (op) (away: lunch), eve (away), mel");
	check("{\"type\":\"who\",\"user\":\"bob\",\"keys\":[\"SHA256:x\"],\"connections\":2,"
	      "\"idle_s\":200,\"away\":\"lunch\"}",
	      FORMAT_ANSWER,
	      "  bob: here, 2 connections, active 3 min ago, away: lunch\n  key SHA256:x");
	check("{\"type\":\"who\",\"user\":\"bob\",\"keys\":[],\"connections\":0}", FORMAT_ANSWER,
	      "  bob: not here now");
	check("{\"type\":\"history\",\"room\":\"dev\",\"count\":0}", FORMAT_ANSWER,
	      "  nothing older is in the server's memory");
}

Test(format, errors_say_what_did_not_happen)
{
	char dev[] = "dev", text[] = "hello";
	struct request message = {.kind = REQUEST_MESSAGE, .target = dev, .content = text};
	struct request join = {.kind = REQUEST_JOIN, .target = dev};

	check_answer("{\"type\":\"error\",\"code\":\"not_member\",\"message\":\"join it first\"}",
		     &message, FORMAT_TROUBLE, "!! not sent to #dev: join it first\n      hello");
	check_answer("{\"type\":\"error\",\"code\":\"invite_only\",\"message\":\"ask an op\"}",
		     &join, FORMAT_TROUBLE, "!! cannot join #dev: ask an op");
	check("{\"type\":\"error\",\"code\":\"busy\"}", FORMAT_TROUBLE, "!! busy");
}

Test(format, answers_that_need_no_words_have_none)
{
	char dev[] = "dev";
	struct request message = {.kind = REQUEST_MESSAGE};
	struct request leave = {.kind = REQUEST_LEAVE, .target = dev};
	struct request back = {.kind = REQUEST_AWAY};

	check_answer("{\"type\":\"ok\"}", &message, FORMAT_NOTHING, "");
	check_answer("{\"type\":\"ok\"}", &leave, FORMAT_ANSWER, "  You left #dev.");
	check_answer("{\"type\":\"ok\"}", &back, FORMAT_ANSWER, "  You are back.");
	check("{\"type\":\"typing\",\"room\":\"dev\"}", FORMAT_NOTHING, "");
	check("{\"type\":\"read\",\"room\":\"dev\",\"seq\":3}", FORMAT_NOTHING, "");
}

Test(format, a_new_day_is_told_once)
{
	static const char json[] = "{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
				   "\"sender\":\"bob\",\"content\":\"x\"}";
	struct server_line line;
	struct buf out = BUF_INIT;
	int day = -1;

	cr_assert_eq(server_line_parse(json, strlen(json), &line), 0);
	cr_assert(format_day(&line, &day, &out));
	cr_assert_str_eq(out.data, "Friday 20 November 2026");
	cr_assert_not(format_day(&line, &day, &out));
	server_line_finish(&line);
	buf_finish(&out);
}

Test(format, colors_never_come_from_the_text)
{
	format.colors = true;
	check("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1," AT
	      "\"sender\":\"bob\",\"content\":\"\\u001b[1mx\"}",
	      FORMAT_SAID, "\x1b[2m12:39\x1b[0m \x1b[1m#dev bob:\x1b[0m [1mx");
	check("{\"type\":\"notice\",\"message\":\"x\"}", FORMAT_NOTE, "\x1b[2m-- server: x\x1b[0m");
}
