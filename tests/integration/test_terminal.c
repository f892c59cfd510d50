/* chat-client on a terminal, as a person sees it. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <string.h>
#include <termios.h>

TestSuite(terminal, .fini = owned_finish_all, .timeout = 90);

static struct program *sit_down(struct server *s, const struct person *person)
{
	const char *argv[24];

	person_command(argv, s, person, "--plain");
	return program_start_terminal(argv, NULL);
}

OwnedTest(terminal, two_people_talk)
{
	struct person people[] = {person_new("alice"), person_new("bob")};
	struct server *s = server_for(2, people, .users = "carol");
	struct chat *carol = chat_login(s, "carol");
	struct program *alice = sit_down(s, &people[0]), *bob = sit_down(s, &people[1]);

	program_write(alice, "hello everyone\r");
	chat_await(carol,
		   "{'type':'message','room':'lobby','sender':'alice','content':'hello everyone'}");
	program_expect(bob, "hello everyone");
	program_write(bob, "hello alice\r");
	program_expect(alice, "hello alice");
	program_write(alice, "/quit\r");
	must(program_wait(alice) == 0, "exit %d", alice->status);
}

OwnedTest(terminal, commands_do_what_they_say)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice);

	chat_join(bob, "ops", NULL);
	program_write(p, "/join ops\r");
	chat_await_presence(bob, "ops", "joined", "alice");
	program_write(p, "now in ops\r");
	chat_await(bob, "{'type':'message','room':'ops','content':'now in ops'}");
	program_write(p, "/msg bob just for you\r");
	chat_await(bob, "{'type':'message','room':'@bob','content':'just for you'}");
	program_write(p, "/me waves\r");
	chat_await(bob, "{'type':'message','room':'ops','kind':'me','content':'waves'}");
	program_write(p, "/topic Release Friday\r");
	chat_await(bob, "{'type':'topic','room':'ops','content':'Release Friday'}");
	program_write(p, "//not a command\r");
	chat_await(bob, "{'type':'message','room':'ops','content':'/not a command'}");
	program_write(p, "/leave\r");
	chat_await_presence(bob, "ops", "left", "alice");
	program_write(p, "/quit\r");
	must(program_wait(p) == 0, "exit %d", p->status);
}

OwnedTest(terminal, help_lists_the_commands_and_a_wrong_one_gets_a_hint)
{
	static const char *const commands[] = {"/help", "/rooms", "/join",  "/leave", "/users",
					       "/msg",  "/me",    "/topic", "/who",   "/history",
					       "/away", "/back",  "/quit"};
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice);

	chat_await_presence(bob, "lobby", "joined", "alice");
	program_write(p, "/help\r");
	program_expect(p, "/quit");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		must(strstr(p->out_text.data, commands[i]) != NULL, "/help lacks %s", commands[i]);
	program_write(p, "/jion ops\r");
	program_expect(p, "/join");
	chat_quiet(bob);
}

OwnedTest(terminal, what_arrives_leaves_the_line_being_typed_alone)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice);

	chat_await_presence(bob, "lobby", "joined", "alice");
	program_write(p, "half a sen");
	program_expect(p, "half a sen");
	chat_say(bob, "lobby", "m", "an interruption");
	program_expect(p, "an interruption");
	program_expect(p, "half a sen");
	program_write(p, "tence\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'half a sentence'}");
}

OwnedTest(terminal, the_line_can_be_edited)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice);

	chat_await_presence(bob, "lobby", "joined", "alice");
	program_write(p, "grun\xc3\xbc\xc3\xa9\x7f"
			 "ess\x01S: \x05 Gott\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'S: grun\xc3\xbc"
			"ess Gott'}");
	program_write(p, "one two\x17three\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'one three'}");
	program_write(p, "gone\x15kept\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'kept'}");
	program_write(p, "\x1b[A\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'kept'}");
	program_write(p, "\x04");
	must(program_wait(p) == 0, "exit %d", p->status);
}

OwnedTest(terminal, tab_completes_a_room_that_one_could_enter)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p;

	chat_join(bob, "engineering", NULL);
	p = sit_down(s, &alice);
	/* the list of rooms is asked for before this */
	program_write(p, "/who bob\r");
	program_expect(p, "bob: here");
	must(strstr(p->out_text.data, "engineering") == NULL, "the list is on the screen");
	program_write(p, "/join eng\t");
	program_expect(p, "/join engineering");
	program_write(p, "\r");
	chat_await_presence(bob, "engineering", "joined", "alice");
}

