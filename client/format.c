#include "client/format_private.h"

#include "base/clock.h"
#include "client/clean.h"
#include "client/settings.h"
#include "proto/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define INDENT "      "

#define STYLE_DIM "\x1b[2m"
#define STYLE_BOLD "\x1b[1m"
#define STYLE_DIRECT "\x1b[35m"
#define STYLE_TROUBLE "\x1b[31m"
#define STYLE_END "\x1b[0m"

static void style(const struct format *format, const char *sequence, struct buf *out)
{
	if (format->colors)
		buf_append_str(out, sequence);
}

/* One line of a foreign text. */
void format_put(struct buf *out, const char *text)
{
	clean_append_str(out, text, CLEAN_LINE);
}

/* A room as people write it: "#dev"; an inbox keeps its "@". */
void format_put_room(struct buf *out, const char *room)
{
	if (room && !name_is_inbox(room))
		buf_append_char(out, '#');
	format_put(out, room);
}

static bool local_time(const struct server_line *line, struct tm *ret_tm)
{
	int64_t ms;
	time_t seconds;

	if (!line->timestamp || clock_parse(line->timestamp, &ms) < 0)
		return false;
	seconds = (time_t)(ms / 1000);
	return localtime_r(&seconds, ret_tm) != NULL;
}

static void put_time(const struct format *format, const struct server_line *line, struct buf *out)
{
	const char *shape = format->timestamp ? format->timestamp : TIMESTAMP_FORMAT_DEFAULT;
	char text[64] = "--:--";
	struct tm tm;

	if (local_time(line, &tm))
		settings_time(format->dates ? "%Y-%m-%d %H:%M:%S" : shape, &tm, text, sizeof(text));
	style(format, STYLE_DIM, out);
	buf_append_str(out, text);
	style(format, STYLE_END, out);
	buf_append_char(out, ' ');
}

/* Content of several lines: the others are indented, so that nobody can fake a line of ours. */
/* Code begins on a line of its own, and its columns are kept where an indent would move them. */
static void put_code(const struct format *format, const char *content, struct buf *out)
{
	struct buf clean = BUF_INIT;
	size_t column = 0;

	clean_append_str(&clean, content, CLEAN_TEXT);
	buf_append_str(out, "\n" INDENT);
	for (size_t i = 0; i < clean.len; i++) {
		if (clean.data[i] == '\n') {
			buf_append_str(out, "\n" INDENT);
			column = 0;
		} else if (clean.data[i] == '\t' && !format->dates) {
			do
				buf_append_char(out, ' ');
			while (++column % 8 != 0);
		} else {
			buf_append_char(out, clean.data[i]);
			column += ((unsigned char)clean.data[i] & 0xc0) != 0x80;
		}
	}
	buf_finish(&clean);
}

static void put_content(struct buf *out, const char *content)
{
	struct buf clean = BUF_INIT;
	const char *at;

	clean_append_str(&clean, content, CLEAN_TEXT);
	at = clean.data ? clean.data : "";
	for (const char *lf = strchr(at, '\n'); lf; lf = strchr(at, '\n')) {
		buf_append(out, at, (size_t)(lf - at));
		buf_append_str(out, "\n" INDENT);
		at = lf + 1;
	}
	buf_append_str(out, at);
	buf_finish(&clean);
}

static bool is_me(const struct format *format, const char *name)
{
	return name && strcmp(name, format->user) == 0;
}

static void put_person(const struct format *format, const char *name, struct buf *out)
{
	if (is_me(format, name))
		buf_append_str(out, "you");
	else
		format_put(out, name ? name : "?");
}

/* ---- stored lines */

static void put_message(const struct format *format, const struct server_line *line,
			struct buf *out)
{
	const char *kind = line->kind ? line->kind : "message";
	bool direct = line->recipient != NULL;

