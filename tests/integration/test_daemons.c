/*
 * Behind real proxies: Debian's nginx, haproxy and Caddy, unpacked by tools/daemons.sh, on
 * loopback. Where they can't be had that is said, and nothing is tested.
 */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(daemons, .fini = owned_finish_all, .timeout = 180);

/* NULL: they aren't to be had. */
static const char *daemons(void)
{
	const char *build = getenv("CHAT_BUILD");
	struct outcome told = run("tools/daemons.sh", build != NULL ? build : "build");
	char *place;

	if (told.status != 0) {
		fprintf(stderr, "SKIPPED: no nginx, haproxy and Caddy: %s\n", told.err);
		return NULL;
	}
	told.out[strcspn(told.out, "\n")] = '\0';
	place = realpath(told.out, NULL);
	must(place != NULL, "%s", told.out);
	owned_add(place, free, NULL);
	return place;
}

/* A port that was free a moment ago: these programs can't be told to take any. */
static unsigned free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		     getsockname(fd, (struct sockaddr *)&at, &len) == 0,
	     "no free port");
	close(fd);
	return ntohs(at.sin_port);
}

/* Runs until the end of the test; returns when it listens. */
static void start(const char *place, const char *const argv[], unsigned port)
{
	uint64_t deadline = clock_mono_ms() + 3 * PATIENCE_MS;
	const char *const env[] = {
		scratch_text(
			"LD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu:%s/usr/lib/aarch64-linux-gnu",
			place, place),
		NULL};
	struct program *p = program_start(argv, env);
	struct ws ws;

	while (!ws_dial(&ws, &(struct ws_request){.port = port})) {
		must(clock_mono_ms() < deadline, "%s does not listen on %u: %s", argv[0], port,
		     p->err_text.data);
		poll(NULL, 0, 20);
	}
	ws_drop(&ws);
}

/* The address that the server sees of a client from 127.0.0.2 that sends these headers, too. */
static const char *seen_through(struct server *s, unsigned port, bool tls, const char *headers)
{
	struct ws_request request = {
		.port = port, .source = "127.0.0.2", .tls = tls, .headers = headers};
	size_t at = server_log_size(s);
	struct ws ws;
	bool open = ws_open(&ws, &request);

	must(open, "no upgrade through the proxy, status %d", ws.status);
	ws_drop(&ws);
	return text_of(server_log_await(s, &at, "\"event\":\"connect\"", ""), "address");
}

static void check_forwarded(struct server *s, unsigned port)
{
	static const char *const headers[] = {
		NULL,
		"X-Forwarded-For: 198.51.100.1\r\n",
		"Forwarded: for=198.51.100.1\r\nVia: 1.1 a\r\n",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const char *seen = seen_through(s, port, false, headers[i]);

		must(strcmp(seen, "127.0.0.2") == 0, "%s with %s", seen, headers[i]);
	}
}

static char *nginx_config(const char *server, unsigned server_port)
{
	return scratch_text(
		"daemon off; master_process off; pid %s; error_log stderr;\n"
		"events { worker_connections 64; }\n"
		"http {\n"
		"  access_log off;\n"
		"  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
		"  uwsgi_temp_path %s; scgi_temp_path %s;\n"
		"  server {\n"
		"    %s\n"
		"    location / {\n"
		"      proxy_pass http://127.0.0.1:%u;\n"
		"      proxy_http_version 1.1;\n"
		"      proxy_set_header Upgrade $http_upgrade;\n"
		"      proxy_set_header Connection \"upgrade\";\n"
		"      proxy_set_header Host $http_host;\n"
		"      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		"    }\n"
		"  }\n"
		"}\n",
		scratch_path("nginx.pid"), scratch_path("t1"), scratch_path("t2"),
		scratch_path("t3"), scratch_path("t4"), scratch_path("t5"), server, server_port);
}

static void start_nginx(const char *place, const char *config, unsigned port)
{
	const char *const argv[] = {
		scratch_text("%s/usr/sbin/nginx", place), "-p", scratch_dir(), "-e", "stderr", "-c",
		scratch_write("nginx.conf", config),      NULL};

	start(place, argv, port);
}

OwnedTest(daemons, nginx_tells_who_its_clients_are)
{
	const char *place = daemons();
	unsigned port;
	struct server *s;

	if (place == NULL)
		return;
	port = free_port();
	s = server_with(.users = "alice", .args = "--trusted-proxy 127.0.0.1=xff");
	start_nginx(place, nginx_config(scratch_text("listen 127.0.0.1:%u;", port), s->port), port);
	check_forwarded(s, port);
	/* It isn't on this machine, whatever its address: what is open to that isn't open to it. */
	struct buf body = BUF_INIT;
	must(http_get(s->port, "/healthz", &body) == 400, "a request without the header");
	must(http_get(port, "/metrics", &body) != 200, "/metrics through the proxy");
	must(http_get(port, "/", &body) == 200, "/ through the proxy");
	buf_finish(&body);
}

