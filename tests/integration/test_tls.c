/* TLS on the one port: the server's side on the wire, and chat-client's trust. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/relay.h"
#include "tests/integration/scratch.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(tls, .fini = owned_finish_all, .timeout = 90);

static const struct ws_request over_tls = {.tls = true};

static struct chat *open_tls(struct server *s, const char *name)
{
	struct chat *c = chat_open_raw(s, name, &over_tls);

	chat_expect(c, "{'type':'challenge','bindings':['tls-exporter','none']}");
	return c;
}

/* `chat-master --fingerprint`, as an operator would ask. */
static char *fingerprint_of(struct server *s)
{
	struct outcome told = run(program_path("chat-master"), "--fingerprint", "--instance",
				  s->instance, "--state-dir", s->state_dir);

	must(told.status == 0 && strncmp(told.out, "SHA256:", 7) == 0, "%d %s", told.status,
	     told.err);
	told.out[strcspn(told.out, "\n")] = '\0';
	return told.out;
}

/* chat-client over TLS to this machine, without a terminal, with an input of one line. */
static struct outcome say(struct person *person, const char *server, const char *flags,
			  const char *const env[])
{
	const char *argv[32] = {
		"setsid", "-w",    program_path("chat-client"), "--key", person->key.file, "--tls",
		"--send", "--once"};
	char *words = scratch_text("%s", flags), *rest = NULL;
	size_t n = 8;

	for (char *word = strtok_r(words, " ", &rest); word != NULL && n < 30;
	     word = strtok_r(NULL, " ", &rest))
		argv[n++] = word;
	argv[n++] = scratch_text("%s@%s", person->name, server);
	argv[n] = NULL;
	return run_with(argv, "said over tls\n", env);
}

/* ---- the wire ------------------------------------------------------------------------- */

OwnedTest(tls, one_port_serves_both_and_a_login_may_be_bound_or_not)
{
	struct server *s = server_with(.users = "alice bob carol");
	struct key alice = key_of("alice"), bob = key_of("bob");
	struct chat *bound = open_tls(s, "alice"), *unbound = open_tls(s, "bob");
	struct chat *plain = chat_open_raw(s, "carol", NULL);

	chat_expect(plain, "{'type':'challenge','bindings':['none']}");
	chat_send_bound_login(bound, "alice", &alice, NULL);
	chat_expect(bound, "{'type':'welcome','user':'alice'}");
	chat_send_login(unbound, "bob", &bob, NULL);
	chat_expect(unbound, "{'type':'welcome','user':'bob'}");
	server_log_await(s, NULL, "\"event\":\"connect\"", "\"tls\":1");
	must(server_metric(s, "roomkey_tls_connections_total") == 2, "not counted");
	must(server_metric(s, "roomkey_connections_total") == 3, "not counted");
}

OwnedTest(tls, a_login_bound_to_another_connection_is_refused)
{
	struct server *s = server_with(.users = "alice");
	struct key alice = key_of("alice");
	struct chat *one = open_tls(s, "one"), *two = open_tls(s, "two");

	chat_send_bound_login(two, "alice", &alice, one);
	chat_expect(two, "{'type':'error','code':'auth_failed'}");
	chat_expect(two, "{'type':'challenge'}");
	chat_send_bound_login(two, "alice", &alice, NULL);
	chat_expect(two, "{'type':'welcome','user':'alice'}");
}

OwnedTest(tls, the_binding_may_be_named_whole_and_must_be_the_right_one)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = open_tls(s, "alice");

	chat_send(c,
		  "{'type':'login','user':'alice','server':'%s','signature':'AAAA',"
		  "'binding':'tls-exporter:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}",
		  s->address);
	chat_expect(c, "{'type':'error','code':'auth_failed'}");
	chat_expect(c, "{'type':'challenge'}");
	chat_send(c,
		  "{'type':'login','user':'alice','server':'%s','signature':'AAAA',"
		  "'binding':'tls-unique'}",
		  s->address);
	chat_expect(c, "{'type':'error','code':'bad_field'}");
}

