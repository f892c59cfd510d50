/*
 * What a person typed: a line to say, or a command of commands.def. Works on a session and tells
 * the person through `note`; knows no terminal.
 *
 *	text            said in the current room (or to the current person)
 *	//text          "/text" is said
 *	/name args      the command; an unknown one is an error with the nearest name
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "base/buf.h"
#include "client/session.h"
#include "client/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum note_tone {
	NOTE_PLAIN, /* an answer that was asked for */
	NOTE_QUIET, /* by the way */
	NOTE_ERROR, /* it did not work */
};

enum complete_kind {
	COMPLETE_NOTHING,
	COMPLETE_COMMAND,
	COMPLETE_ROOM,
	COMPLETE_OWN_ROOM, /* that one is in */
	COMPLETE_USER,
};

/* Text for the person; already clean, may hold several lines. */
typedef void commands_note_fn(void *owner, enum note_tone tone, const char *text);

struct commands {
	struct session *session;   /* borrowed */
	struct settings *settings; /* borrowed; set by the owner */
	commands_note_fn *note;
	void *owner;
	char target[ROOM_SIZE];   /* where plain text goes: a room, or "@user" */
	char previous[ROOM_SIZE]; /* where it went before a join that may yet be refused */
	bool quit;                /* they asked for it */
};

void commands_init(struct commands *commands, struct session *session, const char *target,
		   commands_note_fn *note, void *owner);
/* One line as typed, without its newline. */
void commands_run(struct commands *commands, const char *line, int64_t now_ms);
/* Plain text goes there now: one of the rooms, or "@user". */
void commands_go(struct commands *commands, const char *target);
/* A room is ours no more: if plain text went there, it goes to another one now. */
void commands_room_gone(struct commands *commands, const char *room);
/* A join was refused: back to where they were. */
void commands_join_refused(struct commands *commands, const char *room);

/* For completion: the i-th name, NULL at the end. */
const char *commands_name(size_t i);
/*
 * The words one of which its argument number `at` (0: the first) must be, with blanks between;
 * appends nothing where it may be anything.
 */
void commands_words(const char *name, size_t len, size_t at, struct buf *out);
/* What the first argument of a command is ("join"); unknown ones complete nothing. */
enum complete_kind commands_completes(const char *name, size_t len);

#endif
