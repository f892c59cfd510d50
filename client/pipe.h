/*
 * The lines of a pipe, as messages to every room named; their ids are numbers of lines, so that a
 * pipe that is started again with the same input goes on where the last one stopped.
 *
 *	each line a message         line 3 is P-3; blank lines are passed over, but count
 *	gathered for a while        lines 3 to 7 are one message, P-7
 *	until the end (code)        as many whole lines as one message holds
 *
 * Where a message goes to several rooms, or one line of code needs several messages, all but the
 * last of these have longer ids, which say what a second run must do the same way: P-7.1.4 is the
 * first of those for line 7 and the 4 lines before it.
 *
 * At the first welcome, `last_id` says what arrived: it is passed over. What was gathered next in
 * the run before is gathered again (client/journal.h): it may be on its way still.
 */
#ifndef CLIENT_PIPE_H
#define CLIENT_PIPE_H

#include "base/buf.h"
#include "base/limits.h"
#include "client/journal.h"
#include "client/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIPE_QUEUE 64u       /* read ahead no further than this */
#define PIPE_GATHER_ALL (-1) /* until a message is full, or nothing more comes */

/* Borrowed. */
struct pipe_config {
	struct session *session;
	const char *const *rooms; /* names, or "@user" */
	size_t room_count;
	const char *id_prefix;
	const char *kind;        /* on the wire; NULL: an ordinary message */
	int64_t gather_ms;       /* 0: each line by itself; PIPE_GATHER_ALL */
	bool code;               /* format "code"; blank lines are kept, long ones cut */
	struct journal *journal; /* of what is gathered; NULL: the pipe will not be resumed */
};

struct pipe_sender {
	struct pipe_config config;
	uint64_t number; /* of the last line read */

	struct buf gathered;  /* lines for one message, LF between */
	size_t characters;    /* in it */
	uint64_t first, last; /* numbers of its lines, blank ones in front among them */
	int64_t due;          /* when it goes; -1: not by time */

	uint64_t sent; /* the last line that was gathered into a message */

	/* at the server already */
	uint64_t arrived;      /* all up to this line */
	uint64_t redo_last;    /* 0, or: the lines behind it up to here are one message, ... */
	unsigned redo_arrived; /* ... of which so many arrived (rooms, pieces) */

	bool ended;   /* no more input */
	bool refused; /* one of them was */
};

void pipe_init(struct pipe_sender *pipe, const struct pipe_config *config);
void pipe_finish(struct pipe_sender *pipe);
/* The first `welcome`; only for a pipe whose prefix was chosen by its user. */
void pipe_resume(struct pipe_sender *pipe, const char *last_id);
/*
 * One line of input; NULL: one that could not even be read. 0; -EMSGSIZE: longer than the server
 * takes: it counts as refused.
 */
int pipe_line(struct pipe_sender *pipe, const char *line, int64_t now_ms);
void pipe_end(struct pipe_sender *pipe, int64_t now_ms);
/* When what was gathered goes, or -1; and then: */
int64_t pipe_deadline(const struct pipe_sender *pipe);
void pipe_tick(struct pipe_sender *pipe, int64_t now_ms);
/* An event of the session: counts refusals. */
void pipe_event(struct pipe_sender *pipe, const struct session_event *event);
/* Everything read was answered, and nothing more comes. */
bool pipe_is_done(const struct pipe_sender *pipe);
/* Is there room for more? */
bool pipe_wants_input(const struct pipe_sender *pipe);
/* Messages that wait to be sent or for their answer. */
size_t pipe_unsent(const struct pipe_sender *pipe);

#endif
