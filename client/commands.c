#include "client/commands_private.h"

#include "base/buf.h"
#include "client/clean.h"
#include "client/nearest.h"
#include "proto/name.h"
#include "proto/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_LINES 20
#define HELP_COLUMN 22

struct command {
	const char *name;
	const char *others;
	const char *arguments;
	enum complete_kind completes;
	const char *help;
	void (*run)(struct commands *commands, const char *args, int64_t now_ms);
};

static const struct command table[] = {
#define COMMAND(name, others, arguments, completes, help)                                          \
	{#name, others, arguments, completes, help, command_##name},
#include "client/commands.def"
#undef COMMAND
};

static const char *const names[] = {
#define COMMAND(name, others, arguments, completes, help) #name,
#include "client/commands.def"
#undef COMMAND
};

#define COMMANDS (sizeof(table) / sizeof(table[0]))

void commands_note(struct commands *commands, enum note_tone tone, const char *fmt, ...)
{
	struct buf clean = BUF_INIT;
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clean_append_str(&clean, text, CLEAN_TEXT);
	if (!clean.failed)
		commands->note(commands->owner, tone, clean.data ? clean.data : "");
	buf_finish(&clean);
}

static bool has_word(const char *words, const char *word, size_t len)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		if (n == len && strncmp(words, word, len) == 0)
			return true;
		words += n + (words[n] == ' ');
	}
	return false;
}

static const struct command *find(const char *name, size_t len)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if ((strlen(table[i].name) == len && strncmp(table[i].name, name, len) == 0) ||
		    has_word(table[i].others, name, len))
			return &table[i];
	}
	return NULL;
}

static void unknown(struct commands *commands, const char *name, size_t len)
{
	char word[40];
	const char *near;

	snprintf(word, sizeof(word), "%.*s", (int)(len < 39 ? len : 39), name);
	near = nearest_word(word, names, COMMANDS);
	if (near)
		commands_note(commands, NOTE_ERROR, "There is no /%s. Did you mean /%s?", word,
			      near);
	else
		commands_note(commands, NOTE_ERROR,
			      "There is no /%s; /help lists the commands. To say it, type //%s",
			      word, word);
}

void commands_usage(struct commands *commands, const char *name)
{
	const struct command *command = find(name, strlen(name));

	commands_note(commands, NOTE_ERROR, "Usage: /%s %s", command->name, command->arguments);
}

/* ---- asking */

int commands_ask(struct commands *commands, const struct request_ask *question, int64_t now_ms)
{
	int rc = session_send(commands->session, question, now_ms);

	if (rc == -EMSGSIZE)
		commands_note(commands, NOTE_ERROR,
			      "That is too long for this server; nothing was sent.");
	else if (rc == -EINVAL)
		commands_note(commands, NOTE_ERROR, "That is not valid text; nothing was sent.");
	else if (rc < 0)
		commands_note(commands, NOTE_ERROR, "Nothing was sent: %s", strerror(-rc));
	return rc;
}

static void say(struct commands *commands, const char *target, const char *text, const char *as,
		int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_MESSAGE, .target = target, .as = as};
	struct buf clean = BUF_INIT;

	clean_append_str(&clean, text, CLEAN_SEND);
	question.content = clean.data ? clean.data : "";
	if (text_is_blank(text_from(question.content)))
		commands_note(commands, NOTE_ERROR, "There is nothing to say in that.");
	else
		commands_ask(commands, &question, now_ms);
	buf_finish(&clean);
}

static bool fold_room(struct commands *commands, const char *text, char room[ROOM_SIZE])
{
	if (room_name_fold(text, strlen(text), room) == 0)
		return true;
	commands_note(commands, NOTE_ERROR,
		      "\"%s\" cannot be a room's name: up to 32 of a-z 0-9 _ . - are, the first a "
		      "letter or "
		      "digit.",
		      text);
	return false;
}

bool commands_fold_user(struct commands *commands, const char *text, char user[NAME_SIZE])
{
	if (text[0] == '@')
		text++;
	if (name_fold(text, strlen(text), user) == 0)
		return true;
	commands_note(commands, NOTE_ERROR, "\"%s\" cannot be anyone's name.", text);
	return false;
}

static void talk_in(struct commands *commands, const char *target)
{
	if (strcmp(commands->target, target) == 0)
		return;
	memcpy(commands->previous, commands->target, sizeof(commands->previous));
	snprintf(commands->target, sizeof(commands->target), "%s", target);
}

/* A room given as argument, or the current one where that is a room. */
bool commands_room_or_current(struct commands *commands, const char *args, char room[ROOM_SIZE])
{
	if (args[0])
		return fold_room(commands, args, room);
	if (name_is_inbox(commands->target)) {
		commands_note(commands, NOTE_ERROR, "You are talking with %s, not in a room.",
			      commands->target);
		return false;
	}
	memcpy(room, commands->target, ROOM_SIZE);
	return true;
}

