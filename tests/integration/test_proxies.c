/* Who a client is behind a proxy: on the wire, as a proxy of our own would speak. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <string.h>

TestSuite(proxies, .fini = owned_finish_all, .timeout = 90);

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* From 192.0.2.7, port 4711. */
#define HEADER SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x12\x67\x1f\x90"

/* The address that the server logs for the next login's connection. */
static const char *address_seen(struct server *s, size_t *at)
{
	return text_of(server_log_await(s, at, "\"event\":\"connect\"", ""), "address");
}

static int status_with(struct server *s, const char *headers)
{
	struct ws ws;
	struct ws_request request = {.port = s->port, .headers = headers};
	bool open = ws_open(&ws, &request);
	int status = ws.status;

	(void)open;
	ws_drop(&ws);
	return status;
}

OwnedTest(proxies, a_header_that_only_proxies_write_is_refused_from_anybody_else)
{
	static const char *const headers[] = {"X-Forwarded-For: 192.0.2.7\r\n",
					      "Forwarded: for=192.0.2.7\r\n",
					      "Via: 1.1 somewhere\r\n"};
	struct server *s = server_with(.users = "alice");
	size_t at = 0;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		int status = status_with(s, headers[i]);

		must(status == 400, "%s: %d", headers[i], status);
		json_t *line = server_log_await(s, &at, "proxy refused", "--trusted-proxy");
		must(strncmp(headers[i], text_of(line, "what"), strlen(text_of(line, "what"))) == 0,
		     "%s", json_text(line));
	}
	must(status_with(s, NULL) == 101, "a plain one");
}

static int status_behind(struct server *s, const void *bytes, size_t len,
			 const struct ws_request *how)
{
	struct ws ws;
	struct ws_request request = *how;
	int status;

	request.port = s->port;
	request.preface = bytes;
	request.preface_len = len;
	(void)ws_open(&ws, &request);
	status = ws.status;
	ws_drop(&ws);
	return status;
}

OwnedTest(proxies, a_proxy_header_is_refused_from_anybody_else)
{
	static const char one[] = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 8080\r\n";
	struct server *s = server_with(.users = "alice");
	size_t at = 0;

	must(status_behind(s, HEADER, sizeof(HEADER) - 1, &(struct ws_request){0}) == 0, "taken");
	server_log_await(s, &at, "proxy refused", "--trusted-proxy");
	must(status_behind(s, one, sizeof(one) - 1, &(struct ws_request){0}) == 0, "taken");
	server_log_await(s, &at, "proxy refused", "--trusted-proxy");
	must(status_with(s, NULL) == 101, "a plain one");
}

OwnedTest(proxies, a_trusted_one_tells_the_client_by_its_proxy_header_alone)
{
	struct server *s =
		server_with(.users = "alice", .args = "--trusted-proxy 127.0.0.1=proxy2");
	const struct ws_request fake = {.headers = "X-Forwarded-For: 198.51.100.1\r\n"};
	const struct ws_request plain = {0}, tls = {.tls = true}, slow = {.preface_slow = true};
	static const char local[] = SIGNATURE "\x20\0\0\0";
	size_t at = 0;

	must(status_behind(s, HEADER, sizeof(HEADER) - 1, &fake) == 101, "not taken");
	must(strcmp(address_seen(s, &at), "192.0.2.7") == 0, "another address");
	must(status_behind(s, HEADER, sizeof(HEADER) - 1, &tls) == 101, "not taken with TLS");
	must(strcmp(address_seen(s, &at), "192.0.2.7") == 0, "another address");
	must(status_behind(s, HEADER, sizeof(HEADER) - 1, &slow) == 101, "not taken byte by byte");
	must(strcmp(address_seen(s, &at), "192.0.2.7") == 0, "another address");
	must(status_behind(s, local, sizeof(local) - 1, &plain) == 101, "not taken for itself");
	must(strcmp(address_seen(s, &at), "127.0.0.1") == 0, "another address");
	/* It has to send one, and one only. */
	must(status_behind(s, "", 0, &plain) == 0, "taken without");
	must(status_behind(s, HEADER HEADER, 2 * (sizeof(HEADER) - 1), &plain) == 0, "taken twice");
	must(status_behind(s, HEADER, sizeof(HEADER) - 2, &plain) != 101, "a short one is taken");
}

OwnedTest(proxies, a_trusted_one_tells_the_client_by_the_rightmost_forwarded_address)
{
	struct server *s = server_with(.users = "alice", .args = "--trusted-proxy 127.0.0.1=xff "
								 "--trusted-proxy 10.0.0.0/8=xff");
	size_t at = 0;

	must(status_with(s, "X-Forwarded-For: 198.51.100.1, 192.0.2.7, 10.1.2.3\r\n") == 101, "-");
	must(strcmp(address_seen(s, &at), "192.0.2.7") == 0, "another address");
	must(status_with(s, "X-Forwarded-For: 198.51.100.1\r\nVia: 1.1 a\r\n"
			    "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=1.2.3.4\r\n") == 101,
	     "-");
	must(strcmp(address_seen(s, &at), "192.0.2.7") == 0, "another address");
	must(status_with(s, NULL) == 400, "taken without");
	server_log_await(s, &at, "proxy refused", "no address in X-Forwarded-For");
	must(status_with(s, "X-Forwarded-For: 192.0.2.7, rubbish\r\n") == 400, "rubbish is taken");
	/* What a client can have a proxy pass on doesn't hide what the proxy says behind it. */
	static const char *const hiding[] = {"X: a",
					     "X",
					     "X-F: a",
					     "X-Forwarded: a",
					     "Forwarded",
					     "X-Forwarded-For",
					     ":",
					     "X-Forwarded-Forx: 1.2.3.4",
					     "X-Forwarded-For : 1.2.3.4",
					     " folded"};
	for (size_t i = 0; i < sizeof(hiding) / sizeof(hiding[0]); i++) {
		int status = status_with(s, scratch_text("X-Forwarded-For: 198.51.100.1\r\n%s\r\n"
							 "X-Forwarded-For: 192.0.2.7\r\n",
							 hiding[i]));

		must(status == 101 || status == 400, "%s: %d", hiding[i], status);
		if (status == 101)
			must(strcmp(address_seen(s, &at), "192.0.2.7") == 0, "%s hides it",
			     hiding[i]);
	}
}

/* A name of this machine itself is no name for whoever comes through a proxy on it. */
OwnedTest(proxies, whoever_comes_through_one_is_never_on_this_machine)
{
	struct server *s =
		server_with(.users = "alice", .args = "--trusted-proxy 127.0.0.1=xff "
						      "--server-name chat.example.org:443");
	struct key alice = key_of("alice");
	struct ws_request request = {.headers = "X-Forwarded-For: 127.0.0.1\r\n"};
	struct chat *c = chat_open_raw(s, "alice", &request);

	chat_expect(c, "{'type':'challenge'}");
	chat_send_login(c, "alice", &alice, NULL);
	chat_refused(c, "wrong_server");
	chat_expect(c, "{'type':'challenge'}");
	snprintf(c->address, sizeof(c->address), "chat.example.org:443");
	chat_send_login(c, "alice", &alice, NULL);
	chat_expect(c, "{'type':'welcome'}");
}
