/* chat-client's full screen, in a real terminal emulator. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/pane.h"
#include "tests/integration/people.h"
#include "tests/integration/scratch.h"

#include <string.h>

TestSuite(screen, .fini = owned_finish_all, .timeout = 120);

static struct pane *sit_down(struct server *s, const struct person *person, unsigned columns,
			     unsigned rows)
{
	const char *argv[24];
	struct pane *p;

	person_command(argv, s, person, "");
	p = pane_start(argv, columns, rows);
	pane_expect(p, "ms \u25cf"); /* connected */
	return p;
}

static void enter(struct pane *p, const char *line)
{
	pane_type(p, line);
	pane_key(p, "Enter");
}

OwnedTest(screen, two_people_talk)
{
	struct person people[] = {person_new("alice"), person_new("bob")};
	struct server *s = server_for(2, people, .users = "carol");
	struct pane *alice = sit_down(s, &people[0], 100, 24);
	struct pane *bob = sit_down(s, &people[1], 70, 20);

	pane_expect(alice, "\u2502 bob       \u25cf");
	enter(alice, "hello everyone");
	pane_expect(bob, " alice    hello everyone");
	enter(bob, "/topic Release Friday");
	pane_expect(alice, " #lobby \u00b7 2 members \u00b7 Release Friday");
	pane_type(bob, "on m");
	pane_expect(alice, "bob is typing");
	enter(bob, "y way");
	pane_expect(alice, " bob      on my way");
	pane_expect_gone(alice, "typing");
	pane_expect(alice, " alice #lobby>\n");
	enter(alice, "/quit");
	pane_expect(bob, " #lobby \u00b7 1 member \u00b7 Release Friday");
}

OwnedTest(screen, the_unread_jump_and_the_room_switcher)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 100, 24);

	enter(p, "/join dev");
	pane_expect(p, " alice #dev>");
	enter(p, "/join ops");
	pane_expect(p, " alice #ops>");
	chat_join(bob, "dev", NULL);
	chat_say(bob, "dev", "m1", "build is green");
	chat_say(bob, "dev", "m2", "@alice can you look?");
	chat_say(bob, "lobby", "m3", "lunch?");
	chat_tell(bob, "alice", "m4", "just for you");
	pane_expect(p, " [dev !1] [@bob 1]");
	pane_expect(p, " \u2500\u2500 direct \u2500\u2500 ");
	pane_key(p, "M-a");
	pane_expect(p, " alice @bob>");
	pane_expect(p, "bob      just for you");
	enter(p, "thanks");
	chat_await(bob, "{'type':'message','recipient':'bob','content':'thanks'}");
	pane_key(p, "M-a");
	pane_expect(p, " alice #dev>");
	pane_expect(p, "2 new");
	pane_expect(p, "bob      @alice can you look?");
	pane_key(p, "M-a");
	pane_expect(p, " alice #lobby>");
	pane_key(p, "M-k");
	pane_expect(p, " go to:");
	pane_type(p, "op");
	pane_key(p, "Enter");
	pane_expect(p, " alice #ops>");
	pane_key(p, "M-2");
	pane_expect(p, " alice #dev>");
	pane_key(p, "C-n");
	pane_expect(p, " alice #ops>");
}

OwnedTest(screen, what_is_read_here_is_read_on_other_devices)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *desk = sit_down(s, &alice, 100, 24), *phone = sit_down(s, &alice, 40, 12);

	enter(desk, "/join dev");
	pane_expect(desk, " alice #dev>");
	enter(phone, "/join dev");
	pane_expect(phone, "#dev");
	enter(phone, "/room lobby");
	pane_expect(phone, "#lobby");
	enter(desk, "/room lobby");
	pane_expect(desk, " alice #lobby>");
	chat_join(bob, "dev", NULL);
	chat_say(bob, "dev", "m1", "alice: look");
	pane_expect(desk, "[dev !1]");
	pane_expect(phone, "[dev !1]");
	pane_key(phone, "M-a");
	pane_expect(phone, "bob: alice: look");
	pane_expect_gone(desk, "[dev !1]");
}

OwnedTest(screen, tab_completes)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 100, 24);

	pane_expect(p, "\u2502 bob ");
	pane_type(p, "/jo");
	pane_key(p, "Tab");
	pane_type(p, "engineering");
	pane_expect(p, "> /join engineering");
	pane_key(p, "Enter");
	pane_expect(p, " alice #engineering>");
	pane_type(p, "/room l");
	pane_key(p, "Tab");
	pane_key(p, "Enter");
	pane_expect(p, " alice #lobby>");
	pane_type(p, "b");
	pane_key(p, "Tab");
	enter(p, "done");
	chat_await(bob, "{'type':'message','content':'bob: done'}");
}

