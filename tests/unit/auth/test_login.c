/* auth/login: who gets in, under which name, and for how long. */
#include "signer_fixture.h"

#include "auth/names.h"

#include <criterion/criterion.h>
#include <string.h>

/* alice's key, another one, and a CA; a file of keys; the books. */
static struct test_key alice, bob, ca;
static struct buf file, image;
static struct names *names;
static struct keyring_view view;
static struct login_result result;

static void set_up(void)
{
	test_key_make(&alice, 1);
	test_key_make(&bob, 2);
	test_key_make(&ca, 3);
	cr_assert_eq(names_open_memory(&names), 0);
}

static void tear_down(void)
{
	names_close(names);
	buf_finish(&file);
	buf_finish(&image);
}

TestSuite(login, .init = set_up, .fini = tear_down);

static void look(void)
{
	test_view(file.data != NULL ? file.data : "", names, &image, &view);
}

static void add(const char *options, const struct test_key *key)
{
	test_keys_file_add(&file, options, key);
	look();
}

static enum login_verdict log_in(const struct test_key *key, const char *user)
{
	return test_login_judge(&view, &(struct test_login){.key = key, .user = user}, &result);
}

static enum login_verdict log_in_with(struct test_login login)
{
	if (login.key == NULL)
		login.key = &alice;
	return test_login_judge(&view, &login, &result);
}

/* What the master does with result.claim. */
static void claim(void)
{
	enum name_answer answer;
	bool passed;

	cr_assert(result.needs_claim);
	cr_assert_eq(names_claim(names, &view, &result.claim, &answer, &passed), 0);
	cr_assert_eq(answer, NAME_GRANTED);
	look();
}

Test(login, a_key_of_the_file_gets_in_and_may_claim_a_free_name)
{
	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	cr_expect(result.needs_claim);
	cr_expect_eq(result.claim.kind, NAME_KEY);
	cr_expect_str_eq(result.identity.user, "alice");
	cr_expect_arr_eq(result.identity.key_hash, alice.hash, KEY_HASH_BYTES);
	cr_expect_eq(result.identity.line, 1);
	cr_expect_eq(result.identity.good_until_s, INT64_MAX);
}

Test(login, the_owner_of_a_name_needs_no_second_claim)
{
	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	cr_expect_not(result.needs_claim);
	cr_expect_neq(result.identity.name_serial, 0);
}

Test(login, an_upper_case_name_is_the_same_name)
{
	add("", &alice);
	cr_assert_eq(log_in_with((struct test_login){.user = "ALICE", .signed_user = "alice"}),
		     LOGIN_ACCEPT);
	cr_expect_str_eq(result.identity.user, "alice");
}

Test(login, a_key_that_is_not_in_the_file_is_refused)
{
	add("", &alice);
	cr_assert_eq(log_in(&bob, "bob"), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_NO_LINE);
}

Test(login, an_empty_keyring_lets_nobody_in)
{
	look();
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_AUTH_FAILED);
}

Test(login, every_refusal_of_a_key_has_the_same_words)
{
	char first[LOGIN_MESSAGE_SIZE];

	add("expiry-time=\"20200101\"", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_LINE_EXPIRED);
	strcpy(first, result.message);
	cr_assert_eq(log_in(&bob, "bob"), LOGIN_AUTH_FAILED);
	cr_expect_str_eq(result.message, first);
	cr_assert_eq(log_in_with((struct test_login){.namespace = "git"}), LOGIN_AUTH_FAILED);
	cr_expect_str_eq(result.message, first);
}

