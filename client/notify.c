#include "client/notify.h"

#include "base/fd.h"
#include "client/clean.h"
#include "client/mention.h"
#include "proto/name.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OSC_TEXT_MAX 200u /* bytes: what a notification shows at all */
#define STRING_TERMINATOR "\x1b\\"

extern char **environ;

void notify_init(struct notify *notify, const struct settings *settings, const char *user)
{
	*notify = (struct notify){.settings = settings, .user = user, .last = -1};
}

static void reap(struct notify *notify)
{
	for (size_t i = 0; i < NOTIFY_COMMANDS_MAX; i++) {
		pid_t pid = notify->commands[i];

		if (pid > 0 && waitpid(pid, NULL, WNOHANG) != 0)
			notify->commands[i] = 0;
	}
}

void notify_finish(struct notify *notify)
{
	reap(notify);
}

bool notify_is_due(const struct notify *notify, const struct session_event *event)
{
	const struct server_line *line = event->line;

	if (event->type != SESSION_EVENT_LINE || event->freshness != SESSION_LIVE || !line ||
	    line->type != SERVER_LINE_MESSAGE || !line->sender ||
	    strcmp(line->sender, notify->user) == 0 ||
	    settings_ignores(notify->settings, line->sender))
		return false;
	return line->recipient != NULL || mention_of(notify->user, line->content);
}

/* ---- through the terminal */

/* What an OSC sequence may hold: one short line, without its separator. */
static void put_osc_text(const char *text, struct buf *out)
{
	struct buf clean = BUF_INIT;
	size_t len;

	clean_append_str(&clean, text, CLEAN_LINE);
	len = clean.len < OSC_TEXT_MAX ? clean.len : OSC_TEXT_MAX;
	/* not inside a character */
	while (len > 0 && len < clean.len && ((unsigned char)clean.data[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++)
		buf_append_char(out, (char)(clean.data[i] == ';' ? ',' : clean.data[i]));
	buf_finish(&clean);
}

static void put_who(const struct server_line *line, struct buf *out)
{
	buf_append_str(out, line->sender);
	if (!line->recipient)
		buf_printf(out, " in #%s", line->room ? line->room : "?");
}

static void put_osc(enum notify_way way, const struct server_line *line, struct buf *screen)
{
	struct buf who = BUF_INIT;

	put_who(line, &who);
	buf_append_str(screen, way == NOTIFY_OSC9 ? "\x1b]9;" : "\x1b]777;notify;");
	put_osc_text(who.data, screen);
	buf_append_str(screen, way == NOTIFY_OSC9 ? ": " : ";");
	put_osc_text(line->content, screen);
	buf_append_str(screen, STRING_TERMINATOR);
	buf_finish(&who);
}

/* ---- by a command */

/* Its standard input is `in`; its output goes nowhere; the terminal is not its own. */
static int spawn(const char *command, int in, pid_t *ret_pid)
{
	char shell[] = _PATH_BSHELL, flag[] = "-c";
	char *copy = strdup(command);
	char *argv[] = {shell, flag, copy, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int rc;

	if (!copy)
		return -ENOMEM;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, _PATH_DEVNULL, O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, _PATH_DEVNULL, O_WRONLY, 0);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	rc = -posix_spawn(ret_pid, shell, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(copy);
	return rc;
}

/* "bob in #ops", then the text. Where a command cannot be run there is nobody to tell it to. */
static void run_command(struct notify *notify, const struct server_line *line)
{
	struct buf text = BUF_INIT, who = BUF_INIT;
	int ends[2] = {-1, -1};
	size_t slot = 0;
	ssize_t n;

	while (slot < NOTIFY_COMMANDS_MAX && notify->commands[slot] > 0)
		slot++;
	if (!notify->settings->notify_command || slot == NOTIFY_COMMANDS_MAX)
		return;
	put_who(line, &who);
	clean_append_str(&text, who.data, CLEAN_LINE);
	buf_append_char(&text, '\n');
	clean_append_str(&text, line->content, CLEAN_TEXT);
	buf_append_char(&text, '\n');
	if (text.failed || pipe2(ends, O_CLOEXEC) < 0)
		goto out;
	if (spawn(notify->settings->notify_command, ends[0], &notify->commands[slot]) < 0) {
		notify->commands[slot] = 0;
		goto out;
	}
	/* a message fits into an empty pipe; a command that does not read must not stop us */
	fd_close(&ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	n = write(ends[1], text.data, text.len);
	(void)n;
out:
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	buf_finish(&text);
	buf_finish(&who);
}

void notify_event(struct notify *notify, const struct session_event *event, int64_t now_ms,
		  struct buf *screen)
{
	reap(notify);
	if (!notify_is_due(notify, event) ||
	    (notify->last >= 0 && now_ms - notify->last < NOTIFY_EVERY_MS))
		return;
	notify->last = now_ms;
	switch (notify->settings->notify) {
	case NOTIFY_OFF:
		break;
	case NOTIFY_BELL:
		if (notify->settings->bell)
			buf_append_char(screen, '\a');
		break;
	case NOTIFY_OSC9:
	case NOTIFY_OSC777:
		put_osc(notify->settings->notify, event->line, screen);
		break;
	case NOTIFY_COMMAND:
		run_command(notify, event->line);
		break;
	}
}