/* ---- the commands, in the order of commands.def */

static void help_line(struct buf *out, const struct command *command)
{
	char head[64];
	int len = snprintf(head, sizeof(head), "/%s %s", command->name, command->arguments);

	buf_printf(out, "  %-*s", HELP_COLUMN, head);
	if (len >= HELP_COLUMN)
		buf_printf(out, "\n  %*s", HELP_COLUMN, "");
	buf_printf(out, "%s\n", command->help);
}

void command_help(struct commands *commands, const char *args, int64_t now_ms)
{
	struct buf text = BUF_INIT;
	const struct command *command;

	(void)now_ms;
	if (args[0] == '/')
		args++;
	command = args[0] ? find(args, strlen(args)) : NULL;
	if (args[0] && !command) {
		unknown(commands, args, strlen(args));
		return;
	}
	if (command) {
		help_line(&text, command);
		if (command->others[0])
			buf_printf(&text, "  also known as: %s\n", command->others);
	} else {
		for (size_t i = 0; i < COMMANDS; i++)
			help_line(&text, &table[i]);
		buf_append_str(&text, "  //text                \"/text\" as a message\n"
				      "Tab completes, Up and Down bring back what you typed,\n"
				      "Ctrl-C clears the line, Ctrl-D on an empty line quits.\n");
	}
	if (text.len > 0 && !text.failed) {
		text.data[text.len - 1] = '\0';
		commands->note(commands->owner, NOTE_PLAIN, text.data);
	}
	buf_finish(&text);
}

void command_rooms(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_ROOMS, .target = args[0] ? args : NULL};

	if (args[0] == '#' && args[1])
		question.target = args + 1;
	commands_ask(commands, &question, now_ms);
}

void command_join(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_JOIN, .limit = -1};
	char room[ROOM_SIZE];

	if (!args[0]) {
		commands_usage(commands, "join");
		return;
	}
	if (!fold_room(commands, args, room))
		return;
	if (name_is_inbox(room)) {
		talk_in(commands, room);
		return;
	}
	question.target = room;
	/* at once, so that what is typed next goes where they mean to be */
	if (commands_ask(commands, &question, now_ms) == 0)
		talk_in(commands, room);
}

void command_leave(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_LEAVE};
	char room[ROOM_SIZE];

	/* "/leave" while talking with someone: back to the room before */
	if (!args[0] && name_is_inbox(commands->target)) {
		commands_room_gone(commands, commands->target);
		return;
	}
	if (!commands_room_or_current(commands, args, room))
		return;
	question.target = room;
	commands_ask(commands, &question, now_ms);
}

void command_room(struct commands *commands, const char *args, int64_t now_ms)
{
	char room[ROOM_SIZE];

	if (!args[0]) {
		commands_usage(commands, "room");
		return;
	}
	if (!fold_room(commands, args, room))
		return;
	if (name_is_inbox(room) || rooms_find(session_rooms(commands->session), room))
		talk_in(commands, room);
	else
		command_join(commands, args, now_ms);
}

void command_users(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_USERS};
	char room[ROOM_SIZE];

	if (!commands_room_or_current(commands, args, room))
		return;
	question.target = room;
	commands_ask(commands, &question, now_ms);
}

void command_msg(struct commands *commands, const char *args, int64_t now_ms)
{
	size_t len = strcspn(args, " \t");
	char word[64], user[NAME_SIZE], inbox[ROOM_SIZE];
	const char *text = args + len + strspn(args + len, " \t");

	if (!args[0]) {
		commands_usage(commands, "msg");
		return;
	}
	snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), args);
	if (!commands_fold_user(commands, word, user))
		return;
	snprintf(inbox, sizeof(inbox), "@%s", user);
	if (text[0])
		say(commands, inbox, text, NULL, now_ms);
	else
		talk_in(commands, inbox);
}

void command_me(struct commands *commands, const char *args, int64_t now_ms)
{
	if (args[0])
		say(commands, commands->target, args, "me", now_ms);
	else
		commands_usage(commands, "me");
}

void command_topic(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_TOPIC};
	const struct room *room;
	char name[ROOM_SIZE];

	if (!commands_room_or_current(commands, "", name))
		return;
	if (args[0]) {
		question.target = name;
		question.content = args;
		commands_ask(commands, &question, now_ms);
		return;
	}
	room = rooms_find(session_rooms(commands->session), name);
	if (room && room->topic[0])
		commands_note(commands, NOTE_PLAIN, "#%s: %s", name, room->topic);
	else
		commands_note(commands, NOTE_PLAIN, "#%s has no topic; /topic TEXT sets one.",
			      name);
}

void command_who(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_WHO};
	char user[NAME_SIZE];

	if (!args[0]) {
		commands_usage(commands, "who");
		return;
	}
	if (!commands_fold_user(commands, args, user))
		return;
	question.target = user;
	commands_ask(commands, &question, now_ms);
}

