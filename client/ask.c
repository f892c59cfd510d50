#include "client/ask.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C 3

static int read_line(int fd, struct buf *answer)
{
	char line[256];
	ssize_t n;

	do
		n = read(fd, line, sizeof(line));
	while (n < 0 && errno == EINTR);
	if (n <= 0 || line[n - 1] == CTRL_C)
		return -ECANCELED;
	buf_append(answer, line, (size_t)(line[n - 1] == '\n' ? n - 1 : n));
	return answer->failed ? -ENOMEM : 0;
}

int ask_line(const char *question, struct buf *answer)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios saved, asking;
	int rc = -ENOTTY;

	if (fd < 0 || tcgetattr(fd, &saved) < 0)
		goto out;
	/*
	 * Lines, with their echo and erasing. But Ctrl-C ends the line instead of sending a signal,
	 * which our loop would not see before the answer.
	 */
	asking = saved;
	asking.c_lflag |= ICANON | ECHO | ECHOE | ECHOK;
	asking.c_lflag &= (tcflag_t)~ISIG;
	asking.c_iflag |= ICRNL;
	asking.c_cc[VEOL] = CTRL_C;
	if (tcsetattr(fd, TCSAFLUSH, &asking) < 0)
		goto out;
	rc = fd_write_all(fd, question, strlen(question)) < 0 ? -ECANCELED : read_line(fd, answer);
	tcsetattr(fd, TCSANOW, &saved);
	if (rc < 0)
		fd_write_all(fd, "\n", 1);
out:
	fd_close(&fd);
	return rc;
}
