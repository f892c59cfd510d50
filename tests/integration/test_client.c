/* chat-client in pipes: what it sends, prints and exits with. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(client, .fini = owned_finish_all, .timeout = 90);

/* Runs chat-client to its end with the flags (separated by spaces), as `user`. */
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

OwnedTest(client, send_sends_each_line_and_ends_when_all_are_there)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	chat_join(bob, "ops", NULL);
	struct outcome sent = client(s, &alice, "--send --room ops", "deployed\nand tested\n");
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(
		bob,
		"{'type':'message','room':'ops','seq':1,'sender':'alice','content':'deployed'}");
	chat_expect(bob, "{'type':'message','room':'ops','seq':2,'content':'and tested'}");
	chat_quiet(bob);
	sent = client(s, &alice, "--send", "to the lobby");
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','room':'lobby','seq':1,'content':'to the lobby'}");
}

OwnedTest(client, follow_prints_what_others_say)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	chat_join(bob, "ops", NULL);
	chat_say(bob, "ops", "m1", "before");
	struct program *p = client_start(s, &alice, "--follow --room ops");
	program_expect(p, "before");
	chat_say(bob, "ops", "m2", "live");
	program_expect(p, "live");
	chat_tell(bob, "alice", "d", "in private");
	program_expect(p, "in private");
}

OwnedTest(client, json_prints_the_lines_as_they_are)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	chat_join(bob, "ops", NULL);
	chat_say(bob, "ops", "m1", "quote \" and \xe2\x82\xac");
	struct program *p = client_start(s, &alice, "--follow --json --room ops");
	json_t *line = NULL;
	do {
		char *text = program_line(p);

		must(text != NULL, "the message never came");
		json_decref(line);
		line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		must(line != NULL && json_object_get(line, "type") != NULL, "not a line: %s", text);
	} while (!json_has(line, "{'type':'message','room':'ops'}"));
	must(json_equal(line, json_array_get(bob->seen, bob->taken - 2)),
	     "another line than bob's");
	json_decref(line);
}

OwnedTest(client, what_is_printed_for_people_is_cleaned)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	chat_say(bob, "lobby", "m1", "bidi \xe2\x80\xae override, tag \xf3\xa0\x81\x81, end");
	struct program *p = client_start(s, &alice, "--follow");
	program_expect(p, "end");
	must(strstr(p->out_text.data, "\xe2\x80\xae") == NULL, "a bidi control");
	must(strstr(p->out_text.data, "\xf3\xa0\x81\x81") == NULL, "an invisible tag");
	must(strchr(p->out_text.data, '\x1b') == NULL, "an escape in a pipe");
}

OwnedTest(client, exit_codes_tell_what_went_wrong)
{
	struct person alice = person_new("alice"), mallory = person_new("mallory");
	struct server *s = server_for(1, &alice, .users = "bob");
	const char *program = program_path("chat-client");
	struct outcome told;

	told = run(program, "--no-such-flag", "alice@127.0.0.1");
	must(told.status == 2 && strstr(told.err, "no-such-flag") != NULL, "usage: %d %s",
	     told.status, told.err);
	told = run(program);
	must(told.status == 2, "no host: %d", told.status);
	told = client(s, &mallory, "--send --once", "hi\n");
	must(told.status == 3, "a key that nobody knows: %d %s", told.status, told.err);
	told = client(s, &alice, "--send", scratch_text("ok\n%05000d\nok, too\n", 0));
	must(told.status == 1, "a line that is too long: %d %s", told.status, told.err);
	server_stop(s);
	told = client(s, &alice, "--send --once", "hi\n");
	must(told.status == 4 && strlen(told.err) > 0, "no server: %d %s", told.status, told.err);
}

OwnedTest(client, a_name_that_is_anothers_is_told)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");

	chat_login(s, "bob");
	must(client(s, &alice, "--send", "mine\n").status == 0, "alice");
	const char *argv[] = {program_path("chat-client"),
			      "--key",
			      alice.key.file,
			      "--send",
			      scratch_text("bob@127.0.0.1:%u", s->port),
			      NULL};
	struct outcome told = run_with(argv, "hi\n", NULL);
	must(told.status == 3 && strstr(told.err, "alice") != NULL, "%d %s", told.status, told.err);
}

OwnedTest(client, a_server_that_speaks_no_tls_gets_no_login)
{
	struct person alice = person_new("alice");
	struct outcome told = run(program_path("chat-client"), "--key", alice.key.file, "--send",
				  "--once", "--insecure", "--tls", "alice@localhost");

	must(told.status == 2 && strstr(told.err, "--insecure means no TLS") != NULL, "%d %s",
	     told.status, told.err);
	/* Somebody who hangs up, whatever is said to him. */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	must(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 4) == 0 &&
		     getsockname(fd, (struct sockaddr *)&at, &len) == 0,
	     "cannot listen");
	const char *argv[] = {program_path("chat-client"),
			      "--key",
			      alice.key.file,
			      "--tls",
			      "--once",
			      "--send",
			      scratch_text("alice@localhost:%u", ntohs(at.sin_port)),
			      NULL};
	struct program *p = program_start(argv, NULL);
	int peer = accept(fd, NULL, NULL);
	must(peer >= 0 && write(peer, "HTTP/1.1 400 what?\r\n\r\n", 22) == 22, "nobody came");
	close(peer);
	must(program_wait(p) == 4 && strstr(p->err_text.data, "no TLS connection") != NULL, "%d %s",
	     p->status, p->err_text.data);
	close(fd);
}