/* Lines longer than a TLS record and than libwebsockets' buffer, both ways, and many at once. */
OwnedTest(tls, long_and_many_lines_arrive_whole)
{
	struct server *s =
		server_with(.users = "alice bob", .args = "--rate 0 --room-bytes 1048576");
	struct key key = key_of("alice");
	struct chat *alice = open_tls(s, "alice");
	struct chat *bob = chat_login(s, "bob");
	char content[3601];

	chat_send_bound_login(alice, "alice", &key, NULL);
	chat_expect(alice, "{'type':'welcome'}");
	memset(content, 'x', sizeof(content) - 1);
	content[sizeof(content) - 1] = '\0';
	for (int i = 0; i < 40; i++) {
		chat_send(alice, "{'type':'message','id':'a%d','content':'%s'}", i, content);
		chat_send(bob, "{'type':'message','id':'b%d','content':'%s'}", i, content);
	}
	/* One frame of many lines, just below what a client may send. */
	struct buf frame = BUF_INIT;
	for (int i = 0; i < 17; i++)
		buf_printf(&frame, "{\"type\":\"message\",\"id\":\"f%d\",\"content\":\"%s\"}\n", i,
			   content);
	chat_send_bytes(alice, frame.data, frame.len);
	buf_finish(&frame);
	chat_await(alice, "{'type':'ok','id':'f16'}");
	for (int i = 0; i < 17; i++)
		chat_await(bob, "{'type':'message','id':'f%d','content':'%s'}", i, content);
	chat_send(alice, "{'type':'history','id':'h','room':'lobby','after':0,'limit':97}");
	chat_await(alice, "{'type':'history','id':'h','count':97}");
	for (int i = 1; i <= 97; i++)
		chat_expect(alice, "{'type':'message','seq':%d,'content':'%s'}", i, content);
}

/* Its socket is full for a while: OpenSSL wants the same bytes again then, and gets them. */
OwnedTest(tls, who_reads_late_gets_all_or_is_told_of_the_gap)
{
	struct server *s =
		server_with(.users = "alice bob", .args = "--rate 0 --room-bytes 2097152");
	struct ws_request narrow = {.tls = true, .receive_bytes = 4096};
	struct chat *alice = chat_open_raw(s, "alice", &narrow);
	struct chat *bob = chat_login(s, "bob");
	struct key key = key_of("alice");
	char content[3601];
	long long after = 0;

	chat_expect(alice, "{'type':'challenge'}");
	chat_send_bound_login(alice, "alice", &key, NULL);
	chat_expect(alice, "{'type':'welcome'}");
	memset(content, 'y', sizeof(content) - 1);
	content[sizeof(content) - 1] = '\0';
	for (int i = 1; i <= 1200; i++) {
		chat_send(bob, "{'type':'message','id':'b%d','content':'%s'}", i, content);
		chat_await(bob, "{'type':'ok','id':'b%d'}", i);
	}
	while (after < 1200) {
		json_t *line = chat_next(alice, PATIENCE_MS);

		must(line != NULL, "nothing behind %lld", after);
		if (json_has(line, "{'type':'gap','room':'lobby'}")) {
			must(number_of(line, "after") == after, "a gap elsewhere");
			after = number_of(line, "next") - 1;
		} else if (json_has(line, "{'type':'message','room':'lobby'}")) {
			must(number_of(line, "seq") == after + 1 &&
				     strcmp(text_of(line, "content"), content) == 0,
			     "line %lld behind %lld", number_of(line, "seq"), after);
			after++;
		}
	}
}

OwnedTest(tls, a_stop_says_bye_over_tls_too)
{
	struct server *s = server_with(.users = "alice");
	struct key key = key_of("alice");
	struct chat *alice = open_tls(s, "alice");

	chat_send_bound_login(alice, "alice", &key, NULL);
	chat_expect(alice, "{'type':'welcome'}");
	server_signal(s, SIGTERM);
	chat_await(alice, "{'type':'bye','code':'shutting_down'}");
	chat_closed(alice, 1001);
}

/* All that comes until the server closes. */
static char *read_to_end(struct ws *ws)
{
	struct pollfd pfd = {.fd = ws->fd, .events = POLLIN};
	char bytes[4096], *all = scratch_text("%s", "");
	ssize_t got = 1;

	while (got > 0) {
		must(poll(&pfd, 1, PATIENCE_MS) == 1, "it is not closed");
		got = recv(ws->fd, bytes, sizeof(bytes), 0);
		all = scratch_text("%s%.*s", all, got > 0 ? (int)got : 0, bytes);
	}
	ws_drop(ws);
	return all;
}

