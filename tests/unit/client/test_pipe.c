#include "client/pipe.h"
#include "tests/unit/client/session_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct played played;
static struct pipe_config config;
static struct pipe_sender pipe_sender;
static struct buf expected;
static const char *const rooms[] = {"ops", "@bob"};

static void setup(void)
{
	played_create(&played, "ops", 1, true);
	config = (struct pipe_config){
		.session = played.session, .rooms = rooms, .room_count = 1, .id_prefix = "p"};
	pipe_init(&pipe_sender, &config);
}

static void teardown(void)
{
	pipe_finish(&pipe_sender);
	buf_finish(&expected);
	played_destroy(&played);
}

TestSuite(pipe, .init = setup, .fini = teardown);

static void ready(void)
{
	played_log_in(&played, WELCOME("{\"room\":\"ops\",\"epoch\":\"e\",\"first\":1,\"head\":0}",
				       NO_RATE));
}

static void line(const char *text)
{
	cr_assert_eq(pipe_line(&pipe_sender, text, played.now_ms), 0);
}

/* What is sent with `part` of the config changed, or the resumed pipe. */
static void with(int64_t gather_ms, bool code, size_t room_count)
{
	config.gather_ms = gather_ms;
	config.code = code;
	config.room_count = room_count;
	pipe_init(&pipe_sender, &config);
	ready();
	played_forget(&played);
}

/* The next message: this id, to ops or to bob; then the server takes it. */
static void sent(const char *id, bool to_bob, const char *content)
{
	buf_reset(&expected);
	buf_printf(&expected, "{\"type\":\"message\",\"id\":\"%s\",%s,\"content\":\"%s\"%s}\n", id,
		   to_bob ? "\"recipient\":\"bob\"" : "\"room\":\"ops\"", content,
		   config.code ? ",\"format\":\"code\"" : "");
	played_sent(&played, expected.data);
	played_receivef(&played, "{\"type\":\"ok\",\"id\":\"%s\"}", id);
}

Test(pipe, reads_nothing_before_the_first_welcome)
{
	cr_assert_not(pipe_wants_input(&pipe_sender));
	ready();
	cr_assert(pipe_wants_input(&pipe_sender));
}

Test(pipe, sends_one_line_after_the_other)
{
	ready();
	line("one");
	line("/two");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-1\",\"room\":\"ops\","
			     "\"content\":\"one\"}\n");
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"p-1\"}");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-2\",\"room\":\"ops\","
			     "\"content\":\"/two\"}\n");
	pipe_end(&pipe_sender, played.now_ms);
	cr_assert_not(pipe_is_done(&pipe_sender));
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"p-2\"}");
	cr_assert(pipe_is_done(&pipe_sender));
	cr_assert_not(pipe_sender.refused);
}

Test(pipe, blank_lines_are_passed_over_but_count)
{
	ready();
	line("");
	line("  \t ");
	line("x");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-3\",\"room\":\"ops\","
			     "\"content\":\"x\"}\n");
}

Test(pipe, what_no_server_takes_is_cleaned)
{
	ready();
	line("\x1b[1mok\xff");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-1\",\"room\":\"ops\","
			     "\"content\":\"[1mok\ufffd\"}\n");
}

Test(pipe, every_room_named_gets_every_line)
{
	with(0, false, 2);
	line("x");
	line("y");
	sent("p-1.1.0", false, "x");
	sent("p-1", true, "x");
	sent("p-2.1.0", false, "y");
	sent("p-2", true, "y");
}

Test(pipe, a_line_that_is_too_long_counts_as_refused_and_the_others_go)
{
	char text[4200];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ready();
	cr_assert_eq(pipe_line(&pipe_sender, text, played.now_ms), -EMSGSIZE);
	line("short");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-2\",\"room\":\"ops\","
			     "\"content\":\"short\"}\n");
	cr_assert(pipe_sender.refused);
}

Test(pipe, a_line_that_could_not_be_read_counts_as_refused)
{
	ready();
	cr_assert_eq(pipe_line(&pipe_sender, NULL, played.now_ms), 0);
	cr_assert(pipe_sender.refused);
}

