/* auth/authorized_keys: sshd's grammar, and what our own options mean. */
#include "signer_fixture.h"

#include "auth/base64.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct test_key key;
static struct authorized_line line;

static void set_up(void)
{
	test_key_make(&key, 1);
	authorized_line_init(&line);
}

static void tear_down(void)
{
	authorized_line_finish(&line);
}

TestSuite(authorized_keys, .init = set_up, .fini = tear_down);

static enum authorized_status parse_text(const char *text)
{
	cr_assert_eq(authorized_line_parse(&line, text, strlen(text)), 0);
	return line.status;
}

/* A line of these options and a good key. */
static enum authorized_status parse(const char *options)
{
	struct buf text = BUF_INIT;

	buf_append_str(&text, options);
	if (*options != '\0')
		buf_append_char(&text, ' ');
	test_key_line(&key, &text);
	cr_assert_eq(authorized_line_parse(&line, text.data, text.len), 0);
	buf_finish(&text);
	return line.status;
}

static void expect_all(const char *const *options, enum authorized_status status)
{
	for (; *options != NULL; options++)
		cr_expect_eq(parse(*options), status, "%s: %s", *options, line.why);
}

Test(authorized_keys, options_that_sshd_takes_are_taken)
{
	static const char *const good[] = {
		"",
		"restrict",
		"RESTRICT,No-Pty",
		"restrict,pty,port-forwarding,no-agent-forwarding,x11-forwarding,no-user-rc",
		"restrict,",
		"restrict,,,no-pty",
		",restrict",
		"command=\"\"",
		"command=\"a b,c=\\\"d\\\"\"",
		"environment=\"A=b\",environment=\"A=c\"",
		"environment=\"_1=\"",
		"permitopen=\"*:*\"",
		"permitopen=\"[::1]:22\"",
		"permitopen=\":22\"",
		"permitopen=\"h/22\"",
		"permitlisten=\"22\"",
		"permitlisten=\"h:22\"",
		"tunnel=\"0\"",
		"tunnel=\"ANY\"",
		"tunnel=\"2147483645\"",
		"expiry-time=\"203712312359\"",
		"expiry-time=\"20371231235959utc\"",
		"from=\"*\"",
		"no-touch-required,touch-required,verify-required,no-verify-required",
		"cert-authority,cert-authority",
		NULL,
	};

	expect_all(good, AUTHORIZED_ACCEPTED);
}

Test(authorized_keys, options_that_sshd_refuses_are_refused)
{
	static const char *const bad[] = {
		"restricted",
		"no-restrict",
		"no-cert-authority",
		"pty=\"x\"",
		"command",
		"command=",
		"command=x",
		"command=\"x\"y",
		"command=\"a\",command=\"b\"",
		"from=\"*\",from=\"*\"",
		"principals=\"a\",principals=\"a\"",
		"from=\"1.2.3.4/8\"",
		"from=\"\"",
		"environment=\"A\"",
		"environment=\"=b\"",
		"environment=\"A-B=c\"",
		"environment=A=b",
		"permitopen=\"22\"",
		"permitopen=\"h:0\"",
		"permitopen=\"h:65536\"",
		"permitopen=\"h:nosuchservice\"",
		"permitopen=\"[::1:22\"",
		"permitopen=\"[::1]x22\"",
		"permitlisten=\"\"",
		"permitlisten=\"0\"",
		"tunnel=\"x\"",
		"tunnel=\"-1\"",
		"tunnel=\"2147483646\"",
		"tunnel=\"\"",
		"expiry-time=\"\"",
		"expiry-time=\"Z\"",
		"expiry-time=\"20371231x\"",
		"expiry-time=\"2037123123\"",
		"expiry-time=\"20370001\"",
		"expiry-time=\"203712312460\"",
		"expiry-time=\"19700101Z\"",
		"expiry-time=20371231",
		"user=\"x\"",
		"@revoked",
		"*",
		"restrict,\"",
		NULL,
	};

	expect_all(bad, AUTHORIZED_REFUSED);
}

Test(authorized_keys, a_refusal_says_why_in_printable_words)
{
	cr_expect_eq(parse("\x1b[31mred"), AUTHORIZED_REFUSED);
	cr_expect_str_eq(line.why, "unknown option");
	cr_expect_eq(parse("from=\"x"), AUTHORIZED_REFUSED);
	cr_expect_str_eq(line.why, "a quote is never closed");
}

