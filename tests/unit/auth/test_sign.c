#include "auth/pubkey.h"
#include "auth/sign.h"
#include "auth/sshsig.h"
#include "tests/unit/auth/key_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPACE "login@chat-master"

static const char text[] = "chat-auth-v1\nuser: alice\n";
static struct key_folder folder;

static void setup(void)
{
	key_folder_create(&folder);
	cr_assert_eq(mkdir(key_path(&folder, ".ssh"), 0700), 0);
}

static void teardown(void)
{
	key_folder_destroy(&folder);
}

TestSuite(sign, .init = setup, .fini = teardown);

static void load(const char *key, const char *remembered, struct sign_keys *keys)
{
	struct sign_source source = {
		.key_path = key,
		.home = folder.path,
		.agent_socket = folder.agent_socket,
		.remembered = remembered,
	};
	struct buf problem = BUF_INIT;

	cr_assert_eq(sign_keys_load(&source, &problem, keys), 0, "%s", problem.data);
	buf_finish(&problem);
}

static void check_refused(const char *key, const char *because)
{
	struct sign_source source = {
		.key_path = key, .home = folder.path, .agent_socket = folder.agent_socket};
	struct sign_keys keys;
	struct buf problem = BUF_INIT;

	cr_assert_lt(sign_keys_load(&source, &problem, &keys), 0);
	cr_assert(problem.data && strstr(problem.data, because), "%s", problem.data);
	buf_finish(&problem);
}

/* Nobody is there. */
static int refuse(void *owner, const char *path, unsigned attempt, struct buf *words)
{
	(void)owner;
	(void)path;
	(void)attempt;
	(void)words;
	return -ECANCELED;
}

/* Answers from a list, in turn. */
struct answers {
	const char *words[4];
	unsigned asked;
};

static int answer(void *owner, const char *path, unsigned attempt, struct buf *words)
{
	struct answers *answers = owner;

	cr_assert_not_null(path);
	cr_assert_eq(attempt, answers->asked);
	if (!answers->words[answers->asked])
		return -ECANCELED;
	buf_append_str(words, answers->words[answers->asked++]);
	return 0;
}

/* The server's verdict on what the key signed; *ret_sig's views die with the call. */
static void check_signs(const struct sign_keys *keys, struct sign_key *key, const char *pub)
{
	struct buf base64 = BUF_INIT, public = BUF_INIT;
	struct pubkey expected;
	struct sshsig sig;
	uint8_t blob[SSHSIG_BLOB_MAX];
	char fingerprint[FINGERPRINT_SIZE];
	size_t len = 0;

	cr_assert_eq(sign_key_unlock(key, refuse, NULL), 0, "%s", key->name);
	cr_assert_eq(sign_key_sign(keys, key, SPACE, text, strlen(text), &base64), 0, "%s",
		     key->name);
	cr_assert_eq(sshsig_decode(base64.data, base64.len, blob, &len), VERDICT_OK);
	cr_assert_eq(sshsig_read(blob, len, SPACE, &sig), VERDICT_OK);
	cr_assert_eq(sshsig_verify(&sig, text, strlen(text)), VERDICT_OK);
	cr_assert_eq(sig.certified, key->certified);
	key_read_public(&folder, pub, &public);
	cr_assert_eq(pubkey_parse(public.data, public.len, &expected), VERDICT_OK);
	pubkey_fingerprint(&expected, fingerprint);
	cr_assert_str_eq(key->fingerprint, fingerprint);
	pubkey_fingerprint(&sig.key, fingerprint);
	cr_assert_str_eq(key->fingerprint, fingerprint);
	buf_finish(&base64);
	buf_finish(&public);
}

Test(sign, a_named_file_signs_what_the_server_verifies)
{
	struct sign_keys keys;

	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_make(&folder, "rsa", "-t rsa -b 2048 -N ''");
	load(key_path(&folder, "ed"), NULL, &keys);
	cr_assert_eq(keys.count, 1);
	check_signs(&keys, &keys.list[0], "ed.pub");
	sign_keys_finish(&keys);
	load(key_path(&folder, "rsa"), NULL, &keys);
	cr_assert_eq(keys.count, 1);
	check_signs(&keys, &keys.list[0], "rsa.pub");
	sign_keys_finish(&keys);
}

Test(sign, ssh_keygen_verifies_it_too)
{
	struct sign_keys keys;
	struct buf base64 = BUF_INIT, armored = BUF_INIT;

	key_make(&folder, "ed", "-t ed25519 -N ''");
	load(key_path(&folder, "ed"), NULL, &keys);
	cr_assert_eq(sign_key_sign(&keys, &keys.list[0], SPACE, text, strlen(text), &base64), 0);
	setenv("SIG", base64.data, 1);
	setenv("TEXT", text, 1);
	key_run(&folder, "(echo '-----BEGIN SSH SIGNATURE-----'; echo $SIG | fold -w 70;"
			 " echo '-----END SSH SIGNATURE-----') > $D/sig;"
			 " (printf 'alice '; cat $D/ed.pub) > $D/signers;"
			 " printf %s \"$TEXT\" | ssh-keygen -q -Y verify -f $D/signers -I alice"
			 " -n " SPACE " -s $D/sig >/dev/null");
	buf_finish(&base64);
	buf_finish(&armored);
	sign_keys_finish(&keys);
}

