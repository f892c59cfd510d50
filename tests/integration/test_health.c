/* docs/operations.md, "Over HTTP" and "Limits": /healthz, /readyz, /metrics, and what is nearly
 * full. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"
#include "tests/integration/server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(health, .fini = owned_finish_all, .timeout = 90);

/* The body of a page, which must come with that status. */
static char *page(unsigned port, const char *path, int status)
{
	struct buf body = BUF_INIT;
	int got = http_get(port, path, &body);

	buf_append_char(&body, '\0');
	owned_add(body.data, free, NULL);
	must(got == status, "%s: %d %s", path, got, body.data);
	return body.data;
}

/* Asks until the page comes with that status and text. */
static void await_page(unsigned port, const char *path, int status, const char *text)
{
	uint64_t until = clock_mono_ms() + PATIENCE_MS;

	for (;;) {
		struct buf body = BUF_INIT;
		int got = http_get(port, path, &body);
		bool good = got == status && body.data != NULL && strstr(body.data, text) != NULL;

		must(good || clock_mono_ms() < until, "%s: %d %s", path, got,
		     body.data != NULL ? body.data : "");
		buf_finish(&body);
		if (good)
			return;
	}
}

static void await_metric(struct server *s, const char *name, double value)
{
	uint64_t until = clock_mono_ms() + PATIENCE_MS;
	double got;

	while ((got = server_metric(s, name)) != value)
		must(clock_mono_ms() < until, "%s is %g, not %g", name, got, value);
}

OwnedTest(health, readyz_tells_each_thing_it_looked_at)
{
	struct server *s = server_with(.users = "alice", .args = "--max-connections 100");
	char *text;

	chat_login(s, "alice");
	text = page(s->port, "/readyz", 200);
	must(strncmp(text, "ready\n", 6) == 0, "%s", text);
	for (const char *const *what =
		     (const char *const[]){"workers ok: 2 of 2 answer\n", "draining ok: no\n",
					   "connections ok: 1 of 100 (--max-connections)\n",
					   "\nrooms ok: 1 of 1024", "\nusers ok: 1 of 4096",
					   "\nshared memory ok: ", "\nfiles ok: worker ",
					   "\nmemory ok: worker ", NULL};
	     *what != NULL; what++)
		must(strstr(text, *what) != NULL, "no %s in %s", *what, text);
}

OwnedTest(health, nine_tenths_of_the_connections_are_not_ready)
{
	struct server *s = server_with(.users = "alice", .args = "--max-connections 3");
	struct chat *first = chat_login(s, "alice");

	chat_login(s, "alice");
	page(s->port, "/readyz", 200);
	chat_login(s, "alice");
	must(strstr(page(s->port, "/readyz", 503), "connections FAIL: 3 of 3") != NULL, "3 of 3");
	chat_send(first, "{'type':'bye'}");
	chat_closed(first, 1000);
	await_page(s->port, "/readyz", 200, "connections ok: 2 of 3");
}

OwnedTest(health, a_worker_that_stands_still_is_not_ready)
{
	struct server *s =
		server_with(.users = "alice", .workers = 2, .args = "--metrics-listen 127.0.0.1:0");
	json_t *line = server_log_await(s, NULL, "\"event\":\"metrics\"", "listen");
	unsigned port = (unsigned)atoi(strrchr(text_of(line, "listen"), ':') + 1);
	pid_t worker = server_worker(s, 1);

	page(port, "/readyz", 200);
	must(kill(worker, SIGSTOP) == 0, "SIGSTOP");
	/* The other one answers, on the socket they share. */
	await_page(port, "/readyz", 503, "workers FAIL: 1 of 2 answer");
	must(kill(worker, SIGKILL) == 0, "SIGKILL");
	await_page(port, "/readyz", 200, "workers ok: 2 of 2 answer");
}

OwnedTest(health, an_address_of_its_own_takes_the_pages_off_the_port)
{
	struct server *s = server_with(.users = "alice", .args = "--metrics-listen 127.0.0.1:0");
	json_t *line = server_log_await(s, NULL, "\"event\":\"metrics\"", "listen");
	unsigned port = (unsigned)atoi(strrchr(text_of(line, "listen"), ':') + 1);

	must(strstr(page(port, "/healthz", 200), "ok\n") != NULL, "healthz");
	must(strstr(page(port, "/readyz", 200), "ready\n") != NULL, "readyz");
	must(strstr(page(port, "/metrics", 200), "\nroomkey_workers 2\n") != NULL, "metrics");
	must(strstr(page(port, "/metrics?x=1", 200), "\nroomkey_workers 2\n") != NULL, "a query");
	page(port, "/", 404);
	page(port, "/ws", 404);
	page(s->port, "/healthz", 404);
	page(s->port, "/readyz", 404);
	page(s->port, "/metrics", 404);
	page(s->port, "/", 200);
}