Test(authorized_keys, blank_lines_and_comments_are_nothing)
{
	cr_expect_eq(parse_text(""), AUTHORIZED_EMPTY);
	cr_expect_eq(parse_text(" \t "), AUTHORIZED_EMPTY);
	cr_expect_eq(parse_text("\r"), AUTHORIZED_EMPTY);
	cr_expect_eq(parse_text("  # ssh-ed25519 AAAA"), AUTHORIZED_EMPTY);
}

Test(authorized_keys, a_line_may_end_like_windows_lines)
{
	struct buf text = BUF_INIT;

	test_key_line(&key, &text);
	buf_append_char(&text, '\r');
	cr_expect_eq(parse_text(text.data), AUTHORIZED_ACCEPTED);
	buf_finish(&text);
}

Test(authorized_keys, a_line_has_at_most_16_kib_and_no_nul)
{
	struct buf text = BUF_INIT;

	test_key_line(&key, &text);
	buf_append_char(&text, ' ');
	while (text.len < AUTHORIZED_LINE_MAX)
		buf_append_char(&text, 'x');
	cr_expect_eq(parse_text(text.data), AUTHORIZED_ACCEPTED);
	buf_append_char(&text, 'x');
	cr_expect_eq(parse_text(text.data), AUTHORIZED_REFUSED);
	text.data[text.len - 20] = '\0';
	cr_assert_eq(authorized_line_parse(&line, text.data, AUTHORIZED_LINE_MAX), 0);
	cr_expect_eq(line.status, AUTHORIZED_REFUSED);
	buf_finish(&text);
}

Test(authorized_keys, a_small_order_point_is_no_key)
{
	memset(key.public, 0, sizeof(key.public));
	cr_expect_eq(parse(""), AUTHORIZED_REFUSED);
	key.public[0] = 1;
	cr_expect_eq(parse(""), AUTHORIZED_REFUSED);
}

Test(authorized_keys, a_certificate_is_no_key)
{
	struct test_key ca;
	struct buf blob = BUF_INIT, text = BUF_INIT;

	test_key_make(&ca, 3);
	test_cert_blob(&(struct test_cert){.key = &key, .ca = &ca, .type = 1}, &blob);
	buf_append_str(&text, "cert-authority ssh-ed25519-cert-v01@openssh.com ");
	base64_encode(&text, blob.data, blob.len, 0);
	cr_expect_eq(parse_text(text.data), AUTHORIZED_REFUSED);
	buf_finish(&blob);
	buf_finish(&text);
}

