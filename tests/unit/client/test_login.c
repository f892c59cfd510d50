#include "client/login.h"

#include "auth/challenge.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/login-XXXXXX";
static struct login login;
static struct buf problem, base64;
static unsigned pauses, resumes;

static void on_pause(void *owner)
{
	(void)owner;
	pauses++;
}

static void on_resume(void *owner)
{
	(void)owner;
	resumes++;
}

static const struct login_terminal terminal = {.pause = on_pause, .resume = on_resume};
static const struct login_fields fields = {
	.server = "localhost:8080",
	.user = "alice",
	.nonce = "gkvzBIZeJHgGgeds7kfDFy1oEC2EiLkufDrAuTfOi_k",
	.binding = "none",
	.expires = 1795197660,
};

static void run(const char *command)
{
	setenv("D", folder, 1);
	cr_assert_eq(system(command), 0, "%s", command);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	run("mkdir -m 700 $D/.ssh");
	setenv("HOME", folder, 1);
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	setenv("SSH_ASKPASS", "/bin/false", 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
}

static void teardown(void)
{
	login_finish(&login);
	buf_finish(&problem);
	buf_finish(&base64);
	run("rm -rf $D");
}

TestSuite(login_keys, .init = setup, .fini = teardown);

static void make(const char *name, const char *options)
{
	char command[256];

	snprintf(command, sizeof(command), "ssh-keygen -q %s -f $D/.ssh/%s </dev/null", options,
		 name);
	run(command);
}

static int sign(void)
{
	buf_reset(&base64);
	return login_sign(&login, &fields, &terminal, &base64);
}

static const char *explained(void)
{
	buf_reset(&problem);
	login_explain(&login, "alice", "localhost:8080", &problem);
	return problem.data;
}

Test(login_keys, without_any_key_it_says_how_to_make_one)
{
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), -ENOKEY);
	cr_assert_not_null(strstr(problem.data, "ssh-keygen -t ed25519"));
}

Test(login_keys, a_key_that_is_not_there_is_told)
{
	cr_assert_eq(login_begin(&login, "/nowhere/key", NULL, &problem), -ENOENT);
	cr_assert_not_null(strstr(problem.data, "/nowhere/key"));
}

Test(login_keys, each_refusal_brings_the_next_key_and_the_taken_one_stays)
{
	char first[FINGERPRINT_SIZE];

	make("id_ed25519", "-t ed25519 -N ''");
	make("id_ecdsa", "-t ecdsa -N ''");
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), 0);
	cr_assert_eq(login_unlock(&login, &terminal), 0);
	login_connected(&login);
	cr_assert_eq(sign(), 0);
	snprintf(first, sizeof(first), "%s", login_accepted(&login));
	cr_assert_eq(login_refused(&login, "no", false), 0);
	cr_assert_eq(sign(), 0);
	cr_assert_str_neq(login_accepted(&login), first);
	/* the next connection begins with the key that worked */
	login_connected(&login);
	cr_assert_eq(sign(), 0);
	cr_assert_str_neq(login_accepted(&login), first);
	cr_assert_eq(pauses, 0);
}

Test(login_keys, three_attempts_make_a_connection)
{
	make("id_ed25519", "-t ed25519 -N ''");
	make("id_ecdsa", "-t ecdsa -N ''");
	make("id_rsa", "-t rsa -b 2048 -N ''");
	make("ca", "-t ed25519 -N ''");
	run("ssh-keygen -q -s $D/.ssh/ca -I x -n alice $D/.ssh/id_ed25519.pub");
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), 0);
	cr_assert_eq(login.keys.count, 4);
	login_connected(&login);
	cr_assert_eq(sign(), 0);
	cr_assert_eq(login_refused(&login, "no", false), 0);
	cr_assert_eq(sign(), 0);
	cr_assert_eq(login_refused(&login, "bob's\x1b key", true), 0);
	cr_assert_eq(sign(), 0);
	cr_assert_eq(login_refused(&login, "no", false), -ENOKEY);
	cr_assert_eq(sign(), -ENOKEY);
	/* the most telling reason, cleaned, and what was tried */
	cr_assert_not_null(strstr(explained(), "as alice: bob's key\n"));
	cr_assert_not_null(strstr(problem.data, "id_ed25519 with its certificate (SHA256:"));
	cr_assert_not_null(strstr(problem.data, "There are more keys"));
}

Test(login_keys, a_locked_key_that_nobody_opens_is_passed_over)
{
	make("id_ed25519", "-t ed25519 -a 1 -N locked");
	make("id_rsa", "-t rsa -b 2048 -N ''");
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), 0);
	cr_assert_eq(login_unlock(&login, &terminal), 0);
	cr_assert_eq(pauses, 1);
	cr_assert_eq(resumes, 1);
	cr_assert_eq(login.at, 1);
	cr_assert_eq(sign(), 0);
	cr_assert_not_null(strstr(explained(), "id_ed25519 (SHA256:"));
	cr_assert_not_null(strstr(problem.data, "no passphrase given"));
}

Test(login_keys, where_none_opens_there_is_none)
{
	make("id_ed25519", "-t ed25519 -a 1 -N locked");
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), 0);
	cr_assert_eq(login_unlock(&login, &terminal), -ENOKEY);
	cr_assert_eq(sign(), -ENOKEY);
}

Test(login_keys, a_program_gives_the_passphrase)
{
	char askpass[64];

	make("id_ed25519", "-t ed25519 -a 1 -N locked");
	run("printf '#!/bin/sh\\necho locked\\n' > $D/askpass; chmod +x $D/askpass");
	snprintf(askpass, sizeof(askpass), "%s/askpass", folder);
	setenv("SSH_ASKPASS", askpass, 1);
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), 0);
	cr_assert_eq(login_unlock(&login, &terminal), 0);
	cr_assert_eq(sign(), 0);
	/* asked once, however often it signs */
	run("printf '#!/bin/sh\\nexit 1\\n' > $D/askpass");
	cr_assert_eq(sign(), 0);
	cr_assert_eq(pauses, 1);
}

Test(login_keys, a_file_that_went_away_is_passed_over)
{
	make("id_ed25519", "-t ed25519 -a 1 -N locked");
	cr_assert_eq(login_begin(&login, NULL, NULL, &problem), 0);
	run("rm $D/.ssh/id_ed25519");
	cr_assert_eq(login_unlock(&login, &terminal), -ENOKEY);
	cr_assert_not_null(strstr(explained(), "No such file"));
}
