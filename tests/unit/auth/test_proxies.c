#include "auth/proxies.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static struct proxies proxies;
static struct buf error;

static int trust(const char *one, const char *two)
{
	char first[80], second[80];
	struct config_names options = {.name = {first, second}, .count = two != NULL ? 2 : 1};

	strcpy(first, one);
	strcpy(second, two != NULL ? two : "");
	buf_reset(&error);
	return proxies_read(&options, &proxies, &error);
}

static enum proxy_kind kind_of(const char *text)
{
	struct address address;

	cr_assert_eq(address_parse(text, &address), 0);
	return proxies_find(&proxies, &address);
}

/* The client as text, or "-" where there is none. */
static const char *client_of(const char *forwarded)
{
	static char text[ADDRESS_TEXT_SIZE];
	struct address client = {0};

	if (proxies_client(&proxies, forwarded, &client) < 0)
		client.family = 0;
	address_format(&client, text);
	return text;
}

static void teardown(void)
{
	buf_finish(&error);
}

TestSuite(proxies, .fini = teardown);

Test(proxies, each_network_has_its_way_and_the_first_entry_counts)
{
	cr_assert_eq(trust("10.0.0.0/8=xff", "::1=proxy2"), 0, "%s", error.data);
	cr_expect_eq(kind_of("10.1.2.3"), PROXY_XFF);
	cr_expect_eq(kind_of("::ffff:10.1.2.3"), PROXY_XFF);
	cr_expect_eq(kind_of("::1"), PROXY_V2);
	cr_expect_eq(kind_of("11.0.0.1"), PROXY_NONE);
	cr_assert_eq(trust("10.1.0.0/16=proxy2", "10.0.0.0/8=xff"), 0);
	cr_expect_eq(kind_of("10.1.2.3"), PROXY_V2);
	cr_expect_eq(kind_of("10.2.2.3"), PROXY_XFF);
}

Test(proxies, what_is_no_such_option_is_told_by_its_text)
{
	static const char *const bad[] = {"10.0.0.0/8",         "10.0.0.0/8=", "=xff",
					  "10.0.0.1/8=xff",     "host=xff",    "10.0.0.0/8=XFF",
					  "10.0.0.*=xff",       "*=proxy2",    "10.0.0.0/33=xff",
					  "1.2.3.4,5.6.7.8=xff"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(trust(bad[i], NULL), -EINVAL, "%s", bad[i]);
		cr_expect_not_null(strstr(error.data, bad[i]), "%s", error.data);
	}
}

Test(proxies, the_rightmost_address_that_is_no_proxys_is_the_client)
{
	cr_assert_eq(trust("10.0.0.0/8=xff", "127.0.0.1=xff"), 0);
	cr_expect_str_eq(client_of("192.0.2.7"), "192.0.2.7");
	cr_expect_str_eq(client_of("1.1.1.1, 192.0.2.7"), "192.0.2.7");
	cr_expect_str_eq(client_of("1.1.1.1,192.0.2.7 ,10.9.9.9,\t127.0.0.1"), "192.0.2.7");
	cr_expect_str_eq(client_of("10.1.1.1, 10.2.2.2"), "10.1.1.1");
	cr_expect_str_eq(client_of("2001:db8::1"), "2001:db8::1");
	cr_expect_str_eq(client_of("[2001:db8::1]:4711"), "2001:db8::1");
	cr_expect_str_eq(client_of("[2001:db8::1]"), "2001:db8::1");
	cr_expect_str_eq(client_of("192.0.2.7:4711"), "192.0.2.7");
	cr_expect_str_eq(client_of("::ffff:10.0.0.1"), "10.0.0.1");
}

Test(proxies, what_is_no_address_is_no_client)
{
	static const char *const bad[] = {"",
					  " ",
					  ",",
					  "192.0.2.7,",
					  "unknown",
					  "192.0.2.7, _hidden",
					  "192.0.2",
					  "1",
					  "0x7f.1",
					  "[192.0.2.7]",
					  "[2001:db8::1",
					  "192.0.2.7:",
					  "192.0.2.7:x",
					  "[2001:db8::1]x",
					  "192.0.2.7:123456",
					  "192.0.2.7 x",
					  "example.org",
					  "[]"};

	cr_assert_eq(trust("10.0.0.0/8=xff", NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_str_eq(client_of(bad[i]), "-", "%s", bad[i]);
	/* What is left of the client is whatever he wrote: it isn't looked at. */
	cr_expect_str_eq(client_of("rubbish, 192.0.2.7"), "192.0.2.7");
	cr_expect_str_eq(client_of("192.0.2.7, rubbish"), "-");
}

#define HEAD(lines) "GET /ws HTTP/1.1\r\nHost: h\r\n" lines "\r\n"

static int head(const char *text, char out[FORWARDED_SIZE])
{
	return proxies_forwarded(text, strlen(text), out);
}

Test(proxies, all_forwarded_lines_of_a_head_are_one_list)
{
	char out[FORWARDED_SIZE];

	cr_assert_eq(head(HEAD("X-Forwarded-For: 1.1.1.1\r\nX: a\r\n"
			       "x-forwarded-for:2.2.2.2\r\n"),
			  out),
		     0);
	cr_assert_str_eq(out, " 1.1.1.1,2.2.2.2");
	cr_assert_eq(head(HEAD(""), out), -ENODATA);
	cr_assert_eq(head(HEAD("X-Forwarded-Fo: 1\r\nX-Forwarded-Forr: 1\r\n"), out), -ENODATA);
	/* What is behind the head is not the head's. */
	cr_assert_eq(head(HEAD("A: b\r\n") "X-Forwarded-For: 1.1.1.1\r\n\r\n", out), -ENODATA);
}

Test(proxies, a_head_that_may_be_read_in_two_ways_is_refused)
{
	static const char *const bad[] = {
		HEAD("X-Forwarded-For: 1\r\n folded\r\n"),
		HEAD("X-Forwarded-For : 1\r\n"),
		HEAD("no colon\r\n"),
		HEAD(": nameless\r\n"),
		HEAD("A: b\nX-Forwarded-For: 1\r\n"),
		HEAD("A: b\rX-Forwarded-For: 1\r\n"),
		"GET / HTTP/1.1\nX: a\r\n\r\n",
	};
	char out[FORWARDED_SIZE];
	struct buf much = BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(head(bad[i], out), -EBADMSG, "%s", bad[i]);
	cr_expect_eq(head("GET / HTTP/1.1\r\nX-Forwarded-For: 1\r\n", out), -EAGAIN);
	cr_expect_eq(head("", out), -EAGAIN);
	while (much.len < FORWARDED_HEAD_MAX)
		buf_append_str(&much, "A: b\r\n");
	cr_expect_eq(head(much.data, out), -EBADMSG);
	buf_reset(&much);
	buf_append_str(&much, "GET / HTTP/1.1\r\nX-Forwarded-For: ");
	while (much.len < FORWARDED_SIZE + 40)
		buf_append_str(&much, "1.1.1.1,");
	buf_append_str(&much, "\r\n\r\n");
	cr_expect_eq(head(much.data, out), -EBADMSG);
	buf_finish(&much);
}
