/* chat-keys: what it says about keys files and signatures, and the names in a running server. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

TestSuite(keys_tool, .fini = owned_finish_all, .timeout = 60);

/* chat-keys names <words> for the server. */
static struct outcome names(struct server *s, const char *verb, const char *name, const char *key)
{
	const char *argv[12] = {program_path("chat-keys"),
				"names",
				"--state-dir",
				s->state_dir,
				"--instance",
				s->instance,
				verb};

	argv[7] = name;
	argv[8] = name != NULL ? key : NULL;
	return run_with(argv, NULL, NULL);
}

static void login_is(struct server *s, const char *user, const struct key *key, const char *type)
{
	struct chat *c = chat_open(s, user);

	chat_send_login(c, user, key, NULL);
	chat_expect(c, "{'type':'%s'}", type);
}

OwnedTest(keys_tool, a_signature_made_by_ssh_keygen_is_ok)
{
	struct key key = key_make("alice", "ed25519", 0);
	char *message = scratch_write("message", "words\n");
	char *signature = scratch_write("signature", key_sign(&key, LOGIN_NAMESPACE, "words\n"));
	char *public = scratch_text("%s.pub", key.file);
	struct outcome told =
		run(program_path("chat-keys"), "verify", "--key", public, "--namespace",
		    LOGIN_NAMESPACE, "--message", message, "--signature", signature);

	must(told.status == 0 && strcmp(told.out, "ok\n") == 0, "%d %s%s", told.status, told.out,
	     told.err);
	told = run(program_path("chat-keys"), "verify", "--key", public, "--namespace", "file",
		   "--message", message, "--signature", signature);
	must(told.status == 1 && strcmp(told.out, "ok\n") != 0, "another namespace: %d %s",
	     told.status, told.out);
	file_write(message, "other words\n");
	told = run(program_path("chat-keys"), "verify", "--namespace", LOGIN_NAMESPACE, "--message",
		   message, "--signature", signature);
	must(told.status == 1, "other words: %d %s", told.status, told.out);
}

OwnedTest(keys_tool, a_keys_file_is_explained_line_by_line)
{
	struct key alice = key_make("alice", "ed25519", 0), bob = key_make("bob", "ed25519", 0);
	char *file =
		scratch_write("keys", scratch_text("# comment\nenvironment=\"CHAT_USER=al\" %s\n"
						   "ssh-ed25519 nonsense x\n",
						   alice.line));
	struct outcome told = run(program_path("chat-keys"), "check", file);

	must(strstr(told.out, alice.fingerprint) != NULL && strstr(told.out, "al") != NULL, "%s",
	     told.out);
	told = run(program_path("chat-keys"), "check", file, "--key",
		   scratch_text("%s.pub", alice.file), "--user", "al");
	must(told.status == 0 && strncmp(told.out, "accept", 6) == 0, "%d %s", told.status,
	     told.out);
	told = run(program_path("chat-keys"), "check", file, "--key",
		   scratch_text("%s.pub", bob.file));
	must(told.status == 1 && strncmp(told.out, "refuse", 6) == 0, "%d %s", told.status,
	     told.out);
}

OwnedTest(keys_tool, names_are_listed_added_and_released_in_the_running_server)
{
	struct server *s = server_with(.users = "alice bob");
	struct key alice = key_of("alice"), bob = key_of("bob");

	chat_login(s, "alice");
	struct outcome listed = names(s, "list", NULL, NULL);
	must(listed.status == 0 && strstr(listed.out, "alice") != NULL &&
		     strstr(listed.out, alice.fingerprint) != NULL,
	     "%d %s%s", listed.status, listed.out, listed.err);
	must(names(s, "add", "desk", alice.fingerprint).status == 0, "add");
	login_is(s, "desk", &alice, "welcome");
	login_is(s, "desk", &bob, "error");
	must(names(s, "release", "desk", NULL).status == 0, "release");
	must(strstr(names(s, "list", NULL, NULL).out, "desk") == NULL, "still there");
	must(names(s, "release", "nobody", NULL).status != 0, "released a name nobody has");
	login_is(s, "desk", &bob, "welcome");
}

OwnedTest(keys_tool, a_name_that_passes_on_starts_with_a_fresh_inbox)
{
	struct server *s = server_with(.users = "alice bob carol");
	struct key bob = key_of("bob"), carol = key_of("carol");
	struct chat *alice = chat_login(s, "alice");

	login_is(s, "desk", &bob, "welcome");
	chat_tell(alice, "desk", "d1", "for the first one");
	must(names(s, "release", "desk", NULL).status == 0, "release");
	struct chat *c = chat_open(s, "desk");
	chat_send_login(c, "desk", &carol, NULL);
	chat_expect(c, "{'type':'welcome','user':'desk'}");
	chat_await(c, "{'type':'room','room':'@desk','head':0,'count':0}");
	chat_quiet(c);
}
