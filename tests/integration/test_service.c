/* chat-master under a service manager: what the manager hears, played by the test. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"
#include "tests/integration/server.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(service, .fini = owned_finish_all, .timeout = 60);

struct manager {
	int fd;
	char *path;
	char heard[4096]; /* all that was said, one datagram after the other */
	size_t len;
};

static void manager_finish(void *thing)
{
	struct manager *manager = thing;

	close(manager->fd);
	free(manager);
}

static void manager_describe(void *thing)
{
	const struct manager *manager = thing;

	fprintf(stderr, "the manager heard: %s\n", manager->heard);
}

static struct manager *manager_open(void)
{
	struct manager *manager = calloc(1, sizeof(*manager));
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	manager->path = scratch_path("notify");
	strncpy(at.sun_path, manager->path, sizeof(at.sun_path) - 1);
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(manager->fd >= 0 && bind(manager->fd, (struct sockaddr *)&at, sizeof(at)) == 0, "%s",
	     manager->path);
	owned_add(manager, manager_finish, manager_describe);
	return manager;
}

/* Listens until `text` was said; what was heard before it is forgotten. */
static void manager_hears(struct manager *manager, const char *text)
{
	uint64_t until = clock_mono_ms() + PATIENCE_MS;
	char *at;

	while ((at = strstr(manager->heard, text)) == NULL) {
		struct pollfd wait = {.fd = manager->fd, .events = POLLIN};
		ssize_t got;

		must(clock_mono_ms() < until && poll(&wait, 1, PATIENCE_MS) == 1, "no %s", text);
		got = recv(manager->fd, manager->heard + manager->len,
			   sizeof(manager->heard) - 1 - manager->len, 0);
		must(got > 0, "recv");
		manager->len += (size_t)got;
		manager->heard[manager->len] = '\0';
	}
	at += strlen(text);
	manager->len -= (size_t)(at - manager->heard);
	memmove(manager->heard, at, manager->len + 1);
}

OwnedTest(service, a_manager_hears_of_readiness_reload_and_stop)
{
	struct manager *manager = manager_open();
	const char *const env[] = {scratch_text("NOTIFY_SOCKET=%s", manager->path), NULL};
	struct server *s = server_with(.users = "alice", .env = env);

	manager_hears(manager, "READY=1\n");
	manager_hears(manager, "STATUS=Listening on 127.0.0.1:");
	should(strstr(manager->heard, "1 keys accepted") != NULL, "%s", manager->heard);
	server_signal(s, SIGHUP);
	manager_hears(manager, "RELOADING=1\n");
	manager_hears(manager, "MONOTONIC_USEC=");
	manager_hears(manager, "READY=1\n");
	should(strstr(manager->heard, "WATCHDOG") == NULL, "nobody asked for a watchdog");
	server_stop(s);
	manager_hears(manager, "STOPPING=1\n");
}

OwnedTest(service, a_watchdog_is_fed_for_as_long_as_the_master_turns)
{
	struct manager *manager = manager_open();
	const char *const env[] = {scratch_text("NOTIFY_SOCKET=%s", manager->path),
				   "WATCHDOG_USEC=2000000", NULL};
	struct server *s = server_with(.users = "alice", .env = env);

	for (int i = 0; i < 3; i++)
		manager_hears(manager, "WATCHDOG=1\n");
	server_stop(s);
}

OwnedTest(service, a_manager_that_is_gone_is_no_reason_not_to_start)
{
	const char *const env[] = {"NOTIFY_SOCKET=/nonexistent/notify", "WATCHDOG_USEC=many", NULL};
	struct server *s = server_with(.users = "alice", .env = env);

	server_log_await(s, NULL, "service manager", "/nonexistent/notify");
	server_stop(s);
}
