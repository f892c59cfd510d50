#include "master/signals.h"

#include "base/fd.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};

#define HANDLED_COUNT (sizeof(handled) / sizeof(handled[0]))

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < HANDLED_COUNT; i++)
		sigaddset(set, handled[i]);
}

int signals_open(int *ret_fd)
{
	sigset_t set;
	int fd;

	fill(&set);
	/*
	 * A shell starts background jobs with SIGINT ignored, and an ignored signal never
	 * reaches a signalfd; an ignored SIGCHLD would reap the workers behind our back.
	 */
	for (size_t i = 0; i < HANDLED_COUNT; i++)
		signal(handled[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int signals_next(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

void signals_enter_child(int *fd)
{
	sigset_t none;

	fd_close(fd);
	/* Pending ones were sent to the master: a new process starts without any. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
