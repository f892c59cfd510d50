/* What the handlers of commands.def share; they stand in commands.c and commands_settings.c. */
#ifndef CLIENT_COMMANDS_PRIVATE_H
#define CLIENT_COMMANDS_PRIVATE_H

#include "client/commands.h"

/* The handlers: `args` is trimmed, "" where there are none. */
#define COMMAND(name, others, arguments, completes, help)                                          \
	void command_##name(struct commands *commands, const char *args, int64_t now_ms);
#include "client/commands.def"
#undef COMMAND

/* Tells the person, cleaned. */
void commands_note(struct commands *commands, enum note_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "@Bob" to "bob"; false: it is no name, and they were told. */
bool commands_fold_user(struct commands *commands, const char *text, char user[NAME_SIZE]);
/* Asks the server; what can't be sent they are told. 0 or -errno. */
int commands_ask(struct commands *commands, const struct request_ask *question, int64_t now_ms);
/* A room given as argument, or the current one; false: they were told. */
bool commands_room_or_current(struct commands *commands, const char *args, char room[ROOM_SIZE]);
/* How the command of that name is used. */
void commands_usage(struct commands *commands, const char *name);

#endif
