/*
 * The lines of a pipe, each sent to every room named, numbered so that a pipe that is started
 * again can go on where the last one stopped.
 *
 *	line 1, rooms a and b    P-1 to a, P-2 to b
 *	line 2                   P-3 to a, P-4 to b
 *
 * At the first welcome, `last_id` P-3 says that the first three arrived: they are passed over.
 * Empty lines are not sent and have no number.
 */
#ifndef CLIENT_PIPE_H
#define CLIENT_PIPE_H

#include "base/limits.h"
#include "client/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIPE_QUEUE 64u /* read ahead no further than this */

struct pipe_sender {
	struct session *session;  /* borrowed */
	const char *const *rooms; /* borrowed: names, or "@user" */
	size_t room_count;
	const char *id_prefix; /* borrowed */
	uint64_t number;       /* of the last line sent or passed over */
	uint64_t arrived;      /* up to here they are at the server already */
	bool ended;            /* no more input */
	bool refused;          /* one of them was */
};

void pipe_init(struct pipe_sender *pipe, struct session *session, const char *const *rooms,
	       size_t room_count, const char *id_prefix);
/* The first `welcome`; only for a pipe whose prefix was chosen by its user. */
void pipe_resume(struct pipe_sender *pipe, const char *last_id);
/*
 * One line of input; NULL: one that could not even be read. 0; -EMSGSIZE: longer than the server
 * takes: it counts as refused.
 */
int pipe_line(struct pipe_sender *pipe, const char *line, int64_t now_ms);
void pipe_end(struct pipe_sender *pipe);
/* An event of the session: counts refusals. */
void pipe_event(struct pipe_sender *pipe, const struct session_event *event);
/* Everything read was answered, and nothing more comes. */
bool pipe_is_done(const struct pipe_sender *pipe);
/* Is there room for more? */
bool pipe_wants_input(const struct pipe_sender *pipe);

#endif
