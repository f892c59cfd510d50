/* chat-client as a member that is a program: gathered lines, code, answers, restarts. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(pipes, .fini = owned_finish_all, .timeout = 120);

static struct outcome client(struct server *s, const struct person *user, const char *flags,
			     const char *input)
{
	const char *argv[24];

	person_command(argv, s, user, flags);
	return run_with(argv, input, NULL);
}

static struct program *client_start(struct server *s, const struct person *user, const char *flags)
{
	const char *argv[24];

	person_command(argv, s, user, flags);
	return program_start(argv, NULL);
}

/* The group stays after its first process has ended, as long as anyone is in it. */
static void kill_group(void *group)
{
	kill(-*(pid_t *)group, SIGKILL);
	free(group);
}

/* A shell with this line, and our programs in its path; what it starts goes with the test. */
static struct program *shell_start(const char *line)
{
	const char *argv[] = {"/bin/sh", "-c", line, NULL};
	char *bin = realpath(program_path("chat-client"), NULL);
	const char *env[] = {
		scratch_text("PATH=%.*s:%s", (int)(strrchr(bin, '/') - bin), bin, getenv("PATH")),
		NULL};
	struct program *p = program_start(argv, env);
	pid_t *group = malloc(sizeof(*group));

	free(bin);
	must(group != NULL, "out of memory");
	*group = p->pid;
	owned_add(group, kill_group, NULL);
	return p;
}

OwnedTest(pipes, lines_that_come_together_are_one_message)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct program *p;

	chat_join(bob, "ops", NULL);
	p = client_start(s, &alice, "--send --room ops --batch 200ms --as alert");
	program_write(p, "disk full\n\non host a\n");
	chat_await(bob, "{'type':'message','room':'ops','kind':'alert',"
			"'content':'disk full\\n\\non host a'}");
	program_write(p, "and empty again\n");
	chat_await(bob, "{'type':'message','kind':'alert','content':'and empty again'}");
	program_write(p, "the last one");
	program_close_input(p);
	must(program_wait(p) == 0, "exit %d", p->status);
	chat_await(bob, "{'type':'message','kind':'alert','content':'the last one'}");
	chat_quiet(bob);
}

OwnedTest(pipes, code_arrives_as_it_was_in_as_few_messages_as_it_takes)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	struct buf source = BUF_INIT, arrived = BUF_INIT;

	for (unsigned i = 0; i < 600; i++)
		buf_printf(&source, "\tcase %u: /* \xe2\x82\xac */\n\n", i);
	owned_add(source.data, free, NULL);
	struct outcome sent = client(s, &alice, "--code", source.data);
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	while (arrived.len < source.len) {
		json_t *line = chat_await(bob, "{'type':'message','format':'code'}");

		buf_append_str(&arrived, text_of(line, "content"));
		/* the newlines at a message's end go with it */
		while (arrived.len < source.len && source.data[arrived.len] == '\n')
			buf_append_char(&arrived, '\n');
	}
	owned_add(arrived.data, free, NULL);
	must(strcmp(source.data, arrived.data) == 0, "it is not the same: %s", arrived.data);
	chat_quiet(bob);
	chat_say(bob, "lobby", "n", "how many?");
	/* 11,000 characters, 4000 a message */
	must(json_has(chat_room_of(chat_welcome(s, "bob", NULL), "lobby"), "{'head':4}"),
	     "not three messages");
}