OwnedTest(screen, a_paste_is_one_message_and_a_big_one_asks)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 80, 24);

	pane_paste(p, "one\ntwo\n");
	pane_expect(p, "> one\u23cetwo");
	pane_key(p, "Enter");
	chat_await(bob, "{'type':'message','sender':'alice','content':'one\\ntwo'}");
	pane_paste(p, "1\n2\n3\n4\n5\n6\n7\n");
	pane_expect(p, "7 lines, 14 bytes");
	pane_key(p, "n");
	pane_expect(p, " alice #lobby>\n");
	pane_paste(p, "1\n2\n3\n4\n5\n6\n7\n");
	pane_expect(p, "(y/n)");
	pane_key(p, "y");
	pane_key(p, "Enter");
	chat_await(bob,
		   "{'type':'message','sender':'alice','content':'1\\n2\\n3\\n4\\n5\\n6\\n7'}");
	pane_type(p, "first");
	pane_key(p, "M-Enter");
	enter(p, "second");
	chat_await(bob, "{'type':'message','sender':'alice','content':'first\\nsecond'}");
}

OwnedTest(screen, it_fits_into_forty_columns_and_ten_rows)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 100, 24);

	pane_expect(p, "\u2502 bob ");
	chat_say(bob, "lobby", "m1", "words enough for more than a line of forty");
	pane_expect(p, "a line of forty");
	pane_resize(p, 40, 10);
	pane_expect_gone(p, "\u2502");
	pane_expect(p, "bob: words enough for more than a\n      line of forty\n");
	pane_type(p, "still typing");
	pane_expect(p, " alice #lobby> still typing\n");
	must(strcmp(pane_cursor(p), "27,9\n") == 0, "the cursor is at %s", pane_cursor(p));
	pane_resize(p, 100, 24);
	pane_expect(p, "\u2502 bob ");
	pane_expect(p, " alice #lobby> still typing\n");
}

OwnedTest(screen, it_comes_back_silently_after_the_server_was_killed)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .port_is_kept = true);
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 100, 24);

	chat_say(bob, "lobby", "m1", "before");
	pane_expect(p, "bob      before");
	server_kill(s);
	pane_expect(p, "reconnecting");
	enter(p, "said meanwhile");
	server_restart(s);
	bob = chat_login(s, "bob");
	pane_expect_gone(p, "reconnecting");
	pane_expect(p, "alice    said meanwhile");
	chat_say(bob, "lobby", "m2", "after");
	pane_expect(p, "bob      after");
	pane_expect(p, "bob      before");
}

OwnedTest(screen, wide_characters_keep_the_columns)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 100, 24);

	chat_say(bob, "lobby", "m1",
		 "\u65e5\u672c\u8a9e \U0001f680 e\u0301 \U0001f469\u200d\U0001f4bb.");
	pane_expect(p, "bob      \u65e5\u672c\u8a9e \U0001f680 e\u0301 \U0001f469\U0001f4bb. ");
	/* the rule behind it stands where it stands in the rows without */
	pane_expect(p, "\u65e5\u672c\u8a9e \U0001f680 e\u0301 \U0001f469\U0001f4bb."
		       "                                  \u2502");
	pane_type(p, "\u00fc\u65e5\U0001f680");
	pane_expect(p, "> \u00fc\u65e5\U0001f680");
	must(strcmp(pane_cursor(p), "20,23\n") == 0, "the cursor is at %s", pane_cursor(p));
	pane_key(p, "BSpace");
	enter(p, "!");
	chat_await(bob, "{'type':'message','sender':'alice','content':'\u00fc\u65e5!'}");
}

OwnedTest(screen, hostile_text_cannot_drive_the_terminal)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p = sit_down(s, &alice, 100, 24);
	size_t mark = p->control->out_text.len;

	/* no C0 and C1 comes through a server; what does: */
	chat_say(bob, "lobby", "m1",
		 "\u202eevil \u2066isolate\U000e0041 \u200b[31mred "
		 "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 done");
	pane_expect(p, "evil isolate [31mred a");
	pane_expect(p, " done");
	must(strstr(p->control->out_text.data + mark, "\u202e") == NULL &&
		     strstr(p->control->out_text.data + mark, "\u2066") == NULL &&
		     strstr(p->control->out_text.data + mark, "\u200b") == NULL,
	     "it came through");
	enter(p, "still here");
	chat_await(bob, "{'type':'message','content':'still here'}");
}

OwnedTest(screen, page_up_brings_older_lines_and_search_finds_them)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .args = "--rate 0");
	struct chat *bob = chat_login(s, "bob");

	chat_say(bob, "lobby", "m", "the very first");
	for (unsigned i = 1; i <= 70; i++)
		chat_say(bob, "lobby", scratch_text("m%u", i), scratch_text("line %u.", i));
	struct pane *p = sit_down(s, &alice, 80, 24);
	pane_expect(p, "line 70.");
	for (unsigned i = 0; i < 3; i++)
		pane_key(p, "PPage");
	pane_expect(p, "more below --");
	pane_key(p, "M-Home");
	pane_expect(p, "the very first");
	pane_key(p, "M-End");
	pane_expect(p, "line 70.");
	pane_key(p, "C-r");
	pane_type(p, "very");
	pane_expect(p, "the very first");
	pane_key(p, "Enter");
	pane_expect_gone(p, "search:");
	pane_expect(p, "the very first");
}

