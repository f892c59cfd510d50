/* Programs that speak stream-json: turns, what is written meanwhile, tools, permission. */
#include "base/clock.h"
#include "tests/integration/agents.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

TestSuite(agent_streams, .fini = owned_finish_all, .timeout = 90);

OwnedTest(agent_streams, an_answer_is_one_message_behind_its_question)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	long long seq = agents_say(alice, "@claude plain good day to you");

	must(json_has(agents_hears(alice, "claude", ""),
		      "{'content':'good day to you','reply_to':%lld,'format':'markdown'}", seq),
	     "not the answer");
	must(chat_saw(alice, "{'type':'partial','room':'ops','sender':'claude','content':'goo'}"),
	     "nothing of it was told before");
}

OwnedTest(agent_streams, what_is_being_written_comes_at_most_four_times_a_second)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	uint64_t began = clock_mono_ms(), took;
	unsigned partials = 0;
	json_t *line;

	agents_say(alice, "@claude many");
	do {
		line = chat_await(alice, "{'sender':'claude'}");
		partials += json_has(line, "{'type':'partial','seq':null}");
	} while (!json_has(line, "{'type':'message'}"));
	took = clock_mono_ms() - began;
	must(partials >= 2, "%u partials", partials);
	must(partials <= took / 250 + 1, "%u partials in %llu ms", partials,
	     (unsigned long long)took);
}

OwnedTest(agent_streams, a_tool_that_is_used_is_a_notice_of_one_line)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	json_t *line;

	agents_say(alice, "@claude tool");
	line = agents_notice(alice, "claude", "uses Bash");
	must(strcmp(text_of(line, "content"), "uses Bash {\"command\":\"ls\\n-l\"}") == 0, "%s",
	     text_of(line, "content"));
	agents_hears(alice, "claude", "there are two files");
}

/* ---- permission ---- */

static json_t *asked(struct chat *c)
{
	return chat_await(c, "{'type':'message','sender':'claude','kind':'ask'}");
}

static void reply(struct chat *c, const char *id, json_t *question, const char *option)
{
	chat_send(c, "{'type':'answer','id':'%s','room':'ops','target':%lld,'option':'%s'}", id,
		  number_of(question, "seq"), option);
}

OwnedTest(agent_streams, permission_is_asked_and_given_by_those_who_may)
{
	struct server *s = agents_server_claude("approve = bob, ops\n");
	struct chat *alice = agents_member(s, "alice"), *bob = agents_member(s, "bob");
	json_t *question;

	agents_say(alice, "@claude permission");
	question = asked(alice);
	must(json_has(question, "{'options':['allow','deny'],'approve':['bob','ops'],"
				"'expires':'*'}"),
	     "%s", json_text(question));
	must(strcmp(text_of(question, "content"),
		    "asks to use Bash:\n{\n \"command\": \"make install\",\n \"n\": 1\n}") == 0,
	     "%s", text_of(question, "content"));
	reply(alice, "a", question, "allow");
	chat_await(alice, "{'type':'error','id':'a','code':'forbidden'}");
	reply(bob, "b", question, "allow");
	chat_await(bob, "{'type':'ok','id':'b'}");
	chat_await(alice, "{'type':'answer','sender':'bob','option':'allow'}");
	/* What it may do is what was shown. */
	agents_hears(alice, "claude", "allowed {\"command\": \"make install\", \"n\": 1}");
	agents_say(alice, "@claude permission");
	question = asked(bob);
	reply(bob, "b2", question, "deny");
	agents_hears(alice, "claude", "denied: denied by bob");
}

OwnedTest(agent_streams, without_approve_everything_is_denied)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@claude permission");
	agents_notice(alice, "claude", "wanted to use Bash: denied");
	agents_hears(alice, "claude", "denied: nobody is named");
	must(!chat_saw(alice, "{'kind':'ask'}"), "it was asked");
}

OwnedTest(agent_streams, nobody_approves_what_they_cannot_see)
{
	struct server *s = agents_server_claude("approve = alice\n");
	struct chat *alice = agents_member(s, "alice");
	json_t *question;

	agents_say(alice, "@claude bigpermission");
	agents_notice(alice, "claude", "doesn't fit in one message");
	agents_hears(alice, "claude", "denied: the request is too long");
	agents_say(alice, "@claude hidden");
	question = asked(alice);
	must(strstr(text_of(question, "content"), "ls \\u202E\\u200B\\u001B[8m") != NULL, "%s",
	     text_of(question, "content"));
	reply(alice, "a", question, "deny");
	agents_hears(alice, "claude", "denied by alice");
}

OwnedTest(agent_streams, no_answer_is_a_deny)
{
	struct server *s = agents_server_claude("approve = alice\napprove-wait = 1\n");
	struct chat *alice = agents_member(s, "alice");
	json_t *question;

	agents_say(alice, "@claude permission");
	question = asked(alice);
	agents_notice(alice, "claude", "nobody answered: denied");
	agents_hears(alice, "claude", "denied: nobody answered in time");
	reply(alice, "a", question, "allow");
	chat_await(alice, "{'type':'error','id':'a','code':'already_answered'}");
}

/* ---- odd output ---- */