OwnedTest(pipes, the_first_answer_of_somebody_else_is_printed_and_ends_it)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob carol");
	struct chat *bob = chat_login(s, "bob"), *carol = chat_login(s, "carol");
	struct program *p;

	chat_join(bob, "ops", NULL);
	chat_join(carol, "ops", NULL);
	chat_say(bob, "ops", "b0", "before");
	p = client_start(s, &alice, "--send --room ops --wait-reply 60");
	program_write(p, "deploy now?\n");
	program_close_input(p);
	chat_await(bob, "{'type':'message','content':'deploy now?'}");
	chat_say(bob, "ops", "b1", "go ahead");
	must(program_wait(p) == 0, "exit %d", p->status);
	program_expect(p, "#ops bob: go ahead\n");
	must(strstr(p->out_text.data, "before") == NULL &&
		     strchr(p->out_text.data, '\n')[1] == '\0',
	     "more than the answer: %s", p->out_text.data);

	p = client_start(s, &alice, "--room @bob --wait-reply 60 --json");
	program_write(p, "privately?\n");
	program_close_input(p);
	chat_await(bob, "{'type':'message','recipient':'bob','content':'privately?'}");
	chat_say(carol, "ops", "c1", "not that");
	chat_tell(bob, "alice", "b2", "yes");
	must(program_wait(p) == 0, "exit %d", p->status);
	json_t *line = json_loads(program_line(p), 0, NULL);
	must(json_has(line,
		      "{'type':'message','sender':'bob','recipient':'alice','content':'yes'}"),
	     "another answer: %s", p->out_text.data);
	json_decref(line);
	must(program_line(p) == NULL, "more than the answer");
	/* what it printed is read */
	struct chat *other = chat_open(s, "alice");
	chat_send_login(other, "alice", &alice.key, "'device':'other'");
	chat_expect(other, "{'type':'welcome'}");
	must(json_has(chat_room_of(other, "@alice"), "{'read':2}"), "it is not read");
}

OwnedTest(pipes, no_answer_in_time_is_status_5_and_a_refusal_status_1)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct outcome told = client(s, &alice, "--wait-reply 0.2", "is anybody here?\n");

	must(told.status == 5 && strstr(told.err, "nobody answered") != NULL, "%d %s", told.status,
	     told.err);
	must(told.out[0] == '\0', "it prints %s", told.out);
	told = client(s, &alice, "--room @nobody --wait-reply 60", "is anybody here?\n");
	must(told.status == 1, "%d %s", told.status, told.err);
}

OwnedTest(pipes, an_answer_that_came_while_the_connection_was_lost_counts)
{
	struct person alice = person_new("alice");
	struct server *s =
		server_for(1, &alice, .users = "bob", .port_is_kept = true, .args = "--rate 0");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = client_start(s, &alice, "--wait-reply 120");

	program_write(p, "still there?\n");
	program_close_input(p);
	chat_await(bob, "{'type':'message','content':'still there?'}");
	unsigned worker = server_worker_of(s, "alice");
	if (worker == chat_worker(s, bob)) {
		chat_drop(bob);
		bob = chat_login_on(s, "bob", NULL, 1 - worker);
	}
	server_kill_worker(s, worker);
	chat_say(bob, "lobby", "b", "always");
	must(program_wait(p) == 0, "exit %d", p->status);
	program_expect(p, "bob: always");
}

/* The numbers that `chat-client --json` prints as contents: the first one it prints. */
static unsigned next_number(struct program *p)
{
	for (;;) {
		char *text = program_line(p);

		must(text != NULL, "no more numbers");
		json_t *line = json_loads(text, 0, NULL);
		bool message = json_has(line, "{'type':'message'}");
		unsigned number = message ? (unsigned)atoi(text_of(line, "content")) : 0;
		json_decref(line);
		if (message)
			return number;
	}
}

OwnedTest(pipes, since_brings_what_was_said_then_in_order_and_goes_on)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob",
				      .args = "--rate 0 --room-lines 4096 --room-bytes 2097152");
	struct chat *bob = chat_login(s, "bob");
	char *since = NULL;
	unsigned number, i = 1;

	/* more than two pages, in three rooms' worth of milliseconds */
	for (; i <= 700; i++) {
		chat_say(bob, "lobby", scratch_text("m%u", i), scratch_text("%u", i));
		if (i == 150)
			since = scratch_text(
				"%s",
				text_of(json_array_get(bob->seen, bob->taken - 2), "timestamp"));
	}
	struct program *p =
		client_start(s, &alice, scratch_text("--follow --json --since %s", since));
	number = next_number(p);
	must(number <= 150 && number > 100, "it begins with %u", number);
	for (; i <= 1400; i++) {
		chat_say(bob, "lobby", scratch_text("m%u", i), scratch_text("%u", i));
		if (i % 20 == 0)
			for (unsigned n = 0; n < 20; n++, number++)
				must(next_number(p) == number + 1, "after %u", number);
	}
	for (; number < 1400; number++)
		must(next_number(p) == number + 1, "after %u", number);
	must(client(s, &alice, "--follow --since yesterday", NULL).status == 2, "usage");
}

