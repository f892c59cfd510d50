#include "client/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PASTE_ON "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"

/*
 * Global because a signal handler needs it: there is one terminal, and a crash must find out what
 * it was. Written before `is_raw` is set, read after.
 */
static struct termios saved, raw;
static int saved_in = -1, saved_out = -1;
static volatile sig_atomic_t is_raw;
static bool handlers_set;
static char undo[128];
static volatile sig_atomic_t undo_len;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGQUIT};

void terminal_restore(void)
{
	int error = errno;
	ssize_t n;

	if (!is_raw)
		return;
	is_raw = 0;
	tcsetattr(saved_in, TCSADRAIN, &saved);
	n = write(saved_out, undo, (size_t)undo_len);
	undo_len = 0;
	n = write(saved_out, PASTE_OFF, sizeof(PASTE_OFF) - 1);
	(void)n; /* a terminal that is gone needs nothing restored */
	errno = error;
}

void terminal_on_restore(const char *text)
{
	size_t len = strnlen(text, sizeof(undo));

	undo_len = 0;
	memcpy(undo, text, len);
	undo_len = (sig_atomic_t)len;
}

static void on_crash(int number)
{
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static void set_handlers(void)
{
	struct sigaction action = {.sa_handler = on_crash};

	if (handlers_set)
		return;
	handlers_set = true;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
	atexit(terminal_restore);
}

int terminal_raw(int in, int out)
{
	ssize_t n;

	/* again: stopped from outside, we come back to a terminal that the shell set up */
	if (is_raw)
		return tcsetattr(in, TCSADRAIN, &raw) < 0 ? -errno : 0;
	if (tcgetattr(in, &saved) < 0)
		return -errno;
	raw = saved;
	raw.c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | INLCR | IGNCR | INPCK | ISTRIP | IXON);
	raw.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	saved_in = in;
	saved_out = out;
	set_handlers();
	if (tcsetattr(in, TCSADRAIN, &raw) < 0)
		return -errno;
	is_raw = 1;
	n = write(out, PASTE_ON, sizeof(PASTE_ON) - 1);
	(void)n; /* without it a paste is typed, no more */
	return 0;
}

size_t terminal_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

bool terminal_is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || !term[0] || strcmp(term, "dumb") == 0;
}
