#include "client/trust.h"

#include "client/known_hosts.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "SHA256:ONM5A1KOKiMfXawm5B7xpAvmg65t3DtjfF1DnKKnZxM"
#define OTHER "SHA256:d8ONPQPT+/HgKIu1GuA5eExULzTm8Wtxvcicnjt+qns"
#define SERVER "chat.example.org:8080"
#define BINDING "tls-exporter:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char folder[] = "/tmp/roomkey-trust-XXXXXX";
static struct trust trust;
static struct buf problem;
static int answer;
static unsigned asked;
static struct buf question;

static int ask(void *owner, const char *text)
{
	(void)owner;
	asked++;
	buf_reset(&question);
	buf_append_str(&question, text);
	return answer;
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(setenv("XDG_STATE_HOME", folder, 1), 0);
	trust_init(&trust, SERVER, NULL);
	answer = -ENOTTY;
}

static void teardown(void)
{
	char command[80];

	trust_finish(&trust);
	buf_finish(&problem);
	buf_finish(&question);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(trust, .init = setup, .fini = teardown);

static struct tls_peer self_signed(const char *fingerprint)
{
	struct tls_peer peer = {.why = "self-signed certificate", .binding = BINDING};

	snprintf(peer.fingerprint, sizeof(peer.fingerprint), "%s", fingerprint);
	return peer;
}

static int judge(const struct tls_peer *peer)
{
	buf_reset(&problem);
	return trust_judge(&trust, peer, ask, NULL, &problem);
}

Test(trust, an_unknown_server_without_a_terminal_is_refused_with_what_to_do)
{
	struct tls_peer peer = self_signed(KEY);

	cr_assert_eq(judge(&peer), -EPERM);
	cr_assert_not_null(strstr(problem.data, "--fingerprint " KEY), "%s", problem.data);
	cr_assert_eq(access(trust.path, F_OK), -1);
}

Test(trust, a_yes_is_asked_for_once_and_kept)
{
	struct tls_peer peer = self_signed(KEY);
	struct stat st;

	answer = 0;
	cr_assert_eq(judge(&peer), 0);
	cr_assert_eq(asked, 1u);
	cr_assert_not_null(strstr(question.data, KEY));
	cr_assert_not_null(strstr(question.data, SERVER));
	cr_assert_eq(stat(trust.path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600u);
	answer = -EPERM;
	cr_assert_eq(judge(&peer), 0);
	trust_finish(&trust);
	trust_init(&trust, SERVER, NULL);
	cr_assert_eq(judge(&peer), 0);
	cr_assert_eq(asked, 1u);
}

Test(trust, a_no_is_a_refusal_and_nothing_is_kept)
{
	struct tls_peer peer = self_signed(KEY);

	answer = -EPERM;
	cr_assert_eq(judge(&peer), -EPERM);
	cr_assert_eq(access(trust.path, F_OK), -1);
}

Test(trust, another_key_than_the_one_that_is_known_is_refused_loudly_and_not_asked_about)
{
	struct tls_peer peer = self_signed(OTHER);

	answer = 0;
	cr_assert_eq(known_hosts_add(trust.path, "elsewhere:8080", OTHER), 0);
	cr_assert_eq(known_hosts_add(trust.path, SERVER, KEY), 0);
	cr_assert_eq(judge(&peer), -EPERM);
	cr_assert_eq(asked, 0u);
	cr_assert_not_null(strstr(problem.data, "HAS CHANGED"));
	cr_assert_not_null(strstr(problem.data, "sed -i 2d"), "%s", problem.data);
}

Test(trust, the_same_host_on_another_port_is_another_server)
{
	struct tls_peer peer = self_signed(KEY);

	cr_assert_eq(known_hosts_add(trust.path, "chat.example.org:8081", KEY), 0);
	cr_assert_eq(judge(&peer), -EPERM);
	cr_assert_not_null(strstr(problem.data, "is not known here"));
}

Test(trust, a_server_may_have_two_lines_and_comments_are_none)
{
	struct tls_peer peer = self_signed(KEY);
	FILE *file;

	cr_assert_eq(known_hosts_add(trust.path, SERVER, OTHER), 0);
	file = fopen(trust.path, "ae");
	cr_assert_not_null(file);
	fprintf(file, "# %s %s\n\n   \n%s %s", SERVER, KEY, SERVER, KEY);
	fclose(file);
	cr_assert_eq(judge(&peer), 0);
	/* the last line had no end */
	cr_assert_eq(known_hosts_add(trust.path, "x:1", OTHER), 0);
	cr_assert_eq(judge(&peer), 0);
}

Test(trust, a_file_that_cannot_be_read_is_no_reason_to_ask)
{
	struct tls_peer peer = self_signed(KEY);

	answer = 0;
	cr_assert_eq(known_hosts_add(trust.path, SERVER, KEY), 0);
	cr_assert_eq(unlink(trust.path), 0);
	cr_assert_eq(mkdir(trust.path, 0700), 0);
	cr_assert_eq(judge(&peer), -EPERM);
	cr_assert_eq(asked, 0u);
}

Test(trust, a_ca_needs_no_question_and_the_fingerprint_asked_for_counts_more)
{
	struct tls_peer peer = self_signed(KEY);

	peer.vouched = true;
	cr_assert_eq(judge(&peer), 0);
	trust.wanted = OTHER;
	cr_assert_eq(judge(&peer), -EPERM);
	trust.wanted = KEY;
	peer.vouched = false;
	cr_assert_eq(judge(&peer), 0);
	cr_assert_eq(asked, 0u);
}

Test(trust, a_login_is_bound_to_its_connection_wherever_that_can_be)
{
	struct tls_peer peer = self_signed(KEY);

	cr_assert_eq(judge(NULL), 0);
	cr_assert_str_eq(trust_binding(&trust, true, false, &problem), "none");
	cr_assert_null(trust_binding(&trust, false, true, &problem));
	trust.wanted = KEY;
	cr_assert_eq(judge(&peer), 0);
	cr_assert_str_eq(trust_binding(&trust, true, true, &problem), BINDING);
	peer.vouched = true;
	cr_assert_eq(judge(&peer), 0);
	cr_assert_str_eq(trust_binding(&trust, true, true, &problem), BINDING);
	cr_assert_str_eq(trust_binding(&trust, true, false, &problem), "none");
}

Test(trust, a_pinned_server_that_offers_no_binding_gets_no_login)
{
	struct tls_peer peer = self_signed(KEY);

	trust.wanted = KEY;
	cr_assert_eq(judge(&peer), 0);
	cr_assert_null(trust_binding(&trust, true, false, &problem));
	cr_assert_not_null(strstr(problem.data, "stand between"));
	peer.binding[0] = '\0';
	cr_assert_eq(judge(&peer), 0);
	cr_assert_null(trust_binding(&trust, true, true, &problem));
}
