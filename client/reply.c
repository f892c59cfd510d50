#include "client/reply.h"

#include "client/clean.h"
#include "client/format.h"
#include "proto/name.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void reply_init(struct reply *reply, const char *user, const char *id_prefix,
		const char *const *rooms, size_t room_count, bool json)
{
	*reply = (struct reply){.user = user,
				.id_prefix = id_prefix,
				.rooms = rooms,
				.room_count = room_count,
				.json = json};
}

void reply_finish(struct reply *reply)
{
	for (size_t i = 0; i < reply->room_count; i++)
		buf_finish(&reply->places[i].text);
}

static bool is_ours(const struct reply *reply, const struct server_line *line)
{
	size_t len = strlen(reply->id_prefix);

	return strcmp(line->sender, reply->user) == 0 && line->id &&
	       strncmp(line->id, reply->id_prefix, len) == 0 && line->id[len] == '-';
}

/* Is this line of the conversation with that room or person? */
static bool is_there(const struct reply *reply, const struct server_line *line, const char *room)
{
	const char *person = room + 1;

	if (!name_is_inbox(room))
		return strcmp(line->room, room) == 0;
	return line->recipient &&
	       (strcmp(line->sender, person) == 0 ||
		(strcmp(line->sender, reply->user) == 0 && strcmp(line->recipient, person) == 0));
}

static void put(const struct reply *reply, const struct session_event *event, struct buf *out)
{
	struct format format = {.user = reply->user, .dates = true};

	buf_reset(out);
	if (!reply->json)
		format_event(&format, event, out);
	else if (isatty(STDOUT_FILENO))
		clean_append(out, event->text, event->text_len, CLEAN_LINE);
	else
		buf_append(out, event->text, event->text_len);
	buf_append_char(out, '\n');
}

void reply_event(struct reply *reply, const struct session_event *event)
{
	const struct server_line *line = event->line;

	if (event->type != SESSION_EVENT_LINE || line->type != SERVER_LINE_MESSAGE ||
	    !line->sender || !line->room)
		return;
	for (size_t i = 0; i < reply->room_count; i++) {
		if (!is_there(reply, line, reply->rooms[i]))
			continue;
		if (is_ours(reply, line)) {
			/* what was said before it answers something else */
			reply->places[i].sent = true;
			buf_reset(&reply->places[i].text);
		} else if (reply->places[i].sent && reply->places[i].text.len == 0 &&
			   strcmp(line->sender, reply->user) != 0) {
			put(reply, event, &reply->places[i].text);
			snprintf(reply->places[i].room, ROOM_SIZE, "%s", line->room);
			reply->places[i].seq = line->seq;
		}
	}
}

int reply_place(const struct reply *reply)
{
	for (size_t i = 0; i < reply->room_count; i++) {
		if (reply->places[i].text.len > 0)
			return (int)i;
	}
	return -1;
}
