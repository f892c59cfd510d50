/*
 * What a person sees and how they answer: the seam between the client and the full screen, the
 * line mode, the pipes. The client calls down through the operations; a view calls
 * back through view_input, and decides itself what each thing looks like.
 */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include "client/commands.h"
#include "client/notify.h"
#include "client/session.h"

#include <stdbool.h>

struct view;

/* What a view for a person works with. All borrowed, and they outlive it. */
struct view_person {
	const char *user;
	const struct rooms *rooms;       /* for Tab */
	const struct settings *settings; /* timestamp, theme; they may change at any time */
	struct notify *notify;           /* to be told each line that is shown */
};

/* What a view tells its owner; called only from inside view_ops.read and view_ops.refresh. */
struct view_input {
	void (*line)(void *owner, const char *line); /* without its newline */
	void (*end)(void *owner);                    /* no more input: Ctrl-D, end of file */
	void (*suspend)(void *owner);                /* Ctrl-Z; NULL: ignored */
	/* Only a screen that shows one room at a time says these. */
	void (*go)(void *owner, const char *target);              /* talk there now */
	void (*ask)(void *owner, const struct request_ask *ask);  /* for the screen itself */
	void (*read)(void *owner, const char *room, int64_t seq); /* seen up to here */
	void (*typing)(void *owner, const char *room);            /* something is typed */
	void (*measure)(void *owner);                             /* the way to the server */
	void *owner;
};

struct view_ops {
	/*
	 * Something happened. True if a person (or program) has it before them now; a view that
	 * tells view_input.read says so itself.
	 */
	bool (*show)(struct view *view, const struct session_event *event);
	/* Text of our own. */
	void (*note)(struct view *view, enum note_tone tone, const char *text);
	/* Who we are and where plain text goes. */
	void (*target)(struct view *view, const char *user, const char *target);
	/* The connection: "" when it stands, else what to say about it ("reconnecting in 3 s"). */
	void (*connection)(struct view *view, const char *state);
	/* Everything that happened at once has been told: draw. */
	void (*refresh)(struct view *view);
	/* When it wants to be refreshed though nothing happens (ms), or -1. NULL: never. */
	int64_t (*deadline)(const struct view *view);
	/* How long the server took to answer (ms). NULL: not shown. */
	void (*latency)(struct view *view, int64_t ms);
	/* There is something to read from standard input. */
	void (*read)(struct view *view);
	/* The terminal's size changed. */
	void (*resize)(struct view *view);
	/* Gives the terminal back for a while (a question, Ctrl-Z), and takes it again. */
	void (*pause)(struct view *view);
	void (*resume)(struct view *view);
	/* Nobody reads what we print (EPIPE). */
	bool (*is_broken)(const struct view *view);
	/* Why not, as -errno; 0 where only the reader went away. NULL: always that. */
	int (*trouble)(const struct view *view);
	void (*destroy)(struct view *view);
};

struct view {
	const struct view_ops *ops;
	bool shows_connection; /* all the time: nobody need be told in words */
	bool tells_read;       /* says itself what was read, through view_input.read */
};

#endif
