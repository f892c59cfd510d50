/* The commands of chat-keys. Each gets its own argv and returns an exit code. */
#ifndef KEYS_COMMANDS_H
#define KEYS_COMMANDS_H

int command_check(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_names(int argc, char **argv);

#endif
