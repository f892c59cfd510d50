#include "base/buf.h"
#include "tests/unit/worker/worker_fixture.h"
#include "worker/http.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

static void setup(void)
{
	fixture_defaults();
	fixture.config.metrics_listen = (char[]){""};
	fixture_start();
}

TestSuite(http, .init = setup, .fini = fixture_finish);

static unsigned ask(const char *from, const char *path)
{
	struct sockaddr_storage peer = {0};
	struct sockaddr_in *four = (struct sockaddr_in *)&peer;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&peer;
	struct buf body = BUF_INIT;
	const char *type;
	unsigned status;

	if (inet_pton(AF_INET, from, &four->sin_addr) == 1)
		peer.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, from, &six->sin6_addr) == 1)
		peer.ss_family = AF_INET6;
	status = http_answer(&fixture.worker[0], &peer, path, &body, &type);
	cr_assert(body.len > 0 && !body.failed);
	buf_finish(&body);
	return status;
}

Test(http, what_operators_ask_is_for_loopback_alone)
{
	const char *paths[] = {"/healthz", "/metrics"};

	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(ask("127.0.0.1", paths[i]), 200);
		cr_expect_eq(ask("127.9.9.9", paths[i]), 200);
		cr_expect_eq(ask("::1", paths[i]), 200);
		cr_expect_eq(ask("::ffff:127.0.0.1", paths[i]), 200);
		cr_expect_eq(ask("192.0.2.1", paths[i]), 403);
		cr_expect_eq(ask("2001:db8::1", paths[i]), 403);
		cr_expect_eq(ask("::ffff:192.0.2.1", paths[i]), 403);
		cr_expect_eq(ask("unknown", paths[i]), 403);
	}
	cr_expect_eq(ask("192.0.2.1", "/readyz"), 403);
	cr_expect_eq(ask("192.0.2.1", "/"), 200);
	cr_expect_eq(ask("192.0.2.1", "/nothing"), 404);
}

Test(http, with_an_address_of_their_own_they_are_not_here)
{
	fixture.config.metrics_listen = (char[]){"127.0.0.1:9100"};
	cr_expect_eq(ask("127.0.0.1", "/healthz"), 404);
	cr_expect_eq(ask("127.0.0.1", "/readyz"), 404);
	cr_expect_eq(ask("127.0.0.1", "/metrics"), 404);
}
