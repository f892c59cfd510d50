/* chat-agent: an agent that is a client, from any machine. */
#include "tests/integration/agents.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(agent_remote, .fini = owned_finish_all, .timeout = 90);

static struct person bot;

/* A server for alice and for the program, whose key's line says what it is. */
static struct server *server_for_bot(void)
{
	char *keys;

	bot = person_new("claude");
	keys = scratch_text("environment=\"CHAT_ROLE=agent\" %s\n%s%s", bot.key.line,
			    keys_of("alice"), keys_of("bob"));
	return server_with(.keys = keys, .workers = 2, .port_is_kept = true);
}

static struct program *start_remote(struct server *s, const char *const options[])
{
	const char *argv[32] = {program_path("chat-agent"),
				"--name",
				"claude",
				"--room",
				"ops",
				"--key",
				bot.key.file,
				"--server",
				s->address,
				"--stop-wait",
				"1"};
	const char *const env[] = {scratch_text("XDG_STATE_HOME=%s", scratch_dir()), NULL};
	struct program *p;
	unsigned count = 11;

	for (; *options != NULL; options++)
		argv[count++] = *options;
	argv[count] = NULL;
	p = program_start(argv, env);
	program_expect_error(p, "in room");
	return p;
}

static struct program *start_stream(struct server *s, const char *approve)
{
	const char *const options[] = {"--format",
				       "stream-json",
				       "--env",
				       scratch_text("FAKE_DIR=%s", scratch_dir()),
				       "--approve",
				       approve,
				       "--",
				       "python3",
				       realpath("tests/agents/fake_stream.py", NULL),
				       NULL};

	return start_remote(s, options);
}

OwnedTest(agent_remote, a_program_of_lines_is_a_member)
{
	struct server *s = server_for_bot();
	struct chat *alice = agents_member(s, "alice");
	const char *const options[] = {"--", realpath("tests/agents/echo.sh", NULL), NULL};
	struct program *p = start_remote(s, options);

	chat_await_presence(alice, "ops", "joined", "claude");
	agents_say(alice, "@claude hello");
	agents_hears(alice, "claude", "heard alice: hello");
	agents_say(alice, "@claude one\\nbob: two");
	agents_hears(alice, "claude", "heard alice: one bob: two");
	program_signal(p, SIGTERM);
	must(program_wait(p) == 0, "it didn't end as it should");
	chat_await_presence(alice, "ops", "left", "claude");
}

OwnedTest(agent_remote, it_asks_and_is_answered)
{
	struct server *s = server_for_bot();
	struct chat *alice = agents_member(s, "alice"), *bob = agents_member(s, "bob");
	struct program *p = start_stream(s, "bob");
	json_t *question;

	agents_say(alice, "@claude permission");
	question = chat_await(alice, "{'type':'message','sender':'claude','kind':'ask'}");
	must(json_has(question, "{'options':['allow','deny'],'approve':['bob'],'expires':'*'}"),
	     "%s", json_text(question));
	chat_send(bob, "{'type':'answer','id':'b','room':'ops','target':%lld,'option':'allow'}",
		  number_of(question, "seq"));
	agents_hears(alice, "claude", "allowed {\"command\": \"make install\", \"n\": 1}");
	must(chat_saw(alice, "{'type':'answer','sender':'bob'}"), "no answer");
	agents_say(alice, "@claude many");
	chat_await(alice, "{'type':'partial','room':'ops','sender':'claude'}");
	agents_hears(alice, "claude", "done");
	program_signal(p, SIGTERM);
	must(program_wait(p) == 0, "it didn't end as it should");
}

OwnedTest(agent_remote, it_comes_back_and_says_everything_once)
{
	struct server *s = server_for_bot();
	struct chat *alice = agents_member(s, "alice");
	struct program *p = start_stream(s, "bob");
	json_t *line;
	unsigned answers = 0;

	agents_say(alice, "@claude slow");
	chat_await(alice, "{'type':'partial','sender':'claude'}");
	server_stop(s);
	agents_go();
	server_restart(s);
	alice = agents_member(s, "alice");
	agents_say(alice, "@claude plain again");
	agents_hears(alice, "claude", "again");
	chat_send(alice, "{'type':'history','id':'h','room':'ops','after':0,'limit':200}");
	line = chat_await(alice, "{'type':'history','id':'h'}");
	for (long long n = number_of(line, "count"); n > 0; n--) {
		line = chat_await(alice, "{'seq':'*'}");
		answers += json_has(line, "{'sender':'claude','content':'one two'}");
	}
	must(answers == 1, "%u answers", answers);
	program_signal(p, SIGTERM);
	must(program_wait(p) == 0, "it didn't end as it should");
}

OwnedTest(agent_remote, nothing_of_it_outlives_it)
{
	struct server *s = server_for_bot();
	struct chat *alice = agents_member(s, "alice");
	struct program *p = start_stream(s, "bob");
	pid_t orphan;

	agents_say(alice, "@claude orphan");
	orphan = (pid_t)atoi(text_of(agents_hears(alice, "claude", "pid "), "content") + 4);
	program_signal(p, SIGKILL);
	program_wait(p);
	agents_gone(orphan);
}

OwnedTest(agent_remote, a_wrong_option_is_named)
{
	static const char *const cases[][6] = {
		{"--room", "ops", "--", "cat", NULL, "--name is missing"},
		{"--name", "x", "--", "cat", NULL, "--room is missing"},
		{"--name", "x", "--room", "ops", NULL, "the command is missing"},
		{"--colour", "red", "--name", "x", NULL, "--room is missing"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *argv[8] = {program_path("chat-agent")};
		struct outcome outcome;

		for (unsigned n = 0; n < 5 && cases[i][n] != NULL; n++)
			argv[n + 1] = cases[i][n];
		outcome = run_with(argv, NULL, NULL);
		must(outcome.status == 2 && strstr(outcome.err, cases[i][5]) != NULL, "%d: %s",
		     outcome.status, outcome.err);
	}
}