Test(pipe, stops_reading_while_much_is_unanswered)
{
	ready();
	for (unsigned i = 0; i < PIPE_QUEUE; i++)
		line("x");
	cr_assert_not(pipe_wants_input(&pipe_sender));
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"p-1\"}");
	cr_assert(pipe_wants_input(&pipe_sender));
	pipe_end(&pipe_sender, played.now_ms);
	cr_assert_not(pipe_wants_input(&pipe_sender));
}

Test(pipe, started_again_it_goes_on_behind_what_arrived)
{
	ready();
	pipe_resume(&pipe_sender, "p-2");
	line("one");
	line("two");
	line("three");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-3\",\"room\":\"ops\","
			     "\"content\":\"three\"}\n");
}

Test(pipe, anothers_last_id_means_nothing)
{
	static const char *const ids[] = {"q-2",      "p",       "p-",      "p-x",     "p-2x",
					  "p-0",      "pp-2",    "",        "p-02",    "p-2.",
					  "p-2.1",    "p-2.1.2", "p-2.0.0", "p-2.1.x", "p-2.1.0.0",
					  "p-2.-1.0", NULL};

	ready();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		pipe_resume(&pipe_sender, ids[i]);
		cr_assert_eq(pipe_sender.arrived, 0, "%s", ids[i]);
	}
}

Test(pipe, started_again_it_sends_a_line_to_the_rooms_that_have_it_not)
{
	with(0, false, 2);
	pipe_resume(&pipe_sender, "p-2.1.0");
	line("one");
	line("two");
	line("three");
	sent("p-2", true, "two");
	sent("p-3.1.0", false, "three");
}

Test(pipe, the_kind_is_the_one_asked_for)
{
	config.kind = "alert";
	with(0, false, 1);
	line("disk full");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-1\",\"room\":\"ops\","
			     "\"content\":\"disk full\",\"kind\":\"alert\"}\n");
}

Test(pipe, lines_that_come_within_the_time_are_one_message)
{
	with(200, false, 1);
	cr_assert_eq(pipe_deadline(&pipe_sender), -1);
	line("");
	line("one");
	cr_assert_eq(pipe_deadline(&pipe_sender), played.now_ms + 200);
	played.now_ms += 150;
	line("");
	line("two");
	pipe_tick(&pipe_sender, played.now_ms);
	played_sent(&played, "");
	played.now_ms += 50;
	cr_assert_leq(pipe_deadline(&pipe_sender), played.now_ms);
	pipe_tick(&pipe_sender, played.now_ms);
	cr_assert_eq(pipe_deadline(&pipe_sender), -1);
	sent("p-4", false, "one\\n\\ntwo");
	line("three");
	line("");
	pipe_end(&pipe_sender, played.now_ms);
	sent("p-6", false, "three");
	cr_assert(pipe_is_done(&pipe_sender));
}

static const char *repeated(char c, size_t count)
{
	static char text[8][9000];
	static unsigned next;
	char *at = text[next++ % 8];

	cr_assert_lt(count, sizeof(text[0]));
	memset(at, c, count);
	at[count] = '\0';
	return at;
}

Test(pipe, a_message_that_is_full_goes_at_once)
{
	char *full;

	with(200, false, 1);
	line(repeated('a', 3000));
	line(repeated('b', 999));
	played_sent(&played, "");
	line("c");
	buf_reset(&expected);
	buf_printf(&expected, "%s\\n%s", repeated('a', 3000), repeated('b', 999));
	full = strdup(expected.data);
	sent("p-2", false, full);
	free(full);
	cr_assert_eq(pipe_line(&pipe_sender, repeated('d', 4001), played.now_ms), -EMSGSIZE);
	sent("p-3", false, "c");
	cr_assert(pipe_sender.refused);
	line("e");
	pipe_end(&pipe_sender, played.now_ms);
	sent("p-5", false, "e");
}