OwnedTest(client, help_and_version_are_told)
{
	struct outcome help = run(program_path("chat-client"), "--help");
	static const char *const flags[] = {"--key",  "--port", "--room",  "--send",    "--follow",
					    "--once", "--json", "--plain", "--insecure"};

	must(help.status == 0, "exit %d", help.status);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		must(strstr(help.out, flags[i]) != NULL, "--help lacks %s", flags[i]);
	must(run(program_path("chat-client"), "--version").status == 0, "--version");
}

OwnedTest(client, a_key_in_the_agent_is_used)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	char *socket = scratch_path("agent");
	const char *const env[] = {scratch_text("SSH_AUTH_SOCK=%s", socket), NULL};
	struct program *agent =
		program_start((const char *const[]){"ssh-agent", "-D", "-a", socket, NULL}, NULL);

	program_expect(agent, "SSH_AUTH_SOCK");
	const char *add[] = {"ssh-add", "-q", alice.key.file, NULL};
	must(run_with(add, NULL, env).status == 0, "ssh-add");
	unlink(alice.key.file);
	const char *argv[] = {program_path("chat-client"), "--send",
			      scratch_text("alice@127.0.0.1:%u", s->port), NULL};
	struct outcome sent = run_with(argv, "by the agent\n", env);
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','sender':'alice','content':'by the agent'}");
	const char *by_pub[] = {program_path("chat-client"),
				"--key",
				scratch_text("%s.pub", alice.key.file),
				"--send",
				argv[2],
				NULL};
	sent = run_with(by_pub, "by its public half\n", env);
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','sender':'alice','content':'by its public half'}");
}

OwnedTest(client, an_encrypted_key_is_opened_through_askpass)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	const char *encrypt[] = {"ssh-keygen", "-q",          "-p", "-P",           "",
				 "-N",         "open sesame", "-f", alice.key.file, NULL};
	char *script = scratch_write("askpass", "#!/bin/sh\necho 'open sesame'\n");
	const char *const env[] = {scratch_text("SSH_ASKPASS=%s", script),
				   "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0", NULL};
	const char *argv[24];

	must(run_with(encrypt, NULL, NULL).status == 0, "ssh-keygen -p");
	must(run("chmod", "700", script).status == 0, "chmod");
	person_command(argv, s, &alice, "--send");
	struct outcome sent = run_with(argv, "opened\n", env);
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
}

OwnedTest(client, every_kind_of_key_file_is_understood)
{
	struct person people[] = {
		{.name = "rsa", .key = key_make("rsa", "rsa", 2048)},
		{.name = "ec256", .key = key_make("ec256", "ecdsa", 256)},
		{.name = "ec521", .key = key_make("ec521", "ecdsa", 521)},
		{.name = "pem", .key = key_make("pem", "ecdsa", 384)},
	};
	struct server *s = server_for(4, people, .users = "bob");

	must(run("ssh-keygen", "-q", "-p", "-P", "", "-N", "", "-m", "PEM", "-f",
		 people[3].key.file)
			     .status == 0,
	     "ssh-keygen -m PEM");
	for (size_t i = 0; i < 4; i++) {
		struct outcome sent = client(s, &people[i], "--send", "hi\n");

		must(sent.status == 0, "%s: exit %d: %s", people[i].name, sent.status, sent.err);
	}
}

/* One who follows a room and checks that lines 1, 2 ... come once and in order. */
static void take_numbered(struct chat *c, unsigned count)
{
	for (unsigned i = 1; i <= count; i++)
		must(json_has(chat_await(c, "{'type':'message','room':'lobby','sender':'alice'}"),
			      "{'content':'%u'}", i),
		     "line %u is not the next", i);
}

static char *numbers(unsigned count)
{
	struct buf text = BUF_INIT;

	for (unsigned i = 1; i <= count; i++)
		buf_printf(&text, "%u\n", i);
	owned_add(text.data, free, NULL);
	return text.data;
}

OwnedTest(client, thousands_of_lines_arrive_in_order)
{
	struct person alice = person_new("alice");
	struct server *s =
		server_for(1, &alice, .users = "bob", .args = "--rate 0 --room-lines 16384");
	struct chat *bob = chat_login(s, "bob");
	struct outcome sent = client(s, &alice, "--send", numbers(5000));

	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	take_numbered(bob, 5000);
	chat_quiet(bob);
}

OwnedTest(client, a_rate_limit_slows_it_down_and_loses_nothing)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .args = "--rate 40 --burst 5");
	struct chat *bob = chat_login(s, "bob");
	struct outcome sent = client(s, &alice, "--send", numbers(60));

	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	take_numbered(bob, 60);
	chat_quiet(bob);
}