OwnedTest(screen, a_search_looks_into_lines_that_only_the_server_has)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .args = "--rate 0");
	struct chat *bob = chat_login(s, "bob");

	chat_say(bob, "lobby", "m", "a needle");
	for (unsigned i = 1; i <= 180; i++)
		chat_say(bob, "lobby", scratch_text("m%u", i), scratch_text("line %u.", i));
	struct pane *p = sit_down(s, &alice, 80, 24);
	pane_expect(p, "line 180.");
	pane_key(p, "C-r");
	pane_type(p, "needle");
	pane_expect(p, "bob      a needle");
	pane_key(p, "Escape");
	pane_expect(p, "line 180.");
	pane_expect_gone(p, "search:");
}

OwnedTest(screen, it_gives_the_terminal_back)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	const char *argv[24];
	struct pane *p;

	person_command(argv, s, &alice, "");
	p = pane_start(
		(const char *const[]){"sh", "-c",
				      scratch_text("echo was here; stty -a | grep -o ' -*echo '; "
						   "%s --key %s %s; stty -a | grep -o ' -*echo '; "
						   "echo and again; cat",
						   argv[0], argv[2], argv[3]),
				      NULL},
		80, 24);
	pane_expect(p, " alice #lobby>");
	pane_expect_gone(p, "was here");
	pane_key(p, "C-c");
	pane_expect(p, "C-c once more quits");
	pane_key(p, "C-c");
	pane_expect(p, "and again");
	pane_expect(p, "was here\n echo\n echo\nand again");
}

OwnedTest(screen, it_can_be_suspended_and_comes_back)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];
	struct pane *p =
		pane_start((const char *const[]){"env", "PS1=shell: ", "sh", "-i", NULL}, 80, 24);

	person_command(argv, s, &alice, "");
	pane_expect(p, "shell:");
	enter(p, scratch_text("%s --key %s %s", argv[0], argv[2], argv[3]));
	pane_expect(p, " alice #lobby>");
	pane_type(p, "half a line");
	pane_key(p, "C-z");
	pane_expect(p, "Stopped");
	pane_expect_gone(p, " alice #lobby>");
	enter(p, "echo the shell $((40 + 2))");
	pane_expect(p, "the shell 42");
	chat_say(bob, "lobby", "m", "said meanwhile");
	enter(p, "fg");
	pane_expect(p, " alice #lobby> half a line");
	pane_expect(p, "bob      said meanwhile");
	pane_key(p, "C-c");
	pane_key(p, "C-c");
	pane_key(p, "C-c");
	pane_expect(p, "the shell 42");
}

OwnedTest(screen, a_crash_gives_the_terminal_back)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	const char *argv[24];
	struct pane *p;

	person_command(argv, s, &alice, "");
	p = pane_start(
		(const char *const[]){
			"sh", "-c",
			scratch_text("echo $$ >%s; exec 2>&1; %s --key %s %s; "
				     "stty -a | grep -o ' -*echo '; echo and again; cat",
				     scratch_path("pid"), argv[0], argv[2], argv[3]),
			NULL},
		80, 24);
	pane_expect(p, " alice #lobby>");
	must(run("pkill", "-SEGV", "-P", strtok(file_read(scratch_path("pid")), "\n")).status == 0,
	     "pkill");
	pane_expect(p, " echo\nand again");
	pane_expect_gone(p, " alice #lobby>");
}

OwnedTest(screen, what_speaks_to_me_rings_once_and_not_again_when_it_is_replayed)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct pane *p;

	chat_say(bob, "lobby", "m1", "@alice before she came");
	p = sit_down(s, &alice, 80, 24);
	pane_expect(p, "before she came");
	chat_say(bob, "lobby", "m2", "nothing for anyone");
	pane_expect(p, "nothing for anyone");
	must(strstr(p->control->out_text.data, "\\007") == NULL, "a bell without a reason");
	chat_say(bob, "lobby", "m3", "@alice now");
	pane_expect(p, "@alice now");
	pane_type(p, "x");
	pane_expect(p, "> x");
	must(strstr(p->control->out_text.data, "\\007") != NULL, "no bell");
}

OwnedTest(screen, a_terminal_that_is_dumb_gets_lines)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];
	const char *const env[] = {"TERM=dumb", NULL}, *const odd[] = {"TERM=no-such-terminal",
								       NULL};

	person_command(argv, s, &alice, "");
	struct program *dumb = program_start_terminal(argv, env);
	struct program *unknown = program_start_terminal(argv, odd);
	program_expect(dumb, "/help lists the commands");
	program_expect(unknown, "/help lists the commands");
	chat_say(bob, "lobby", "m", "for all of them");
	program_expect(dumb, "bob: for all of them\r\n");
	program_expect(unknown, "bob:");
	program_expect(unknown, " for all of them\r\n");
	must(strstr(dumb->out_text.data, "\x1b[?1049h") == NULL &&
		     strstr(unknown->out_text.data, "\x1b[?1049h") == NULL,
	     "a screen was opened");
}