	put_time(format, line, out);
	style(format, direct ? STYLE_DIRECT : STYLE_BOLD, out);
	if (direct) {
		buf_append_char(out, '[');
		put_person(format, line->sender, out);
		buf_append_str(out, " -> ");
		put_person(format, line->recipient, out);
		buf_append_char(out, ']');
	} else {
		format_put_room(out, line->room);
		buf_append_str(out, strcmp(kind, "alert") == 0    ? " !! "
				    : strcmp(kind, "notice") == 0 ? " -- "
								  : " ");
		if (strcmp(kind, "me") == 0)
			buf_append_str(out, "* ");
		format_put(out, line->sender);
		if (strcmp(kind, "me") != 0)
			buf_append_char(out, ':');
	}
	style(format, STYLE_END, out);
	if (line->format && line->content && strcmp(line->format, "code") == 0) {
		put_code(format, line->content, out);
		return;
	}
	buf_append_char(out, ' ');
	if (direct && strcmp(kind, "me") == 0) {
		buf_append_str(out, "* ");
		format_put(out, line->sender);
		buf_append_char(out, ' ');
	}
	put_content(out, line->content);
	if (strcmp(kind, "ask") != 0)
		return;
	buf_append_str(out, "\n" INDENT);
	format_options(line, out);
}

void format_options(const struct server_line *line, struct buf *out)
{
	buf_append_str(out, "answer with");
	for (size_t i = 0; i < line->option_count; i++) {
		buf_append_str(out, i > 0 ? " or /" : " /");
		format_put(out, line->options[i]);
	}
	for (size_t i = 0; i < line->approve_count; i++) {
		buf_append_str(out, i > 0 ? ", " : " (");
		format_put(out, line->approve[i]);
	}
	buf_append_str(out, line->approve_count > 0 ? ")" : "");
}

/* Who, and what they did. */
static void put_doing(const struct server_line *line, const char *doing, struct buf *out)
{
	format_put(out, line->sender ? line->sender : "someone");
	buf_append_char(out, ' ');
	buf_append_str(out, doing);
}

static void put_moderation(const struct server_line *line, struct buf *out)
{
	put_doing(line, "", out);
	format_put(out, line->action);
	if (line->user) {
		buf_append_char(out, ' ');
		format_put(out, line->user);
	}
	if (line->reason) {
		buf_append_str(out, ": ");
		format_put(out, line->reason);
	}
}

void format_deed(const struct server_line *line, struct buf *out)
{
	switch (line->type) {
	case SERVER_LINE_TOPIC:
		put_doing(line, "set the topic: ", out);
		format_put(out, line->content);
		break;
	case SERVER_LINE_EDIT:
		put_doing(line, "changed a message to: ", out);
		put_content(out, line->content);
		break;
	case SERVER_LINE_DELETE:
		put_doing(line, "deleted a message", out);
		break;
	case SERVER_LINE_REACTION:
		put_doing(line, line->remove ? "takes back " : "reacts with ", out);
		format_put(out, line->emoji);
		break;
	case SERVER_LINE_MODERATION:
		put_moderation(line, out);
		break;
	case SERVER_LINE_ANSWER:
		put_doing(line, "answered: ", out);
		format_put(out, line->option ? line->option : "?");
		break;
	case SERVER_LINE_MESSAGE:
	case SERVER_LINE_UNKNOWN: /* a kind of line that a later server stores */
	case SERVER_LINE_CHALLENGE:
	case SERVER_LINE_WELCOME:
	case SERVER_LINE_OK:
	case SERVER_LINE_ERROR:
	case SERVER_LINE_ROOM:
	case SERVER_LINE_ROOMS:
	case SERVER_LINE_USERS:
	case SERVER_LINE_WHO:
	case SERVER_LINE_HISTORY:
	case SERVER_LINE_GAP:
	case SERVER_LINE_RESET:
	case SERVER_LINE_PRESENCE:
	case SERVER_LINE_LEFT:
	case SERVER_LINE_TYPING:
	case SERVER_LINE_READ:
	case SERVER_LINE_NOTICE:
	case SERVER_LINE_BYE:
	case SERVER_LINE_PONG:
	case SERVER_LINE_PARTIAL:
	case SERVER_LINE_AGENT:
		break;
	}
}

static enum format_kind put_stored(const struct format *format, const struct server_line *line,
				   struct buf *out)
{
	struct buf deed = BUF_INIT;
	enum format_kind kind = FORMAT_NOTHING;

	if (line->type == SERVER_LINE_MESSAGE) {
		put_message(format, line, out);
		return FORMAT_SAID;
	}
	format_deed(line, &deed);
	if (deed.len > 0) {
		put_time(format, line, out);
		format_put_room(out, line->room);
		buf_append_char(out, ' ');
		buf_append(out, deed.data, deed.len);
		kind = FORMAT_SAID;
	}
	buf_finish(&deed);
	return kind;
}