Test(login, what_was_signed_must_be_what_this_server_expects)
{
	add("", &alice);
	cr_expect_eq(log_in_with((struct test_login){.signed_server = "evil.example:8080"}),
		     LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in_with((struct test_login){.signed_user = "root"}), LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in_with((struct test_login){
			     .signed_nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
		     LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in_with((struct test_login){.signed_expires_s = TEST_EXPIRES + 1}),
		     LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in_with((struct test_login){.signed_binding = "tls"}), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_BAD_SIGNATURE);
	cr_expect_eq(log_in_with((struct test_login){.namespace = "git"}), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_WRONG_NAMESPACE);
	cr_expect_eq(log_in_with((struct test_login){0}), LOGIN_ACCEPT);
}

Test(login, a_challenge_is_good_until_its_last_second)
{
	add("", &alice);
	cr_expect_eq(log_in_with((struct test_login){.now_s = TEST_EXPIRES}), LOGIN_ACCEPT);
	cr_expect_eq(log_in_with((struct test_login){.now_s = TEST_EXPIRES + 1}),
		     LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_EXPIRED);
}

Test(login, a_server_name_that_is_not_ours_is_named_at_once)
{
	static const char *const strange[] = {
		"chat.example.org:8081",
		"chat.example.org.:8080",
		"chat.example.org",
		"",
		":8080",
		"a b:1",
		"chat.example.org:08080",
		"[::1",
		"\"\n:1",
	};

	add("", &alice);
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		struct test_login login = {.server = strange[i], .signed_server = TEST_SERVER};

		cr_expect_eq(log_in_with(login), LOGIN_WRONG_SERVER, "\"%s\"", strange[i]);
		cr_expect(strstr(result.message, "--server-name") != NULL);
		for (const char *at = result.message; *at != '\0'; at++)
			cr_expect(*at >= ' ' && *at <= '~');
	}
	cr_expect_eq(log_in_with((struct test_login){.server = "chat.example.org:8081",
						     .signed_server = TEST_SERVER}),
		     LOGIN_WRONG_SERVER);
	cr_expect(strstr(result.message, "chat.example.org:8081") != NULL);
}

Test(login, server_names_compare_in_their_canonical_form)
{
	add("", &alice);
	cr_expect_eq(log_in_with((struct test_login){.server = "Chat.Example.ORG:8080",
						     .signed_server = TEST_SERVER}),
		     LOGIN_ACCEPT);
	cr_expect_eq(log_in_with((struct test_login){.server = "[0:0::1]:8080",
						     .signed_server = "[::1]:8080"}),
		     LOGIN_ACCEPT);
}

Test(login, loopback_names_are_for_loopback_peers)
{
	static const char *const loopback[] = {"localhost:8080", "127.0.0.1:8080", "[::1]:8080"};

	add("", &alice);
	for (size_t i = 0; i < 3; i++) {
		struct test_login login = {.server = loopback[i]};

		cr_expect_eq(log_in_with(login), LOGIN_ACCEPT);
		login.peer = "::1";
		cr_expect_eq(log_in_with(login), LOGIN_ACCEPT);
		login.peer = "192.0.2.7";
		cr_expect_eq(log_in_with(login), LOGIN_WRONG_SERVER);
		cr_expect(strstr(result.message, "same machine") != NULL);
	}
}

Test(login, a_wrong_port_of_a_loopback_name_is_not_called_a_tunnel)
{
	add("", &alice);
	cr_expect_eq(log_in_with((struct test_login){.server = "127.0.0.1:1"}), LOGIN_WRONG_SERVER);
	cr_expect(strstr(result.message, "is not \"127.0.0.1:1\"") != NULL, "%s", result.message);
}

Test(login, on_a_wildcard_bind_the_connections_own_address_is_a_name)
{
	struct sockaddr_storage local;
	char canonical[SERVER_NAME_SIZE];

	look();
	test_sockaddr("192.0.2.1", 8080, &local);
	cr_expect(login_server_is_ours(&view, "192.0.2.1:8080", false, (struct sockaddr *)&local,
				       canonical));
	cr_expect_str_eq(canonical, "192.0.2.1:8080");
	cr_expect_not(login_server_is_ours(&view, "192.0.2.1:8080", false, NULL, canonical));
	cr_expect_not(login_server_is_ours(&view, "192.0.2.1:8081", false,
					   (struct sockaddr *)&local, canonical));
	test_sockaddr("2001:db8::1", 8080, &local);
	cr_expect(login_server_is_ours(&view, "[2001:DB8:0::1]:8080", false,
				       (struct sockaddr *)&local, canonical));
	test_sockaddr("::ffff:192.0.2.9", 8080, &local);
	cr_expect(login_server_is_ours(&view, "192.0.2.9:8080", false, (struct sockaddr *)&local,
				       canonical));
}

Test(login, what_depends_on_the_fields_alone_is_named)
{
	struct sockaddr_storage peer;
	struct login_request request = {.user = "alice", .server = TEST_SERVER, .binding = "none"};

	add("", &alice);
	test_sockaddr("127.0.0.1", 1, &peer);
	request.peer = (struct sockaddr *)&peer;
	cr_expect_eq(login_judge(&view, &request, &result), LOGIN_MISSING_FIELD);
	cr_expect_str_eq(result.field, "signature");
	request.signature = "";
	request.nonce = TEST_NONCE;
	request.expires_s = TEST_EXPIRES;
	request.now_s = TEST_NOW;
	cr_expect_eq(login_judge(&view, &request, &result), LOGIN_AUTH_FAILED);
	request.user = NULL;
	cr_expect_eq(login_judge(&view, &request, &result), LOGIN_MISSING_FIELD);
	cr_expect_str_eq(result.field, "user");
	request.user = "@alice";
	cr_expect_eq(login_judge(&view, &request, &result), LOGIN_BAD_NAME);
	request.user = "abcdefghijklmnopqrstuvwxyz0123456";
	cr_expect_eq(login_judge(&view, &request, &result), LOGIN_BAD_NAME);
	request.user = "alice";
	request.binding = "tls-exporter:AAAA";
	cr_expect_eq(login_judge(&view, &request, &result), LOGIN_BAD_FIELD);
	cr_expect_str_eq(result.field, "binding");
}

Test(login, a_pinned_key_has_its_names_and_no_others)
{
	add("environment=\"CHAT_USER=alice,bob\"", &alice);
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	cr_expect_eq(result.claim.kind, NAME_PIN);
	cr_expect_eq(log_in(&alice, "bob"), LOGIN_ACCEPT);
	cr_expect_eq(log_in(&alice, "carol"), LOGIN_NAME_TAKEN);
	cr_expect_str_eq(result.message,
			 "the name carol is not yours; this key may use: alice, bob");
}

Test(login, a_pinned_name_is_for_nobody_else)
{
	add("environment=\"CHAT_USER=alice\"", &alice);
	add("", &bob);
	cr_expect_eq(log_in(&bob, "alice"), LOGIN_NAME_TAKEN);
	cr_expect_str_eq(result.message,
			 "the name alice is not yours; this key may use any free name");
	cr_expect_eq(log_in(&bob, "bob"), LOGIN_ACCEPT);
}

Test(login, principals_on_a_plain_key_pin_like_chat_user)
{
	add("principals=\"alice\"", &alice);
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	cr_expect_eq(log_in(&alice, "bob"), LOGIN_NAME_TAKEN);
}

Test(login, an_expired_line_still_keeps_its_names_from_others)
{
	add("environment=\"CHAT_USER=alice\",expiry-time=\"20200101\"", &alice);
	add("", &bob);
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in(&bob, "alice"), LOGIN_NAME_TAKEN);
}

