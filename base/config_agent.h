/*
 * The [agent.NAME] sections of the config file: programs that are members of rooms. The options
 * are rows of agent_options.def.
 *
 *	agent = config_agent_begin(agents, "echo", line, &why)         [agent.echo]
 *	config_agent_set(agent, name, value, line, home, &why)         command = ...
 *	config_agent_check(agent, &why)                                once all lines are read
 */
#ifndef BASE_CONFIG_AGENT_H
#define BASE_CONFIG_AGENT_H

#include "base/buf.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define AGENTS_MAX 16u
#define AGENT_ROOMS_MAX 16u
#define AGENT_APPROVE_MAX 16u
#define AGENT_TEXT_SIZE 512
#define AGENT_COMMAND_SIZE 2048
#define AGENT_ENV_SIZE 4096
#define AGENT_OPTIONS_MAX 24u

enum agent_format { AGENT_LINES, AGENT_STREAM_JSON };
enum agent_input { AGENT_INPUT_TEXT, AGENT_INPUT_JSON };
enum agent_when { AGENT_WHEN_MENTION, AGENT_WHEN_ALL };
enum agent_process { AGENT_PROCESS_SHARED, AGENT_PROCESS_ROOM };
enum agent_again { AGENT_ALWAYS, AGENT_ON_FAILURE, AGENT_NEVER };

/* Lists are separated by single blanks, lines of the environment by newlines. No pointers. */
struct config_agent {
	char name[NAME_SIZE];
	char command[AGENT_COMMAND_SIZE];
	char rooms[AGENT_TEXT_SIZE], talk[AGENT_TEXT_SIZE], approve[AGENT_TEXT_SIZE];
	char directory[AGENT_TEXT_SIZE], user[AGENT_TEXT_SIZE];
	char env[AGENT_ENV_SIZE];
	uint32_t format, input, when, process, restart; /* the enums above */
	uint32_t memory, files, processes, cpu;         /* 0: no limit of its own */
	uint32_t queue;
	uint32_t silence, approve_wait, stop_wait; /* s */
	unsigned line;                             /* of its heading */
	unsigned set[AGENT_OPTIONS_MAX];           /* the line that set it; 0: the default */
};

struct config_agents {
	struct config_agent *agent; /* owned; NULL: none */
	unsigned count;
};

/* A new section with all defaults: 0; -EINVAL with `why`; -ENOMEM. Pointers to earlier ones go. */
int config_agent_begin(struct config_agents *agents, const char *name, unsigned line,
		       struct config_agent **ret_agent, struct buf *why);
/* Is there an option of that name? */
bool config_agent_has(const char *name);
/* 0, or -EINVAL with `why`. */
int config_agent_set(struct config_agent *agent, const char *name, const char *value, unsigned line,
		     const char *home, struct buf *why);
/* 0, or -EINVAL: what it can't do without isn't there, or doesn't go together. */
int config_agent_check(const struct config_agent *agent, struct buf *why);
void config_agent_print(const struct config_agent *agent, struct buf *out);

/* NULL: no agent has that name. */
const struct config_agent *config_agent_find(const struct config_agents *agents, const char *name);
/* Do they say the same? */
bool config_agents_equal(const struct config_agents *a, const struct config_agents *b);

/* Is `name` in the list, is "everyone", or "ops" where he is one? */
bool agent_list_has(const char *list, const char *name, bool is_op);
/* The element at *list, which moves behind it: false at the end. Longer ones are cut. */
bool agent_list_next(const char **list, char *ret_word, unsigned size);

#endif
