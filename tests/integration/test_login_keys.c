/* docs/protocol.md, "Log in": kinds of keys, who may use which name, whom the keys file lets in. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(login_keys, .fini = owned_finish_all, .timeout = 60);

/* Opens, logs in with that key, and is welcome. */
static struct chat *enter(struct server *s, const char *user, const struct key *key)
{
	struct chat *c = chat_open(s, user);

	chat_send_login(c, user, key, NULL);
	chat_expect(c, "{'type':'welcome','user':'%s'}", user);
	return c;
}

/* The same, refused with that code: the message. */
static const char *refused(struct server *s, const char *user, const struct key *key,
			   const char *code)
{
	struct chat *c = chat_open(s, user);

	chat_send_login(c, user, key, NULL);
	return text_of(chat_refused(c, code), "message");
}

OwnedTest(login_keys, what_the_tests_sign_themselves_satisfies_ssh_keygen)
{
	struct key key = key_of("alice");
	char *signers = scratch_write("signers", scratch_text("alice %s\n", key.line));
	char *armored =
		scratch_text("-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n",
			     key_sign(&key, LOGIN_NAMESPACE, "words\n"));
	char *file = scratch_write("signature", armored);
	const char *argv[] = {"ssh-keygen", "-Y", "verify",        "-f", signers, "-I",
			      "alice",      "-n", LOGIN_NAMESPACE, "-s", file,    NULL};

	must(run_with(argv, "words\n", NULL).status == 0, "ssh-keygen does not accept it");
	must(run_with(argv, "other words\n", NULL).status != 0, "ssh-keygen accepts anything");
}

OwnedTest(login_keys, every_common_type_of_key_lets_in)
{
	struct key keys[] = {key_make("ed", "ed25519", 0), key_make("rsa", "rsa", 2048),
			     key_make("ec256", "ecdsa", 256), key_make("ec384", "ecdsa", 384),
			     key_make("ec521", "ecdsa", 521)};
	const char *users[] = {"ed", "rsa", "ec256", "ec384", "ec521"};
	struct server *s =
		server_with(.keys = scratch_text("%s\n%s\n%s\n%s\n%s\n", keys[0].line, keys[1].line,
						 keys[2].line, keys[3].line, keys[4].line));

	for (size_t i = 0; i < 5; i++)
		enter(s, users[i], &keys[i]);
}

OwnedTest(login_keys, a_weak_rsa_key_does_not)
{
	struct key key = key_make("weak", "rsa", 1024);
	struct server *s = server_with(.keys = scratch_text("%s\n", key.line));

	refused(s, "weak", &key, "auth_failed");
}

OwnedTest(login_keys, the_signature_may_be_bare_base64)
{
	struct key key = key_make("alice", "ecdsa", 256);
	struct server *s = server_with(.keys = scratch_text("%s\n", key.line));
	struct chat *c = chat_open(s, "alice");
	char *text =
		login_text(s->address, "alice", key.fingerprint, text_of(c->challenge, "nonce"),
			   number_of(c->challenge, "expires"), "none");
	char *armored = key_sign(&key, LOGIN_NAMESPACE, text), *bare = strdup(armored);
	size_t n = 0;

	for (char *at = strchr(armored, '\n') + 1; *at != '-'; at++) {
		if (*at != '\n')
			bare[n++] = *at;
	}
	bare[n] = '\0';
	chat_send_signature(c, "alice", bare, NULL);
	free(bare);
	chat_expect(c, "{'type':'welcome'}");
}

