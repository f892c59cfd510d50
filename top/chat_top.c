/*
 * chat-top: what a server on this machine does, from its shared memory. It takes no lock, and the
 * server doesn't know that somebody looks.
 */
#include "top/report.h"
#include "top/sample.h"

#include "base/clock.h"
#include "base/fd.h"
#include "shm/segment_look.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define EXIT_NO_SERVER 1
#define EXIT_USAGE 2
#define INTERVAL_DEFAULT_MS 2000u
#define INTERVAL_ONCE_MS 1000u
#define INTERVAL_MAX_S 3600.0
#define ALTERNATE_SCREEN "\033[?1049h\033[?25l"
#define NORMAL_SCREEN "\033[?25h\033[?1049l"

static const char help[] =
	"chat-top [--instance NAME] [--interval SECONDS] [--once [--json]]\n"
	"    workers, rooms and people of a chat server on this machine; q ends it\n"
	"--instance NAME     which server; the only one that runs is found by itself\n"
	"--interval SECONDS  between looks (2); with --once: what rates are taken over (1),\n"
	"                    0 for none\n"
	"--once              print it once\n"
	"--json              as one JSON object, with everything\n"
	"Exit codes: 0 done, 1 no such server, 2 usage.\n";

struct top {
	char instance[64];
	struct shm shm;
	struct sample before;
	unsigned interval_ms;
	bool once, json;
};

static volatile sig_atomic_t ended, resized;

/* ---- which server ---- */

static int find_instance(struct top *top)
{
	static char all[SEGMENT_LOOK_MAX][64];
	unsigned count;

	if (top->instance[0] != '\0')
		return 0;
	count = segment_look_list(all);
	if (count == 1) {
		memcpy(top->instance, all[0], sizeof(top->instance));
		return 0;
	}
	if (count == 0) {
		(void)fputs("chat-top: no chat server runs on this machine\n", stderr);
		return EXIT_NO_SERVER;
	}
	(void)fputs("chat-top: several servers run here; choose one by --instance:", stderr);
	for (unsigned i = 0; i < count; i++)
		(void)fprintf(stderr, " %s", all[i]);
	(void)fputs("\n", stderr);
	return EXIT_USAGE;
}

/* A server that was stopped, or replaced by another, isn't looked at any more. */
static int look(struct top *top, struct buf *error)
{
	if (segment_look_is_current(&top->shm))
		return 0;
	segment_look_close(&top->shm);
	sample_finish(&top->before);
	return segment_look(top->instance, &top->shm, error);
}

/* ---- once ---- */

static int print_once(struct top *top)
{
	struct buf text = BUF_INIT;
	struct sample now;
	int err = look(top, &text);

	if (err < 0) {
		(void)fprintf(stderr, "chat-top: %s\n",
			      text.data != NULL ? text.data : strerror(-err));
		buf_finish(&text);
		return EXIT_NO_SERVER;
	}
	if (top->interval_ms > 0) {
		err = sample_take(&top->before, &top->shm);
		if (err == 0)
			poll(NULL, 0, (int)top->interval_ms);
	}
	if (err == 0)
		err = sample_take(&now, &top->shm);
	if (err == 0) {
		sample_rates(&now, top->interval_ms > 0 ? &top->before : NULL);
		if (top->json)
			report_json(&now, top->instance, &text);
		else
			report_page(&now, top->instance, 0, 0, false, &text);
		err = text.failed ? -ENOMEM : fd_write_all(STDOUT_FILENO, text.data, text.len);
		sample_finish(&now);
	}
	buf_finish(&text);
	return err < 0 ? EXIT_NO_SERVER : EXIT_SUCCESS;
}

/* ---- live ---- */

static void on_end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void on_resize(int signal_number)
{
	(void)signal_number;
	resized = 1;
}

static void show_page(struct top *top, struct buf *out)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	struct buf page = BUF_INIT, error = BUF_INIT;
	struct sample now;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	if (look(top, &error) < 0) {
		buf_printf(&page, "chat-top: %s; waiting for it, q ends this\n",
			   error.data != NULL ? error.data : "no server");
	} else if (sample_take(&now, &top->shm) == 0) {
		sample_rates(&now, top->before.mono_ms > 0 ? &top->before : NULL);
		/* The last row stays free: nothing scrolls. A copy, for rates need the slots'
		 * order. */
		report_page(&now, top->instance, size.ws_row - 1u, size.ws_col, true, &page);
		sample_finish(&now);
	}
	/* From the top; each line's rest and what is below is cleared, so nothing flickers. */
	buf_append_str(out, "\033[H");
	for (const char *at = page.data; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, "\n");

		buf_append(out, at, len);
		buf_append_str(out, "\033[K\r\n");
		at += len + (at[len] == '\n');
	}
	buf_append_str(out, "\033[J");
	buf_finish(&page);
	buf_finish(&error);
}

