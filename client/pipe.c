#include "client/pipe.h"

#include "base/buf.h"
#include "client/clean.h"
#include "proto/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pipe_init(struct pipe_sender *pipe, struct session *session, const char *const *rooms,
	       size_t room_count, const char *id_prefix)
{
	*pipe = (struct pipe_sender){.session = session,
				     .rooms = rooms,
				     .room_count = room_count,
				     .id_prefix = id_prefix};
}

void pipe_resume(struct pipe_sender *pipe, const char *last_id)
{
	size_t len = strlen(pipe->id_prefix);
	char *end = NULL;
	unsigned long long number;

	if (!last_id || strncmp(last_id, pipe->id_prefix, len) != 0 || last_id[len] != '-' ||
	    last_id[len + 1] < '1' || last_id[len + 1] > '9')
		return;
	errno = 0;
	number = strtoull(last_id + len + 1, &end, 10);
	if (*end == '\0' && errno == 0)
		pipe->arrived = number;
}

static int send_to(struct pipe_sender *pipe, const char *room, const char *content, int64_t now_ms)
{
	struct request_ask ask = {.kind = REQUEST_MESSAGE, .target = room, .content = content};
	char id[ID_SIZE];

	if (++pipe->number <= pipe->arrived)
		return 0;
	snprintf(id, sizeof(id), "%s-%" PRIu64, pipe->id_prefix, pipe->number);
	ask.id = id;
	return session_send(pipe->session, &ask, now_ms);
}

int pipe_line(struct pipe_sender *pipe, const char *line, int64_t now_ms)
{
	struct buf content = BUF_INIT;
	int rc = 0;

	if (!line) {
		pipe->refused = true;
		return 0;
	}
	clean_append_str(&content, line, CLEAN_SEND);
	if (content.failed)
		rc = -ENOMEM;
	else if (!text_is_blank((struct text){content.data ? content.data : "", content.len}))
		for (size_t i = 0; i < pipe->room_count; i++) {
			int sent = send_to(pipe, pipe->rooms[i], content.data, now_ms);

			rc = sent < 0 ? sent : rc;
		}
	if (rc < 0)
		pipe->refused = true;
	buf_finish(&content);
	return rc;
}

void pipe_end(struct pipe_sender *pipe)
{
	pipe->ended = true;
}

void pipe_event(struct pipe_sender *pipe, const struct session_event *event)
{
	if (event->type == SESSION_EVENT_LINE && event->line->type == SERVER_LINE_ERROR &&
	    event->request)
		pipe->refused = true;
}

bool pipe_is_done(const struct pipe_sender *pipe)
{
	return pipe->ended && session_unanswered(pipe->session) == 0;
}

bool pipe_wants_input(const struct pipe_sender *pipe)
{
	return !pipe->ended && session_was_ready(pipe->session) &&
	       session_unanswered(pipe->session) < PIPE_QUEUE;
}
