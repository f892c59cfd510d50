#include "tests/integration/pane.h"

#include "base/clock.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EXPECT_MS (3 * PATIENCE_MS)

static char *socket_path;

static bool accepts(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	must(strlen(path) < sizeof(address.sun_path), "%s is too long", path);
	memcpy(address.sun_path, path, strlen(path));
	ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return ok;
}

/* In the foreground, so that it ends with the test. */
static void start_tmux(void)
{
	/* no "window-size manual" here: tmux 3.3a dies of it when a session is made */
	char *config = scratch_write("tmux.conf", "set -g status off\n"
						  "set -g remain-on-exit on\n"
						  "set -g default-terminal screen-256color\n"
						  "set -s escape-time 0\n");
	uint64_t deadline = clock_mono_ms() + EXPECT_MS;

	if (socket_path)
		return;
	socket_path = scratch_path("tmux");
	program_start((const char *const[]){"tmux", "-S", socket_path, "-f", config, "-D", NULL},
		      NULL);
	while (!accepts(socket_path)) {
		must(clock_mono_ms() < deadline, "tmux does not start");
		file_wait_change(socket_path, deadline);
	}
}

/* The next line of the control mode's output. */
static char *next_line(struct pane *p)
{
	char *line = program_line(p->control);

	must(line != NULL, "tmux has ended, or says nothing");
	return line;
}

/* Sends a command; what it answers, or NULL. */
static char *command(struct pane *p, const char *text)
{
	char *answer = NULL, *line;

	program_write(p->control, scratch_text("%s\n", text));
	while (strncmp(line = next_line(p), "%begin ", 7) != 0)
		continue;
	for (line = next_line(p); strncmp(line, "%end ", 5) != 0; line = next_line(p)) {
		must(strncmp(line, "%error ", 7) != 0, "tmux refuses: %s: %s", text,
		     answer ? answer : "");
		answer = scratch_text("%s%s\n", answer ? answer : "", line);
	}
	return answer;
}

/* A word for tmux's command parser. */
static char *word(const char *text)
{
	struct buf out = BUF_INIT;
	char *copy;

	buf_append_char(&out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_append_str(&out, "'\\''");
		else
			buf_append_char(&out, *text);
	}
	buf_append_char(&out, '\'');
	copy = scratch_text("%s", out.data);
	buf_finish(&out);
	return copy;
}

static void describe(void *thing)
{
	struct pane *p = thing;

	fprintf(stderr, "-- waited for last: \"%s\"; the screen, when it was looked at last:\n%s\n",
		p->wanted ? p->wanted : "", p->screen ? p->screen : "(never)");
}

struct pane *pane_start(const char *const argv[], unsigned columns, unsigned rows)
{
	struct pane *p = calloc(1, sizeof(*p));
	const char *args[40] = {"tmux",        "-S", NULL, "-N", "-C",
				"new-session", "-x", NULL, "-y", NULL};
	size_t n = 10;
	char *line;

	must(p != NULL, "out of memory");
	start_tmux();
	args[2] = socket_path;
	args[7] = scratch_text("%u", columns);
	args[9] = scratch_text("%u", rows);
	for (size_t i = 0; argv[i] && n < 39; i++)
		args[n++] = argv[i];
	p->control = program_start(args, NULL);
	owned_add(p, free, describe);
	while (strncmp(line = next_line(p), "%end ", 5) != 0)
		must(strncmp(line, "%error ", 7) != 0, "tmux starts no session");
	return p;
}

void pane_type(struct pane *p, const char *text)
{
	command(p, scratch_text("send-keys -l -- %s", word(text)));
}

void pane_key(struct pane *p, const char *name)
{
	command(p, scratch_text("send-keys %s", name));
}

void pane_paste(struct pane *p, const char *text)
{
	command(p, scratch_text("load-buffer %s", word(scratch_write("paste", text))));
	command(p, "paste-buffer -p");
}

void pane_resize(struct pane *p, unsigned columns, unsigned rows)
{
	command(p, scratch_text("resize-window -x %u -y %u", columns, rows));
}

const char *pane_screen(struct pane *p)
{
	p->screen = command(p, "capture-pane -p");
	return p->screen ? p->screen : "";
}

char *pane_cursor(struct pane *p)
{
	return command(p, "display-message -p '#{cursor_x},#{cursor_y}'");
}

/* Something changed on it since the last look. */
static void await_output(struct pane *p)
{
	while (strncmp(next_line(p), "%output ", 8) != 0)
		continue;
}

static void await(struct pane *p, const char *text, bool there)
{
	uint64_t deadline = clock_mono_ms() + EXPECT_MS;

	while ((strstr(pane_screen(p), text) != NULL) != there) {
		must(clock_mono_ms() < deadline, "\"%s\" %s the screen", text,
		     there ? "never came to" : "never went from");
		p->wanted = text;
		await_output(p);
	}
}

void pane_expect(struct pane *p, const char *text)
{
	await(p, text, true);
}

void pane_expect_gone(struct pane *p, const char *text)
{
	await(p, text, false);
}