/* ---- notes */

static void begin_note(const struct format *format, struct buf *out)
{
	style(format, STYLE_DIM, out);
	buf_append_str(out, "-- ");
}

void format_note(const struct format *format, const char *text, struct buf *out)
{
	begin_note(format, out);
	clean_append_str(out, text, CLEAN_TEXT);
	style(format, STYLE_END, out);
}

void format_trouble(const struct format *format, const char *text, struct buf *out)
{
	style(format, STYLE_TROUBLE, out);
	buf_append_str(out, "!! ");
	clean_append_str(out, text, CLEAN_TEXT);
	style(format, STYLE_END, out);
}

static void put_names(struct buf *out, const char **names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_append_str(out, i > 0 ? ", " : "");
		format_put(out, names[i]);
	}
}

static enum format_kind put_presence(const struct format *format, const struct server_line *line,
				     struct buf *out)
{
	if (line->joined_count == 0 && line->left_count == 0)
		return FORMAT_NOTHING;
	begin_note(format, out);
	format_put_room(out, line->room);
	buf_append_str(out, ": ");
	if (line->joined_count > 0) {
		put_names(out, line->joined, line->joined_count);
		buf_append_str(out, " joined");
	}
	if (line->left_count > 0) {
		buf_append_str(out, line->joined_count > 0 ? "; " : "");
		put_names(out, line->left, line->left_count);
		buf_append_str(out, " left");
	}
	style(format, STYLE_END, out);
	return FORMAT_NOTE;
}

static enum format_kind put_entered(const struct format *format, const struct session_event *event,
				    struct buf *out)
{
	const struct server_line *line = event->line;

	/* the rooms of a log-in come by themselves, and a join for missing lines is our business */
	if (!event->request || event->request->own)
		return FORMAT_NOTHING;
	begin_note(format, out);
	format_put_room(out, line->room);
	buf_append_str(out, line->created ? ": a new room" : "");
	if (!line->created && line->members >= 0)
		buf_printf(out, ": %" PRId64 " %s", line->members,
			   line->members == 1 ? "member" : "members");
	if (line->topic && line->topic[0]) {
		buf_append_str(out, ", topic: ");
		format_put(out, line->topic);
	}
	style(format, STYLE_END, out);
	return FORMAT_NOTE;
}

static enum format_kind put_cursor_note(const struct format *format, const struct server_line *line,
					struct buf *out)
{
	begin_note(format, out);
	format_put_room(out, line->room);
	if (line->type == SERVER_LINE_GAP)
		buf_printf(out,
			   ": lines %" PRId64 " to %" PRId64
			   " are missing here; the server has them in memory no more",
			   line->after + 1, line->next - 1);
	else if (line->type == SERVER_LINE_RESET)
		buf_append_str(out, ": the server began this room's log afresh");
	else
		buf_append_str(out, ": left, with another of your programs");
	style(format, STYLE_END, out);
	return FORMAT_NOTE;
}

static enum format_kind put_words(const struct format *format, const struct server_line *line,
				  struct buf *out)
{
	if (!line->message || !line->message[0])
		return FORMAT_NOTHING;
	begin_note(format, out);
	buf_append_str(out, "server: ");
	format_put(out, line->message);
	style(format, STYLE_END, out);
	return FORMAT_NOTE;
}

/* ---- answers */

static enum format_kind put_history(const struct session_event *event, struct buf *out)
{
	if (event->line->count > 0 || (event->request && event->request->own))
		return FORMAT_NOTHING;
	buf_append_str(out, "  nothing older is in the server's memory");
	return FORMAT_ANSWER;
}

static enum format_kind put_ok(const struct session_event *event, struct buf *out)
{
	if (!event->request || event->request->own)
		return FORMAT_NOTHING;
	if (event->request->kind == REQUEST_LEAVE) {
		buf_append_str(out, "  You left ");
		format_put_room(out, event->request->target);
		buf_append_char(out, '.');
		return FORMAT_ANSWER;
	}
	if (event->request->kind == REQUEST_AGENT) {
		buf_append_str(out, "  ");
		format_put(out, event->request->target);
		buf_append_str(out, " is told.");
		return FORMAT_ANSWER;
	}
	if (event->request->kind == REQUEST_AWAY) {
		buf_append_str(out,
			       event->request->content ? "  You are away." : "  You are back.");
		return FORMAT_ANSWER;
	}
	return FORMAT_NOTHING;
}

