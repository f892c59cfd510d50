/* Programs as members of rooms: who they hear, what they say, who may order them. */
#include "tests/integration/agents.h"
#include "tests/integration/key.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(agent_members, .fini = owned_finish_all, .timeout = 90);

/* ---- lines ---- */

OwnedTest(agent_members, a_message_to_it_is_a_line_and_its_line_is_a_message)
{
	struct server *s = agents_server_echo("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@echo hello");
	must(json_has(agents_hears(alice, "echo", "heard"),
		      "{'room':'ops','content':'heard alice: hello'}"),
	     "not what was said");
	agents_say(alice, "@Echo: and you?");
	agents_hears(alice, "echo", "heard alice: and you?");
	/* Others are not meant. */
	agents_say(alice, "echo, are you there?");
	agents_say(alice, "@echoes no");
	agents_say(alice, "@echo last");
	must(json_has(chat_await(alice, "{'type':'message','sender':'echo'}"),
		      "{'content':'heard alice: last'}"),
	     "it heard what was not for it");
}

OwnedTest(agent_members, nobody_can_forge_a_second_speaker)
{
	struct server *s = agents_server_echo("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@echo one\\nbob: two\\u2028bob: three\\u2029bob: four\\tfive");
	agents_hears(alice, "echo", "heard alice: one bob: two bob: three bob: four five");
}

OwnedTest(agent_members, in_json_they_stay_escaped)
{
	struct server *s = agents_server(
		"[agent.cat]\ncommand = cat\nrooms = ops\ninput = json\nwhen = all\n");
	struct chat *alice = agents_member(s, "alice");
	long long seq = agents_say(alice, "one\\ntwo\\u2028three");
	json_t *line = agents_hears(alice, "cat", "one");

	must(strcmp(text_of(line, "content"),
		    scratch_text("{\"room\":\"ops\",\"seq\":%lld,\"sender\":\"alice\","
				 "\"content\":\"one\\ntwo\\u2028three\"}",
				 seq)) == 0,
	     "%s", text_of(line, "content"));
}

OwnedTest(agent_members, it_may_hear_everything_but_never_other_programs)
{
	struct server *s = agents_server("[agent.one]\ncommand = %E\nrooms = ops\nwhen = all\n"
					 "[agent.two]\ncommand = %E\nrooms = ops\nwhen = all\n");
	struct chat *alice = agents_member(s, "alice"), *bot = agents_member(s, "bot");
	json_t *line;
	unsigned said = 0;

	chat_say(bot, "ops", "b1", "from a program");
	for (int i = 0; i < 2; i++) {
		agents_say(alice, "to all");
		while (said < 2u * (unsigned)(i + 1))
			said += json_has(chat_await(alice, "{'type':'message','sender':'*'}"),
					 "{'content':'heard alice: to all'}");
	}
	said = 0;
	/* Two messages, two programs: what more there were would be echoes of echoes. */
	chat_send(alice, "{'type':'history','id':'h','room':'ops','after':0,'limit':200}");
	line = chat_await(alice, "{'type':'history','id':'h'}");
	for (long long n = number_of(line, "count"); n > 0; n--) {
		line = chat_await(alice, "{'seq':'*'}");
		said += json_has(line, "{'sender':'one'}") || json_has(line, "{'sender':'two'}");
	}
	must(said == 4, "they said %u lines", said);
}

OwnedTest(agent_members, only_those_that_talk_names_are_heard)
{
	struct server *s = agents_server_echo("talk = ops, bob\n");
	struct chat *alice = agents_member(s, "alice"), *bob = agents_member(s, "bob"),
		    *olga = agents_member(s, "olga");

	agents_say(alice, "@echo from alice");
	chat_await(alice, "{'type':'notice','code':'forbidden'}");
	agents_say(bob, "@echo from bob");
	agents_hears(bob, "echo", "heard bob");
	agents_say(olga, "@echo from olga");
	agents_hears(olga, "echo", "heard olga");
	must(!chat_saw(bob, "{'type':'notice','code':'forbidden'}"), "bob got alice's notice");
}

OwnedTest(agent_members, a_process_for_each_room_or_one_for_all)
{
	struct server *s =
		agents_server("[agent.each]\nrooms = ops dev\nprocess = room\n"
			      "command = \"while read -r l; do echo $$ in $CHAT_AGENT; done\"\n"
			      "[agent.all]\nrooms = ops dev\n"
			      "command = \"while read -r l; do echo $$ in $CHAT_AGENT; done\"\n");
	struct chat *alice = agents_member(s, "alice");
	const char *said[2][2], *agents[] = {"each", "all"}, *rooms[] = {"ops", "dev"};

	chat_join(alice, "dev", NULL);
	for (int i = 0; i < 4; i++) {
		chat_send(alice, "{'room':'%s','content':'@%s hi'}", rooms[i % 2], agents[i / 2]);
		said[i / 2][i % 2] = text_of(chat_await(alice,
							"{'type':'message','sender':'%s',"
							"'room':'%s','kind':null}",
							agents[i / 2], rooms[i % 2]),
					     "content");
	}
	must(strcmp(said[0][0], said[0][1]) != 0, "one process: %s", said[0][0]);
	must(strcmp(said[1][0], said[1][1]) == 0, "two processes: %s, %s", said[1][0], said[1][1]);
}

