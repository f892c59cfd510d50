#include "shm/agent_board.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define READ_TRIES 100u

struct agent_board *agent_board_create(void)
{
	void *memory = mmap(NULL, sizeof(struct agent_board), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

static void write_entry(struct agent_entry *entry, const struct config_agent *agent)
{
	snprintf(entry->name, sizeof(entry->name), "%s", agent->name);
	snprintf(entry->rooms, sizeof(entry->rooms), "%s", agent->rooms);
	snprintf(entry->talk, sizeof(entry->talk), "%s", agent->talk);
	snprintf(entry->approve, sizeof(entry->approve), "%s", agent->approve);
	atomic_store(&entry->state, AGENT_RESTARTING);
	atomic_store(&entry->queue, 0);
}

/* Sums go on over a supervisor's death, for the name that they belong to. */
static void keep_sums(struct agent_entry *entry, const struct agent_entry *old, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(old[i].name, entry->name) != 0)
			continue;
		atomic_store(&entry->turns, atomic_load(&old[i].turns));
		atomic_store(&entry->failures, atomic_load(&old[i].failures));
		atomic_store(&entry->restarts, atomic_load(&old[i].restarts));
		atomic_store(&entry->busy_ms, atomic_load(&old[i].busy_ms));
		atomic_store(&entry->cost_microusd, atomic_load(&old[i].cost_microusd));
	}
}

void agent_board_write(struct agent_board *board, const struct config_agents *agents)
{
	static struct agent_entry old[AGENTS_MAX];
	unsigned old_count = agent_board_count(board);

	memcpy(old, board->entry, sizeof(old));
	atomic_fetch_add(&board->version, 1);
	atomic_store(&board->count, 0);
	memset(board->entry, 0, sizeof(board->entry));
	for (unsigned i = 0; i < agents->count; i++) {
		write_entry(&board->entry[i], &agents->agent[i]);
		keep_sums(&board->entry[i], old, old_count);
	}
	atomic_store(&board->count, agents->count);
	atomic_fetch_add(&board->version, 1);
}

bool agent_board_is(const struct agent_board *board, const struct config_agents *agents)
{
	bool same = agent_board_count(board) == agents->count;

	for (unsigned i = 0; same && i < agents->count; i++)
		same = strcmp(board->entry[i].name, agents->agent[i].name) == 0 &&
		       strcmp(board->entry[i].rooms, agents->agent[i].rooms) == 0 &&
		       strcmp(board->entry[i].talk, agents->agent[i].talk) == 0 &&
		       strcmp(board->entry[i].approve, agents->agent[i].approve) == 0;
	return same;
}

unsigned agent_board_count(const struct agent_board *board)
{
	unsigned count = board != NULL ? atomic_load(&board->count) : 0;

	return count < AGENTS_MAX ? count : AGENTS_MAX;
}

bool agent_board_read(const struct agent_board *board, unsigned at, struct agent_entry *ret_entry)
{
	for (unsigned i = 0; at < agent_board_count(board) && i < READ_TRIES; i++) {
		uint64_t version = atomic_load(&board->version);

		if (version % 2 != 0)
			continue;
		memcpy(ret_entry, &board->entry[at], sizeof(*ret_entry));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load(&board->version) == version)
			return true;
	}
	return false;
}

bool agent_board_find(const struct agent_board *board, const char *name,
		      struct agent_entry *ret_entry)
{
	for (unsigned i = 0; i < agent_board_count(board); i++) {
		/* The copy is large, and most names are nobody's. */
		if (atomic_load(&board->version) % 2 == 0 &&
		    strncmp(board->entry[i].name, name, NAME_SIZE) != 0)
			continue;
		if (agent_board_read(board, i, ret_entry) && strcmp(ret_entry->name, name) == 0)
			return true;
	}
	return false;
}

bool agent_board_has(const struct agent_board *board, const char *name)
{
	struct agent_entry entry;

	return agent_board_find(board, name, &entry);
}

const char *agent_state_word(enum agent_state state)
{
	switch (state) {
	case AGENT_IDLE:
		return "idle";
	case AGENT_BUSY:
		return "busy";
	case AGENT_DOWN:
		return "down";
	case AGENT_RESTARTING:
		return "restarting";
	}
	return "down";
}
