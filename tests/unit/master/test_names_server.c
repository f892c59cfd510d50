#include "master/names_server.h"

#include "base/clock.h"
#include "tests/unit/master/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct names_server server;
static unsigned requests;
static char last_request[NAMES_REQUEST_MAX];

static int repeat(void *data, const char *request, struct names_reply *ret_reply)
{
	(void)data;
	requests++;
	snprintf(last_request, sizeof(last_request), "%s", request);
	*ret_reply = (struct names_reply){.text = BUF_INIT};
	buf_printf(&ret_reply->text, "ok %s\n", request);
	return 0;
}

/* More than a socket takes at once. */
static int long_answer(void *data, const char *request, struct names_reply *ret_reply)
{
	(void)data;
	(void)request;
	*ret_reply = (struct names_reply){.text = BUF_INIT};
	for (int i = 0; i < 100000; i++)
		buf_append_str(&ret_reply->text, "alice SHA256:x key\n");
	buf_append_str(&ret_reply->text, "ok 100000 names\n");
	return 0;
}

static int broken(void *data, const char *request, struct names_reply *ret_reply)
{
	(void)data;
	(void)request;
	(void)ret_reply;
	return -ENOMEM;
}

static void init(void)
{
	cr_assert_eq(names_server_open(&server, folder_make(), repeat, NULL), 0);
}

static void finish(void)
{
	names_server_close(&server);
	folder_remove();
}

TestSuite(names_server, .init = init, .fini = finish);

static int dial(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", folder_path(NAMES_SOCKET_NAME));
	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void run(uint64_t now)
{
	struct pollfd fds[NAMES_POLL_MAX];
	size_t count = names_server_poll(&server, fds);

	poll(fds, (nfds_t)count, 100);
	names_server_run(&server, now);
}

/* Runs the server until it has closed this connection; what it said is in `text`. */
static void read_all(int fd, struct buf *text)
{
	char bytes[4096];
	uint64_t deadline = clock_mono_ms() + 5000;
	ssize_t got = 1;

	while (got > 0) {
		cr_assert_lt(clock_mono_ms(), deadline, "the server does not end the answer");
		run(clock_mono_ms());
		while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
			buf_append(text, bytes, (size_t)got);
		if (got < 0 && errno == EAGAIN)
			got = 1;
	}
	close(fd);
}

Test(names_server, answers_one_line_and_ends)
{
	struct buf text = BUF_INIT;
	int fd = dial();

	cr_assert_eq(write(fd, "names list\nnames list\n", 22), 22);
	read_all(fd, &text);
	cr_assert_str_eq(text.data, "ok names list\n");
	cr_assert_eq(requests, 1u);
	buf_finish(&text);
}

Test(names_server, takes_a_request_in_pieces)
{
	struct buf text = BUF_INIT;
	int fd = dial();

	cr_assert_eq(write(fd, "names re", 8), 8);
	run(clock_mono_ms());
	cr_assert_eq(requests, 0u);
	cr_assert_eq(write(fd, "lease bob\n", 10), 10);
	read_all(fd, &text);
	cr_assert_str_eq(last_request, "names release bob");
	buf_finish(&text);
}

Test(names_server, a_long_answer_arrives_whole)
{
	struct buf text = BUF_INIT;
	int fd = dial();

	server.answer = long_answer;
	cr_assert_eq(write(fd, "names list\n", 11), 11);
	read_all(fd, &text);
	cr_assert_eq(text.len, 100000u * 19 + 16);
	cr_assert_str_eq(text.data + text.len - 16, "ok 100000 names\n");
	buf_finish(&text);
}

Test(names_server, drops_requests_that_are_too_long_hold_a_nul_or_cannot_be_answered)
{
	char request[NAMES_REQUEST_MAX];
	struct buf text = BUF_INIT;
	int fd = dial();

	memset(request, 'a', sizeof(request));
	cr_assert_eq(write(fd, request, sizeof(request)), (ssize_t)sizeof(request));
	read_all(fd, &text);
	fd = dial();
	cr_assert_eq(write(fd, "names\0list\n", 11), 11);
	read_all(fd, &text);
	cr_assert_eq(requests, 0u);
	server.answer = broken;
	fd = dial();
	cr_assert_eq(write(fd, "names list\n", 11), 11);
	read_all(fd, &text);
	cr_assert_eq(text.len, 0u);
	buf_finish(&text);
}

Test(names_server, who_says_nothing_is_dropped_after_its_time_and_others_get_in)
{
	struct buf text = BUF_INIT;
	int silent[NAMES_CONNECTIONS_MAX];
	char byte;
	uint64_t now = clock_mono_ms();
	int fd;

	for (unsigned i = 0; i < NAMES_CONNECTIONS_MAX; i++)
		silent[i] = dial();
	for (unsigned i = 0; i < NAMES_CONNECTIONS_MAX; i++)
		names_server_run(&server, now);
	fd = dial();
	cr_assert_eq(write(fd, "names list\n", 11), 11);
	names_server_run(&server, now + NAMES_TIMEOUT_MS - 1);
	cr_assert_eq(requests, 0u);
	names_server_run(&server, now + NAMES_TIMEOUT_MS);
	cr_assert_eq(recv(silent[0], &byte, 1, MSG_DONTWAIT), 0);
	read_all(fd, &text);
	cr_assert_str_eq(text.data, "ok names list\n");
	for (unsigned i = 0; i < NAMES_CONNECTIONS_MAX; i++)
		close(silent[i]);
	buf_finish(&text);
}

Test(names_server, the_socket_is_its_owners_alone_and_goes_with_the_server)
{
	struct stat st;

	cr_assert_eq(stat(folder_path(NAMES_SOCKET_NAME), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600u);
	names_server_close(&server);
	cr_assert_eq(stat(folder_path(NAMES_SOCKET_NAME), &st), -1);
}

Test(names_server, a_socket_left_behind_is_replaced)
{
	struct names_server again;
	struct stat st;

	/* As a kill -9 leaves it. */
	names_server_enter_child(&server);
	cr_assert_eq(stat(folder_path(NAMES_SOCKET_NAME), &st), 0);
	cr_assert_eq(names_server_open(&again, folder_path("."), repeat, NULL), 0);
	names_server_close(&again);
}

Test(names_server, a_folder_with_a_long_path_is_fine)
{
	struct names_server far;
	char path[600];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", folder_path("x"));

	cr_assert_eq(mkdir(path, 0700), 0);
	while (len < 300) {
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/%s",
					"a-folder-whose-name-is-quite-long");
		cr_assert_eq(mkdir(path, 0700), 0);
	}
	cr_assert_eq(names_server_open(&far, path, repeat, NULL), 0);
	names_server_close(&far);
	cr_assert_eq(rmdir(path), 0, "something is left in the folder");
}
