#include "worker/reserve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
			     "Retry-After: 1\r\n"
			     "Connection: close\r\n"
			     "Content-Length: 0\r\n\r\n";

static void fill(struct reserve *reserve)
{
	reserve->fd = fcntl(reserve->of, F_DUPFD_CLOEXEC, 0);
}

void reserve_open(struct reserve *reserve, int of)
{
	*reserve = (struct reserve){.of = of};
	fill(reserve);
}

void reserve_close(struct reserve *reserve)
{
	fd_close(&reserve->fd);
}

/*
 * What it has sent is read, so that the close is no reset, and answered if it is the beginning of a
 * request.
 */
static void send_away(int fd)
{
	char request[4096];
	ssize_t got = recv(fd, request, sizeof(request), MSG_DONTWAIT);

	if (got >= 4 && memcmp(request, "GET ", 4) == 0)
		(void)!send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
}

static void log_bounded(struct reserve *reserve, int why)
{
	uint64_t now = clock_mono_ms();

	if (reserve->logged_ms != 0 && now < reserve->logged_ms + 1000)
		return;
	reserve->logged_ms = now;
	log_warn("connection turned away", "error=%s mend=%s", strerror(why),
		 "raise the limit of open files (ulimit -n, LimitNOFILE=)");
}

bool reserve_turn_away(struct reserve *reserve, int listen_fd, int why)
{
	int fd;
	bool taken, nobody;

	fd_close(&reserve->fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	taken = fd >= 0;
	/* Another one of those who wait may be gone by now. */
	nobody = !taken && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR);
	if (taken)
		send_away(fd);
	fd_close(&fd);
	fill(reserve);
	log_bounded(reserve, why);
	return taken || nobody;
}
