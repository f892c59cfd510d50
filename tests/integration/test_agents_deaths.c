/* Deaths in the middle of a turn: of the program, its guard, the supervisor, a worker, the master.
 */
#include "tests/integration/agents.h"
#include "tests/integration/key.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(agent_deaths, .fini = owned_finish_all, .timeout = 90);

static const char *session_of(struct chat *c)
{
	agents_say(c, "@claude session");
	return scratch_text("%s", text_of(agents_hears(c, "claude", "session "), "content"));
}

/* In a turn that has begun to write. */
static void begin_slow_turn(struct chat *c)
{
	agents_say(c, "@claude slow");
	chat_await(c, "{'type':'partial','content':'one'}");
}

OwnedTest(agent_deaths, a_crash_shows_the_last_words_and_asks_to_ask_again)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	json_t *line;

	agents_say(alice, "@claude crash");
	agents_notice(alice, "claude", "interrupted, ask again");
	line = agents_notice(alice, "claude", "ended with exit code 3");
	must(strstr(text_of(line, "content"), "line 5\nline 6\n") != NULL &&
		     strstr(text_of(line, "content"), "line 24") != NULL &&
		     strstr(text_of(line, "content"), "line 4\n") == NULL,
	     "not the last 20 lines: %s", text_of(line, "content"));
	server_log_await(s, NULL, "\"agent says\"", "line 24");
	agents_say(alice, "@claude plain back");
	agents_hears(alice, "claude", "back");
	must(server_metric(s, "roomkey_agent_restarts_total") == 1, "not counted");
}

OwnedTest(agent_deaths, a_turn_that_did_nothing_is_sent_again_once)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@claude die");
	agents_say(alice, "@claude plain waiting");
	agents_notice(alice, "claude", "ended with exit code 4");
	agents_notice(alice, "claude", "interrupted, ask again");
	agents_hears(alice, "claude", "waiting");
}

OwnedTest(agent_deaths, a_bot_of_lines_is_started_again)
{
	struct server *s = agents_server_echo("");
	struct chat *alice = agents_member(s, "alice");

	agents_say(alice, "@echo die");
	agents_notice(alice, "echo",
		      "ended with exit code 3; the last lines of its standard "
		      "error:\nI die");
	agents_notice(alice, "echo", "interrupted, ask again");
	agents_say(alice, "@echo hello");
	agents_hears(alice, "echo", "heard alice: hello");
}

OwnedTest(agent_deaths, restart_never_means_never)
{
	struct server *s = agents_server_echo("restart = on-failure\n");
	struct chat *alice = agents_member(s, "alice");
	pid_t pid = agents_pid(s, "echo", NULL);

	agents_say(alice, "@echo bye");
	agents_gone(pid);
	server_log_await(s, NULL, "\"agent ended\"", "exit code 0");
	chat_await(alice, "{'type':'notice','code':'agent_down'}");
	agents_say(alice, "@echo hello");
	chat_await(alice, "{'type':'notice','code':'agent_down'}");
}

OwnedTest(agent_deaths, killed_in_a_turn_it_goes_on_with_its_session)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	const char *session = session_of(alice);

	begin_slow_turn(alice);
	kill(agents_pid(s, "claude", NULL), SIGKILL);
	agents_notice(alice, "claude", "interrupted, ask again");
	must(strcmp(session_of(alice), session) == 0, "another session");
}

OwnedTest(agent_deaths, a_session_that_is_not_known_any_more_starts_afresh)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	const char *session = session_of(alice);

	scratch_write("forget", "");
	kill(agents_pid(s, "claude", NULL), SIGKILL);
	server_log_await(s, NULL, "\"agent ended\"", NULL);
	must(strcmp(session_of(alice), session) != 0, "the same session");
}

OwnedTest(agent_deaths, a_supervisor_killed_in_a_turn_is_followed_by_one_that_knows)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	const char *session = session_of(alice);
	pid_t program = agents_pid(s, "claude", NULL);

	begin_slow_turn(alice);
	agents_say(alice, "@claude plain waiting");
	kill(agents_supervisor(s, NULL), SIGKILL);
	agents_gone(program);
	agents_notice(alice, "claude", "interrupted, ask again");
	agents_hears(alice, "claude", "waiting");
	must(strcmp(session_of(alice), session) == 0, "another session");
	/* It was there all the time, for everybody else. */
	chat_send(alice, "{'type':'users','id':'u','room':'ops'}");
	chat_await(alice, "{'type':'users','id':'u'}");
	must(!chat_saw(alice, "{'type':'presence','left':['claude']}"), "it had left");
}

OwnedTest(agent_deaths, a_worker_killed_in_a_turn_loses_nothing_of_it)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");

	begin_slow_turn(alice);
	server_kill_worker(s, 0);
	server_kill_worker(s, 1);
	alice = chat_login(s, "alice");
	agents_go();
	agents_hears(alice, "claude", "one two");
	agents_say(alice, "@claude plain again");
	agents_hears(alice, "claude", "again");
}

/* ---- nothing of it outlives ---- */

static pid_t orphan_of(struct chat *c, const char *agent)
{
	agents_say(c, scratch_text("@%s orphan", agent));
	return (pid_t)atoi(text_of(agents_hears(c, agent, "pid "), "content") + 4);
}