void command_history(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_HISTORY, .limit = HISTORY_LINES};
	const struct room *room;
	char name[ROOM_SIZE];

	if (args[0]) {
		char *end = NULL;
		long n = strtol(args, &end, 10);

		if (*end || n < 1 || n > HISTORY_LINES_MAX) {
			commands_note(commands, NOTE_ERROR, "/history N: from 1 to %u lines.",
				      HISTORY_LINES_MAX);
			return;
		}
		question.limit = n;
	}
	/* talking with someone: what was said lies in one's own inbox */
	if (name_is_inbox(commands->target))
		snprintf(name, sizeof(name), "@%s", session_user(commands->session));
	else
		memcpy(name, commands->target, sizeof(name));
	room = rooms_find(session_rooms(commands->session), name);
	if (!room) {
		commands_note(commands, NOTE_ERROR, "You are not in #%s.", name);
		return;
	}
	question.target = name;
	question.before = room->oldest > 0 ? room->oldest : room->after + 1;
	if (question.before <= 1) {
		commands_note(commands, NOTE_PLAIN,
			      room->oldest > 0 ? "Nothing was said before that."
					       : "Nothing has been said here yet.");
		return;
	}
	commands_ask(commands, &question, now_ms);
}

void command_away(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_AWAY, .content = args[0] ? args : "away"};

	commands_ask(commands, &question, now_ms);
}

void command_back(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_AWAY};

	(void)args;
	commands_ask(commands, &question, now_ms);
}

void command_quit(struct commands *commands, const char *args, int64_t now_ms)
{
	(void)args;
	(void)now_ms;
	commands->quit = true;
}

/* ---- lines */

void commands_init(struct commands *commands, struct session *session, const char *target,
		   commands_note_fn *note_fn, void *owner)
{
	*commands = (struct commands){.session = session, .note = note_fn, .owner = owner};
	snprintf(commands->target, sizeof(commands->target), "%s", target);
	snprintf(commands->previous, sizeof(commands->previous), "%s", target);
}

static void run_command(struct commands *commands, const char *line, int64_t now_ms)
{
	size_t len = strcspn(line, " \t");
	const struct command *command = find(line, len);
	char *args;

	if (!command) {
		unknown(commands, line, len);
		return;
	}
	args = strdup(line + len + strspn(line + len, " \t"));
	if (!args)
		return;
	for (size_t end = strlen(args); end > 0 && strchr(" \t", args[end - 1]); end--)
		args[end - 1] = '\0';
	command->run(commands, args, now_ms);
	free(args);
}

void commands_run(struct commands *commands, const char *line, int64_t now_ms)
{
	if (line[0] == '/' && line[1] == '/')
		say(commands, commands->target, line + 1, NULL, now_ms);
	else if (line[0] == '/' && line[1] && line[1] != ' ')
		run_command(commands, line + 1, now_ms);
	else if (line[strspn(line, " \t")] != '\0')
		say(commands, commands->target, line, NULL, now_ms);
}

void commands_go(struct commands *commands, const char *target)
{
	talk_in(commands, target);
}

void commands_room_gone(struct commands *commands, const char *room)
{
	const struct rooms *rooms = session_rooms(commands->session);
	bool back = strcmp(commands->previous, room) != 0 &&
		    (name_is_inbox(commands->previous) || rooms_find(rooms, commands->previous));

	if (strcmp(commands->target, room) != 0)
		return;
	if (back) {
		memcpy(commands->target, commands->previous, sizeof(commands->target));
		return;
	}
	snprintf(commands->target, sizeof(commands->target), ROOM_LOBBY);
	for (size_t i = 0; !rooms_find(rooms, ROOM_LOBBY) && i < rooms->count; i++) {
		if (name_is_inbox(rooms->items[i]->name))
			continue;
		memcpy(commands->target, rooms->items[i]->name, sizeof(commands->target));
		return;
	}
}

void commands_join_refused(struct commands *commands, const char *room)
{
	if (!rooms_find(session_rooms(commands->session), room))
		commands_room_gone(commands, room);
}

const char *commands_name(size_t i)
{
	return i < COMMANDS ? names[i] : NULL;
}

enum complete_kind commands_completes(const char *name, size_t len)
{
	const struct command *command = find(name, len);

	return command ? command->completes : COMPLETE_NOTHING;
}

void commands_words(const char *name, size_t len, size_t at, struct buf *out)
{
	const struct command *command = find(name, len);
	const char *word = command ? command->arguments : "";

	for (; at > 0 && *word; at--) {
		word += strcspn(word, " ");
		word += *word == ' ';
	}
	len = strcspn(word, " ");
	if (!memchr(word, '|', len))
		return;
	for (; len > 0; word++, len--) {
		if (*word != '[' && *word != ']')
			buf_append_char(out, (char)(*word == '|' ? ' ' : *word));
	}
}