Test(sign, the_agent_signs_for_a_locked_file_that_it_holds)
{
	struct sign_keys keys;

	key_agent_start(&folder);
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_run(&folder,
		"ssh-add -q $D/ed; ssh-keygen -q -p -a 2 -P '' -N locked -f $D/ed >/dev/null");
	load(key_path(&folder, "ed"), NULL, &keys);
	cr_assert_eq(keys.count, 1);
	cr_assert_not(sign_key_is_locked(&keys.list[0]));
	check_signs(&keys, &keys.list[0], "ed.pub");
	sign_keys_finish(&keys);
}

Test(sign, a_public_file_names_a_key_of_the_agent)
{
	struct sign_keys keys;

	key_agent_start(&folder);
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_run(&folder, "ssh-add -q $D/ed; rm $D/ed");
	load(key_path(&folder, "ed.pub"), NULL, &keys);
	cr_assert_eq(keys.count, 1);
	check_signs(&keys, &keys.list[0], "ed.pub");
	sign_keys_finish(&keys);
}

Test(sign, a_file_that_cannot_be_used_is_told_with_its_reason)
{
	key_run(&folder, "echo hello > $D/text");
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_make(&folder, "small", "-t rsa -b 1024 -N ''");
	key_run(&folder, "rm $D/ed");
	check_refused(key_path(&folder, "nothing"), "No such file");
	check_refused(key_path(&folder, "text"), "not a private key");
	check_refused(key_path(&folder, "ed.pub"), "neither beside it nor in the ssh-agent");
	check_refused(key_path(&folder, "small"), "no server takes");
}

Test(sign, a_passphrase_is_asked_for_three_times)
{
	struct sign_keys keys;
	struct answers right = {.words = {"no", "nope", "locked"}};
	struct answers wrong = {.words = {"a", "b", "c", "locked"}};
	struct answers none = {.words = {NULL}};

	key_make(&folder, "ed", "-t ed25519 -a 2 -N locked");
	load(key_path(&folder, "ed"), NULL, &keys);
	cr_assert(sign_key_is_locked(&keys.list[0]));
	cr_assert_eq(sign_key_unlock(&keys.list[0], answer, &none), -ECANCELED);
	cr_assert_eq(sign_key_unlock(&keys.list[0], answer, &wrong), -EACCES);
	cr_assert_eq(wrong.asked, 3);
	cr_assert_eq(sign_key_unlock(&keys.list[0], answer, &right), 0);
	cr_assert_eq(right.asked, 3);
	cr_assert_not(sign_key_is_locked(&keys.list[0]));
	/* and never again */
	check_signs(&keys, &keys.list[0], "ed.pub");
	sign_keys_finish(&keys);
}

Test(sign, a_locked_pem_file_tells_its_public_key_once_it_is_open)
{
	struct sign_keys keys;
	struct answers right = {.words = {"locked"}};

	key_make(&folder, "rsa", "-t rsa -b 2048 -m PEM -N locked");
	key_run(&folder, "mv $D/rsa.pub $D/elsewhere.pub");
	load(key_path(&folder, "rsa"), NULL, &keys);
	cr_assert_eq(keys.count, 1);
	cr_assert_str_eq(keys.list[0].fingerprint, "");
	cr_assert_eq(sign_key_unlock(&keys.list[0], answer, &right), 0);
	check_signs(&keys, &keys.list[0], "elsewhere.pub");
	sign_keys_finish(&keys);
}

Test(sign, a_certificate_beside_the_key_is_offered_first)
{
	struct sign_keys keys;

	key_make(&folder, "ca", "-t ed25519 -N ''");
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_run(&folder, "ssh-keygen -q -s $D/ca -I test -n alice $D/ed.pub");
	load(key_path(&folder, "ed"), NULL, &keys);
	cr_assert_eq(keys.count, 2);
	cr_assert(keys.list[0].certified);
	cr_assert_not(keys.list[1].certified);
	check_signs(&keys, &keys.list[0], "ed.pub");
	check_signs(&keys, &keys.list[1], "ed.pub");
	sign_keys_finish(&keys);
	load(key_path(&folder, "ed-cert.pub"), NULL, &keys);
	cr_assert(keys.list[0].certified);
	sign_keys_finish(&keys);
}