OwnedTest(pipes, since_misses_and_doubles_nothing_in_a_busy_room)
{
	struct person people[] = {person_new("alice"), person_new("carol")};
	struct server *s = server_for(2, people, .users = "bob",
				      .args = "--rate 0 --room-lines 32768 --room-bytes 8388608");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	person_command(argv, s, &people[1], "--send");
	struct program *sender = shell_start(
		scratch_text("seq 1 12000 | %s --key %s --send %s", argv[0], argv[2], argv[4]));
	chat_await(bob, "{'type':'message','content':'500'}");
	struct program *p = client_start(s, &people[0], "--follow --json --since 1h");
	for (unsigned number = 1; number <= 12000; number++)
		must(next_number(p) == number, "%u is not the next", number);
	must(program_wait(sender) == 0, "exit %d", sender->status);
}

OwnedTest(pipes, since_shows_direct_messages_of_that_time_too_and_none_before)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	must(client(s, &alice, "--send", "hello\n").status == 0, "alice is not known yet");
	must(chat_tell(bob, "alice", "d1", "the first") != NULL, "no ok");
	struct program *p = client_start(s, &alice, "--follow --since 1h");
	program_expect(p, "hello");
	chat_tell(bob, "alice", "d2", "the second");
	program_expect(p, "the second");
	must(strstr(p->out_text.data, "the first") != NULL, "not the first one");
	p = client_start(s, &alice, "--follow --json --since 2100-01-01T00:00:00Z");
	/* the second announcement: from here on it is live */
	for (unsigned joined = 0; joined < 2;) {
		char *text = program_line(p);

		must(text != NULL, "it never caught up");
		joined += strstr(text, "\"type\":\"room\"") != NULL &&
			  strstr(text, "\"lobby\"") != NULL;
	}
	chat_tell(bob, "alice", "d3", "the third");
	chat_say(bob, "lobby", "m", "to all");
	program_expect(p, "to all");
	must(strstr(p->out_text.data, "the first") == NULL &&
		     strstr(p->out_text.data, "hello") == NULL,
	     "it shows what was before: %s", p->out_text.data);
}

/* Takes the lines of alice in the lobby up to number `to`; each must be the one after the last. */
static void take_to(struct chat *c, unsigned *last, unsigned to)
{
	for (; *last < to; ++*last)
		must(json_has(chat_await(c, "{'type':'message','room':'lobby','sender':'alice'}"),
			      "{'content':'%u','id':'n-%u'}", *last + 1, *last + 1),
		     "after %u", *last);
}

OwnedTest(pipes, killed_and_started_again_it_loses_and_doubles_none_of_ten_thousand)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob",
				      .args = "--rate 0 --room-lines 16384 --room-bytes 4194304");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];
	struct buf numbers = BUF_INIT;
	unsigned last = 0;

	for (unsigned i = 1; i <= 10000; i++)
		buf_printf(&numbers, "%u\n", i);
	char *input = scratch_write("numbers", numbers.data);
	buf_finish(&numbers);
	person_command(argv, s, &alice, "--send --device feed --id-prefix n");
	const char *shell[] = {"/bin/sh", "-c",
			       scratch_text("exec %s --key %s %s %s %s %s %s %s <%s", argv[0],
					    argv[2], argv[3], argv[4], argv[5], argv[6], argv[7],
					    argv[8], input),
			       NULL};
	for (unsigned round = 1; round <= 8; round++) {
		struct program *p = program_start(shell, NULL);

		take_to(bob, &last, round * 1100);
		if (round % 3 == 0) {
			unsigned worker = server_worker_of(s, "alice");

			if (worker != chat_worker(s, bob)) {
				server_kill_worker(s, worker);
				take_to(bob, &last, last + 50);
			}
		}
		program_signal(p, SIGKILL);
		must(program_wait(p) == 128 + SIGKILL, "round %u: it ended by itself", round);
	}
	struct program *p = program_start(shell, NULL);
	must(program_wait(p) == 0, "exit %d", p->status);
	take_to(bob, &last, 10000);
	/* everything arrived: once more is nothing more */
	p = program_start(shell, NULL);
	must(program_wait(p) == 0, "exit %d", p->status);
	chat_quiet(bob);
}

