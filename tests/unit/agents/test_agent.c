/* One agent as a machine: the world is a list of what it asked for, the clock is ours. */
#include "agents/agent.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct agent agent;
static struct config_agents configs;
static struct config_agent *config;
static struct buf done; /* "start; write alice: hi; say ops heard; " */
static uint64_t now, next_seq;
static int start_error;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	char text[6000];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_append_str(&done, text);
	buf_append_str(&done, "; ");
}

static int on_start(void *data, const char *session)
{
	(void)data;
	note("start%s%s", session[0] != '\0' ? " " : "", session);
	return start_error;
}

static void on_write(void *data, const void *bytes, size_t len)
{
	(void)data;
	note("write %.*s", (int)len - 1, (const char *)bytes);
}

static void on_close_input(void *data)
{
	(void)data;
	note("close");
}

static void on_kill(void *data, int signal_number)
{
	(void)data;
	note("kill %d", signal_number);
}

static uint64_t on_say(void *data, const struct agent_saying *saying)
{
	(void)data;
	note("say %s%s%s %.*s", agent.rooms[saying->room], saying->kind != NULL ? " " : "",
	     saying->kind != NULL ? saying->kind : "", (int)saying->content.len,
	     saying->content.str);
	return ++next_seq;
}

static void on_partial(void *data, unsigned room, struct text content)
{
	(void)data;
	note("partial %s %.*s", agent.rooms[room], (int)content.len, content.str);
}

static void on_tell(void *data, const char *user, enum proto_error code, const char *text)
{
	(void)data;
	(void)text;
	note("tell %s %s", user, error_code(code));
}

static void on_changed(void *data)
{
	(void)data;
}

static const struct agent_host host = {
	.start = on_start,
	.write = on_write,
	.close_input = on_close_input,
	.kill = on_kill,
	.say = on_say,
	.partial = on_partial,
	.tell = on_tell,
	.changed = on_changed,
	.keep = on_changed,
};

static void set(const char *name, const char *value)
{
	struct buf why = BUF_INIT;

	cr_assert_eq(config_agent_set(config, name, value, 1, "", &why), 0, "%s", why.data);
	buf_finish(&why);
}

static void setup(void)
{
	struct buf why = BUF_INIT;

	cr_assert_eq(config_agent_begin(&configs, "bot", 1, &config, &why), 0);
	set("command", "x");
	set("rooms", "ops dev");
	now = 1000000;
	next_seq = 1000;
}

/* What was asked for since the last time. */
static void asked(const char *expected)
{
	cr_assert_str_eq(done.data != NULL ? done.data : "", expected);
	buf_reset(&done);
}

static void forget(void)
{
	buf_reset(&done);
}

static void begin(void)
{
	agent_init(&agent, config, config->rooms, &host, NULL);
	agent_start(&agent, now);
}

static void begin_stream(void)
{
	set("format", "stream-json");
	begin();
	asked("start; ");
}

static void teardown(void)
{
	agent_finish(&agent);
	free(configs.agent);
	buf_finish(&done);
}

TestSuite(agent_machine, .init = setup, .fini = teardown);

static uint64_t hear_as(const char *sender, const char *content)
{
	static uint64_t seq;

	agent_hear(
		&agent,
		&(struct agent_message){
			.room = 0, .seq = ++seq, .sender = sender, .content = text_from(content)},
		now);
	return seq;
}

static uint64_t hear(const char *content)
{
	return hear_as("alice", content);
}

static void writes(const char *line)
{
	agent_output(&agent, line, strlen(line), now);
	agent_output(&agent, "\n", 1, now);
}

/* Time goes by in steps, as the loop would have it. */
static void wait_ms(uint64_t ms)
{
	uint64_t until = now + ms;

	while (now < until) {
		uint64_t due = agent_due(&agent);

		now = due > now && due < until ? due : until;
		agent_tick(&agent, now);
	}
}

static void exits(int code)
{
	agent_exited(&agent, code << 8, now);
}

#define RESULT(text) "{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"" text "\"}"
#define ASSISTANT(text)                                                                            \
	"{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"" text    \
	"\"}]}}"
#define INIT(id) "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"" id "\"}"

/* ---- lines ---- */

