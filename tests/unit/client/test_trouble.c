#include "client/client.h"
#include "client/trouble.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct buf out;

static void teardown(void)
{
	buf_finish(&out);
}

TestSuite(trouble, .fini = teardown);

static void check_connect(struct transport_end end, int status, const char *expected)
{
	buf_reset(&out);
	cr_assert_eq(trouble_connect("h\x1b", 8080, &end, &out), status);
	cr_assert_not_null(strstr(out.data, expected), "%s", out.data);
	cr_assert_null(strchr(out.data, '\x1b'));
}

Test(trouble, each_way_not_to_connect_has_its_words_and_status)
{
	check_connect((struct transport_end){.error = -ECONNREFUSED}, EXIT_STATUS_NETWORK,
		      "connection refused: is chat-master running on h port 8080?");
	check_connect((struct transport_end){.error = -ENXIO, .reason = "no\x1bsuch"},
		      EXIT_STATUS_NETWORK, "cannot find h: nosuch");
	check_connect((struct transport_end){.error = -ETIMEDOUT}, EXIT_STATUS_TIMEOUT,
		      "no answer from h port 8080");
	check_connect((struct transport_end){.error = -EHOSTUNREACH}, EXIT_STATUS_NETWORK,
		      "cannot connect to h port 8080: No route to host");
	check_connect((struct transport_end){.error = -EPERM}, EXIT_STATUS_USAGE, "--insecure");
	check_connect((struct transport_end){.answered = true, .reason = "404"},
		      EXIT_STATUS_NETWORK, "does not speak this protocol (404)");
	check_connect((struct transport_end){.answered = true, .tls = true, .reason = "eof"},
		      EXIT_STATUS_NETWORK, "but no TLS connection came about (eof)");
}

Test(trouble, the_servers_reason_is_told_and_cleaned)
{
	struct session_loss loss = {.in_login = true, .message = "too\x1bmany", .code = "x"};
	struct transport_end end = {.close_code = 4001};

	trouble_give_up(&loss, &end, &out);
	cr_assert_str_eq(out.data, "the server ended the log-in: toomany");
	buf_reset(&out);
	loss = (struct session_loss){.code = "kicked"};
	trouble_give_up(&loss, &end, &out);
	cr_assert_str_eq(out.data, "the server ended the connection: kicked");
	buf_reset(&out);
	loss = (struct session_loss){0};
	trouble_give_up(&loss, &end, &out);
	cr_assert_str_eq(out.data, "the server ended the connection (close code 4001)");
	buf_reset(&out);
	trouble_lost(&loss, &end, &out);
	cr_assert_str_eq(out.data, "the connection was lost");
}