/* Takes messages of alice until line `to` was in one; each line must be the one after the last. */
static void take_gathered(struct chat *c, unsigned *last, unsigned to)
{
	while (*last < to) {
		json_t *line = chat_await(c, "{'type':'message','room':'lobby','sender':'alice'}");

		for (const char *at = text_of(line, "content"); *at; at += *at == '\n') {
			char *end = NULL;

			must(strtoul(at, &end, 10) == *last + 1, "%.*s after %u",
			     (int)strcspn(at, "\n"), at, *last);
			++*last;
			at = end;
		}
	}
}

OwnedTest(pipes, killed_while_it_gathers_it_loses_and_doubles_nothing_either)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .args = "--rate 0");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = NULL;
	unsigned last = 0, written = 0, chunk = 7;

	for (unsigned round = 1; round <= 16; round++) {
		struct buf lines = BUF_INIT;

		p = client_start(s, &alice, "--batch 1ms --device feed --id-prefix n");
		for (unsigned i = 1; i <= written; i++)
			buf_printf(&lines, "%u\n", i);
		if (lines.len > 0)
			program_write(p, lines.data);
		buf_finish(&lines);
		for (unsigned n = 0; n < 6; n++) {
			/* in pieces of changing size, not all of them waited for */
			for (unsigned to = written + chunk; written < to;)
				program_write(p, scratch_text("%u\n", ++written));
			chunk = chunk * 5 % 31 + 1;
			if (n % 2 == 0)
				take_gathered(bob, &last, written - chunk % 3);
		}
		if (round < 16) {
			program_signal(p, SIGKILL);
			program_wait(p);
		}
	}
	program_close_input(p);
	must(program_wait(p) == 0, "exit %d", p->status);
	take_gathered(bob, &last, written);
	chat_quiet(bob);
}

OwnedTest(pipes, interrupted_before_all_was_sent_it_says_so)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .args = "--rate 1 --burst 1");
	struct chat *bob = chat_login(s, "bob");
	struct program *p = client_start(s, &alice, "--send");

	program_write(p, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
	program_close_input(p);
	chat_await(bob, "{'type':'message','content':'1'}");
	program_signal(p, SIGINT);
	must(program_wait(p) == 128 + SIGINT, "exit %d", p->status);
	program_expect_error(p, "messages are not known to have arrived");
}

OwnedTest(pipes, closed_standard_files_do_no_harm)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	person_command(argv, s, &alice, "--send");
	must(run("/bin/sh", "-c",
		 scratch_text("exec %s --key %s --send %s <&- >&- 2>&-", argv[0], argv[2], argv[4]))
			     .status == 0,
	     "without an input there is nothing to send");
	must(run("/bin/sh", "-c",
		 scratch_text("echo hi | %s --key %s --send %s >&- 2>&-", argv[0], argv[2],
			      argv[4]))
			     .status == 0,
	     "without an output");
	chat_await(bob, "{'type':'message','content':'hi'}");
	chat_quiet(bob);
}

OwnedTest(pipes, a_full_disk_is_told_and_is_no_success)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	chat_say(bob, "lobby", "m", "hello");
	person_command(argv, s, &alice, "--follow");
	const char *shell[] = {
		"/bin/sh", "-c",
		scratch_text("exec %s --key %s --follow %s >/dev/full", argv[0], argv[2], argv[4]),
		NULL};
	struct outcome told = run_with(shell, NULL, NULL);
	must(told.status == 1 && strstr(told.err, "No space left") != NULL, "%d %s", told.status,
	     told.err);
}

