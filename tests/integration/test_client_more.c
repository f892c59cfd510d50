/* chat-client: which key it takes, several at once, and what ends it for good. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(client_more, .fini = owned_finish_all, .timeout = 90);

/* Puts the key where OpenSSH looks for one: ~/.ssh/NAME, home being the scratch folder. */
static void keep_as(struct person *person, const char *name)
{
	char *file = scratch_path(".ssh/%s", name);

	mkdir(scratch_path("%s", ".ssh"), 0700);
	must(rename(person->key.file, file) == 0, "rename");
	must(rename(scratch_text("%s.pub", person->key.file), scratch_text("%s.pub", file)) == 0,
	     "rename");
	person->key.file = file;
}

/* chat-client without --key. */
static struct outcome send_without_key(struct server *s, const char *user, const char *input)
{
	char *target = scratch_text("%s@localhost:%u", user, s->port);
	const char *argv[] = {program_path("chat-client"), "--send", target, NULL};

	return run_with(argv, input, NULL);
}

OwnedTest(client_more, without_key_the_usual_files_are_tried)
{
	struct person alice = person_new("alice");
	struct person others[] = {
		{.name = "old", .key = key_make("old", "ecdsa", 256)},
		{.name = "older", .key = key_make("older", "rsa", 2048)},
	};
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");

	keep_as(&others[0], "id_ed25519");
	keep_as(&others[1], "id_ecdsa");
	keep_as(&alice, "id_rsa"); /* what a file is called says nothing about its key */
	struct outcome sent = send_without_key(s, "alice", "found it\n");
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','sender':'alice','content':'found it'}");
	/* The key that worked is the first one now: nothing is refused any more. */
	size_t offset = server_log_size(s);
	sent = send_without_key(s, "alice", "at once\n");
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','sender':'alice','content':'at once'}");
	must(strstr(file_read(s->log_path) + offset, "refused") == NULL,
	     "it forgot which key worked");
}

OwnedTest(client_more, without_any_key_it_says_so)
{
	struct server *s = server_with(.users = "bob");
	struct outcome told = send_without_key(s, "alice", "hi\n");

	must(told.status == 3 && strlen(told.err) > 0, "%d %s", told.status, told.err);
}

OwnedTest(client_more, a_certificate_beside_the_key_is_offered)
{
	struct person alice = person_new("alice");
	struct key ca = key_make("ca", "ed25519", 0);

	key_certify(&alice.key, &ca, "-n alice -V -1m:+1h");
	struct server *s =
		server_with(.keys = scratch_text("cert-authority,principals=\"alice\" %s\n%s",
						 ca.line, keys_of("bob")));
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	person_command(argv, s, &alice, "--send");
	struct outcome sent = run_with(argv, "certified\n", NULL);
	must(sent.status == 0, "exit %d: %s", sent.status, sent.err);
	chat_expect(bob, "{'type':'message','sender':'alice','content':'certified'}");
}

OwnedTest(client_more, two_of_one_user_send_at_once)
{
	struct person alice = person_new("alice");
	struct server *s =
		server_for(1, &alice, .users = "bob", .args = "--rate 0 --room-lines 4096");
	struct chat *bob = chat_login(s, "bob");
	struct program *programs[2];
	const char *argv[24];
	unsigned next[2] = {1, 1};

	person_command(argv, s, &alice, "--send");
	for (unsigned i = 0; i < 2; i++)
		programs[i] = program_start(argv, NULL);
	for (unsigned n = 1; n <= 300; n++) {
		for (unsigned i = 0; i < 2; i++)
			program_write(programs[i], scratch_text("%u-%u\n", i, n));
	}
	for (unsigned i = 0; i < 2; i++) {
		program_close_input(programs[i]);
		must(program_wait(programs[i]) == 0, "exit %d", programs[i]->status);
	}
	for (unsigned n = 0; n < 600; n++) {
		json_t *line = chat_await(bob, "{'type':'message','sender':'alice'}");
		unsigned who = 0, number = 0;

		must(sscanf(text_of(line, "content"), "%u-%u", &who, &number) == 2 && who < 2 &&
			     number == next[who],
		     "%s is not the next of its sender", text_of(line, "content"));
		next[who]++;
	}
	chat_quiet(bob);
}

OwnedTest(client_more, several_rooms_are_followed)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	chat_join(bob, "ops", NULL);
	chat_join(bob, "dev", NULL);
	chat_say(bob, "ops", "m1", "one in ops");
	chat_say(bob, "dev", "m2", "one in dev");
	person_command(argv, s, &alice, "--follow --room ops --room dev");
	struct program *p = program_start(argv, NULL);
	program_expect(p, "one in ops");
	program_expect(p, "one in dev");
	chat_say(bob, "dev", "m3", "two in dev");
	program_expect(p, "two in dev");
	chat_say(bob, "ops", "m4", "two in ops");
	program_expect(p, "two in ops");
	must(strstr(p->out_text.data, "ops") != NULL && strstr(p->out_text.data, "dev") != NULL,
	     "which room?");
}

OwnedTest(client_more, a_revoked_key_ends_it_with_the_reason)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	chat_say(bob, "lobby", "m", "there?");
	person_command(argv, s, &alice, "--follow");
	struct program *p = program_start(argv, NULL);
	program_expect(p, "there?");
	file_write(s->keys_path, keys_of("bob"));
	server_signal(s, SIGHUP);
	int status = program_wait(p);
	must(status == 1 || status == 3, "exit %d", status);
	must(p->err_text.len > 0 && strstr(p->err_text.data, "key") != NULL, "why? %s",
	     p->err_text.data);
}

OwnedTest(client_more, direct_messages_printed_in_a_pipe_are_read)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	struct chat *bob = chat_login(s, "bob");
	const char *argv[24];

	person_command(argv, s, &alice, "--send");
	must(run_with(argv, "hi\n", NULL).status == 0, "alice is not known yet");
	chat_tell(bob, "alice", "d1", "one");
	chat_tell(bob, "alice", "d2", "two");
	person_command(argv, s, &alice, "--follow --json");
	struct program *p = program_start(argv, NULL);
	program_expect(p, "\"two\"");
	chat_tell(bob, "alice", "d3", "three");
	program_expect(p, "\"three\"");
	/* Another one of hers hears of it; the mark tells it also when that comes too late. */
	struct chat *other = chat_open(s, "alice");
	chat_send_login(other, "alice", &alice.key, "'device':'other'");
	chat_expect(other, "{'type':'welcome'}");
	if (!json_has(chat_room_of(other, "@alice"), "{'read':3}"))
		chat_await(other, "{'type':'read','room':'@alice','seq':3}");
}