OwnedTest(terminal, it_goes_on_by_itself_when_its_worker_dies)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice);
	unsigned worker;

	program_write(p, "before\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'before'}");
	worker = server_worker_of(s, "alice");
	if (worker == chat_worker(s, bob)) {
		chat_drop(bob);
		bob = chat_login_on(s, "bob", NULL, 1 - worker);
	}
	server_kill_worker(s, worker);
	chat_say(bob, "lobby", "m", "meanwhile");
	program_expect(p, "meanwhile");
	program_write(p, "after\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'after'}");
}

OwnedTest(terminal, questions_are_answered_on_the_screen)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .args = "--rate 0");
	struct chat *bob = chat_login(s, "bob");

	chat_join(bob, "ops", NULL);
	chat_send(bob, "{'type':'topic','room':'ops','content':'Release Friday'}");
	/* More than a login brings by itself. */
	chat_say(bob, "lobby", "m", "said long ago");
	for (unsigned i = 1; i <= 60; i++)
		chat_say(bob, "lobby", scratch_text("m%u", i), scratch_text("line %u.", i));
	struct program *p = sit_down(s, &alice);
	program_expect(p, "line 60.");
	must(strstr(p->out_text.data, "said long ago") == NULL, "there is nothing left to ask for");
	program_write(p, "/rooms\r");
	program_expect(p, "ops");
	program_expect(p, "Release Friday");
	program_write(p, "/users\r");
	program_expect(p, "bob");
	program_write(p, "/who bob\r");
	program_expect(p, key_of("bob").fingerprint);
	program_write(p, "/history\r");
	program_expect(p, "said long ago");
	program_write(p, "/away at lunch\r");
	program_write(p, "/topic set by alice\r");
	chat_await(bob, "{'type':'topic','room':'lobby','content':'set by alice'}");
	chat_send(bob, "{'type':'who','id':'w','user':'alice'}");
	chat_await(bob, "{'type':'who','id':'w','away':'at lunch'}");
	program_write(p, "/back\r");
	program_write(p, "back again\r");
	chat_await(bob, "{'type':'message','content':'back again'}");
	chat_send(bob, "{'type':'who','id':'w2','user':'alice'}");
	must(!json_has(chat_await(bob, "{'type':'who','id':'w2'}"), "{'away':'at lunch'}"),
	     "still away");
}

OwnedTest(terminal, it_is_left_as_it_was_found)
{
	static const int signals[] = {0, SIGTERM, SIGHUP};
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct program *p = sit_down(s, &alice);
		struct termios after;

		program_write(p, scratch_text("round %zu\r", i));
		chat_await(bob, "{'type':'message','content':'round %zu'}", i);
		if (signals[i] != 0)
			program_signal(p, signals[i]);
		else
			program_write(p, "/quit\r");
		program_wait(p);
		must(tcgetattr(p->in, &after) == 0, "tcgetattr");
		must((after.c_lflag & ICANON) != 0 && (after.c_lflag & ECHO) != 0,
		     "signal %d: the terminal stays raw", signals[i]);
	}
}

OwnedTest(terminal, an_encrypted_key_is_asked_for)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	must(run("ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", alice.key.file)
			     .status == 0,
	     "ssh-keygen -p");
	struct program *p = sit_down(s, &alice);
	program_expect(p, "assphrase");
	program_write(p, "wrong one\r");
	program_expect(p, "assphrase");
	program_write(p, "open sesame\r");
	chat_await_presence(bob, "lobby", "joined", "alice");
	must(strstr(p->out_text.data, "sesame") == NULL, "the passphrase is on the screen");
	program_write(p, "opened\r");
	chat_await(bob, "{'type':'message','sender':'alice','content':'opened'}");
}

OwnedTest(terminal, what_others_send_cannot_drive_it)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = sit_down(s, &alice);

	chat_await_presence(bob, "lobby", "joined", "alice");
	chat_say(bob, "lobby", "m",
		 "\xe2\x80\xae"
		 "right to left \xe2\x81\xa6 isolate\xf3\xa0\x81\x81, done");
	program_expect(p, "done");
	must(strstr(p->out_text.data, "\xe2\x80\xae") == NULL &&
		     strstr(p->out_text.data, "\xe2\x81\xa6") == NULL &&
		     strstr(p->out_text.data, "\xf3\xa0\x81\x81") == NULL,
	     "it came through");
}