OwnedTest(tls, who_says_nothing_or_no_tls_is_closed)
{
	static const char *const starts[] = {"", "\x16", "\x16\x03\x01",
					     "\x16garbage that is no hello",
					     "\x16\x03\x01\xff\xff\x01"};
	struct server *s = server_with(.users = "alice", .args = "--login-timeout 1");

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct ws ws;

		must(ws_dial(&ws, &(struct ws_request){.port = s->port}), "no connection");
		ws_send_raw(&ws, starts[i], strlen(starts[i]));
		read_to_end(&ws);
	}
	chat_login(s, "alice");
}

/* An address of this machine beyond loopback; NULL: it has none. */
static const char *other_address(void)
{
	struct ifaddrs *all = NULL;
	char *found = NULL;

	must(getifaddrs(&all) == 0, "getifaddrs");
	for (struct ifaddrs *at = all; at != NULL && found == NULL; at = at->ifa_next) {
		struct sockaddr_in in;
		char text[INET_ADDRSTRLEN];

		if (at->ifa_addr == NULL || at->ifa_addr->sa_family != AF_INET ||
		    (at->ifa_flags & IFF_LOOPBACK) != 0 || (at->ifa_flags & IFF_UP) == 0)
			continue;
		memcpy(&in, at->ifa_addr, sizeof(in));
		if (inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)) != NULL)
			found = scratch_text("%s", text);
	}
	freeifaddrs(all);
	if (found == NULL)
		fprintf(stderr, "SKIPPED: this machine has no address beyond loopback\n");
	return found;
}

OwnedTest(tls, plain_from_elsewhere_is_told_to_use_tls)
{
	const char *address = other_address();
	struct server *s, *open;
	struct ws ws;

	if (address == NULL)
		return;
	s = server_with(.users = "alice", .args = "--host *");
	struct ws_request request = {.port = s->port, .to = address};
	must(!ws_open(&ws, &request) && ws.status == 426, "status %d", ws.status);
	ws_drop(&ws);
	must(ws_dial(&ws, &request), "no connection");
	ws_send_raw(&ws, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	char *answer = read_to_end(&ws);
	must(strstr(answer, " 426 ") != NULL && strstr(answer, "use wss://") != NULL, "%s", answer);
	/* With TLS the connection's own address is a name of a server that listens everywhere. */
	request.tls = true;
	struct chat *c = chat_open_raw(s, "alice", &request);
	snprintf(c->address, sizeof(c->address), "%s:%u", address, s->port);
	chat_expect(c, "{'type':'challenge'}");
	struct key key = key_of("alice");
	chat_send_bound_login(c, "alice", &key, NULL);
	chat_expect(c, "{'type':'welcome'}");
	open = server_with(.users = "alice", .args = "--host * --insecure-plain");
	request = (struct ws_request){.port = open->port, .to = address};
	must(ws_open(&ws, &request), "--insecure-plain: status %d", ws.status);
	ws_drop(&ws);
}

/* ---- chat-client -------------------------------------------------------------------------- */

OwnedTest(tls, an_unknown_server_is_refused_where_nobody_can_be_asked)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	char *at = scratch_text("localhost:%u", s->port), *key = fingerprint_of(s);
	struct outcome told = say(&alice, at, "", NULL);

	must(told.status == 3 && strstr(told.err, scratch_text("--fingerprint %s", key)) != NULL,
	     "%d %s", told.status, told.err);
	told = say(&alice, at, scratch_text("--fingerprint %s", key), NULL);
	must(told.status == 0, "%d %s", told.status, told.err);
	told = say(&alice, at, "--fingerprint SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		   NULL);
	must(told.status == 3 && strstr(told.err, "another key") != NULL, "%d %s", told.status,
	     told.err);
}

OwnedTest(tls, a_yes_on_the_terminal_is_remembered_and_a_new_key_is_refused_loudly)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob", .port_is_kept = true);
	char *at = scratch_text("alice@localhost:%u", s->port);
	const char *argv[] = {
		program_path("chat-client"), "--key", alice.key.file, "--tls", at, NULL};
	struct program *p = program_start_terminal(argv, NULL);

	program_expect(p, fingerprint_of(s));
	program_expect(p, "(yes/no)");
	program_write(p, "maybe\n");
	program_expect(p, "yes or no");
	program_write(p, "yes\n");
	program_expect(p, "you are alice");
	program_write(p, "/quit\n");
	must(program_wait(p) == 0, "exit %d", p->status);
	struct outcome told = say(&alice, at + strlen("alice@"), "", NULL);
	must(told.status == 0, "%d %s", told.status, told.err);
	/* Another identity behind the same name. */
	server_stop(s);
	must(unlink(scratch_text("%s/%s/tls.pem", s->state_dir, s->instance)) == 0, "no tls.pem");
	server_restart(s);
	told = say(&alice, at + strlen("alice@"), "", NULL);
	must(told.status == 3 && strstr(told.err, "HAS CHANGED") != NULL, "%d %s", told.status,
	     told.err);
	p = program_start_terminal(argv, NULL);
	must(program_wait(p) == 3, "exit %d", p->status);
}

