/*
 * What chat-client remembers between runs because the person said so, in
 * $XDG_CONFIG_HOME/chat/client.conf (~/.config/chat/client.conf):
 *
 *	notify = osc9              # settings.def lists the names
 *	ignore = mallory, eve
 *
 *	[host work]                # chat-client work
 *	address = chat.example.org
 *	port = 8080
 *	user = alice
 *	key = ~/.ssh/id_work
 *
 * The syntax is that of the server's file (base/config_file.h), with sections that mean
 * something. A wrong line is named with its file and number.
 *
 *	settings_load    once, at the start
 *	settings_change  a command: checks, sets, writes the file
 *
 * Views borrow the struct and read it whenever they draw: a change shows at once.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "base/buf.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define IGNORED_MAX 64u
#define TIMESTAMP_FORMAT_DEFAULT "%H:%M"

enum notify_way {
	NOTIFY_OFF,
	NOTIFY_BELL,
	NOTIFY_OSC9,   /* ESC ] 9 ; text: iTerm2, kitty, foot, ... */
	NOTIFY_OSC777, /* ESC ] 777 ; notify ; title ; text: urxvt, foot, ... */
	NOTIFY_COMMAND,
};

enum theme { THEME_DEFAULT, THEME_LIGHT, THEME_MONO };

/* Another name for a server, and what goes with it. Owned strings; NULL: not said. */
struct settings_host {
	char *name;
	char *address;
	char *user;
	char *key;
	unsigned port; /* 0: not said */
};

struct settings {
	enum notify_way notify;
	char *notify_command; /* owned; NULL: none */
	bool bell;
	enum theme theme;
	char timestamp[64]; /* for strftime; never "" */
	char ignored[IGNORED_MAX][NAME_SIZE];
	size_t ignored_count;
	struct settings_host *hosts; /* owned */
	size_t host_count;
	char *path; /* owned; NULL: nothing is kept */
};

/* Everything as it is where no file says otherwise. */
void settings_init(struct settings *ret_settings);
/*
 * The same, and what the file at `path` says (NULL: none; a file that isn't there says nothing).
 * 0; -EINVAL: what is wrong stands in `problem`, one "file:line: what" a line; or -errno. On
 * failure there is nothing to finish.
 */
int settings_load(const char *path, struct settings *ret_settings, struct buf *problem);
/* Accepts a zeroed struct. */
void settings_finish(struct settings *settings);

/*
 * Sets one of settings.def. 0; -ENOENT: no such
 * name; -EINVAL: what would be right is appended to `why`; -ENOMEM. `ignore` replaces the list.
 */
int settings_set(struct settings *settings, const char *name, const char *value, struct buf *why);
/* The value as settings_set reads it. */
void settings_get(const struct settings *settings, const char *name, struct buf *out);
/*
 * settings_set, and the file says so from now on: its other lines and its comments stay as they
 * are. 0; as settings_set; or -errno where it could not be written (it is set all the same).
 */
int settings_change(struct settings *settings, const char *name, const char *value,
		    struct buf *why);

bool settings_ignores(const struct settings *settings, const char *user);
/* NULL where none is called that. */
const struct settings_host *settings_find_host(const struct settings *settings, const char *name);

/* strftime by a format that was settings_set: bytes written; 0 and "" where it does not fit. */
size_t settings_time(const char *format, const struct tm *tm, char *out, size_t size);

/* The path by the environment; the caller frees it. NULL where there is no home. */
char *settings_path(void);

#endif
