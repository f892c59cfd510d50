#include "remote/options.h"
#include "remote/people.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct remote_options options;
static struct buf problem;

static void teardown(void)
{
	remote_options_finish(&options);
	buf_finish(&problem);
}

TestSuite(remote, .fini = teardown);

/* Words with "_" for blanks. */
static int parse(const char *text)
{
	static char words[500];
	char *argv[40] = {words};
	int argc = 0;

	snprintf(words, sizeof(words), "chat-agent %s", text);
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	for (int i = 0; i < argc; i++)
		for (char *at = argv[i]; *at != '\0'; at++)
			*at = *at == '_' ? ' ' : *at;
	argv[argc] = NULL;
	buf_reset(&problem);
	return remote_options_parse(argc, argv, &problem, &options);
}

Test(remote, the_command_line_makes_an_agent)
{
	const struct config_agent *agent;

	cr_assert_eq(
		parse("--name Claude --room ops --room dev --key k --server "
		      "chat.example.org:9000 --format stream-json --approve alice -- claude -p "
		      "it's"),
		0, "%s", problem.data);
	agent = &options.agents.agent[0];
	cr_assert_str_eq(agent->name, "claude");
	cr_assert_str_eq(agent->rooms, "ops dev");
	cr_assert_str_eq(agent->approve, "alice");
	cr_assert_eq(agent->format, AGENT_STREAM_JSON);
	cr_assert_str_eq(agent->command, "'claude' '-p' 'it'\\''s'");
	cr_assert_str_eq(options.client.user, "claude");
	cr_assert_str_eq(options.client.server, "chat.example.org:9000");
	cr_assert_str_eq(options.client.key, "k");
	cr_assert_eq(options.client.room_count, 2);
}

Test(remote, one_argument_is_a_command_line)
{
	cr_assert_eq(parse("--name e --room ops -- while_read_-r_l;_do_echo;_done"), 0);
	cr_assert_str_eq(options.agents.agent[0].command, "while read -r l; do echo; done");
	cr_assert_str_eq(options.client.server, "localhost:8080");
	cr_assert_eq(options.agents.agent[0].directory[0], '/', "where it was started");
}

Test(remote, mistakes_are_named)
{
	static const char *const cases[][2] = {
		{"--room ops -- cat", "--name is missing"},
		{"--name e -- cat", "--room is missing"},
		{"--name e --room ops", "the command is missing"},
		{"--name e --room ops --", "the command is missing"},
		{"--name e --room ops --p 1 -- cat", "--p: an agent has no option"},
		{"--name e --room ops --format xml -- cat", "--format: \"xml\" is none of"},
		{"--name e --room ops --format -- cat", "--format: a value must follow"},
		{"--name e --room ops cat", "cat: options begin with --"},
		{"--name e! --room ops -- cat", "e!"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(parse(cases[i][0]), -EINVAL, "%s", cases[i][0]);
		cr_assert_not_null(strstr(problem.data, cases[i][1]), "%s: %s", cases[i][0],
				   problem.data);
	}
}

Test(remote, people_have_the_roles_that_the_server_tells)
{
	static const char text[] = "{\"type\":\"users\",\"room\":\"ops\",\"users\":["
				   "{\"user\":\"olga\",\"role\":\"op\"},"
				   "{\"user\":\"bot\",\"role\":\"agent\"},"
				   "{\"user\":\"alice\",\"role\":\"member\"}]}";
	struct people people = {0};
	struct server_line line;

	cr_assert_eq(server_line_parse(text, sizeof(text) - 1, &line), 0);
	cr_assert_eq(people_learn(&people, &line), 0);
	cr_assert_eq(people_learn(&people, &line), 0, "again");
	server_line_finish(&line);
	cr_assert_eq(people.count, 3);
	cr_assert(people_find(&people, "olga")->is_op);
	cr_assert(people_find(&people, "bot")->is_agent);
	cr_assert_not(people_find(&people, "alice")->is_op);
	cr_assert_null(people_find(&people, "bob"));
	cr_assert_eq(people_assume(&people, "bob"), 0);
	cr_assert_not(people_find(&people, "bob")->is_agent);
	cr_assert_eq(people_assume(&people, "olga"), 0);
	cr_assert(people_find(&people, "olga")->is_op, "what is known stays");
	people_forget(&people, "olga");
	cr_assert_null(people_find(&people, "olga"));
	people_finish(&people);
}