OwnedTest(tls, a_no_on_the_terminal_ends_it)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	const char *argv[] = {program_path("chat-client"),
			      "--key",
			      alice.key.file,
			      "--tls",
			      scratch_text("alice@localhost:%u", s->port),
			      NULL};
	static const char *const noes[] = {"no\n", "\x03", "\x04"};

	for (size_t i = 0; i < sizeof(noes) / sizeof(noes[0]); i++) {
		struct program *p = program_start_terminal(argv, NULL);

		program_expect(p, "(yes/no)");
		program_write(p, noes[i]);
		must(program_wait(p) == 3, "exit %d", p->status);
	}
}

OwnedTest(tls, a_ca_that_vouches_is_asked_no_question)
{
	struct person alice = person_new("alice");
	struct server *s = server_for(1, &alice, .users = "bob");
	/* For localhost, and signed by one the system trusts: by itself. */
	const char *const env[] = {
		scratch_text("SSL_CERT_FILE=%s/%s/tls.pem", s->state_dir, s->instance), NULL};
	struct outcome told = say(&alice, scratch_text("localhost:%u", s->port), "", env);

	must(told.status == 0, "%d %s", told.status, told.err);
	/* That name isn't in the certificate. */
	told = say(&alice, scratch_text("127.0.0.1:%u", s->port), "", env);
	must(told.status == 3 && strstr(told.err, "mismatch") != NULL, "%d %s", told.status,
	     told.err);
}

OwnedTest(tls, a_relay_with_its_own_certificate_gains_nothing)
{
	struct person alice = person_new("alice");
	struct relay *relay = relay_open();
	char *at = scratch_text("localhost:%u", relay->port);
	struct server *s =
		server_for(1, &alice, .users = "bob", .args = scratch_text("--server-name %s", at));
	struct key bob = key_of("bob");
	struct outcome told;

	relay_serve(relay, s);
	/* It does relay: an unbound login passes through it. */
	struct ws_request request = {.tls = true, .port = relay->port};
	struct server there = *s;
	there.port = relay->port;
	struct chat *c = chat_open_raw(&there, "bob", &request);
	chat_expect(c, "{'type':'challenge'}");
	chat_send_login(c, "bob", &bob, NULL);
	chat_expect(c, "{'type':'welcome'}");
	/* Who knows the server's key says nothing to the relay. */
	told = say(&alice, at, scratch_text("--fingerprint %s", fingerprint_of(s)), NULL);
	must(told.status == 3 && strstr(told.err, "another key") != NULL, "%d %s", told.status,
	     told.err);
	/* And who was talked into the relay's key signs what the server doesn't take. */
	told = say(&alice, at, scratch_text("--fingerprint %s", relay->fingerprint), NULL);
	must(told.status == 3 && strstr(told.err, "login failed") != NULL, "%d %s", told.status,
	     told.err);
}

/* ---- certificates of one's own, and tickets ------------------------------------------------ */

/* A P-256 key and a certificate for `names` ("DNS:a,IP:192.0.2.1"), in one file or two. */
static void make_certificate(const char *cert, const char *key, const char *names)
{
	struct outcome made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
				  "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
				  "/CN=test", "-addext", scratch_text("subjectAltName=%s", names),
				  "-keyout", key, "-out", cert);

	must(made.status == 0, "%s", made.err);
}

/* "SHA256:…" of the key that a new connection is shown. */
static char *shown_key(struct server *s)
{
	char *at = scratch_text("127.0.0.1:%u", s->port);
	struct outcome told = run(
		"sh", "-c",
		scratch_text("openssl s_client -connect %s </dev/null 2>/dev/null | openssl x509 "
			     "-noout -pubkey | openssl pkey -pubin -outform der | openssl dgst "
			     "-sha256 -binary | base64 | tr -d '=\\n'",
			     at));

	must(told.status == 0 && strlen(told.out) == 43, "%s %s", told.out, told.err);
	return scratch_text("SHA256:%s", told.out);
}