OwnedTest(login_keys, the_signature_may_hash_with_sha256)
{
	struct key key = key_make("alice", "ed25519", 0);
	struct server *s = server_with(.keys = scratch_text("%s\n", key.line));
	struct chat *c = chat_open(s, "alice");
	char *text =
		login_text(s->address, "alice", key.fingerprint, text_of(c->challenge, "nonce"),
			   number_of(c->challenge, "expires"), "none");
	const char *argv[] = {"ssh-keygen",    "-q", "-Y",     "sign", "-O", "hashalg=sha256", "-n",
			      LOGIN_NAMESPACE, "-f", key.file, NULL};

	chat_send_signature(c, "alice", run_with(argv, text, NULL).out, NULL);
	chat_expect(c, "{'type':'welcome','user':'alice'}");
}

OwnedTest(login_keys, a_key_in_an_agent_lets_in)
{
	struct key key = key_make("alice", "ed25519", 0);
	struct server *s = server_with(.keys = scratch_text("%s\n", key.line));
	char *socket = scratch_path("agent");
	char *env = scratch_text("SSH_AUTH_SOCK=%s", socket);
	struct program *agent =
		program_start((const char *const[]){"ssh-agent", "-D", "-a", socket, NULL}, NULL);

	program_expect(agent, "SSH_AUTH_SOCK");
	must(run_with((const char *const[]){"ssh-add", "-q", key.file, NULL}, NULL,
		      (const char *const[]){env, NULL})
			     .status == 0,
	     "ssh-add");
	unlink(key.file);
	struct chat *c = chat_open(s, "alice");
	char *text =
		login_text(s->address, "alice", key.fingerprint, text_of(c->challenge, "nonce"),
			   number_of(c->challenge, "expires"), "none");
	chat_send_signature(
		c, "alice",
		key_sign_file(scratch_text("%s.pub", key.file), socket, LOGIN_NAMESPACE, text),
		NULL);
	chat_expect(c, "{'type':'welcome','user':'alice'}");
}

OwnedTest(login_keys, a_certificate_of_a_listed_authority_lets_in_its_principals)
{
	struct key ca = key_make("ca", "ed25519", 0), key = key_make("alice", "ed25519", 0);
	struct key certified = key_certify(&key, &ca, "-n alice,root -V -1m:+1h");
	struct server *s =
		server_with(.keys = scratch_text("cert-authority,principals=\"alice,bob\" %s\n",
						 ca.line));

	enter(s, "alice", &certified);
	struct chat *c = chat_open(s, "not a principal");
	chat_send_login(c, "bob", &certified, NULL);
	json_t *line = chat_expect(c, "{'type':'error','code':'*'}");
	must(json_has(line, "{'code':'auth_failed'}") || json_has(line, "{'code':'name_taken'}"),
	     "another code");
	refused(s, "alice", &key, "auth_failed");
}

OwnedTest(login_keys, a_certificate_past_its_time_does_not)
{
	struct key ca = key_make("ca", "ed25519", 0), key = key_make("alice", "ed25519", 0);
	struct key certified = key_certify(&key, &ca, "-n alice -V -2h:-1h");
	struct server *s =
		server_with(.keys = scratch_text("cert-authority,principals=\"alice\" %s\n",
						 ca.line));

	refused(s, "alice", &certified, "auth_failed");
}

OwnedTest(login_keys, the_first_key_to_use_a_name_owns_it)
{
	struct server *s = server_with(.users = "alice bob");
	struct key alice = key_of("alice"), bob = key_of("bob");

	enter(s, "alice", &alice);
	enter(s, "bob", &bob);
	const char *message = refused(s, "alice", &bob, "name_taken");
	must(strstr(message, "bob") != NULL, "it does not say which name is bob's: %s", message);
	enter(s, "alice", &alice);
}

OwnedTest(login_keys, a_key_owns_one_name_by_first_use)
{
	struct server *s = server_with(.users = "alice");
	struct key alice = key_of("alice");

	enter(s, "alice", &alice);
	const char *message = refused(s, "second", &alice, "name_taken");
	must(strstr(message, "alice") != NULL, "it does not name alice: %s", message);
}