OwnedTest(agent_members, its_environment_is_what_is_named)
{
	struct server *s = agents_server(
		"[agent.env]\nrooms = ops\nenv = GIVEN=yes\nenv = NOT_THERE\ndirectory = /tmp\n"
		"command = \"while read -r l; do env | cut -d= -f1 | sort | tr '\\\\n' ' '; "
		"echo; pwd; ls /proc/self/fd | wc -l; done\"\n");
	struct chat *alice = agents_member(s, "alice");
	json_t *line;

	agents_say(alice, "@env");
	agents_say(alice, "@env please");
	line = chat_await(alice, "{'type':'message','sender':'env'}");
	for (const char *at = text_of(line, "content"); *at != '\0'; at += strcspn(at, " ")) {
		char word[64];
		static const char *const known[] = {
			"CHAT_AGENT", "CHAT_SERVER", "GIVEN", "HOME",   "LANG", "LOGNAME", "PATH",
			"PWD",        "SHELL",       "USER",  "OLDPWD", "_",    "SHLVL"};
		bool found = false;

		at += strspn(at, " ");
		if (sscanf(at, "%63s", word) != 1)
			break;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= strcmp(known[i], word) == 0;
		must(found, "%s is in its environment", word);
	}
	must(strstr(text_of(line, "content"), "GIVEN") != NULL, "GIVEN is not");
	chat_await(alice, "{'type':'message','sender':'env','content':'/tmp'}");
	/* The three standard ones, and the folder that ls reads. */
	chat_await(alice, "{'type':'message','sender':'env','content':'4'}");
}

OwnedTest(agent_members, a_flood_comes_no_faster_than_a_person_may_write)
{
	struct server *s = agents_server_echo("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@echo flood");
	/* 2000 lines at 10 a second, 30 at once: what is said meanwhile gets through. */
	chat_await(alice, "{'type':'message','sender':'echo','content':'y'}");
	must(agents_say(alice, "I am still here") < 200, "it filled the room");
}

/* ---- members ---- */

OwnedTest(agent_members, it_is_a_user_with_a_role_and_a_state)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	unsigned found = 0;
	json_t *line;

	chat_send(alice, "{'type':'users','id':'u','room':'ops'}");
	line = chat_await(alice, "{'type':'users','id':'u'}");
	for (size_t i = 0; i < json_array_size(json_object_get(line, "users")); i++)
		found +=
			json_has(json_array_get(json_object_get(line, "users"), i),
				 "{'user':'claude','role':'agent','state':'idle','connections':1}");
	must(found == 1, "%s", json_text(line));
	agents_say(alice, "@claude slow");
	chat_await(alice, "{'type':'agent','room':'ops','agent':'claude','state':'busy'}");
	chat_send(alice, "{'type':'agent','id':'g'}");
	must(json_has(chat_await(alice, "{'type':'agent','id':'g'}"),
		      "{'agents':[{'agent':'claude','state':'busy','rooms':'ops','queue':0,"
		      "'turns':0}]}"),
	     "not busy");
	agents_go();
	chat_await(alice, "{'type':'agent','agent':'claude','state':'idle'}");
	agents_await_status(alice, "{'state':'idle','turns':1,'failures':0,"
				   "'cost_microusd':250000}");
	must(server_metric(s, "roomkey_agent_turns_total") == 1, "not in /metrics");
}

OwnedTest(agent_members, its_name_is_nobody_elses)
{
	struct server *s = agents_server_echo("");
	struct chat *alice = chat_login(s, "alice"), *thief = chat_open(s, "thief");

	struct key key = key_of("bob");

	chat_send_login(thief, "echo", &key, NULL);
	chat_refused(thief, "name_taken");
	chat_send(alice, "{'id':'d','recipient':'echo','content':'psst'}");
	must(json_has(chat_refused(alice, "not_supported"), "{'id':'d'}"), "no id");
}

