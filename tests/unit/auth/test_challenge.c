/* auth/challenge: the signed text and the forms of its fields. */
#include "auth/challenge.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct challenge sample(void)
{
	return (struct challenge){
		.server = "chat.example.org:8080",
		.user = "alice",
		.fingerprint = "SHA256:6VQrGMZHhLVN3IVEXSRMzgWJXCh8+DPPPCkLCwtHMyI",
		.nonce = "gkvzBIZeJHgGgeds7kfDFy1oEC2EiLkufDrAuTfOi_k",
		.expires_s = 1795197660,
		.binding = "none",
	};
}

Test(challenge, the_text_is_exactly_the_seven_lines)
{
	struct challenge challenge = sample();
	char text[CHALLENGE_TEXT_SIZE];
	size_t len;

	cr_assert_eq(challenge_text(&challenge, text, &len), 0);
	cr_expect_str_eq(text, "chat-auth-v1\n"
			       "server: chat.example.org:8080\n"
			       "user: alice\n"
			       "key: SHA256:6VQrGMZHhLVN3IVEXSRMzgWJXCh8+DPPPCkLCwtHMyI\n"
			       "nonce: gkvzBIZeJHgGgeds7kfDFy1oEC2EiLkufDrAuTfOi_k\n"
			       "expires: 1795197660\n"
			       "binding: none\n");
	cr_expect_eq(len, strlen(text));
}

Test(challenge, no_field_can_pass_for_two_lines)
{
	struct challenge challenge = sample();
	char text[CHALLENGE_TEXT_SIZE];
	size_t len;

	challenge.user = "alice\nuser: root";
	cr_expect_eq(challenge_text(&challenge, text, &len), -EINVAL);
	challenge = sample();
	challenge.server = "a:1\rb";
	cr_expect_eq(challenge_text(&challenge, text, &len), -EINVAL);
	challenge = sample();
	challenge.binding = "";
	cr_expect_eq(challenge_text(&challenge, text, &len), -EINVAL);
	challenge = sample();
	challenge.nonce = "caf\xc3\xa9";
	cr_expect_eq(challenge_text(&challenge, text, &len), -EINVAL);
	challenge = sample();
	challenge.expires_s = -1;
	cr_expect_eq(challenge_text(&challenge, text, &len), -EINVAL);
}

Test(challenge, a_field_that_does_not_fit_is_an_error_not_a_cut)
{
	struct challenge challenge = sample();
	char text[CHALLENGE_TEXT_SIZE], large[CHALLENGE_TEXT_SIZE];
	size_t len;

	memset(large, 'a', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	challenge.binding = large;
	cr_expect_eq(challenge_text(&challenge, text, &len), -ENAMETOOLONG);
}

Test(challenge, nonces_are_43_url_characters_and_differ)
{
	char a[NONCE_SIZE], b[NONCE_SIZE];

	challenge_nonce(a);
	challenge_nonce(b);
	cr_expect_eq(strlen(a), NONCE_LEN);
	cr_expect_eq(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			       "0123456789-_"),
		     NONCE_LEN);
	cr_expect_str_neq(a, b);
}

Test(server_name, has_one_canonical_form)
{
	static const struct {
		const char *dialled;
		unsigned port;
		const char *canonical; /* NULL: none */
	} cases[] = {
		{"chat.example.org", 8080, "chat.example.org:8080"},
		{"CHAT.Example.org:7443", 8080, "chat.example.org:7443"},
		{"chat.example.org.:8080", 0, "chat.example.org.:8080"},
		{"127.0.0.1", 8080, "127.0.0.1:8080"},
		{"::1", 8080, "[::1]:8080"},
		{"[::1]", 8080, "[::1]:8080"},
		{"[2001:DB8:0:0::1]:22", 8080, "[2001:db8::1]:22"},
		{"[fe80::1%eth0]:8080", 0, "[fe80::1]:8080"},
		{"host", 0, NULL},
		{"", 8080, NULL},
		{":8080", 8080, NULL},
		{"host:", 8080, NULL},
		{"host:0", 8080, NULL},
		{"host:08080", 8080, NULL},
		{"host:65536", 8080, NULL},
		{"host:80a", 8080, NULL},
		{"host:+80", 8080, NULL},
		{"ho st:80", 8080, NULL},
		{"host/x:80", 8080, NULL},
		{"[::1", 8080, NULL},
		{"[::1]x", 8080, NULL},
		{"[::1]:", 8080, NULL},
		{"[host]:80", 8080, NULL},
		{"::g", 8080, NULL},
		{"h\xc3\xb6st:80", 8080, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[SERVER_NAME_SIZE] = "";
		int ret = server_name_canonical(cases[i].dialled, cases[i].port, out);

		if (cases[i].canonical == NULL) {
			cr_expect_eq(ret, -EINVAL, "%s", cases[i].dialled);
		} else {
			cr_expect_eq(ret, 0, "%s", cases[i].dialled);
			cr_expect_str_eq(out, cases[i].canonical);
		}
	}
}

Test(server_name, a_host_of_253_characters_fits_and_one_more_does_not)
{
	char text[300], out[SERVER_NAME_SIZE];

	memset(text, 'a', sizeof(text));
	strcpy(text + 253, ":65535");
	cr_expect_eq(server_name_canonical(text, 0, out), 0);
	memset(text, 'a', sizeof(text));
	strcpy(text + 254, ":65535");
	cr_expect_eq(server_name_canonical(text, 0, out), -EINVAL);
}

Test(server_name, splits_into_host_and_port)
{
	char host[SERVER_NAME_SIZE];
	unsigned port;

	server_name_split("[2001:db8::1]:22", host, &port);
	cr_expect_str_eq(host, "2001:db8::1");
	cr_expect_eq(port, 22);
	server_name_split("chat.example.org:8080", host, &port);
	cr_expect_str_eq(host, "chat.example.org");
	cr_expect_eq(port, 8080);
}

Test(server_name, knows_the_loopback_ones)
{
	cr_expect(server_name_is_loopback("localhost:8080"));
	cr_expect(server_name_is_loopback("127.0.0.1:8080"));
	cr_expect(server_name_is_loopback("127.9.9.9:8080"));
	cr_expect(server_name_is_loopback("[::1]:8080"));
	cr_expect(server_name_is_loopback("[::ffff:127.0.0.1]:8080"));
	cr_expect_not(server_name_is_loopback("localhost.example.org:8080"));
	cr_expect_not(server_name_is_loopback("128.0.0.1:8080"));
	cr_expect_not(server_name_is_loopback("[::2]:8080"));
}

Test(user_name, follows_the_contract)
{
	char name[NAME_SIZE];

	cr_expect_eq(user_name_fold("Alice", name), 0);
	cr_expect_str_eq(name, "alice");
	cr_expect_eq(user_name_fold("0.a-b_c", name), 0);
	cr_expect_eq(user_name_fold("", name), -EINVAL);
	cr_expect_eq(user_name_fold("-a", name), -EINVAL);
	cr_expect_eq(user_name_fold("_a", name), -EINVAL);
	cr_expect_eq(user_name_fold("a b", name), -EINVAL);
	cr_expect_eq(user_name_fold("\xc3\xa4", name), -EINVAL);
	cr_expect_eq(user_name_fold("a23456789012345678901234567890ab", name), 0);
	cr_expect_eq(user_name_fold("a23456789012345678901234567890abc", name), -EINVAL);
	cr_expect_not(user_name_valid("Alice"));
}
