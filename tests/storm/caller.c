#include "tests/storm/caller.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GAP_NS 1000000L

static void call(unsigned port, volatile struct calls *calls)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	/* No TIME_WAIT: a minute of calls would use up the ports. */
	struct linger at_once = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		calls->other++;
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		calls->connected++;
	else if (errno == ECONNREFUSED)
		calls->refused++;
	else
		calls->other++;
	close(fd);
}

void caller_start(struct caller *caller, unsigned port)
{
	const struct timespec gap = {.tv_nsec = GAP_NS};
	pid_t parent = getpid();
	struct calls *calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (calls == MAP_FAILED || (caller->pid = fork()) < 0) {
		perror("storm: caller");
		exit(1);
	}
	if (caller->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent) {
			call(port, calls);
			nanosleep(&gap, NULL);
		}
		_exit(1);
	}
	caller->calls = calls;
}

struct calls caller_stop(struct caller *caller)
{
	struct calls calls;

	kill(caller->pid, SIGKILL);
	waitpid(caller->pid, NULL, 0);
	calls = *caller->calls;
	caller->pid = 0;
	return calls;
}
