#include "client/pipe.h"
#include "tests/unit/client/session_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct played played;
static struct pipe_sender pipe_sender;
static const char *const rooms[] = {"ops", "@bob"};

static void setup(void)
{
	played_create(&played, "ops", 1, true);
	pipe_init(&pipe_sender, played.session, rooms, 1, "p");
}

static void teardown(void)
{
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
	pipe_end(&pipe_sender);
	cr_assert_not(pipe_is_done(&pipe_sender));
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"p-2\"}");
	cr_assert(pipe_is_done(&pipe_sender));
	cr_assert_not(pipe_sender.refused);
}

Test(pipe, blank_lines_are_passed_over)
{
	ready();
	line("");
	line("  \t ");
	line("x");
	played_sent(&played, "{\"type\":\"message\",\"id\":\"p-1\",\"room\":\"ops\","
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
	pipe_init(&pipe_sender, played.session, rooms, 2, "p");
	ready();
	line("x");
	played_receive(&played, "{\"type\":\"ok\",\"id\":\"p-1\"}");
	played_sent(&played,
		    "{\"type\":\"message\",\"id\":\"p-1\",\"room\":\"ops\",\"content\":\"x\"}\n"
		    "{\"type\":\"message\",\"id\":\"p-2\",\"recipient\":\"bob\","
		    "\"content\":\"x\"}\n");
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
	pipe_end(&pipe_sender);
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
	static const char *const ids[] = {"q-2", "p", "p-", "p-x", "p-2x", "p-0", "pp-2", "", NULL};

	ready();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		pipe_resume(&pipe_sender, ids[i]);
		cr_assert_eq(pipe_sender.arrived, 0, "%s", ids[i]);
	}
}