Test(login, a_key_on_several_lines_has_the_names_of_each_that_accepts_it)
{
	add("environment=\"CHAT_USER=alice\"", &alice);
	add("environment=\"CHAT_USER=deploy\",environment=\"CHAT_ROLE=agent\"", &alice);
	add("environment=\"CHAT_USER=far\",from=\"10.0.0.0/8\"", &alice);
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	cr_expect_eq(result.identity.roles, 0, "the role belongs to the other line");
	cr_expect_eq(log_in(&alice, "deploy"), LOGIN_ACCEPT);
	cr_expect_eq(result.identity.roles, ROLE_AGENT);
	cr_expect_eq(result.identity.line, 2);
	cr_expect_eq(log_in(&alice, "far"), LOGIN_NAME_TAKEN);
	cr_expect_eq(log_in_with((struct test_login){.user = "far", .peer = "10.1.2.3"}),
		     LOGIN_ACCEPT);
}

Test(login, reserved_words_are_nobodys_unless_the_file_pins_them)
{
	add("", &alice);
	cr_expect_eq(log_in(&alice, "admin"), LOGIN_NAME_TAKEN);
	cr_expect_eq(log_in(&alice, "everyone"), LOGIN_NAME_TAKEN);
	add("environment=\"CHAT_USER=root\"", &bob);
	cr_expect_eq(log_in(&bob, "root"), LOGIN_ACCEPT);
}

Test(login, a_key_with_its_share_of_names_is_told_which)
{
	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	cr_assert_eq(log_in(&alice, "second"), LOGIN_NAME_TAKEN);
	cr_expect_str_eq(result.message, "the name second is not yours; this key may use: alice");
}