static int metrics_connect(unsigned port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Sends the request and reads to the end: the answer's first line. */
static char *first_line(unsigned port, const char *request, size_t len)
{
	int fd = metrics_connect(port);
	char *answer = calloc(1, 4096);
	size_t got = 0;
	ssize_t part;

	owned_add(answer, free, NULL);
	must(send(fd, request, len, MSG_NOSIGNAL) > 0, "send");
	while (got < 4095 && (part = recv(fd, answer + got, 4095 - got, 0)) > 0)
		got += (size_t)part;
	close(fd);
	answer[strcspn(answer, "\r\n")] = '\0';
	return answer;
}

OwnedTest(health, nonsense_on_the_metrics_address_is_refused_or_cut)
{
	struct server *s =
		server_with(.users = "alice", .workers = 1, .args = "--metrics-listen 127.0.0.1:0");
	json_t *line = server_log_await(s, NULL, "\"event\":\"metrics\"", "listen");
	unsigned port = (unsigned)atoi(strrchr(text_of(line, "listen"), ':') + 1);
	char long_request[6000];
	int silent[20];

	should(strcmp(first_line(port, "POST /metrics HTTP/1.1\r\n\r\n", 26),
		      "HTTP/1.1 405 Method Not Allowed") == 0,
	       "POST");
	should(strcmp(first_line(port, "GET metrics HTTP/1.1\r\n\r\n", 24),
		      "HTTP/1.1 400 Bad Request") == 0,
	       "no slash");
	should(strcmp(first_line(port, "GET /metrics\r\n\r\n", 16), "HTTP/1.1 400 Bad Request") ==
		       0,
	       "no version");
	should(strcmp(first_line(port, "HEAD /healthz HTTP/1.1\r\n\r\n", 26), "HTTP/1.1 200 OK") ==
		       0,
	       "HEAD");
	memset(long_request, 'x', sizeof(long_request));
	should(strcmp(first_line(port, long_request, sizeof(long_request)), "") == 0, "too long");
	/* Those who say nothing are cut; those who come meanwhile are not kept from it for long. */
	for (unsigned i = 0; i < 20; i++)
		silent[i] = metrics_connect(port);
	await_page(port, "/healthz", 200, "ok\n");
	for (unsigned i = 0; i < 20; i++)
		close(silent[i]);
}

OwnedTest(health, a_taken_metrics_address_is_an_error_that_names_it)
{
	struct server *s = server_with(.users = "alice", .args = "--metrics-listen 127.0.0.1:0");
	json_t *line = server_log_await(s, NULL, "\"event\":\"metrics\"", "listen");
	struct outcome out =
		run(program_path("chat-master"), "--port", "0", "--instance",
		    scratch_text("%s-2", s->instance), "--state-dir", scratch_path("state2"),
		    "--metrics-listen", text_of(line, "listen"));

	must(out.status == 1 && strstr(out.err, "Address already in use") != NULL &&
		     strstr(out.err, "--metrics-listen 127.0.0.1:") != NULL,
	     "%d: %s", out.status, out.err);
}

/* ---- nearly full -------------------------------------------------------------------- */

OwnedTest(health, a_worker_without_memory_refuses_logins_until_it_has_some)
{
	char *config = scratch_write("chat.conf", "max-worker-memory = 64k\n");
	struct server *s =
		server_with(.users = "alice", .args = scratch_text("--config %s", config));
	struct key alice_key = key_of("alice");
	struct chat *c;
	json_t *line;

	server_log_await(s, NULL, "nearly full", "memory of a worker");
	must(strstr(page(s->port, "/readyz", 503), "memory FAIL: worker") != NULL, "readyz");
	await_metric(s, "roomkey_worker_memory_full", 2);
	c = chat_open(s, "alice");
	chat_send_login(c, "alice", &alice_key, NULL);
	line = chat_refused(c, "server_full");
	must(strstr(text_of(line, "message"), "memory") != NULL, "%s", text_of(line, "message"));
	must(json_has(line, "{'fatal':true}"), "it stays");
	chat_closed(c, 4002);
	must(server_metric(s, "roomkey_full_refused_total") == 1, "not counted");

	file_write(config, "max-worker-memory = 1G\n");
	server_signal(s, SIGHUP);
	server_log_await(s, NULL, "not full any more", "memory of a worker");
	await_page(s->port, "/readyz", 200, "memory ok");
	chat_login(s, "alice");
}

OwnedTest(health, a_worker_without_file_descriptors_refuses_logins_until_it_has_some)
{
	/* Another user's limits are not for everyone to set. */
	struct server *s =
		server_with(.users = "alice", .workers = 1,
			    .args = scratch_text(
				    "--max-pending-logins 0 --login-timeout 600 --user %u",
				    geteuid()));
	double open_now = server_metric(s, "roomkey_worker_files");
	rlim_t most = (rlim_t)(open_now + 40);
	struct rlimit files = {.rlim_cur = most, .rlim_max = most};
	struct key alice_key = key_of("alice");
	struct chat *waiting[64], *c;
	unsigned count = 0;

	must(open_now > 10, "%g files", open_now);
	must(prlimit(server_worker(s, 0), RLIMIT_NOFILE, &files, NULL) == 0, "prlimit");
	await_metric(s, "roomkey_worker_files_max", (double)most);
	while (server_metric(s, "roomkey_worker_files_full") == 0) {
		must(count < 64, "never full");
		waiting[count++] = chat_open(s, "stranger");
	}
	server_log_await(s, NULL, "nearly full", "file descriptors");
	must(strstr(page(s->port, "/readyz", 503), "files FAIL: worker 0") != NULL, "readyz");
	c = waiting[--count];
	chat_send_login(c, "alice", &alice_key, NULL);
	must(strstr(text_of(chat_refused(c, "server_full"), "message"), "file descriptors") != NULL,
	     "another reason");
	chat_closed(c, 4002);
	while (count > 0)
		chat_forget(waiting[--count]);
	server_log_await(s, NULL, "not full any more", "file descriptors");
	await_page(s->port, "/readyz", 200, "files ok");
	chat_login(s, "alice");
}

/* ---- numbers -------------------------------------------------------------------------- */

OwnedTest(health, numbers_tell_logins_errors_and_latency)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_on(s, "alice", NULL, 0);
	struct chat *bob = chat_login_on(s, "bob", NULL, 1);
	struct chat *mallory = chat_open(s, "mallory");
	struct key mallory_key = key_of("mallory");
	char *text;
	double before = server_metric(s, "roomkey_append_to_write_seconds_count");

	chat_say(alice, "lobby", "m1", "one");
	chat_await(bob, "{'type':'message','id':'m1'}");
	chat_send(alice, "{'type':'message','id':'m2','room':'nowhere','content':'x'}");
	chat_refused(alice, "no_such_room");
	chat_send_login(mallory, "alice", &mallory_key, NULL);
	chat_refused(mallory, "auth_failed");

	text = page(s->port, "/metrics", 200);
	must(strstr(text, "\nroomkey_errors_total{code=\"no_such_room\"} 1\n") != NULL, "errors");
	must(strstr(text,
		    "\nroomkey_logins_total{result=\"auth_failed\",key=\"ssh-ed25519\"} 1\n") !=
		     NULL,
	     "a failed login");
	must(strstr(text, "\nroomkey_build_info{version=\"") != NULL, "version");
	must(server_metric(s, "roomkey_logins_total") >= 3, "logins");
	must(server_metric(s, "roomkey_append_to_write_seconds_count") > before,
	     "the delivery to bob is not counted");
	must(server_metric(s, "roomkey_append_to_write_seconds_sum") > 0, "sum");
	must(server_metric(s, "roomkey_deliveries_total") >= 1, "deliveries");
	must(server_metric(s, "roomkey_rings_out_total") >= 1, "rings");
	must(server_metric(s, "roomkey_worker_starts_total") == 2, "starts");
	server_kill_worker(s, 1);
	await_metric(s, "roomkey_worker_starts_total", 3);
	must(server_metric(s, "roomkey_worker_deaths_total") == 1, "deaths");
}

/* Strangers can't fill the log: what is beyond a hundred lines a second is counted. */
OwnedTest(health, lines_about_strangers_are_logged_at_a_bounded_rate)
{
	struct server *s = server_with(.users = "alice", .workers = 1,
				       .args = "--max-pending-logins 0 --max-startups 0");
	uint64_t until = clock_mono_ms() + PATIENCE_MS;
	size_t offset = 0;
	json_t *line;

	while (server_metric(s, "roomkey_log_lines_suppressed_total") == 0) {
		must(clock_mono_ms() < until, "every line was logged");
		for (unsigned i = 0; i < 100; i++)
			chat_forget(chat_open_raw(s, "stranger", NULL));
	}
	line = server_log_await(s, &offset, "\"strangers came and went\"", "unlogged");
	must(number_of(line, "unlogged") > 0, "none");
	/* Who logs in is always told of. */
	chat_login(s, "alice");
	server_log_await(s, &offset, "\"event\":\"login\"", "\"user\":\"alice\"");
}