static void keep_for_rates(struct top *top)
{
	struct sample now;

	if (top->shm.base == NULL || sample_take(&now, &top->shm) < 0)
		return;
	sample_finish(&top->before);
	top->before = now;
}

/* True: go on. */
static bool wait_for_key(uint64_t until_ms)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t now = clock_mono_ms();
	char key;

	if (now >= until_ms || poll(&input, 1, (int)(until_ms - now)) <= 0)
		return true;
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q' && key != 3;
}

static void run_live(struct top *top)
{
	struct buf out = BUF_INIT;

	while (!ended) {
		uint64_t due = clock_mono_ms() + top->interval_ms;

		resized = 0;
		buf_reset(&out);
		show_page(top, &out);
		if (out.failed || fd_write_all(STDOUT_FILENO, out.data, out.len) < 0)
			break;
		keep_for_rates(top);
		while (!ended && !resized && clock_mono_ms() < due) {
			if (!wait_for_key(due)) {
				ended = 1;
			}
		}
	}
	buf_finish(&out);
}

static int watch(struct top *top)
{
	struct sigaction end = {.sa_handler = on_end}, resize = {.sa_handler = on_resize};
	struct termios before, raw;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0) {
		(void)fputs("chat-top: this is no terminal; --once prints it once\n", stderr);
		return EXIT_USAGE;
	}
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGWINCH, &resize, NULL);
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	(void)!fd_write_all(STDOUT_FILENO, ALTERNATE_SCREEN, strlen(ALTERNATE_SCREEN));
	run_live(top);
	(void)!fd_write_all(STDOUT_FILENO, NORMAL_SCREEN, strlen(NORMAL_SCREEN));
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return EXIT_SUCCESS;
}

/* ---- what it was called with ---- */

static bool parse_interval(const char *text, unsigned *ret_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0) || seconds > INTERVAL_MAX_S)
		return false;
	*ret_ms = (unsigned)(seconds * 1000);
	return true;
}

/* -1: go on; else the exit code. */
static int parse(struct top *top, int argc, char **argv)
{
	static const struct option flags[] = {{"instance", required_argument, NULL, 'i'},
					      {"interval", required_argument, NULL, 'n'},
					      {"once", no_argument, NULL, 'o'},
					      {"json", no_argument, NULL, 'j'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	bool has_interval = false;
	int flag;

	while ((flag = getopt_long(argc, argv, "Vh", flags, NULL)) != -1) {
		switch (flag) {
		case 'i':
			if (strlen(optarg) >= sizeof(top->instance) || optarg[0] == '\0') {
				(void)fputs("chat-top: no name of an instance\n", stderr);
				return EXIT_USAGE;
			}
			memcpy(top->instance, optarg, strlen(optarg) + 1);
			break;
		case 'n':
			has_interval = parse_interval(optarg, &top->interval_ms);
			if (!has_interval) {
				(void)fprintf(stderr,
					      "chat-top: --interval: \"%s\" is not 0 to %.0f\n",
					      optarg, INTERVAL_MAX_S);
				return EXIT_USAGE;
			}
			break;
		case 'o':
			top->once = true;
			break;
		case 'j':
			top->json = true;
			break;
		case 'V':
			(void)puts("chat-top " ROOMKEY_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			(void)fputs(help, stdout);
			return EXIT_SUCCESS;
		default:
			(void)fputs(help, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc || (top->json && !top->once) ||
	    (has_interval && !top->once && top->interval_ms == 0)) {
		(void)fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (!has_interval)
		top->interval_ms = top->once ? INTERVAL_ONCE_MS : INTERVAL_DEFAULT_MS;
	return -1;
}

int main(int argc, char **argv)
{
	static struct top top;
	int exit_code = parse(&top, argc, argv);

	if (exit_code < 0) {
		exit_code = find_instance(&top);
		if (exit_code == 0)
			exit_code = top.once ? print_once(&top) : watch(&top);
	}
	sample_finish(&top.before);
	segment_look_close(&top.shm);
	return exit_code;
}
