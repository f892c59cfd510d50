/* What chat-client remembers in its config file, and how it tells of a mention. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/pane.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <string.h>

TestSuite(remembered, .fini = owned_finish_all, .timeout = 90);

/* The test's folder is everybody's home. */
static const char *config_file(void)
{
	return scratch_path("%s", ".config/chat/client.conf");
}

static void write_config(const char *text)
{
	must(run("mkdir", "-p", scratch_path("%s", ".config/chat")).status == 0, "mkdir");
	file_write(config_file(), text);
}

static struct program *sit_down(struct server *s, const struct person *person, const char *flags)
{
	const char *argv[24];

	person_command(argv, s, person, flags);
	return program_start_terminal(argv, NULL);
}

OwnedTest(remembered, a_wrong_line_is_named_and_nothing_is_done)
{
	const char *argv[] = {program_path("chat-client"), "--send", "alice@127.0.0.1:1", NULL};
	const char *help[] = {argv[0], "--help", NULL};
	struct outcome told;

	write_config("# mine\nnotfy = bell\n");
	told = run_with(argv, "hi\n", NULL);
	must(told.status == 2 &&
		     strstr(told.err, scratch_text("%s:2: unknown name notfy; did you mean notify?",
						   config_file())) != NULL,
	     "%d %s", told.status, told.err);
	must(run_with(help, NULL, NULL).status == 0, "--help needs no file");
}

OwnedTest(remembered, a_host_of_the_file_can_be_dialled_by_its_name)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[] = {program_path("chat-client"), "--send", "work", NULL};
	struct outcome sent;

	write_config(scratch_text("[host work]\naddress = 127.0.0.1\nport = %u\nuser = alice\n"
				  "key = \"%s\"\n",
				  s->port, alice.key.file));
	sent = run_with(argv, "from the office\n", NULL);
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','sender':'alice','content':'from the office'}");
}

OwnedTest(remembered, who_is_ignored_stays_ignored)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob carol");
	struct chat *bob = chat_login(s, "bob"), *carol = chat_login(s, "carol");
	struct program *p = sit_down(s, &alice, "--plain");

	chat_await_presence(bob, "lobby", "joined", "alice");
	program_write(p, "/ignore bob\r");
	program_expect(p, "What bob says is not shown");
	chat_say(bob, "lobby", "b1", "first of bob");
	chat_say(carol, "lobby", "c1", "first of carol");
	program_expect(p, "first of carol");
	must(strstr(p->out_text.data, "first of bob") == NULL, "bob is shown");
	program_write(p, "/quit\r");
	must(program_wait(p) == 0, "exit %d", p->status);
	p = sit_down(s, &alice, "--plain");
	chat_say(bob, "lobby", "b2", "second of bob");
	chat_say(carol, "lobby", "c2", "second of carol");
	program_expect(p, "second of carol");
	must(strstr(p->out_text.data, "of bob") == NULL, "bob is shown again");
	program_write(p, "/unignore bob\r");
	program_expect(p, "shown again");
	chat_say(bob, "lobby", "b3", "third of bob");
	program_expect(p, "third of bob");
	must(strcmp(file_read(config_file()), "ignore = \"\"\n") == 0, "the file says: %s",
	     file_read(config_file()));
}

OwnedTest(remembered, what_the_ignored_say_makes_nothing_else_read)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob carol");
	struct chat *bob = chat_login(s, "bob"), *carol = chat_login(s, "carol");
	const char *argv[24];
	long long unread;

	write_config("ignore = carol\n");
	person_command(argv, s, &alice, "--room dev");
	struct pane *p = pane_start(argv, 100, 24);
	pane_expect(p, " alice #dev>");
	pane_type(p, "/room lobby");
	pane_key(p, "Enter");
	pane_expect(p, " alice #lobby>");
	chat_join(bob, "dev", NULL);
	chat_join(carol, "dev", NULL);
	unread = chat_say(bob, "dev", "b1", "@alice look");
	pane_expect(p, "[dev !1]");
	chat_say(carol, "dev", "c1", "@alice do not look");
	chat_say(bob, "lobby", "b2", "that was all");
	pane_expect(p, "that was all");
	pane_type(p, "/quit");
	pane_key(p, "Enter");
	server_log_await(s, NULL, "\"disconnect\"", "\"alice\"");
	struct chat *other = chat_open(s, "alice");
	chat_send_login(other, "alice", &alice.key, "'device':'other'");
	chat_expect(other, "{'type':'welcome'}");
	must(number_of(chat_room_of(other, "dev"), "read") < unread, "it is read");
}

OwnedTest(remembered, a_time_is_written_as_the_person_wants_it)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice, "--plain");

	chat_await_presence(bob, "lobby", "joined", "alice");
	program_write(p, "/timestamp at %H o'clock\r");
	program_expect(p, "timestamp is at %H o'clock");
	chat_say(bob, "lobby", "b1", "look at the clock");
	program_expect(p, "look at the clock");
	must(strstr(p->out_text.data, "o'clock #lobby bob") != NULL ||
		     strstr(p->out_text.data, "o'clock\x1b[0m") != NULL,
	     "it has another time");
}

OwnedTest(remembered, a_mention_and_a_direct_message_are_told_and_nothing_else_is)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p;

	chat_say(bob, "lobby", "b0", "@alice this is from before");
	p = sit_down(s, &alice, "--plain --notify osc9");
	program_expect(p, "from before");
	chat_say(bob, "lobby", "b1", "nothing for anybody");
	program_expect(p, "nothing for anybody");
	must(strstr(p->out_text.data, "\x1b]") == NULL, "it tells of a replayed or any line");
	chat_say(bob, "lobby", "b2", "@alice look; now");
	program_expect(p, "\x1b]9;bob in #lobby: @alice look, now\x1b\\");
	program_write(p, "/notify bell\r");
	program_expect(p, "notify is bell");
	must(strchr(p->out_text.data, '\a') == NULL, "it rang");
	program_write(p, "/quit\r");
	must(program_wait(p) == 0, "exit %d", p->status);
	p = sit_down(s, &alice, "--plain");
	program_expect(p, "look; now");
	must(strchr(p->out_text.data, '\a') == NULL, "it rang for a replayed line");
	chat_tell(bob, "alice", "d1", "in private");
	program_expect(p, "\a");
}

OwnedTest(remembered, a_command_is_run_with_the_text_on_its_standard_input)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	char *told = scratch_path("%s", "told"), *half = scratch_path("%s", "half");
	struct program *p;

	write_config(scratch_text("notify = command\nnotify-command = \"cat >%s && mv %s %s\"\n",
				  half, half, told));
	p = sit_down(s, &alice, "--plain");
	chat_await_presence(bob, "lobby", "joined", "alice");
	chat_say(bob, "lobby", "b1", "alice: $(touch here) `id`");
	program_expect(p, "alice: $(touch here)");
	while (file_read(told) == NULL)
		file_wait_change(told, clock_mono_ms() + PATIENCE_MS);
	must(strcmp(file_read(told), "bob in #lobby\nalice: $(touch here) `id`\n") == 0, "%s",
	     file_read(told));
}
