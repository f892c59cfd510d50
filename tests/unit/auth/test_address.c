/* auth/address: from= and source-address, by sshd's rules. */
#include "auth/address.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static enum address_match from(const char *address, const char *patterns)
{
	struct address parsed;

	cr_assert_eq(address_parse(address, &parsed), 0, "%s", address);
	return address_match_from(&parsed, patterns);
}

Test(address, from_matches_as_sshd_does)
{
	static const struct {
		const char *address, *patterns;
		enum address_match match;
	} cases[] = {
		{"127.0.0.1", "127.0.0.1", ADDRESS_YES},
		{"127.0.0.1", "127.0.0.0/8", ADDRESS_YES},
		{"127.0.0.1", "127.*", ADDRESS_YES},
		{"127.0.0.1", "127.0.0.?", ADDRESS_YES},
		{"127.0.0.1", "*", ADDRESS_YES},
		{"127.0.0.1", "10.0.0.0/8,127.0.0.1", ADDRESS_YES},
		{"127.0.0.1", "10.0.0.0/8", ADDRESS_NO},
		{"127.0.0.1", "!127.0.0.1,*", ADDRESS_NO},
		{"127.0.0.1", "*,!127.0.0.0/8", ADDRESS_NO},
		{"127.0.0.1", "!10.0.0.1", ADDRESS_NO},
		{"127.0.0.1", "!10.0.0.1,*", ADDRESS_YES},
		{"127.0.0.1", "*.example.org", ADDRESS_NO},
		{"127.0.0.1", "localhost", ADDRESS_NO},
		{"127.0.0.1", " 127.0.0.1", ADDRESS_NO},
		{"127.0.0.1", "0.0.0.0/0", ADDRESS_YES},
		{"127.0.0.1", "::/0", ADDRESS_NO},
		{"127.0.0.1", "::ffff:127.0.0.1", ADDRESS_NO},
		{"::1", "::1", ADDRESS_YES},
		{"::1", "0::0/127", ADDRESS_YES},
		{"2001:db8::5", "2001:db8::/32", ADDRESS_YES},
		{"2001:db8::5", "2001:DB8:*", ADDRESS_YES},
		{"2001:db8::5", "2001:db9::/32", ADDRESS_NO},
		{"::ffff:10.1.1.1", "10.0.0.0/8", ADDRESS_YES},
		{"127.0.0.1", "", ADDRESS_INVALID},
		{"127.0.0.1", "127.0.0.1,", ADDRESS_INVALID},
		{"127.0.0.1", ",127.0.0.1", ADDRESS_INVALID},
		{"127.0.0.1", "!", ADDRESS_INVALID},
		{"127.0.0.1", "127.0.0.0/33", ADDRESS_INVALID},
		{"127.0.0.1", "127.0.0.1/8", ADDRESS_INVALID},
		{"127.0.0.1", "127.0.0.1,127.0.0.0/99", ADDRESS_INVALID},
		{"127.0.0.1", "127.0.0.0/129", ADDRESS_NO},
		{"127.0.0.1", "127.0.0.0/x", ADDRESS_NO},
		{"127.0.0.1", "127.0.0.0/", ADDRESS_NO},
		{"127.0.0.1", "127.0.0.0/ 8", ADDRESS_NO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(from(cases[i].address, cases[i].patterns), cases[i].match, "%s in %s",
			     cases[i].address, cases[i].patterns);
}

Test(address, an_unknown_peer_is_in_no_list)
{
	struct address unknown = {0};

	cr_expect_eq(address_match_from(&unknown, "*"), ADDRESS_NO);
	cr_expect_eq(address_match_from(&unknown, "!10.0.0.1,0.0.0.0/0"), ADDRESS_NO);
	cr_expect_eq(address_match_networks(&unknown, "0.0.0.0/0"), ADDRESS_NO);
	cr_expect_not(address_is_loopback(&unknown));
}

Test(address, wildcards_take_no_exponential_time)
{
	char pattern[900];

	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = '1';
	}
	strcpy(pattern + sizeof(pattern) - 2, "x");
	cr_expect_eq(from("1111:1111:1111:1111:1111:1111:1111:1111", pattern), ADDRESS_NO);
}

Test(address, source_address_takes_networks_only)
{
	struct address here;

	cr_assert_eq(address_parse("127.0.0.1", &here), 0);
	cr_expect_eq(address_match_networks(&here, "127.0.0.0/8"), ADDRESS_YES);
	cr_expect_eq(address_match_networks(&here, "::1,127.0.0.1"), ADDRESS_YES);
	cr_expect_eq(address_match_networks(&here, "192.0.2.0/24"), ADDRESS_NO);
	cr_expect_eq(address_match_networks(&here, "127.*"), ADDRESS_INVALID);
	cr_expect_eq(address_match_networks(&here, "!10.0.0.1,127.0.0.1"), ADDRESS_INVALID);
	cr_expect_eq(address_match_networks(&here, "127.0.0.1,localhost"), ADDRESS_INVALID);
	cr_expect_eq(address_match_networks(&here, ""), ADDRESS_INVALID);
	cr_expect_eq(address_match_networks(NULL, "127.0.0.0/8"), ADDRESS_NO);
	cr_expect_eq(address_match_networks(NULL, "127.0.0.0/33"), ADDRESS_INVALID);
}

Test(address, formats_what_it_parses)
{
	static const char *const texts[] = {"127.0.0.1", "2001:db8::1", "::1"};
	char out[ADDRESS_TEXT_SIZE];
	struct address address;

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(address_parse(texts[i], &address), 0);
		address_format(&address, out);
		cr_expect_str_eq(out, texts[i]);
	}
	address_format(&(struct address){0}, out);
	cr_expect_str_eq(out, "-");
	cr_expect(address_parse("host", &address) < 0);
	cr_expect(address_parse("", &address) < 0);
	cr_expect(address_parse("127.0.0.1 ", &address) < 0);
}