Test(agent_machine, lines_go_in_and_come_out)
{
	begin();
	hear("@bot hello");
	asked("start; write alice: hello; ");
	writes("hello yourself");
	asked("say ops hello yourself; ");
	cr_assert_eq(agent_state(&agent), AGENT_IDLE);
	cr_assert_eq(agent.sums.turns, 1);
	/* It may speak for itself, too, and blank lines are nothing. */
	writes("");
	writes("by the way");
	asked("say ops by the way; ");
}

Test(agent_machine, a_line_without_an_answer_is_over_after_a_while)
{
	uint64_t seq;

	begin();
	seq = hear("@bot hello");
	cr_assert_eq(agent_state(&agent), AGENT_BUSY);
	cr_assert_eq(agent_done(&agent, 0), seq - 1);
	wait_ms(AGENT_LINES_TURN_MS);
	cr_assert_eq(agent_state(&agent), AGENT_IDLE);
	cr_assert_eq(agent_done(&agent, 0), seq);
}

Test(agent_machine, one_that_never_pauses_is_cut_one_that_does_is_not)
{
	static char line[4001];

	begin();
	hear("@bot hello");
	memset(line, 'x', sizeof(line) - 1);
	for (int i = 0; i < 60; i++)
		writes(line);
	cr_assert_null(strstr(done.data, "the rest is cut"));
	for (int i = 0; i < 60; i++)
		writes(line);
	cr_assert_not_null(strstr(done.data, "longer than 256 KiB: the rest is cut"));
	forget();
	writes("more");
	asked("");
	wait_ms(AGENT_PAUSE_MS);
	writes("hello again");
	asked("say ops hello again; ");
}

Test(agent_machine, kinds_that_are_no_speech_are_not_heard)
{
	static const char *const kinds[] = {"notice", "ask"};

	set("when", "all");
	begin();
	forget();
	for (unsigned i = 0; i < 2; i++)
		agent_hear(&agent,
			   &(struct agent_message){.seq = i + 1,
						   .sender = "alice",
						   .kind = kinds[i],
						   .content = TEXT("hi")},
			   now);
	agent_hear(&agent, &(struct agent_message){.seq = 9, .sender = "bot", .content = TEXT("x")},
		   now);
	agent_hear(&agent,
		   &(struct agent_message){
			   .seq = 10, .sender = "other", .is_agent = true, .content = TEXT("x")},
		   now);
	agent_hear(&agent, &(struct agent_message){.seq = 11, .sender = "alice"}, now);
	asked("");
	cr_assert_eq(agent_done(&agent, 0), 11);
}

/* ---- life ---- */

Test(agent_machine, the_stop_sequence_has_its_steps)
{
	begin_stream();
	hear("@bot work");
	forget();
	agent_order(&agent, AGENT_WISH_STOP, "olga", now);
	asked("say ops notice is stopped by olga; say dev notice is stopped by olga; "
	      "write {\"type\":\"control_request\",\"request_id\":\"interrupt-1\","
	      "\"request\":{\"subtype\":\"interrupt\"}}; close; ");
	wait_ms(4999);
	asked("");
	wait_ms(1);
	asked("kill 15; ");
	wait_ms(4999);
	asked("");
	wait_ms(1);
	asked("kill 9; ");
	agent_exited(&agent, SIGKILL, now);
	asked("tell alice agent_down; ");
	cr_assert_eq(agent_state(&agent), AGENT_DOWN);
	wait_ms(100000);
	asked("");
	hear("@bot are you there");
	asked("tell alice agent_down; ");
	agent_order(&agent, AGENT_WISH_RESTART, "olga", now);
	asked("say ops notice is restarted by olga; say dev notice is restarted by olga; start; ");
	cr_assert_eq(agent_state(&agent), AGENT_IDLE);
}

Test(agent_machine, it_is_restarted_with_a_growing_delay_until_the_circuit_opens)
{
	begin();
	forget();
	for (int i = 0; i < 4; i++) {
		exits(0);
		cr_assert_eq(agent_state(&agent), AGENT_RESTARTING);
		asked("");
		wait_ms(1250u << i);
		asked("start; ");
	}
	hear("@bot hello");
	forget();
	exits(0);
	asked("say ops notice ended 5 times in 2 minutes and is not started again; /agent bot "
	      "restart "
	      "starts it; "
	      "say dev notice ended 5 times in 2 minutes and is not started again; /agent bot "
	      "restart "
	      "starts it; "
	      "tell alice agent_down; ");
	cr_assert_eq(agent_state(&agent), AGENT_DOWN);
	wait_ms(600000);
	asked("");
	agent_order(&agent, AGENT_WISH_RESTART, "olga", now);
	cr_assert_eq(agent_state(&agent), AGENT_IDLE, "the order closes it");
}