OwnedTest(agent_deaths, what_it_leaves_behind_goes_with_it)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	pid_t orphan = orphan_of(alice, "claude");
	size_t offset = 0;
	pid_t first = agents_pid(s, "claude", &offset);

	kill(first, SIGKILL);
	agents_gone(orphan);
	must(agents_pid(s, "claude", &offset) != first, "it was not started again");
}

OwnedTest(agent_deaths, nothing_outlives_the_supervisor)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	pid_t orphan = orphan_of(alice, "claude");

	kill(agents_supervisor(s, NULL), SIGKILL);
	agents_gone(orphan);
}

OwnedTest(agent_deaths, nothing_outlives_the_guard)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	pid_t orphan = orphan_of(alice, "claude");
	json_t *line = server_log_await(s, NULL, "\"agent started\"", NULL);

	kill((pid_t)number_of(line, "guard"), SIGKILL);
	agents_gone((pid_t)number_of(line, "pid"));
	agents_gone(orphan);
	agents_say(alice, "@claude plain back");
	agents_hears(alice, "claude", "back");
}

OwnedTest(agent_deaths, what_outlives_supervisor_and_guard_ends_at_the_next_start)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	pid_t orphan = orphan_of(alice, "claude");
	json_t *line = server_log_await(s, NULL, "\"agent started\"", NULL);
	pid_t guard = (pid_t)number_of(line, "guard");

	/* It can't see to anything any more. */
	kill(guard, SIGSTOP);
	kill(agents_supervisor(s, NULL), SIGKILL);
	kill(guard, SIGKILL);
	agents_gone((pid_t)number_of(line, "pid"));
	agents_gone(orphan);
	server_log_await(s, NULL, "\"left behind\"", NULL);
}

OwnedTest(agent_deaths, nothing_outlives_the_server)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	pid_t orphan = orphan_of(alice, "claude"), program = agents_pid(s, "claude", NULL);

	server_kill(s);
	agents_gone(program);
	agents_gone(orphan);
	/* And the one that is started next goes on. */
	server_restart(s);
	alice = agents_member(s, "alice");
	orphan = orphan_of(alice, "claude");
	server_stop(s);
	agents_gone(orphan);
}

OwnedTest(agent_deaths, one_that_does_not_want_to_stop_is_killed)
{
	struct server *s = agents_server(
		"[agent.rock]\nrooms = ops\nstop-wait = 1\n"
		"command = \"trap '' TERM INT; echo ready; while :; do sleep 1; done\"\n");
	struct chat *olga = agents_member(s, "olga");
	pid_t pid = agents_pid(s, "rock", NULL);

	chat_send(olga, "{'type':'agent','id':'o','agent':'rock','action':'stop'}");
	chat_await(olga, "{'type':'ok','id':'o'}");
	agents_gone(pid);
}

OwnedTest(agent_deaths, a_server_that_stops_waits_for_nobody_too_long)
{
	struct server *s = agents_server(
		"[agent.rock]\nrooms = ops\n"
		"command = \"trap '' TERM INT; echo ready; while :; do sleep 1; done\"\n");
	pid_t pid = agents_pid(s, "rock", NULL);

	/* Within 10 s, with 0. */
	server_stop(s);
	agents_gone(pid);
}

OwnedTest(agent_deaths, an_upgrade_in_place_brings_a_supervisor_of_the_new_binary)
{
	struct server *s = agents_server_claude("");
	struct chat *alice = agents_member(s, "alice");
	const char *session = session_of(alice);
	pid_t old = agents_supervisor(s, NULL), program = agents_pid(s, "claude", NULL);
	size_t offset = server_log_size(s), from = offset;
	struct key key = key_of("bob");
	struct chat *thief;

	server_signal(s, SIGUSR2);
	server_log_await(s, &offset, "\"upgraded\"", NULL);
	must(agents_supervisor(s, &from) != old, "the same supervisor");
	agents_gone(old);
	agents_gone(program);
	alice = agents_member(s, "alice");
	must(strcmp(session_of(alice), session) == 0, "another session");
	thief = chat_open(s, "thief");
	chat_send_login(thief, "claude", &key, NULL);
	chat_refused(thief, "name_taken");
}

/* ---- nothing that isn't its own ---- */

static unsigned descriptors_of(pid_t pid, const char *word)
{
	DIR *fds = opendir(scratch_text("/proc/%d/fd", (int)pid));
	const struct dirent *item;
	unsigned count = 0;

	must(fds != NULL, "no descriptors of %d", (int)pid);
	while ((item = readdir(fds)) != NULL) {
		char target[256] = "";

		if (readlinkat(dirfd(fds), item->d_name, target, sizeof(target) - 1) > 0)
			count += strstr(target, word) != NULL;
	}
	closedir(fds);
	return count;
}

OwnedTest(agent_deaths, the_supervisor_has_no_way_to_the_servers_key)
{
	struct server *s = agents_server_claude("");

	must(descriptors_of(s->pid, "chat-tls") == 1, "not where the key is looked for");
	must(descriptors_of(agents_supervisor(s, NULL), "chat-tls") == 0,
	     "it has the server's key");
}
