/*
 * Tells a person who looks elsewhere that somebody speaks to them: in a direct message, or with
 * their name in a room. Only what is said now, never what is replayed, and not more often than
 * every two seconds.
 *
 *	a view, for each line it shows:
 *		notify_event(notify, event, now_ms, &screen);
 *	and writes `screen` to the terminal
 *
 * The bell and OSC sequences go through the terminal, so the view writes them; a command
 * (settings: notify-command) gets the text on its standard input, never in its command line. It
 * runs by itself, with its output nowhere.
 */
#ifndef CLIENT_NOTIFY_H
#define CLIENT_NOTIFY_H

#include "base/buf.h"
#include "client/session.h"
#include "client/settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NOTIFY_EVERY_MS 2000
#define NOTIFY_COMMANDS_MAX 4u /* that run at a time */

struct notify {
	const struct settings *settings;     /* borrowed; read at each event */
	const char *user;                    /* borrowed */
	int64_t last;                        /* when the last one was told; -1: never */
	pid_t commands[NOTIFY_COMMANDS_MAX]; /* 0: free */
};

void notify_init(struct notify *notify, const struct settings *settings, const char *user);
/* Lets running commands run. */
void notify_finish(struct notify *notify);

/* Does this event speak to the person, now? For unread marks too: how often does not matter. */
bool notify_is_due(const struct notify *notify, const struct session_event *event);
/* If it is due: tells. What the terminal must be sent is appended to `screen`. */
void notify_event(struct notify *notify, const struct session_event *event, int64_t now_ms,
		  struct buf *screen);

#endif
