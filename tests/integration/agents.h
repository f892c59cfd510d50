/* Servers with agents: the fakes of tests/agents/, and what becomes of their processes. */
#ifndef TESTS_INTEGRATION_AGENTS_H
#define TESTS_INTEGRATION_AGENTS_H

#include "tests/integration/chat.h"

#include <sys/types.h>

/*
 * A server with these sections ("%E" stands for the command of the bot that reads lines, "%S" for
 * that of the one that speaks stream-json), for alice, bob, olga (an operator) and bot (a program);
 * two workers. It has started the agents.
 */
struct server *agents_server(const char *sections);
/* The same with one agent: [agent.echo] and [agent.claude], in the room ops, and more lines. */
struct server *agents_server_echo(const char *lines);
struct server *agents_server_claude(const char *lines);
/* For [agent.claude] and one more key, of somebody who comes with a client. */
struct server *agents_server_for(const char *key_line, const char *lines);
/* The sections' file, for a reload. */
void agents_write_config(const char *sections);

/* Logged in and in the room ops. */
struct chat *agents_member(struct server *s, const char *user);
/* Says it in ops: the seq. */
long long agents_say(struct chat *c, const char *content);
/* Awaits a message of the agent that holds the text. */
json_t *agents_hears(struct chat *c, const char *agent, const char *text);
/* The same of kind notice. */
json_t *agents_notice(struct chat *c, const char *agent, const char *text);

/* Asks for the agents' states until the (first) one matches. */
void agents_await_status(struct chat *c, const char *pattern);

/* The pid of the agent's program that was logged last, at or after *offset (NULL: 0). */
pid_t agents_pid(struct server *s, const char *agent, size_t *offset);
/* The pid of the supervisor, the same way. */
pid_t agents_supervisor(struct server *s, size_t *offset);
/* A file that the fakes wait for. */
void agents_go(void);
/* Waits until no such process is there. */
void agents_gone(pid_t pid);

#endif