OwnedTest(client, dying_workers_lose_and_double_nothing_it_sends)
{
	struct person alice = person_new("alice");
	struct server *s =
		server_for(1, &alice, .users = "bob", .args = "--rate 0 --room-lines 16384");
	struct program *p = client_start(s, &alice, "--send");

	for (unsigned i = 1; i <= 1500; i++) {
		program_write(p, scratch_text("%u\n", i));
		if (i % 150 == 75)
			server_kill_worker(s, server_worker_of(s, "alice"));
	}
	program_close_input(p);
	must(program_wait(p) == 0, "exit %d", p->status);
	struct chat *reader = chat_login(s, "bob");
	for (unsigned after = 0; after < 1500; after += 100) {
		chat_send(reader,
			  "{'type':'history','id':'h%u','room':'lobby','after':%u,'limit':100}",
			  after, after);
		chat_await(reader, "{'type':'history','id':'h%u','count':100}", after);
		for (unsigned i = after + 1; i <= after + 100; i++)
			chat_expect(reader, "{'type':'message','seq':%u,'content':'%u'}", i, i);
	}
	must(json_has(chat_room_of(chat_welcome(s, "bob", NULL), "lobby"), "{'head':1500}"),
	     "doubled");
}

/* The next message that `chat-client --json` prints must have this number as its content. */
static void expect_number(struct program *p, unsigned number)
{
	for (;;) {
		char *text = program_line(p);

		must(text != NULL, "line %u never came", number);
		json_t *line = json_loads(text, 0, NULL);
		bool message = json_has(line, "{'type':'message'}");
		bool right = json_has(line, "{'content':'%u'}", number);
		json_decref(line);
		must(!message || right, "line %u is not the next", number);
		if (message)
			return;
	}
}

OwnedTest(client, a_follower_comes_back_after_a_restart_and_misses_nothing)
{
	struct person alice = person_new("alice");
	struct server *s =
		server_for(1, &alice, .users = "bob", .args = "--rate 0", .port_is_kept = true);
	struct chat *bob = chat_login(s, "bob");
	struct program *p = client_start(s, &alice, "--follow --json");

	chat_say(bob, "lobby", "m1", "1");
	expect_number(p, 1);
	for (unsigned round = 2; round <= 4; round++) {
		if (round == 3)
			server_kill(s);
		else
			server_stop(s);
		server_restart(s);
		bob = chat_login(s, "bob");
		chat_say(bob, "lobby", scratch_text("m%u", round), scratch_text("%u", round));
		expect_number(p, round);
	}
}

OwnedTest(client, once_ends_when_the_connection_is_lost)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .workers = 1);
	struct chat *bob = chat_login(s, "bob");
	struct program *p = client_start(s, &alice, "--follow --once");

	chat_say(bob, "lobby", "m", "there?");
	program_expect(p, "there?");
	server_kill_worker(s, 0);
	must(program_wait(p) == 4, "exit %d", p->status);
}

enum rudeness { HANGS_UP, READS_AND_RESETS, SAYS_NOTHING };

/* A child that listens, and treats whoever comes like that: its port. */
static unsigned rude_server(enum rudeness rudeness)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct linger reset = {.l_onoff = 1};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t parent = getpid();
	char request[4096];

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 8) == 0 &&
		     getsockname(listener, (struct sockaddr *)&at, &len) == 0,
	     "no listener");
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		child_prepare(parent);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (rudeness == READS_AND_RESETS &&
			    recv(fd, request, sizeof(request), 0) > 0)
				setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			if (rudeness != SAYS_NOTHING)
				close(fd);
		}
	}
	close(listener);
	return ntohs(at.sin_port);
}

OwnedTest(client, a_server_that_hangs_up_or_says_nothing_is_given_up)
{
	struct person alice = person_new("alice");
	struct program *clients[3];

	for (int i = 0; i < 3; i++) {
		struct server nobody = {.port = rude_server((enum rudeness)i)};

		clients[i] = client_start(&nobody, &alice, "--send --once");
		program_close_input(clients[i]);
	}
	for (int i = 0; i < 3; i++) {
		int status = program_wait(clients[i]);

		must(status == 4 || status == 5, "case %d: exit %d", i, status);
		must(clients[i]->err_text.len > 0, "case %d: not a word", i);
	}
}

OwnedTest(client, a_reader_that_goes_away_ends_it_quietly)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	chat_say(bob, "lobby", "m", "first");
	char *command = scratch_text("%s --key %s --follow alice@127.0.0.1:%u | head -n 1",
				     program_path("chat-client"), alice.key.file, s->port);
	struct program *p =
		program_start((const char *const[]){"/bin/sh", "-c", command, NULL}, NULL);
	program_expect(p, "first");
	chat_say(bob, "lobby", "m2", "second");
	chat_say(bob, "lobby", "m3", "third");
	must(program_wait(p) == 0, "exit %d", p->status);
	must(p->err_text.len == 0, "it complains: %s", p->err_text.data);
}