/* ---- errors */

static const char *undone(const struct request *request)
{
	switch (request->kind) {
	case REQUEST_MESSAGE:
		return "not sent to ";
	case REQUEST_TOPIC:
		return "topic not set in ";
	case REQUEST_JOIN:
		return "cannot join ";
	case REQUEST_LEAVE:
		return "cannot leave ";
	case REQUEST_ROOMS:
	case REQUEST_USERS:
	case REQUEST_WHO:
	case REQUEST_HISTORY:
	case REQUEST_AWAY:
	case REQUEST_AGENT:
		break;
	case REQUEST_ANSWER:
		return "not answered in ";
	}
	return "";
}

static enum format_kind put_error(const struct format *format, const struct session_event *event,
				  struct buf *out)
{
	const struct server_line *line = event->line;
	const struct request *request = event->request;
	bool message = request && request->kind == REQUEST_MESSAGE;

	style(format, STYLE_TROUBLE, out);
	buf_append_str(out, "!! ");
	if (request && undone(request)[0]) {
		buf_append_str(out, undone(request));
		format_put_room(out, request->target);
		buf_append_str(out, ": ");
	}
	format_put(out, line->message && line->message[0] ? line->message : line->code);
	if (message && request->content) {
		buf_append_str(out, "\n" INDENT);
		put_content(out, request->content);
	}
	style(format, STYLE_END, out);
	return FORMAT_TROUBLE;
}

enum format_kind format_event(const struct format *format, const struct session_event *event,
			      struct buf *out)
{
	const struct server_line *line = event->line;

	if (event->type != SESSION_EVENT_LINE)
		return FORMAT_NOTHING;
	if (server_line_is_sequenced(line))
		return put_stored(format, line, out);
	switch (line->type) {
	case SERVER_LINE_ROOM:
		return put_entered(format, event, out);
	case SERVER_LINE_PRESENCE:
		return put_presence(format, line, out);
	case SERVER_LINE_GAP:
	case SERVER_LINE_RESET:
	case SERVER_LINE_LEFT:
		return put_cursor_note(format, line, out);
	case SERVER_LINE_NOTICE:
	case SERVER_LINE_BYE:
		return put_words(format, line, out);
	case SERVER_LINE_ERROR:
		return put_error(format, event, out);
	case SERVER_LINE_OK:
		return put_ok(event, out);
	case SERVER_LINE_ROOMS:
		if (event->request && event->request->own)
			return FORMAT_NOTHING; /* for completion */
		format_room_list(line, out);
		return FORMAT_ANSWER;
	case SERVER_LINE_USERS:
		format_user_list(line, out);
		return FORMAT_ANSWER;
	case SERVER_LINE_WHO:
		format_who(line, out);
		return FORMAT_ANSWER;
	case SERVER_LINE_HISTORY:
		return put_history(event, out);
	case SERVER_LINE_AGENT:
		if (line->agent) /* news of its state: /agents tells */
			return FORMAT_NOTHING;
		format_agent_list(line, out);
		return FORMAT_ANSWER;
	case SERVER_LINE_UNKNOWN:
	case SERVER_LINE_CHALLENGE:
	case SERVER_LINE_WELCOME:
	case SERVER_LINE_MESSAGE:
	case SERVER_LINE_EDIT:
	case SERVER_LINE_DELETE:
	case SERVER_LINE_REACTION:
	case SERVER_LINE_TOPIC:
	case SERVER_LINE_MODERATION:
	case SERVER_LINE_ANSWER:
	case SERVER_LINE_TYPING:
	case SERVER_LINE_READ:
	case SERVER_LINE_PONG:
	case SERVER_LINE_PARTIAL: /* the whole text comes, too */
		break;
	}
	return FORMAT_NOTHING;
}

bool format_day(const struct server_line *line, int *day, struct buf *out)
{
	char text[64];
	struct tm tm;
	int number;

	if (!server_line_is_sequenced(line) || !local_time(line, &tm))
		return false;
	number = tm.tm_year * 366 + tm.tm_yday;
	if (number == *day)
		return false;
	*day = number;
	if (strftime(text, sizeof(text), "%A %e %B %Y", &tm) == 0)
		return false;
	buf_append_str(out, text);
	return true;
}