Test(login, a_name_stays_reserved_when_its_key_is_gone)
{
	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	buf_reset(&file);
	add("", &bob);
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in(&bob, "alice"), LOGIN_NAME_TAKEN);
	cr_assert_eq(names_release(names, "alice"), 0);
	look();
	cr_expect_eq(log_in(&bob, "alice"), LOGIN_ACCEPT);
}

Test(login, from_decides_by_the_peers_address)
{
	add("from=\"192.0.2.0/24,!192.0.2.66\"", &alice);
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_LINE_FROM);
	cr_expect_eq(log_in_with((struct test_login){.peer = "192.0.2.7"}), LOGIN_ACCEPT);
	cr_expect_eq(log_in_with((struct test_login){.peer = "192.0.2.66"}), LOGIN_AUTH_FAILED);
	cr_expect_eq(log_in_with((struct test_login){.peer = "::ffff:192.0.2.7"}), LOGIN_ACCEPT);
}

/* ---- certificates */

static struct test_cert good_cert(void)
{
	return (struct test_cert){
		.key = &alice,
		.ca = &ca,
		.type = 1,
		.principals = {"alice", "deploy"},
		.valid_after = TEST_NOW - 100,
		.valid_before = TEST_NOW + 100,
	};
}

static enum login_verdict log_in_certified(struct test_cert cert, const char *user,
					   const char *peer)
{
	struct buf blob = BUF_INIT;
	enum login_verdict verdict;

	test_cert_blob(&cert, &blob);
	verdict = log_in_with((struct test_login){.cert = &blob, .user = user, .peer = peer});
	buf_finish(&blob);
	return verdict;
}

Test(login, a_certificate_of_a_trusted_ca_gets_in_under_its_principals)
{
	add("cert-authority", &ca);
	cr_expect_eq(log_in_certified(good_cert(), "alice", NULL), LOGIN_ACCEPT);
	cr_expect_eq(result.claim.kind, NAME_CA);
	cr_expect_eq(result.identity.good_until_s, TEST_NOW + 100);
	cr_expect_arr_eq(result.identity.key_hash, alice.hash, KEY_HASH_BYTES);
	cr_expect_eq(log_in_certified(good_cert(), "deploy", NULL), LOGIN_ACCEPT);
	cr_expect_eq(log_in_certified(good_cert(), "carol", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_PRINCIPAL);
}

Test(login, the_ca_lines_principals_narrow_the_names)
{
	add("cert-authority,principals=\"alice,zoe\"", &ca);
	cr_expect_eq(log_in_certified(good_cert(), "alice", NULL), LOGIN_ACCEPT);
	cr_expect_eq(log_in_certified(good_cert(), "deploy", NULL), LOGIN_NAME_TAKEN);
	cr_expect_eq(log_in_certified(good_cert(), "zoe", NULL), LOGIN_AUTH_FAILED);
}

Test(login, a_certificate_without_its_ca_line_is_refused)
{
	add("", &ca);
	cr_expect_eq(log_in_certified(good_cert(), "alice", NULL), LOGIN_AUTH_FAILED);
	buf_reset(&file);
	add("", &alice);
	cr_expect_eq(log_in_certified(good_cert(), "alice", NULL), LOGIN_AUTH_FAILED,
		     "the plain key's line says nothing about certificates");
	cr_expect_eq(result.why, VERDICT_CERT_UNTRUSTED_CA);
}

Test(login, a_ca_line_logs_nobody_in_itself)
{
	add("cert-authority", &ca);
	cr_expect_eq(log_in(&ca, "alice"), LOGIN_AUTH_FAILED);
}

Test(login, a_bad_certificate_is_refused_whatever_is_bad)
{
	struct test_cert cert;

	add("cert-authority", &ca);
	cert = good_cert();
	cert.type = 2;
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_TYPE);
	cert = good_cert();
	cert.break_signature = true;
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_SIGNATURE);
	cert = good_cert();
	cert.valid_before = TEST_NOW;
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_EXPIRED);
	cert = good_cert();
	cert.valid_after = TEST_NOW + 1;
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_NOT_YET_VALID);
	cert = good_cert();
	cert.principals[0] = NULL;
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_PRINCIPAL);
	cert = good_cert();
	cert.option = "force-command";
	cert.option_value = "/bin/true";
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_CRITICAL_OPTION);
	cert = good_cert();
	cert.option = "source-address";
	cert.option_value = "192.0.2.0/24";
	cr_expect_eq(log_in_certified(cert, "alice", NULL), LOGIN_AUTH_FAILED);
	cr_expect_eq(result.why, VERDICT_CERT_SOURCE_ADDRESS);
	cr_expect_eq(log_in_certified(cert, "alice", "192.0.2.1"), LOGIN_ACCEPT);
}

