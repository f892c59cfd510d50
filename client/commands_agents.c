/* Commands about agents and their questions. */
#include "client/commands_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void command_agents(struct commands *commands, const char *args, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_AGENT};

	(void)args;
	commands_ask(commands, &question, now_ms);
}

void command_agent(struct commands *commands, const char *args, int64_t now_ms)
{
	static const char *const actions[] = {"status", "restart", "stop", "interrupt"};
	struct request_ask question = {.kind = REQUEST_AGENT, .content = "status"};
	size_t len = strcspn(args, " \t");
	const char *action = args + len + strspn(args + len, " \t");
	char word[64], user[NAME_SIZE];
	bool known = action[0] == '\0';

	snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), args);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(action, actions[i]) != 0)
			continue;
		question.content = actions[i];
		known = true;
	}
	if (!args[0] || !known) {
		commands_usage(commands, "agent");
		return;
	}
	if (!commands_fold_user(commands, word, user))
		return;
	question.target = user;
	commands_ask(commands, &question, now_ms);
}

static void answer(struct commands *commands, const char *args, const char *option, int64_t now_ms)
{
	struct request_ask question = {.kind = REQUEST_ANSWER, .content = option};
	const struct room *room;
	char name[ROOM_SIZE];
	char *end = NULL;

	if (!commands_room_or_current(commands, "", name))
		return;
	room = rooms_find(session_rooms(commands->session), name);
	question.target = name;
	if (args[0]) {
		question.before = strtol(args, &end, 10);
		if (*end || question.before < 1) {
			commands_usage(commands, option);
			return;
		}
	} else if (room && room->ask_open) {
		question.before = room->ask;
	} else {
		commands_note(commands, NOTE_ERROR, "Nothing is asked in #%s.", name);
		return;
	}
	commands_ask(commands, &question, now_ms);
}

void command_allow(struct commands *commands, const char *args, int64_t now_ms)
{
	answer(commands, args, "allow", now_ms);
}

void command_deny(struct commands *commands, const char *args, int64_t now_ms)
{
	answer(commands, args, "deny", now_ms);
}
