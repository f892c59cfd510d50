#include "master/notify.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NOTIFY_TEXT_MAX 512

/* A connected datagram socket, or -errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	socklen_t size;
	int fd, err;

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, len);
	/* An abstract name has no NUL at its end; its length says where it ends. */
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, size) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* $name as a number; 0 where it isn't set or isn't one. */
static uint64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	uint64_t number;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? number : 0;
}

void notify_open(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	uint64_t watchdog_pid = number_of("WATCHDOG_PID");

	*notify = (struct notify){.fd = -1};
	if (path == NULL)
		return;
	notify->fd = connect_to(path);
	if (notify->fd < 0) {
		log_warn("service manager", "socket=%s error=%s", path, strerror(-notify->fd));
		notify->fd = -1;
		return;
	}
	/* Meant for another process if it has another's pid: we were not started by the manager. */
	if (watchdog_pid == 0 || watchdog_pid == (uint64_t)getpid())
		notify->watchdog_every_ms = number_of("WATCHDOG_USEC") / 2000;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	*notify = (struct notify){.fd = -1};
}

void notify_send(const struct notify *notify, const char *format, ...)
{
	char text[NOTIFY_TEXT_MAX];
	va_list list;
	int len;

	if (notify->fd < 0)
		return;
	va_start(list, format);
	len = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (len > 0 && (size_t)len < sizeof(text))
		(void)!send(notify->fd, text, (size_t)len, MSG_NOSIGNAL);
}

void notify_reloading(const struct notify *notify)
{
	notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", clock_mono_ms() * 1000);
}

void notify_ready(const struct notify *notify, const char *status)
{
	notify_send(notify, "READY=1\nSTATUS=%s\n", status);
}

void notify_alive(struct notify *notify, uint64_t now_mono_ms)
{
	if (notify->watchdog_every_ms == 0 || now_mono_ms < notify->watchdog_due_ms)
		return;
	notify_send(notify, "WATCHDOG=1\n");
	notify->watchdog_due_ms = now_mono_ms + notify->watchdog_every_ms;
}