OwnedTest(pipes, a_server_that_dies_and_comes_back_has_every_line_once)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .port_is_kept = true,
				      .args = "--rate 0 --room-lines 4096 --room-bytes 1048576");
	struct program *p = client_start(s, &alice, "--send");
	struct chat *bob = chat_login(s, "bob");
	unsigned last = 0;

	for (unsigned i = 1; i <= 2000; i++) {
		program_write(p, scratch_text("%u\n", i));
		if (i == 1) /* who never got in does not come back */
			chat_await(bob, "{'type':'message','content':'1'}");
		if (i % 400 != 200)
			continue;
		if (i % 800 == 200)
			server_kill(s);
		else
			server_stop(s);
		server_restart(s);
	}
	program_close_input(p);
	must(program_wait(p) == 0, "exit %d", p->status);
	bob = chat_login(s, "bob");
	for (; last < 2000; last += 100) {
		chat_send(bob,
			  "{'type':'history','id':'h%u','room':'lobby','after':%u,'limit':100}",
			  last, last);
		chat_await(bob, "{'type':'history','id':'h%u','count':100}", last);
		for (unsigned i = last + 1; i <= last + 100; i++)
			chat_expect(bob, "{'type':'message','seq':%u,'content':'%u'}", i, i);
	}
	must(json_has(chat_room_of(bob, "lobby"), "{'head':2000}"), "doubled");
}

OwnedTest(pipes, ping_tells_whether_a_server_is_there)
{
	struct server *s = server_with(.users = "bob");
	char *address = scratch_text("127.0.0.1:%u", s->port);
	struct outcome told = run(program_path("chat-client"), "--ping", address);

	must(told.status == 0 && told.err[0] == '\0', "%d %s", told.status, told.err);
	server_stop(s);
	told = run(program_path("chat-client"), "--ping", address);
	must(told.status == 4 && strstr(told.err, "is chat-master running") != NULL, "%d %s",
	     told.status, told.err);
}

/* ---- the examples of docs/client.md */

static void try_example(struct chat *bob, const char *line)
{
	struct program *p = shell_start(scratch_text("cd %s && %s", scratch_dir(), line));
	static unsigned number;
	char *said = scratch_text("answer %u", ++number);

	if (strstr(line, "--follow") != NULL) {
		/* the first is in the history, or live, as it happens */
		chat_say(bob, "ops", said, said);
		program_expect(p, said);
		return;
	}
	if (strstr(line, "--ping") == NULL)
		chat_await(bob, "{'type':'message','room':'ops','sender':'alice'}");
	if (strstr(line, "tail -F") != NULL) {
		file_append(scratch_path("%s", "build.log"), "one more\n");
		chat_await(bob, "{'type':'message','kind':'alert','content':'one more'}");
		return;
	}
	if (strstr(line, "--wait-reply") != NULL) {
		chat_say(bob, "ops", said, said);
		program_expect(p, said);
	}
	must(program_wait(p) == 0, "exit %d: %s", p->status, line);
}

OwnedTest(pipes, the_examples_of_the_manual_work)
{
	struct person alice = person_new("alice");
	struct server *s =
		server_for(1, &alice, .users = "bob", .args = "--rate 0 --room-lines 4096");
	struct chat *bob = chat_login(s, "bob");
	char *manual = file_read("docs/client.md");
	unsigned count = 0;

	must(manual != NULL, "no docs/client.md here");
	must(run("mkdir", "-p", scratch_path("%s", ".config/chat")).status == 0, "mkdir");
	file_write(scratch_path("%s", ".config/chat/client.conf"),
		   scratch_text("[host localhost]\naddress = 127.0.0.1\nport = %u\nkey = %s\n",
				s->port, alice.key.file));
	scratch_write("build.log", "error: no such file\n");
	/* what it diffs does not matter, but that there is something */
	must(run("/bin/sh", "-c",
		 scratch_text("cd %s && git init -q && echo a >f && git add f && echo b >f",
			      scratch_dir()))
			     .status == 0,
	     "git");
	chat_join(bob, "ops", NULL);
	char *end = strstr(strstr(manual, "## In a pipe"), "\n## ");
	for (char *line = strstr(manual, "## In a pipe"); line != NULL && line < end;
	     line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "    ", 4) != 0 || strncmp(line + 4, "  ", 2) == 0)
			continue;
		try_example(bob, scratch_text("%.*s", (int)strcspn(line, "\n"), line));
		count++;
	}
	must(count >= 8, "%u examples", count);
}