Test(agent_machine, one_that_cannot_be_started_is_tried_again)
{
	start_error = -EAGAIN;
	begin();
	cr_assert_eq(agent_state(&agent), AGENT_RESTARTING);
	start_error = 0;
	wait_ms(1250);
	asked("start; start; ");
	cr_assert_eq(agent_state(&agent), AGENT_IDLE);
}

Test(agent_machine, when_the_server_stops_nothing_is_started_any_more)
{
	begin();
	forget();
	agent_close(&agent, now);
	asked("close; ");
	wait_ms(2000);
	asked("kill 15; ");
	exits(0);
	cr_assert(agent_is_over(&agent));
	wait_ms(100000);
	asked("");
}

/* ---- turns ---- */

Test(agent_machine, one_turn_at_a_time_in_their_order)
{
	begin_stream();
	hear("@bot one");
	hear("@bot two");
	hear_as("bob", "@bot three");
	cr_assert_eq(agent.waiting, 2);
	forget();
	writes(RESULT("first"));
	cr_assert_not_null(strstr(done.data,
				  "say ops first; write {\"type\":\"user\",\"message\":{\"role\":"
				  "\"user\",\"content\":\"[alice] two\"},"
				  "\"parent_tool_use_id\":null,\"uuid\":\""),
			   "%s", done.data);
	forget();
	writes(RESULT("second"));
	cr_assert_not_null(strstr(done.data, "[bob] three"));
}

Test(agent_machine, beyond_the_queue_it_is_busy)
{
	begin_stream();
	for (int i = 0; i < 33; i++)
		hear("@bot work");
	forget();
	hear("@bot too much");
	asked("tell alice agent_busy; ");
	cr_assert_eq(agent.waiting, 32);
}

Test(agent_machine, after_a_death_what_had_done_nothing_is_sent_again_once)
{
	uint64_t seq;

	begin_stream();
	seq = hear("@bot one");
	forget();
	exits(1);
	asked("say ops notice ended with exit code 1; ");
	wait_ms(1250);
	cr_assert_not_null(strstr(done.data, "[alice] one"));
	cr_assert_eq(agent_done(&agent, 0), seq - 1);
	forget();
	exits(1);
	cr_assert_not_null(strstr(done.data, "interrupted, ask again"));
	cr_assert_eq(agent_done(&agent, 0), seq);
}

Test(agent_machine, after_a_death_what_had_done_something_is_not)
{
	uint64_t seq;

	begin_stream();
	seq = hear("@bot one");
	hear("@bot two");
	writes(ASSISTANT("hm"));
	cr_assert_eq(agent_produced(&agent, 0), seq);
	forget();
	exits(1);
	asked("say ops notice interrupted, ask again; say ops notice ended with exit code 1; ");
	wait_ms(1250);
	cr_assert_null(strstr(done.data, "[alice] one"));
	cr_assert_not_null(strstr(done.data, "[alice] two"));
}

Test(agent_machine, a_turn_of_its_predecessor_that_had_done_something_is_not)
{
	agent_init(&agent, config, config->rooms, &host, NULL);
	agent.produced[0] = 7;
	agent_start(&agent, now);
	forget();
	agent_hear(
		&agent,
		&(struct agent_message){.seq = 7, .sender = "alice", .content = TEXT("@bot do it")},
		now);
	asked("say ops notice interrupted, ask again; ");
	cr_assert_eq(agent_done(&agent, 0), 7);
	cr_assert_eq(agent_produced(&agent, 0), 0);
}

Test(agent_machine, results_of_other_turns_are_not_this_ones)
{
	begin_stream();
	hear("@bot one");
	forget();
	writes("{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"old\",\"user_message_"
	       "uuid\":"
	       "\"00000000-0000-4000-8000-000000000000\"}");
	asked("");
	cr_assert_eq(agent_state(&agent), AGENT_BUSY);
}

