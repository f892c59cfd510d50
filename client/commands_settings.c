/* The commands that change what client.conf says: each shows the value, or sets and keeps it. */
#include "client/commands_private.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

/* Sets it and tells what follows from that; false: it was not set. */
static bool change(struct commands *commands, const char *name, const char *value)
{
	struct buf why = BUF_INIT;
	int rc = settings_change(commands->settings, name, value, &why);

	if (rc == -EINVAL)
		commands_note(commands, NOTE_ERROR, "/%s: %s", name, why.data ? why.data : "");
	else if (rc < 0)
		commands_note(commands, NOTE_ERROR, "For this time only: %s cannot be written: %s",
			      commands->settings->path, strerror(-rc));
	buf_finish(&why);
	return rc != -EINVAL;
}

static void show(struct commands *commands, const char *name)
{
	struct buf value = BUF_INIT;

	settings_get(commands->settings, name, &value);
	commands_note(commands, NOTE_PLAIN, "%s is %s", name, value.data ? value.data : "not set");
	buf_finish(&value);
}

static void show_or_change(struct commands *commands, const char *name, const char *args)
{
	if (!args[0] || change(commands, name, args))
		show(commands, name);
}

void command_notify(struct commands *commands, const char *args, int64_t now_ms)
{
	const struct settings *settings = commands->settings;

	(void)now_ms;
	show_or_change(commands, "notify", args);
	if (settings->notify == NOTIFY_COMMAND && !settings->notify_command)
		commands_note(commands, NOTE_QUIET,
			      "there is no command yet: write \"notify-command = ...\" into %s",
			      settings->path ? settings->path : "client.conf");
	if (settings->notify == NOTIFY_BELL && !settings->bell)
		commands_note(commands, NOTE_QUIET, "the bell is off; /bell on");
}

void command_bell(struct commands *commands, const char *args, int64_t now_ms)
{
	(void)now_ms;
	show_or_change(commands, "bell", args);
	if (commands->settings->bell && commands->settings->notify != NOTIFY_BELL)
		commands_note(commands, NOTE_QUIET, "it rings with /notify bell");
}

void command_theme(struct commands *commands, const char *args, int64_t now_ms)
{
	(void)now_ms;
	show_or_change(commands, "theme", args);
}

void command_timestamp(struct commands *commands, const char *args, int64_t now_ms)
{
	(void)now_ms;
	show_or_change(commands, "timestamp", args);
}

void command_ignore(struct commands *commands, const char *args, int64_t now_ms)
{
	struct buf names = BUF_INIT;
	char user[NAME_SIZE];

	(void)now_ms;
	settings_get(commands->settings, "ignore", &names);
	if (!args[0]) {
		commands_note(commands, NOTE_PLAIN, "You ignore %s.",
			      names.len > 0 ? names.data : "nobody");
	} else if (commands_fold_user(commands, args, user)) {
		if (!settings_ignores(commands->settings, user))
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", user);
		if (names.failed)
			commands_note(commands, NOTE_ERROR, "out of memory");
		else if (change(commands, "ignore", names.data))
			commands_note(commands, NOTE_PLAIN,
				      "What %s says is not shown any more; /unignore %s", user,
				      user);
	}
	buf_finish(&names);
}

void command_unignore(struct commands *commands, const char *args, int64_t now_ms)
{
	const struct settings *settings = commands->settings;
	struct buf names = BUF_INIT;
	char user[NAME_SIZE];

	(void)now_ms;
	if (!args[0]) {
		commands_note(commands, NOTE_ERROR, "Usage: /unignore NAME");
	} else if (commands_fold_user(commands, args, user)) {
		if (!settings_ignores(settings, user)) {
			commands_note(commands, NOTE_ERROR, "You do not ignore %s.", user);
			goto out;
		}
		for (size_t i = 0; i < settings->ignored_count; i++) {
			if (strcmp(settings->ignored[i], user) != 0)
				buf_printf(&names, "%s%s", names.len > 0 ? ", " : "",
					   settings->ignored[i]);
		}
		if (names.failed)
			commands_note(commands, NOTE_ERROR, "out of memory");
		else if (change(commands, "ignore", names.data ? names.data : ""))
			commands_note(commands, NOTE_PLAIN, "What %s says is shown again.", user);
	}
out:
	buf_finish(&names);
}
