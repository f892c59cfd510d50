/*
 * An agent in the rooms of this server: the machine of agent.h, its process, and the logs that it
 * reads and writes like any member. An agent with a process for each room has a seat for each.
 */
#ifndef AGENTS_SEAT_H
#define AGENTS_SEAT_H

#include "agents/agent.h"
#include "agents/child.h"
#include "agents/memory.h"
#include "auth/keyring.h"
#include "base/config.h"
#include "shm/agent_board.h"
#include "shm/room.h"

struct seat_room {
	struct room_ref ref; /* epoch 0: not found yet */
	uint64_t after;      /* the cursor */
	bool missed;         /* it was looked for in vain, and that is logged */
};

/* What all seats share. */
struct seat_world {
	struct shm *shm;
	const struct config *config;
	const struct account *account;
	const char *mark; /* in the environment of all programs of this server */
	struct keyring *keyring;
	struct agent_board *board;
	char *lines; /* scratch of reading, SEAT_READ_BYTES */
};
#define SEAT_READ_BYTES (2u * 49152u) /* two of ROOM_LOG_LINE_MAX */

struct seat {
	struct seat_world *world;
	struct agent agent;
	struct child_process child;
	uint32_t user;        /* index */
	unsigned entry;       /* on the board */
	char *path;           /* owned: of its memory */
	struct memory memory; /* as saved */
	struct seat_room rooms[AGENT_ROOMS_MAX];
	struct buf unread;      /* of its output, not told to the agent yet */
	uint64_t full_at_us;    /* token bucket of what it says: full again then */
	struct agent_sums told; /* of its sums, what stands on the board */
	enum agent_state state; /* as told to the rooms */
	bool told_state;
	uint64_t other_since_ms; /* since when it is another; 0: it isn't */
};

/* `rooms` is a part of the configuration's. 0 or -errno. */
int seat_open(struct seat *seat, struct seat_world *world, const struct config_agent *config,
	      const char *rooms, const char *folder, uint32_t user, unsigned entry);
void seat_close(struct seat *seat);

/* Reads what is new in its rooms. */
void seat_read(struct seat *seat, uint64_t now_ms);
/* What its process has written, as far as it may speak now. */
void seat_listen(struct seat *seat, uint64_t now_ms);
/* Its rooms are told what it does, where that is another for a moment; when to call again, ms. */
uint64_t seat_show_state(struct seat *seat, uint64_t now_ms);
/* It has said so much that it has to wait: until when, ms; 0: it may speak. */
uint64_t seat_quiet_until(const struct seat *seat, uint64_t now_ms);

#endif
