/* A pipe's lines go out: what is told about them, and when it is over. */
#include "client/client_private.h"

#include "base/fd.h"
#include "proto/name.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void sending_interrupted(struct client *client, int number)
{
	size_t unsent = pipe_unsent(&client->pipe);
	struct buf text = BUF_INIT;

	buf_append_str(&text, "interrupted");
	if (unsent > 0)
		buf_printf(&text, "; %zu %s not known to have arrived", unsent,
			   unsent == 1 ? "message is" : "messages are");
	client_end(client, 128 + number, text.data);
	buf_finish(&text);
}

void sending_line(struct client *client, const char *line, int64_t now_ms)
{
	int rc = pipe_line(&client->pipe, line, now_ms);
	struct buf text = BUF_INIT;

	if (rc == -EMSGSIZE)
		buf_printf(&text,
			   "a line of %zu bytes is longer than the server takes; it was not sent",
			   strlen(line));
	else if (rc < 0)
		buf_printf(&text, "a line was not sent: %s", strerror(-rc));
	if (text.len > 0)
		client_on_note(client, NOTE_ERROR, text.data);
	buf_finish(&text);
}

/* The answer that was waited for goes out, as it was written down. */
static int print_reply(struct client *client, int place, int64_t now_ms)
{
	const struct buf *text = &client->reply.places[place].text;

	int rc = text->failed ? -ENOMEM : fd_write_all(STDOUT_FILENO, text->data, text->len);

	if (rc < 0)
		return rc; /* nobody has it before them */
	if (name_is_inbox(client->reply.places[place].room))
		session_mark_read(client->session, client->reply.places[place].room,
				  client->reply.places[place].seq, now_ms);
	return 0;
}

void sending_settle(struct client *client, int64_t now_ms)
{
	int place = reply_place(&client->reply);

	if (client->ending || !pipe_is_done(&client->pipe))
		return;
	if (client->pipe.refused || client->options->wait_reply_ms == 0) {
		client_end(client, client->pipe.refused ? EXIT_STATUS_REFUSED : EXIT_STATUS_OK,
			   NULL);
	} else if (place >= 0) {
		client_end_written(client, print_reply(client, place, now_ms));
	} else if (client->reply_at < 0) {
		client->reply_at = now_ms + client->options->wait_reply_ms;
	} else if (now_ms >= client->reply_at) {
		client_end(client, EXIT_STATUS_TIMEOUT, "nobody answered in time");
	}
}