Test(pipe, code_is_one_message_blank_lines_and_all)
{
	with(PIPE_GATHER_ALL, true, 1);
	line("");
	line("\tint x;");
	line("");
	line("  }");
	line("");
	cr_assert_eq(pipe_deadline(&pipe_sender), -1);
	played_sent(&played, "");
	pipe_end(&pipe_sender, played.now_ms);
	sent("p-5", false, "\\tint x;\\n\\n  }");
	cr_assert(pipe_is_done(&pipe_sender));
}

Test(pipe, nothing_but_blank_lines_is_no_message)
{
	with(PIPE_GATHER_ALL, true, 1);
	line("");
	line("   ");
	pipe_end(&pipe_sender, played.now_ms);
	played_sent(&played, "");
	cr_assert(pipe_is_done(&pipe_sender));
}

Test(pipe, a_line_of_code_that_no_message_holds_is_cut)
{
	with(PIPE_GATHER_ALL, true, 1);
	line("before");
	line(repeated('x', 8001));
	line("behind");
	sent("p-1", false, "before");
	sent("p-2.1.0", false, repeated('x', 4000));
	sent("p-2.2.0", false, repeated('x', 4000));
	sent("p-2", false, "x");
	pipe_end(&pipe_sender, played.now_ms);
	sent("p-3", false, "behind");
}

Test(pipe, started_again_it_goes_on_inside_a_line_that_was_cut)
{
	with(PIPE_GATHER_ALL, true, 1);
	pipe_resume(&pipe_sender, "p-2.1.0");
	line("before");
	line(repeated('x', 8001));
	sent("p-2.2.0", false, repeated('x', 4000));
	sent("p-2", false, "x");
}

Test(pipe, started_again_it_gathers_what_only_one_room_has_the_same_way)
{
	with(200, false, 2);
	pipe_resume(&pipe_sender, "p-4.1.2");
	line("one");
	line("two");
	played.now_ms += 1000;
	cr_assert_eq(pipe_deadline(&pipe_sender), -1);
	pipe_tick(&pipe_sender, played.now_ms);
	played_sent(&played, "");
	line("");
	line("four");
	sent("p-4", true, "two\\n\\nfour");
	line("five");
	played.now_ms += 200;
	pipe_tick(&pipe_sender, played.now_ms);
	sent("p-5.1.0", false, "five");
	sent("p-5", true, "five");
}

Test(pipe, what_was_not_answered_is_counted)
{
	with(200, false, 1);
	cr_assert_eq(pipe_unsent(&pipe_sender), 0);
	line("one");
	cr_assert_eq(pipe_unsent(&pipe_sender), 1);
	played.now_ms += 200;
	pipe_tick(&pipe_sender, played.now_ms);
	line("two");
	cr_assert_eq(pipe_unsent(&pipe_sender), 2);
}

Test(pipe, killed_with_a_message_on_its_way_it_gathers_the_same_lines_again)
{
	char path[] = "/tmp/pipe-journal-XXXXXX";
	struct journal journal = {.fd = mkstemp(path)};

	cr_assert_geq(journal.fd, 0);
	unlink(path);
	config.journal = &journal;
	with(200, false, 1);
	pipe_resume(&pipe_sender, "");
	line("");
	line("one");
	line("two");
	pipe_tick(&pipe_sender, played.now_ms += 200);
	line("three");
	pipe_tick(&pipe_sender, played.now_ms += 200);
	played_forget(&played);
	pipe_finish(&pipe_sender);
	played_destroy(&played);

	/* the second run; everything comes at once */
	played_create(&played, "ops", 1, true);
	config.session = played.session;
	with(200, false, 1);
	pipe_resume(&pipe_sender, "");
	line("");
	line("one");
	cr_assert_eq(pipe_deadline(&pipe_sender), -1);
	line("two");
	line("three");
	line("four");
	sent("p-3", false, "one\\ntwo");
	pipe_tick(&pipe_sender, played.now_ms += 200);
	sent("p-5", false, "three\\nfour");
	journal_close(&journal);
}