OwnedTest(login_keys, more_names_for_a_key_are_an_option)
{
	struct server *s = server_with(.users = "alice", .args = "--names-per-key 2");
	struct key alice = key_of("alice");

	enter(s, "alice", &alice);
	enter(s, "second", &alice);
	refused(s, "third", &alice, "name_taken");
}

OwnedTest(login_keys, reserved_names_are_nobodys)
{
	struct server *s = server_with(.users = "alice");
	struct key alice = key_of("alice");
	const char *names[] = {"server", "system", "admin",    "root",
			       "all",    "here",   "everyone", "lobby"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		refused(s, names[i], &alice, "name_taken");
	enter(s, "alice", &alice);
}

OwnedTest(login_keys, pinned_names_belong_to_all_their_keys_and_to_no_other)
{
	struct key work = key_of("work"), home = key_of("home"), other = key_of("other");
	struct server *s =
		server_with(.keys = scratch_text("environment=\"CHAT_USER=alice,al\" %s\n"
						 "environment=\"CHAT_USER=alice\" %s\n%s\n",
						 work.line, home.line, other.line));

	refused(s, "alice", &other, "name_taken");
	enter(s, "alice", &work);
	enter(s, "alice", &home);
	enter(s, "al", &work);
	const char *message = refused(s, "al", &home, "name_taken");
	must(strstr(message, "alice") != NULL, "it does not name alice: %s", message);
	refused(s, "free", &work, "name_taken");
	enter(s, "free", &other);
}

OwnedTest(login_keys, a_key_on_several_lines_may_use_the_names_of_each)
{
	struct key key = key_of("alice");
	struct server *s = server_with(.keys = scratch_text("environment=\"CHAT_USER=one\" %s\n"
							    "environment=\"CHAT_USER=two\" %s\n",
							    key.line, key.line));

	enter(s, "one", &key);
	enter(s, "two", &key);
	refused(s, "three", &key, "name_taken");
}

OwnedTest(login_keys, from_and_expiry_time_hold_for_logins)
{
	struct key near = key_of("near"), far = key_of("far"), old = key_of("old"),
		   new = key_of("new");
	struct server *s =
		server_with(.keys = scratch_text(
				    "from=\"127.0.0.1\" %s\nfrom=\"192.0.2.7\" %s\n"
				    "expiry-time=\"20200101\" %s\nexpiry-time=\"20990101\" %s\n",
				    near.line, far.line, old.line, new.line));

	enter(s, "near", &near);
	refused(s, "far", &far, "auth_failed");
	refused(s, "old", &old, "auth_failed");
	enter(s, "new", &new);
}

/* Nobody gets in, the server runs, and the log names the path and how to mend it. */
static void lets_nobody_in(struct server *s, const char *remedy)
{
	struct key alice = key_of("alice");
	struct buf body = BUF_INIT;
	size_t offset = 0;

	refused(s, "alice", &alice, "auth_failed");
	must(http_get(s->port, "/healthz", &body) == 200, "the server is not healthy");
	buf_finish(&body);
	server_log_await(s, &offset, s->keys_path, remedy);
}

OwnedTest(login_keys, an_empty_keys_file_lets_nobody_in)
{
	struct server *s = server_with(.keys = "");

	lets_nobody_in(s, "");
}

OwnedTest(login_keys, a_missing_keys_file_lets_nobody_in)
{
	struct server *s = server_with(.users = "alice");

	server_stop(s);
	unlink(s->keys_path);
	server_restart(s);
	lets_nobody_in(s, "");
}

OwnedTest(login_keys, a_keys_file_others_can_write_lets_nobody_in_until_it_is_mended)
{
	struct server *s = server_with(.users = "alice");
	struct key alice = key_of("alice");

	server_stop(s);
	chmod(s->keys_path, 0666);
	server_restart(s);
	lets_nobody_in(s, "chmod");
	chmod(s->keys_path, 0600);
	size_t offset = server_log_size(s);
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "keys", "");
	enter(s, "alice", &alice);
}