/* All workers have it within a second or two; a connection comes to any of them. */
static void await_key(struct server *s, const char *wanted)
{
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;

	for (unsigned same = 0; same < 8;) {
		must(clock_mono_ms() < deadline, "%s is not shown", wanted);
		same = strcmp(shown_key(s), wanted) == 0 ? same + 1 : 0;
	}
}

OwnedTest(tls, a_certificate_of_ones_own_is_read_again_when_it_changes_and_at_sighup)
{
	char *cert = scratch_path("cert.pem"), *key = scratch_path("key.pem");
	char *other = scratch_path("other.pem"), *other_key = scratch_path("other-key.pem");
	struct server *s;
	size_t at;

	make_certificate(cert, key, "DNS:chat.example.org,IP:192.0.2.1");
	s = server_with(.users = "alice",
			.args = scratch_text("--tls-cert %s --tls-key %s", cert, key));
	const char *first = text_of(server_log_await(s, NULL, "\"event\":\"certificate\"", cert),
				    "fingerprint");
	await_key(s, first);
	/* Its names are the server's. */
	struct chat *c = open_tls(s, "alice");
	struct key alice = key_of("alice");
	snprintf(c->address, sizeof(c->address), "chat.example.org:%u", s->port);
	chat_send_bound_login(c, "alice", &alice, NULL);
	chat_expect(c, "{'type':'welcome'}");
	/* Half a change is none: the old pair stays. */
	make_certificate(other, other_key, "DNS:chat.example.org");
	at = server_log_size(s);
	must(rename(other, cert) == 0, "rename");
	server_log_await(s, &at, "certificate not loaded", "the key is not the certificate's");
	await_key(s, first);
	must(rename(other_key, key) == 0, "rename");
	const char *second = text_of(
		server_log_await(s, &at, "\"event\":\"certificate\"", "\"why\":\"changed\""),
		"fingerprint");
	must(strcmp(first, second) != 0, "the same key");
	await_key(s, second);
	server_signal(s, SIGHUP);
	server_log_await(s, &at, "\"event\":\"certificate\"", "\"why\":\"reload\"");
	/* Whoever was in is still. */
	chat_send(c, "{'type':'ping','id':'p'}");
	chat_await(c, "{'type':'pong','id':'p'}");
}

OwnedTest(tls, a_certificate_that_cannot_be_used_stops_the_start_with_the_reason)
{
	char *cert = scratch_path("cert.pem"), *key = scratch_path("key.pem");
	struct outcome told;

	make_certificate(cert, key, "DNS:a");
	told = run(program_path("chat-master"), "--port", "0", "--state-dir", scratch_path("state"),
		   "--instance", scratch_text("it-tls-%d", (int)getpid()), "--tls-cert", cert);
	must(told.status == 1 && strstr(told.err, "no private key in PEM form") != NULL, "%d %s",
	     told.status, told.err);
}

/* Of so many connections some go to another worker than the one that gave the ticket. */
OwnedTest(tls, a_ticket_of_one_worker_opens_in_every_other)
{
	struct server *s = server_with(.users = "alice", .workers = 4);
	char *session = scratch_path("session");
	struct outcome told =
		run("sh", "-c",
		    scratch_text("(sleep 0.3; echo Q) | openssl s_client -connect 127.0.0.1:%u "
				 "-sess_out %s >/dev/null 2>&1; test -s %s",
				 s->port, session, session));

	must(told.status == 0, "no ticket came");
	for (int i = 0; i < 12; i++) {
		told = run("sh", "-c",
			   scratch_text("openssl s_client -connect 127.0.0.1:%u -sess_in %s "
					"</dev/null 2>/dev/null | grep '^Reused\\|^New'",
					s->port, session));
		must(strncmp(told.out, "Reused", 6) == 0, "connection %d: %s", i, told.out);
	}
}

/* ---- workers that come and go ---------------------------------------------------------------- */

OwnedTest(tls, a_new_worker_and_an_upgraded_server_have_the_same_key)
{
	struct server *s = server_with(.users = "alice", .workers = 2);
	const char *key = fingerprint_of(s);
	struct key alice = key_of("alice");
	size_t at;

	await_key(s, key);
	server_kill_worker(s, 0);
	server_kill_worker(s, 1);
	await_key(s, key);
	at = server_log_size(s);
	server_signal(s, SIGUSR2);
	server_log_await(s, &at, "\"event\":\"upgraded\"", "");
	await_key(s, key);
	struct chat *c = open_tls(s, "alice");
	chat_send_bound_login(c, "alice", &alice, NULL);
	chat_expect(c, "{'type':'welcome'}");
}