Test(authorized_keys, chat_user_pins_names)
{
	cr_assert_eq(parse("environment=\"CHAT_USER=alice, Bob,alice\""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.flags, RULE_NAMES);
	cr_expect_str_eq(line.rule.names, "alice,bob");
	cr_expect_str_eq(line.note, "");
	cr_assert_eq(parse("environment=\"CHAT_USER=alice,a b\""), AUTHORIZED_ACCEPTED);
	cr_expect_str_eq(line.rule.names, "alice");
	cr_expect_str_neq(line.note, "");
	cr_expect_eq(parse("environment=\"CHAT_USER=\""), AUTHORIZED_REFUSED);
	cr_expect_eq(parse("environment=\"CHAT_USER=@x\""), AUTHORIZED_REFUSED);
}

Test(authorized_keys, the_first_of_two_values_counts)
{
	cr_assert_eq(parse("environment=\"CHAT_USER=a\",environment=\"CHAT_USER=b\""),
		     AUTHORIZED_ACCEPTED);
	cr_expect_str_eq(line.rule.names, "a");
}

Test(authorized_keys, a_variables_case_counts_and_its_comment_grants_nothing)
{
	struct buf text = BUF_INIT;

	cr_assert_eq(parse("environment=\"chat_user=alice\""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.flags, 0);
	test_key_line(&key, &text);
	buf_append_str(&text, " environment=\"CHAT_ROLE=op\" admin");
	cr_assert_eq(parse_text(text.data), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.roles, 0);
	cr_expect_eq(line.rule.flags, 0);
	buf_finish(&text);
}

Test(authorized_keys, chat_role_knows_two_roles)
{
	cr_assert_eq(parse("environment=\"CHAT_ROLE=op\""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.roles, ROLE_OP);
	cr_assert_eq(parse("environment=\"CHAT_ROLE=op,agent\""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.roles, ROLE_OP | ROLE_AGENT);
	cr_assert_eq(parse("environment=\"CHAT_ROLE=admin\""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.roles, 0);
	cr_expect_str_neq(line.note, "");
}

Test(authorized_keys, lists_that_meet_leave_what_both_have)
{
	cr_assert_eq(
		parse("cert-authority,principals=\"alice,zoe\",environment=\"CHAT_USER=alice\""),
		AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.flags, RULE_CA | RULE_PRINCIPALS | RULE_NAMES);
	cr_expect_str_eq(line.rule.names, "alice");
	cr_expect_str_eq(line.rule.principals, "alice,zoe");
}

Test(authorized_keys, a_ca_line_may_list_principals_that_are_no_names)
{
	cr_assert_eq(parse("cert-authority,principals=\"Team A\""), AUTHORIZED_ACCEPTED);
	cr_expect_str_eq(line.rule.names, "");
	cr_expect(name_list_has(line.rule.principals, "Team A"));
}

Test(authorized_keys, the_earliest_expiry_counts_to_its_last_second)
{
	struct key_subject subject = {.key_hash = key.hash, .now_s = 2145830400};

	cr_assert_eq(parse("expiry-time=\"20380101Z\",expiry-time=\"20371231Z\""),
		     AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.expires_s, 2145830400);
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_OK);
	subject.now_s++;
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_LINE_EXPIRED);
}

Test(authorized_keys, touch_is_asked_for_unless_the_line_lets_it_go)
{
	struct key_subject subject = {.key_hash = key.hash, .is_sk = true};

	cr_assert_eq(parse(""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_NO_TOUCH);
	subject.sk_flags = 1;
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_OK);
	cr_assert_eq(parse("verify-required"), AUTHORIZED_ACCEPTED);
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_NOT_VERIFIED);
	subject.sk_flags = 5;
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_OK);
	cr_assert_eq(parse("no-touch-required"), AUTHORIZED_ACCEPTED);
	subject.sk_flags = 0;
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_OK);
}

Test(authorized_keys, with_a_certificate_line_and_certificate_must_let_the_touch_go)
{
	struct key_subject subject = {
		.key_hash = key.hash,
		.ca_hash = key.hash,
		.is_sk = true,
	};

	cr_assert_eq(parse("cert-authority,no-touch-required"), AUTHORIZED_ACCEPTED);
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_NO_TOUCH);
	subject.demands.no_touch_required = true;
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_OK);
	cr_assert_eq(parse("cert-authority"), AUTHORIZED_ACCEPTED);
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_NO_TOUCH);
	subject.sk_flags = 1;
	subject.demands.verify_required = true;
	cr_expect_eq(key_rule_check(&line.rule, &subject), VERDICT_NOT_VERIFIED);
}

Test(authorized_keys, a_reader_gives_every_line_and_counts_them)
{
	struct authorized_reader r = authorized_reader("a\n\nb", 4);
	const char *text;
	size_t len;

	cr_assert(authorized_reader_next(&r, &text, &len));
	cr_expect_eq(len, 1);
	cr_assert(authorized_reader_next(&r, &text, &len));
	cr_expect_eq(len, 0);
	cr_assert(authorized_reader_next(&r, &text, &len));
	cr_expect_eq(r.number, 3);
	cr_expect_eq(*text, 'b');
	cr_expect_not(authorized_reader_next(&r, &text, &len));
	r = authorized_reader(NULL, 0);
	cr_expect_not(authorized_reader_next(&r, &text, &len));
}

Test(authorized_keys, one_line_struct_serves_for_many_lines)
{
	cr_assert_eq(parse("environment=\"CHAT_USER=alice\",from=\"10.0.0.1\""),
		     AUTHORIZED_ACCEPTED);
	cr_assert_eq(parse(""), AUTHORIZED_ACCEPTED);
	cr_expect_eq(line.rule.flags, 0);
	cr_expect_str_eq(line.rule.names, "");
	cr_expect_str_eq(line.rule.from, "");
	cr_assert_eq(parse_text("garbage"), AUTHORIZED_REFUSED);
	cr_expect_str_eq(line.rule.names, "");
}