OwnedTest(daemons, caddy_tells_who_its_clients_are)
{
	const char *place = daemons();
	unsigned port;
	struct server *s;

	if (place == NULL)
		return;
	port = free_port();
	s = server_with(.users = "alice", .args = "--trusted-proxy 127.0.0.1=xff");
	const char *const argv[] = {
		scratch_text("%s/usr/bin/caddy", place),
		"run",
		"--adapter",
		"caddyfile",
		"--config",
		scratch_write("Caddyfile", scratch_text("{\n\tadmin off\n\tauto_https off\n}\n"
							"http://:%u {\n\tbind 127.0.0.1\n"
							"\treverse_proxy 127.0.0.1:%u\n}\n",
							port, s->port)),
		NULL};
	start(place, argv, port);
	check_forwarded(s, port);
}

OwnedTest(daemons, haproxy_tells_who_its_clients_are_in_both_ways)
{
	const char *place = daemons();
	unsigned http, tcp;
	struct server *s;

	if (place == NULL)
		return;
	http = free_port();
	tcp = free_port();
	s = server_with(.users = "alice bob", .args = "--trusted-proxy 127.0.0.1=xff "
						      "--trusted-proxy 127.0.0.3=proxy2 "
						      "--server-name chat.example.org:443");
	const char *const argv[] = {
		scratch_text("%s/usr/sbin/haproxy", place), "-db", "-f",
		scratch_write("haproxy.cfg",
			      scratch_text("defaults\n"
					   " timeout connect 5s\n timeout client 30s\n"
					   " timeout server 30s\n timeout tunnel 30s\n"
					   "listen http\n mode http\n bind 127.0.0.1:%u\n"
					   " option forwardfor\n server chat 127.0.0.1:%u\n"
					   "listen tcp\n mode tcp\n bind 127.0.0.1:%u\n"
					   " server chat 127.0.0.1:%u send-proxy-v2 source "
					   "127.0.0.3\n",
					   http, s->port, tcp, s->port)),
		NULL};
	start(place, argv, tcp);
	check_forwarded(s, http);
	/* It adds its line behind all others, where libwebsockets would have this one swallow it.
	 */
	const char *seen =
		seen_through(s, http, false, "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded: a\r\n");
	must(strcmp(seen, "127.0.0.2") == 0, "%s: hidden", seen);
	must(strcmp(seen_through(s, tcp, false, NULL), "127.0.0.2") == 0, "plain");
	/* Passed through, TLS is the client's own with the server: the login is bound to it. */
	struct server through = *s;
	through.port = tcp;
	struct ws_request request = {.tls = true, .source = "127.0.0.2"};
	struct chat *c = chat_open_raw(&through, "alice", &request);
	struct key alice = key_of("alice");
	chat_expect(c, "{'type':'challenge','bindings':['tls-exporter','none']}");
	snprintf(c->address, sizeof(c->address), "chat.example.org:443");
	chat_send_bound_login(c, "alice", &alice, NULL);
	chat_expect(c, "{'type':'welcome'}");
}

/* A proxy that ends TLS: nothing binds a login to the client's connection. */
OwnedTest(daemons, where_a_proxy_ends_tls_only_a_ca_makes_up_for_the_binding)
{
	const char *place = daemons();
	struct person alice = person_new("alice");
	char *pem = scratch_path("proxy.pem"), *cert = scratch_path("proxy.crt");
	unsigned port;
	struct server *s;

	if (place == NULL)
		return;
	port = free_port();
	s = server_for(1, &alice, .users = "bob", .args = "--trusted-proxy 127.0.0.1=xff");
	struct outcome made = run(
		"sh", "-c",
		scratch_text("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			     "-days 9 -subj /CN=x -addext subjectAltName=DNS:localhost -keyout "
			     "%s.key -out %s && cat %s %s.key >%s && openssl x509 -in %s -noout "
			     "-pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 "
			     "-binary | base64 | tr -d '=\n'",
			     cert, cert, cert, cert, pem, cert));
	must(made.status == 0 && strlen(made.out) == 43, "%s", made.err);
	const char *const argv[] = {
		scratch_text("%s/usr/sbin/haproxy", place), "-db", "-f",
		scratch_write("haproxy.cfg",
			      scratch_text("defaults\n timeout connect 5s\n timeout client 30s\n"
					   " timeout server 30s\n timeout tunnel 30s\n"
					   "listen tls\n mode http\n bind 127.0.0.1:%u ssl crt %s\n"
					   " option forwardfor\n server chat 127.0.0.1:%u\n",
					   port, pem, s->port)),
		NULL};
	start(place, argv, port);
	char *at = scratch_text("alice@localhost:%u", port);
	const char *const pinned[] = {program_path("chat-client"),
				      "--key",
				      alice.key.file,
				      "--once",
				      "--send",
				      "--fingerprint",
				      scratch_text("SHA256:%s", made.out),
				      at,
				      NULL};
	struct outcome told = run_with(pinned, "hi\n", NULL);
	must(told.status == 3 && strstr(told.err, "cannot bind a login") != NULL, "%d %s",
	     told.status, told.err);
	/* With a CA it signs, unbound; and then hears that localhost is no name of that server. */
	const char *const env[] = {scratch_text("SSL_CERT_FILE=%s", cert), NULL};
	const char *const vouched[] = {program_path("chat-client"),
				       "--key",
				       alice.key.file,
				       "--once",
				       "--send",
				       "--tls",
				       at,
				       NULL};
	told = run_with(vouched, "hi\n", env);
	must(told.status == 3 && strstr(told.err, "only for programs on the same machine") != NULL,
	     "%d %s", told.status, told.err);
}