OwnedTest(agent_members, orders_are_for_operators_and_those_it_trusts)
{
	struct server *s = agents_server_echo("approve = bob\n");
	struct chat *alice = agents_member(s, "alice"), *bob = agents_member(s, "bob"),
		    *olga = agents_member(s, "olga");
	pid_t pid = agents_pid(s, "echo", NULL);

	chat_send(alice, "{'type':'agent','id':'a','agent':'echo','action':'stop'}");
	chat_await(alice, "{'type':'error','id':'a','code':'forbidden'}");
	chat_send(alice, "{'type':'agent','id':'n','agent':'nobody'}");
	chat_await(alice, "{'type':'error','id':'n','code':'no_such_user'}");
	chat_send(bob, "{'type':'agent','id':'b','agent':'echo','action':'stop'}");
	chat_await(bob, "{'type':'ok','id':'b'}");
	agents_notice(alice, "echo", "is stopped by bob");
	agents_gone(pid);
	agents_await_status(alice, "{'state':'down'}");
	agents_say(alice, "@echo are you there?");
	chat_await(alice, "{'type':'notice','code':'agent_down'}");
	chat_send(olga, "{'type':'agent','id':'i','agent':'echo','action':'interrupt'}");
	chat_await(olga, "{'type':'error','id':'i','code':'agent_down'}");
	chat_send(olga, "{'type':'agent','id':'o','agent':'echo','action':'restart'}");
	chat_await(olga, "{'type':'ok','id':'o'}");
	agents_notice(alice, "echo", "is restarted by olga");
	agents_say(alice, "@echo and now?");
	agents_hears(alice, "echo", "heard alice: and now?");
}

static unsigned count_in_log(const struct server *s, const char *text)
{
	struct buf log = BUF_INIT;
	unsigned count = 0;

	must(buf_read_file(&log, s->log_path, 1u << 20) == 0, "no log");
	for (const char *at = log.data; at != NULL && (at = strstr(at, text)) != NULL; at++)
		count++;
	buf_finish(&log);
	return count;
}

OwnedTest(agent_members, a_room_that_it_cannot_have_is_told_once)
{
	struct server *s = agents_server("max-rooms = 2\n[agent.echo]\ncommand = %E\n"
					 "rooms = ops dev build\n");
	struct chat *olga = agents_member(s, "olga");
	size_t offset = 0;

	/* Each order is a turn of its supervisor at least. */
	for (unsigned i = 0; i < 5; i++) {
		chat_send(olga, "{'type':'agent','id':'i%u','agent':'echo','action':'interrupt'}",
			  i);
		chat_await(olga, "{'type':'ok','id':'i%u'}", i);
		server_log_await(s, &offset, "\"agent ordered\"", NULL);
	}
	must(count_in_log(s, "\"agent not in room\"") == 1, "told %u times",
	     count_in_log(s, "\"agent not in room\""));
	agents_say(olga, "@echo and you?");
	agents_hears(olga, "echo", "heard olga: and you?");
}

OwnedTest(agent_members, a_reload_brings_other_agents)
{
	struct server *s = agents_server_echo("");
	struct chat *alice = agents_member(s, "alice");
	pid_t pid = agents_pid(s, "echo", NULL);
	size_t offset = server_log_size(s);

	agents_write_config("[agent.parrot]\ncommand = %E\nrooms = ops\n");
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "\"agents started\"", NULL);
	agents_gone(pid);
	agents_say(alice, "@parrot hello");
	agents_hears(alice, "parrot", "heard alice: hello");
	chat_send(alice, "{'type':'agent','id':'g'}");
	must(json_array_size(json_object_get(chat_await(alice, "{'type':'agent','id':'g'}"),
					     "agents")) == 1,
	     "more than one");
}

OwnedTest(agent_members, without_a_user_it_is_nobody_where_the_server_is_root)
{
	struct server *s;
	struct chat *alice;

	if (geteuid() != 0)
		return;
	/* "[ agent" is no section of the helper's, so it adds no user. */
	s = agents_server("[ agent.id]\nrooms = ops\n"
			  "command = \"while read -r l; do echo $(id -u) $(id -G); done\"\n");
	alice = agents_member(s, "alice");
	agents_say(alice, "@id");
	agents_say(alice, "@id who are you?");
	agents_hears(alice, "id", "65534 65534");
}

OwnedTest(agent_members, its_limits_are_the_configured_ones)
{
	struct server *s =
		agents_server("[agent.small]\nrooms = ops\nfiles = 17\nmemory = 512M\ncpu = 33\n"
			      "command = \"while read -r l; do echo $(ulimit -n) $(ulimit -v) "
			      "$(ulimit -t); done\"\n");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@small how small?");
	agents_hears(alice, "small", "17 524288 33");
}

OwnedTest(agent_members, a_room_that_is_not_its_any_more_is_left)
{
	struct server *s =
		agents_server("[agent.echo]\ncommand = %E\nrooms = ops dev\nstop-wait = 1\n");
	struct chat *alice = agents_member(s, "alice");
	size_t offset = server_log_size(s);

	chat_join(alice, "dev", NULL);
	agents_write_config("[agent.echo]\ncommand = %E\nrooms = ops\nstop-wait = 1\n");
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "\"agents started\"", NULL);
	chat_await_presence(alice, "dev", "left", "echo");
	agents_say(alice, "@echo here?");
	agents_hears(alice, "echo", "heard alice: here?");
}