Test(agent_machine, the_session_goes_on_and_one_that_is_lost_is_given_up)
{
	begin_stream();
	hear("@bot one");
	writes(INIT("s-1"));
	writes(RESULT("first"));
	cr_assert_str_eq(agent.session, "s-1");
	forget();
	exits(1);
	wait_ms(1250);
	cr_assert_not_null(strstr(done.data, "start s-1; "));
	forget();
	hear("@bot two");
	writes("{\"type\":\"result\",\"subtype\":\"error_during_execution\",\"is_error\":true}");
	cr_assert_null(strstr(done.data, "say"), "%s", done.data);
	cr_assert_not_null(strstr(done.data, "close"));
	forget();
	exits(1);
	cr_assert_eq(strncmp(done.data, "start; write", 12), 0, "%s", done.data);
	cr_assert_not_null(strstr(done.data, "[alice] two"));
}

Test(agent_machine, a_session_that_looks_like_a_command_is_not_kept)
{
	begin_stream();
	hear("@bot one");
	writes(INIT("x; reboot"));
	cr_assert_str_eq(agent.session, "");
}

Test(agent_machine, partial_text_comes_four_times_a_second)
{
	unsigned partials = 0;

	begin_stream();
	hear("@bot one");
	forget();
	for (int i = 0; i < 100; i++) {
		writes("{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\","
		       "\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}}");
		wait_ms(10);
	}
	for (const char *at = done.data; (at = strstr(at, "partial ")) != NULL; at++)
		partials++;
	cr_assert_geq(partials, 3);
	cr_assert_leq(partials, 5, "%u", partials);
}

Test(agent_machine, silence_is_interrupted_then_restarted)
{
	begin_stream();
	hear("@bot one");
	forget();
	wait_ms(600000);
	cr_assert_not_null(strstr(done.data, "\"subtype\":\"interrupt\""));
	forget();
	wait_ms(5000);
	cr_assert_not_null(strstr(done.data, "said nothing for 600 seconds and is restarted"));
	cr_assert_not_null(strstr(done.data, "close"));
	exits(0);
	cr_assert_not_null(strstr(done.data, "interrupted, ask again; start"));
}

Test(agent_machine, a_question_has_all_the_time_it_was_given)
{
	set("approve", "bob");
	set("approve-wait", "3000");
	begin_stream();
	hear("@bot one");
	forget();
	writes("{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
	       "\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{\"command\":\"ls\"}}}");
	asked("say ops ask asks to use Bash:\n{\n \"command\": \"ls\"\n}; ");
	wait_ms(2999000);
	asked("");
	agent_answered(&agent, 0, next_seq, "allow", "alice", true, now);
	asked("");
	agent_answered(&agent, 1, next_seq, "allow", "bob", false, now);
	asked("");
	agent_answered(&agent, 0, next_seq, "allow", "bob", false, now);
	asked("write {\"type\":\"control_response\",\"response\":{\"subtype\":\"success\","
	      "\"request_id\":\"r1\",\"response\":{\"behavior\":\"allow\",\"updatedInput\":{  "
	      "\"command\": \"ls\" }}}}; ");
	agent_answered(&agent, 0, next_seq, "deny", "bob", false, now);
	asked("");
}

Test(agent_machine, a_question_that_is_withdrawn_or_outlived_is_nobodys)
{
	set("approve", "bob");
	begin_stream();
	hear("@bot one");
	writes("{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
	       "\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{}}}");
	writes("{\"type\":\"control_cancel_request\",\"request_id\":\"r1\"}");
	forget();
	agent_answered(&agent, 0, next_seq, "allow", "bob", false, now);
	asked("");
	writes("{\"type\":\"control_request\",\"request_id\":\"r2\",\"request\":{\"subtype\":"
	       "\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{}}}");
	exits(1);
	forget();
	agent_answered(&agent, 0, next_seq, "allow", "bob", false, now);
	asked("");
}

Test(agent_machine, what_it_does_not_know_is_counted)
{
	begin_stream();
	writes("no json");
	writes("[1]");
	writes("{\"type\":\"news\"}");
	writes("{\"type\":\"control_request\",\"request_id\":\"h\",\"request\":{\"subtype\":"
	       "\"hook\"}}");
	cr_assert_eq(agent.sums.unknown_lines, 4);
}
