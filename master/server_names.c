#include "master/server_names.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The other process: looks the name up, writes it, and is gone. */
static _Noreturn void look_up(const char *name, int out, pid_t parent)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
	struct addrinfo *found = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && getaddrinfo(name, NULL, &hints, &found) == 0 &&
	    found->ai_canonname != NULL)
		fd_write_all(out, found->ai_canonname, strlen(found->ai_canonname));
	_exit(0);
}

static void read_until(int fd, uint64_t deadline_mono_ms, char *out, size_t size)
{
	size_t len = 0;
	ssize_t got = 1;

	while (len < size - 1 && got > 0) {
		struct pollfd one = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_mono_ms();

		if (now >= deadline_mono_ms || poll(&one, 1, (int)(deadline_mono_ms - now)) <= 0)
			break;
		got = read(fd, out + len, size - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	/* Cut off by the deadline is as good as none. */
	out[got == 0 ? len : 0] = '\0';
}

void host_names_find(struct host_names *ret_names)
{
	int fds[2] = {-1, -1};
	pid_t parent = getpid(), pid = -1;

	*ret_names = (struct host_names){0};
	if (gethostname(ret_names->name, sizeof(ret_names->name) - 1) < 0)
		ret_names->name[0] = '\0';
	if (ret_names->name[0] == '\0' || strchr(ret_names->name, '.') != NULL)
		return;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		look_up(ret_names->name, fds[1], parent);
	fd_close(&fds[1]);
	if (pid > 0) {
		read_until(fds[0], clock_mono_ms() + HOST_FULL_NAME_WAIT_MS, ret_names->full,
			   sizeof(ret_names->full));
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	fd_close(&fds[0]);
}

static int add(struct server_names *names, const char *text, unsigned port)
{
	char canonical[SERVER_NAME_SIZE];
	int err = server_name_canonical(text, port, canonical);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < names->count; i++) {
		if (strcmp(names->text[i], canonical) == 0)
			return 0;
	}
	if (names->count == SERVER_NAMES_ALL_MAX)
		return -ENOSPC;
	memcpy(names->text[names->count], canonical, sizeof(canonical));
	names->list[names->count] = names->text[names->count];
	names->list[++names->count] = NULL;
	return 0;
}

/* "Every address" is nobody's: a connection's own local one counts then. */
static bool is_unspecified(const char *bound)
{
	return strncmp(bound, "0.0.0.0:", 8) == 0 || strncmp(bound, "[::]:", 5) == 0;
}

int server_names_fill(struct server_names *names, const struct config *config,
		      const struct host_names *host, unsigned port, const char *bound,
		      const char *certified, struct buf *error)
{
	static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
	char addresses[256], of_certificate[1024];
	char *rest = NULL;

	names->count = 0;
	names->list[0] = NULL;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		add(names, loopback[i], port);
	for (unsigned i = 0; i < config->server_names.count; i++) {
		const char *name = config->server_names.name[i];

		if (add(names, name, port) < 0) {
			buf_printf(error, "--server-name %s: not HOST or HOST:PORT", name);
			return -EINVAL;
		}
	}
	snprintf(addresses, sizeof(addresses), "%s", bound);
	for (char *at = strtok_r(addresses, ", ", &rest); at != NULL;
	     at = strtok_r(NULL, ", ", &rest))
		if (!is_unspecified(at))
			add(names, at, port);
	snprintf(of_certificate, sizeof(of_certificate), "%s", certified);
	for (char *at = strtok_r(of_certificate, "\n", &rest); at != NULL;
	     at = strtok_r(NULL, "\n", &rest))
		add(names, at, port);
	/* A host may have a name that nobody could dial; then it just isn't one of ours. */
	if (host->name[0] != '\0')
		add(names, host->name, port);
	if (host->full[0] != '\0')
		add(names, host->full, port);
	return 0;
}