OwnedTest(agent_streams, bad_lines_and_unknown_types_are_passed_over)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@claude badline");
	agents_hears(alice, "claude", "still here");
	agents_say(alice, "@claude longline");
	agents_notice(alice, "claude", "a line longer than 8 MiB was cut");
	agents_hears(alice, "claude", "after it");
}

OwnedTest(agent_streams, a_long_answer_is_split_and_an_endless_one_cut)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	json_t *line;
	long long chars = 0;

	agents_say(alice, "@claude long");
	agents_hears(alice, "claude", "paragraph 0");
	do {
		const char *text;
		unsigned fences = 0;

		line = agents_hears(alice, "claude", "");
		text = text_of(line, "content");
		for (const char *at = text; (at = strstr(at, "```")) != NULL; at += 3)
			fences++;
		must(fences % 2 == 0, "a fence is open: %s", text);
	} while (strstr(text_of(line, "content"), "the end") == NULL);
	agents_say(alice, "@claude flood");
	agents_notice(alice, "claude", "longer than 256 KiB: the rest is cut");
	do {
		line = agents_hears(alice, "claude", "");
		chars += (long long)strlen(text_of(line, "content"));
	} while (chars < 256 * 1024 - 4000);
	agents_say(alice, "@claude plain enough");
	line = agents_hears(alice, "claude", "enough");
	must(chars <= 256 * 1024, "%lld characters", chars);
}

OwnedTest(agent_streams, an_error_is_told_with_what_there_is)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@claude error");
	agents_hears(alice, "claude", "as far as I got");
	agents_notice(alice, "claude", "ended with error_max_turns");
	agents_await_status(alice, "{'failures':1,'turns':1}");
	must(server_metric(s, "roomkey_agent_failures_total") == 1, "not counted");
}

/* ---- the queue ---- */

OwnedTest(agent_streams, turns_wait_in_their_order_and_too_many_are_refused)
{
	struct server *s = agents_server_claude("queue = 2\n");
	struct chat *alice = agents_member(s, "alice"), *bob = agents_member(s, "bob");
	json_t *line;

	agents_say(alice, "@claude slow");
	chat_await(alice, "{'type':'partial'}");
	agents_say(alice, "@claude plain second");
	agents_say(bob, "@claude plain third");
	agents_say(bob, "@claude plain fourth");
	line = chat_await(bob, "{'type':'notice','code':'agent_busy'}");
	must(strstr(text_of(line, "message"), "claude is busy") != NULL, "%s",
	     text_of(line, "message"));
	agents_go();
	agents_hears(alice, "claude", "one two");
	agents_hears(alice, "claude", "second");
	agents_hears(alice, "claude", "third");
	agents_say(alice, "@claude plain fifth");
	must(json_has(agents_hears(alice, "claude", ""), "{'content':'fifth'}"),
	     "the fourth came all the same");
}

OwnedTest(agent_streams, a_turn_may_be_interrupted)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@claude quiet");
	chat_await(alice, "{'type':'agent','agent':'claude','state':'busy'}");
	chat_send(alice, "{'type':'agent','id':'i','agent':'claude','action':'interrupt'}");
	chat_await(alice, "{'type':'ok','id':'i'}");
	agents_notice(alice, "claude", "was interrupted");
	agents_say(alice, "@claude plain on we go");
	agents_hears(alice, "claude", "on we go");
}

OwnedTest(agent_streams, silence_is_interrupted_then_restarted)
{
	struct server *s = agents_server_claude("silence = 1\n");
	struct chat *alice = agents_member(s, "alice");
	pid_t pid = agents_pid(s, "claude", NULL);

	agents_say(alice, "@claude quiet");
	agents_notice(alice, "claude", "was interrupted");
	agents_say(alice, "@claude hang");
	agents_notice(alice, "claude", "said nothing for 1 seconds and is restarted");
	agents_gone(pid);
	agents_notice(alice, "claude", "interrupted, ask again");
	agents_say(alice, "@claude plain alive");
	agents_hears(alice, "claude", "alive");
}

/* ---- as a person sees it ---- */

OwnedTest(agent_streams, a_person_says_yes_at_the_terminal)
{
	struct person dora = person_new("dora");
	struct server *s =
		agents_server_for(scratch_text("%s\n", dora.key.line), "approve = dora\n");
	const char *argv[24];
	struct program *p;

	person_command(argv, s, &dora, "--plain --room ops");
	p = program_start_terminal(argv, NULL);
	program_expect(p, "you are dora");
	program_write(p, "/agents\r");
	program_expect(p, "claude: idle, in ops; 0 wait, 0 turns");
	program_write(p, "/deny\r");
	program_expect(p, "Nothing is asked in #ops");
	program_write(p, "@claude permission\r");
	program_expect(p, "asks to use Bash");
	program_expect(p, "answer with /allow or /deny (dora)");
	program_write(p, "/allow\r");
	program_expect(p, "dora answered: allow");
	program_expect(p, "allowed {");
	program_write(p, "/agent claude stop\r");
	program_expect(p, "is stopped by dora");
	program_write(p, "@claude are you there?\r");
	program_expect(p, "claude is not running");
	program_write(p, "/quit\r");
	must(program_wait(p) == 0, "exit %d", p->status);
}