Test(sign, one_passphrase_opens_the_key_and_its_certificate)
{
	struct sign_keys keys;
	struct answers right = {.words = {"locked"}};

	key_make(&folder, "ca", "-t ed25519 -N ''");
	key_make(&folder, "ed", "-t ed25519 -a 2 -N locked");
	key_run(&folder, "ssh-keygen -q -s $D/ca -I test -n alice $D/ed.pub");
	load(key_path(&folder, "ed"), NULL, &keys);
	cr_assert_eq(keys.count, 2);
	cr_assert_eq(sign_key_unlock(&keys.list[0], answer, &right), 0);
	check_signs(&keys, &keys.list[0], "ed.pub");
	check_signs(&keys, &keys.list[1], "ed.pub");
	sign_keys_finish(&keys);
}

Test(sign, without_a_name_the_usual_files_come_before_what_else_the_agent_holds)
{
	struct sign_keys keys;

	key_agent_start(&folder);
	key_make(&folder, ".ssh/id_rsa", "-t rsa -b 2048 -N ''");
	key_make(&folder, ".ssh/id_ed25519", "-t ed25519 -N ''");
	key_make(&folder, "other", "-t ed25519 -N ''");
	key_run(&folder, "ssh-add -q $D/other $D/.ssh/id_rsa");
	load(NULL, NULL, &keys);
	cr_assert_eq(keys.count, 3);
	check_signs(&keys, &keys.list[0], ".ssh/id_ed25519.pub");
	check_signs(&keys, &keys.list[1], ".ssh/id_rsa.pub");
	check_signs(&keys, &keys.list[2], "other.pub");
	sign_keys_finish(&keys);
}

Test(sign, the_key_that_worked_last_time_comes_first)
{
	struct sign_keys keys;
	char remembered[FINGERPRINT_SIZE];

	key_make(&folder, ".ssh/id_ed25519", "-t ed25519 -N ''");
	key_make(&folder, ".ssh/id_ecdsa", "-t ecdsa -N ''");
	key_make(&folder, ".ssh/id_rsa", "-t rsa -b 2048 -N ''");
	load(NULL, NULL, &keys);
	memcpy(remembered, keys.list[2].fingerprint, sizeof(remembered));
	sign_keys_finish(&keys);
	load(NULL, remembered, &keys);
	cr_assert_eq(keys.count, 3);
	check_signs(&keys, &keys.list[0], ".ssh/id_rsa.pub");
	check_signs(&keys, &keys.list[1], ".ssh/id_ed25519.pub");
	check_signs(&keys, &keys.list[2], ".ssh/id_ecdsa.pub");
	sign_keys_finish(&keys);
}

Test(sign, a_broken_usual_file_is_passed_over)
{
	struct sign_keys keys;

	key_run(&folder, "echo rubbish > $D/.ssh/id_ed25519");
	key_make(&folder, ".ssh/id_rsa", "-t rsa -b 2048 -N ''");
	load(NULL, NULL, &keys);
	cr_assert_eq(keys.count, 1);
	sign_keys_finish(&keys);
}

Test(sign, nobody_has_keys_and_that_is_no_error)
{
	struct sign_keys keys;

	load(NULL, NULL, &keys);
	cr_assert_eq(keys.count, 0);
	sign_keys_finish(&keys);
}

/* An ssh-keygen of our own stands where the real one is: a security key signs nothing here. */
Test(sign, a_security_key_is_left_to_ssh_keygen)
{
	struct sign_keys keys;
	struct buf base64 = BUF_INIT;
	char path[512];

	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_run(&folder, "mkdir $D/bin; command -v ssh-keygen > $D/real;"
			 " printf '#!/bin/sh\\necho \"$@\" > %s/asked\\nexec %s \"$@\"\\n' $D"
			 " \"$(cat $D/real)\" > $D/bin/ssh-keygen; chmod +x $D/bin/ssh-keygen");
	load(key_path(&folder, "ed"), NULL, &keys);
	/* as a file would look whose private half is elsewhere */
	private_key_destroy(keys.list[0].secret->key);
	keys.list[0].secret->key = NULL;
	keys.list[0].secret->reader = PRIVATE_KEY_READ_SSH_KEYGEN;
	snprintf(path, sizeof(path), "%s/bin:%s", folder.path, getenv("PATH"));
	setenv("PATH", path, 1);
	check_signs(&keys, &keys.list[0], "ed.pub");
	key_run(&folder, "grep -q -- \"-q -Y sign -n " SPACE " -f $D/ed\" $D/asked");
	/* it refuses */
	key_run(&folder, "rm $D/ed $D/ed.pub");
	cr_assert_eq(sign_key_sign(&keys, &keys.list[0], SPACE, text, strlen(text), &base64),
		     -EACCES);
	/* it is not there */
	setenv("PATH", folder.path, 1);
	cr_assert_eq(sign_key_sign(&keys, &keys.list[0], SPACE, text, strlen(text), &base64),
		     -ENOENT);
	setenv("PATH", path, 1);
	buf_finish(&base64);
	sign_keys_finish(&keys);
}
