/*
 * What everyone may know about the agents: a board in shared memory of its own, beside the
 * segment, for it says what is true of this life of the server only.
 *
 *	master       agent_board_create, before its first fork; kills what a dead supervisor left
 *	supervisor   agent_board_write; the only writer of a board
 *	workers      agent_board_find: what does the agent of that name do (who the agents are says
 *	             the configuration)
 *
 * Numbers are single atomic words. Names change only while `version` is odd: a
 * reader looks at it before and after, and finds nothing where it moved.
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
/* The supervisor's first act: the board says what this configuration says, everyone restarting. */
void agent_board_write(struct agent_board *board, const struct config_agents *agents);

/* How many there are; a copy of one: false where there is none (any more). NULL boards are empty.
 */
unsigned agent_board_count(const struct agent_board *board);
bool agent_board_read(const struct agent_board *board, unsigned at, struct agent_entry *ret_entry);
/* The agent of that name: false if there is none. */
bool agent_board_find(const struct agent_board *board, const char *name,
		      struct agent_entry *ret_entry);

/* "idle", "busy", "down", "restarting". */
const char *agent_state_word(enum agent_state state);
#endif
