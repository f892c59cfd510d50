#include "master/listen.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(unsigned port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

Test(listen, a_free_port_is_the_same_for_both_loopback_addresses)
{
	struct buf error = BUF_INIT;
	struct listeners listeners;
	char text[64];

	cr_assert_eq(listen_open("localhost", 0, 2, &listeners, &error), 0, "%s", error.data);
	cr_assert_gt(listeners.port, 0u);
	snprintf(text, sizeof(text), "127.0.0.1:%u", listeners.port);
	cr_assert_eq(strncmp(listeners.text, text, strlen(text)), 0, "%s", listeners.text);
	if (listeners.addresses == 2) {
		snprintf(text, sizeof(text), "[::1]:%u", listeners.port);
		cr_assert_not_null(strstr(listeners.text, text));
	}
	for (unsigned w = 0; w < 2; w++)
		cr_assert_geq(listeners.fds[w][0], 0);
	listen_close(&listeners);
	buf_finish(&error);
}

Test(listen, each_worker_gets_its_share_of_the_connections)
{
	struct buf error = BUF_INIT;
	struct listeners listeners;
	unsigned share[4] = {0};

	cr_assert_eq(listen_open("127.0.0.1", 0, 4, &listeners, &error), 0);
	for (int i = 0; i < 200; i++) {
		struct pollfd fds[4];
		int client = connect_to(listeners.port);

		for (unsigned w = 0; w < 4; w++)
			fds[w] = (struct pollfd){.fd = listeners.fds[w][0], .events = POLLIN};
		cr_assert_eq(poll(fds, 4, 5000), 1);
		for (unsigned w = 0; w < 4; w++) {
			if (fds[w].revents == 0)
				continue;
			share[w]++;
			close(accept(fds[w].fd, NULL, NULL));
		}
		close(client);
	}
	/* 50 each are expected; the first socket, bound before the others, too. */
	for (unsigned w = 0; w < 4; w++)
		cr_assert_gt(share[w], 15u, "worker %u got %u", w, share[w]);
	listen_close(&listeners);
	buf_finish(&error);
}

Test(listen, a_second_server_of_the_same_user_is_told_which_port_is_taken)
{
	struct buf error = BUF_INIT;
	struct listeners first, second;
	char port[16];

	cr_assert_eq(listen_open("127.0.0.1", 0, 2, &first, &error), 0);
	cr_assert_eq(listen_open("127.0.0.1", first.port, 2, &second, &error), -EADDRINUSE);
	snprintf(port, sizeof(port), ":%u", first.port);
	cr_assert_not_null(strstr(error.data, port), "%s", error.data);
	listen_close(&first);
	/* Nothing of the failed attempt is left in the way. */
	cr_assert_eq(listen_open("127.0.0.1", first.port, 2, &second, &error), 0);
	listen_close(&second);
	buf_finish(&error);
}

Test(listen, a_stray_server_with_so_reuseport_is_found_too)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct buf error = BUF_INIT;
	struct listeners listeners;
	socklen_t len = sizeof(at);
	int one = 1;
	int stray = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(setsockopt(stray, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	cr_assert_eq(bind(stray, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(stray, 1), 0);
	cr_assert_eq(getsockname(stray, (struct sockaddr *)&at, &len), 0);
	cr_assert_eq(listen_open("127.0.0.1", ntohs(at.sin_port), 2, &listeners, &error),
		     -EADDRINUSE);
	close(stray);
	buf_finish(&error);
}

Test(listen, every_address_is_a_wildcard_and_one_of_them_is_not)
{
	static const char *const every[] = {"*", "0.0.0.0"};
	struct listeners listeners;

	for (unsigned i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
		struct buf error = BUF_INIT;

		cr_assert_eq(listen_open(every[i], 0, 2, &listeners, &error), 0, "%s", error.data);
		cr_assert(listeners.wildcard);
		cr_assert_eq(strncmp(listeners.text, "0.0.0.0:", 8), 0, "%s", listeners.text);
		close(connect_to(listeners.port));
		listen_close(&listeners);
		cr_assert_eq(listen_open("127.0.0.1", 0, 1, &listeners, &error), 0);
		cr_assert_not(listeners.wildcard);
		listen_close(&listeners);
		buf_finish(&error);
	}
}

Test(listen, an_address_in_any_form_is_taken_and_no_host_is_not)
{
	struct buf error = BUF_INIT;

	cr_assert_eq(listen_check("127.0.0.1", &error), 0);
	cr_assert_eq(listen_check("127.9.8.7", &error), 0);
	cr_assert_eq(listen_check("::1", &error), 0);
	cr_assert_eq(listen_check("localhost", &error), 0);
	cr_assert_eq(listen_check("*", &error), 0);
	cr_assert_eq(listen_check("192.0.2.1", &error), 0);
	cr_assert_eq(listen_check("no host at all", &error), -EINVAL);
	cr_assert_not_null(strstr(error.data, "no host at all"));
	buf_finish(&error);
}

Test(listen, a_worker_keeps_its_own_sockets_only)
{
	struct buf error = BUF_INIT;
	struct listeners listeners;
	int own[8], others;

	cr_assert_eq(listen_open("127.0.0.1", 0, 2, &listeners, &error), 0);
	others = listeners.fds[0][0];
	listen_enter_worker(&listeners, 1, own, 8);
	cr_assert_geq(own[0], 0);
	for (unsigned i = 1; i < 8; i++)
		cr_assert_eq(own[i], -1);
	cr_assert_eq(close(others), -1);
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(close(own[0]), 0);
	buf_finish(&error);
}