Test(login, names_of_a_certificate_belong_to_its_ca)
{
	struct test_cert of_bob = good_cert();
	struct buf blob = BUF_INIT;

	of_bob.key = &bob;
	test_cert_blob(&of_bob, &blob);
	add("cert-authority", &ca);
	add("", &alice);
	cr_assert_eq(log_in_certified(good_cert(), "alice", NULL), LOGIN_ACCEPT);
	claim();
	cr_expect_eq(log_in(&alice, "alice"), LOGIN_NAME_TAKEN);
	/* another key, certified for the same name: the same person, says the CA */
	cr_expect_eq(log_in_with((struct test_login){.key = &bob, .cert = &blob}), LOGIN_ACCEPT);
	cr_expect_not(result.needs_claim);
	buf_finish(&blob);
}

/* ---- sessions that live */

Test(login, a_session_survives_a_reload_that_keeps_its_line)
{
	struct login_identity identity;

	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	add("environment=\"CHAT_ROLE=op\"", &alice);
	cr_expect_eq(login_rejudge(&view, TEST_NOW, &identity), VERDICT_OK);
	cr_expect_eq(identity.roles, ROLE_OP);
}

Test(login, a_session_ends_when_its_line_goes)
{
	struct login_identity identity;

	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	buf_reset(&file);
	add("", &bob);
	cr_expect_eq(login_rejudge(&view, TEST_NOW, &identity), VERDICT_NO_LINE);
}

Test(login, a_session_ends_when_its_line_no_longer_allows_its_address)
{
	struct login_identity identity;

	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	buf_reset(&file);
	add("from=\"10.0.0.0/8\"", &alice);
	cr_expect_eq(login_rejudge(&view, TEST_NOW, &identity), VERDICT_LINE_FROM);
}

Test(login, a_session_ends_with_its_line_at_the_second_told)
{
	struct login_identity identity;

	/* 2026-11-20 18:00:00 UTC is 1795197600 */
	add("expiry-time=\"20261120180100Z\"", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	cr_expect_eq(identity.good_until_s, 1795197661);
	cr_expect_eq(login_rejudge(&view, identity.good_until_s - 1, &identity), VERDICT_OK);
	cr_expect_eq(login_rejudge(&view, identity.good_until_s, &identity), VERDICT_LINE_EXPIRED);
}

Test(login, a_session_ends_with_its_certificate)
{
	struct login_identity identity;

	add("cert-authority", &ca);
	cr_assert_eq(log_in_certified(good_cert(), "alice", NULL), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	cr_expect_eq(login_rejudge(&view, TEST_NOW + 99, &identity), VERDICT_OK);
	cr_expect_eq(login_rejudge(&view, TEST_NOW + 100, &identity), VERDICT_CERT_EXPIRED);
}

Test(login, a_session_ends_when_its_name_is_pinned_to_another_key)
{
	struct login_identity identity;

	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	add("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect_eq(login_rejudge(&view, TEST_NOW, &identity), VERDICT_KEY_MISMATCH);
}

Test(login, a_session_ends_when_its_name_is_released)
{
	struct login_identity identity;

	add("", &alice);
	cr_assert_eq(log_in(&alice, "alice"), LOGIN_ACCEPT);
	claim();
	identity = result.identity;
	cr_assert_eq(names_release(names, "alice"), 0);
	look();
	cr_expect_eq(login_rejudge(&view, TEST_NOW, &identity), VERDICT_KEY_MISMATCH);
}

Test(login, the_list_of_names_in_a_refusal_is_bounded)
{
	add("environment=\"CHAT_USER=a1,a2,a3,a4,a5,a6,a7,a8,a9,b1\"", &alice);
	cr_assert_eq(log_in(&alice, "zoe"), LOGIN_NAME_TAKEN);
	cr_expect_str_eq(result.message, "the name zoe is not yours; this key may use: a1, a2, a3, "
					 "a4, a5, a6, a7, a8 and 2 more");
}
