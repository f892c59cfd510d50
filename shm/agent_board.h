/*
 * What everyone may know about the agents: a board in shared memory of its own, beside the
 * segment, for it says what is true of this life of the server only.
 *
 *	master       agent_board_create, before its first fork; agent_board_write, before it starts
 *	             a supervisor of these agents
 *	supervisor   what its agents do: the numbers of their entries
 *	workers      is this name an agent's, what does it do, who may order it
 *
 * Numbers are single atomic words. Names and lists change only while `version` is odd, and while
 * there is no supervisor: a reader looks at it before and after, and tries again where it moved.
 */
#ifndef SHM_AGENT_BOARD_H
#define SHM_AGENT_BOARD_H

#include "base/config_agent.h"
#include "base/limits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The supervisor's slot: the first resident's. */
#define AGENTS_SLOT WORKERS_MAX

enum agent_state { AGENT_IDLE, AGENT_BUSY, AGENT_DOWN, AGENT_RESTARTING };

struct agent_entry {
	char name[NAME_SIZE];
	/* Lists as the configuration has them, separated by blanks. */
	char rooms[AGENT_TEXT_SIZE], talk[AGENT_TEXT_SIZE], approve[AGENT_TEXT_SIZE];
	_Atomic uint32_t state; /* enum agent_state */
	_Atomic uint64_t queue, turns, failures, restarts, busy_ms, cost_microusd;
};

struct agent_board {
	_Atomic uint64_t version; /* odd: is being written */
	_Atomic uint32_t count;
	struct agent_entry entry[AGENTS_MAX];
};

/* NULL: no memory. Never given back. */
struct agent_board *agent_board_create(void);
/* The board says what this configuration says; sums of names that stay go on. */
void agent_board_write(struct agent_board *board, const struct config_agents *agents);
/* Does it say so already? */
bool agent_board_is(const struct agent_board *board, const struct config_agents *agents);

/* How many there are; a copy of one: false where there is none (any more). NULL boards are empty.
 */
unsigned agent_board_count(const struct agent_board *board);
bool agent_board_read(const struct agent_board *board, unsigned at, struct agent_entry *ret_entry);
/* The agent of that name: false if there is none. */
bool agent_board_find(const struct agent_board *board, const char *name,
		      struct agent_entry *ret_entry);

/* Is it an agent's name? */
bool agent_board_has(const struct agent_board *board, const char *name);

/* "idle", "busy", "down", "restarting". */
const char *agent_state_word(enum agent_state state);
#endif
