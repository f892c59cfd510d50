/*
 * One program that is a member of rooms: what it is told, what is said in its name, when it is
 * started, stopped and started again. A machine without clock, process or room of its own: who runs
 * one feeds it what happens, and does what it asks for.
 *
 *	             ┌──────── agent_hear, agent_order, agent_answered
 *	OFF ──start──> RUNNING ──agent_exited──> WAITING ──due──> RUNNING
 *	 ^               │ order, silence          │ circuit, policy
 *	 │               v                         v
 *	 └────────── STOPPING ───────────────────> OFF
 *
 * A turn is one message that is for it. They come to it in the order they were said. One that it
 * has done anything about is not sent again when it dies.
 *
 *	stream-json   one turn at a time, from the message to its `result`
 *	lines         every message is written at once; each line it says ends the oldest turn that
 *is open, and a turn that gets no line is over after AGENT_LINES_TURN_MS
 *
 * Time is monotonic ms; agent_due says when agent_tick has something to do.
 */
#ifndef AGENTS_AGENT_H
#define AGENTS_AGENT_H

#include "agents/restart.h"
#include "base/buf.h"
#include "base/config_agent.h"
#include "proto/error.h"
#include "proto/stream_json.h"
#include "proto/text.h"
#include "shm/agent_board.h"

#include <stdbool.h>
#include <stdint.h>

#define AGENT_TURN_TEXT_MAX 262144u /* of one turn; what is more is cut */
#define AGENT_LINES_TURN_MS 5000u
#define AGENT_PAUSE_MS 2000u  /* lines: what comes after it is no part of what was before */
#define AGENT_PARTIAL_MS 250u /* at most 4 a second */
#define AGENT_TRIES 2u        /* a turn is sent again once */
#define AGENT_ASKS_MAX 8u
#define AGENT_STDERR_LINES 20u
#define AGENT_STDERR_LEN 200u

#define AGENT_SAY_LATER (UINT64_C(1) << 63)

/* What is said in the agent's name. */
struct agent_saying {
	unsigned room;
	struct text content;
	const char *kind, *format; /* NULL: left out */
	uint64_t reply_to;         /* 0: none */
	/* kind "ask" */
	const char *const *options, *const *approve; /* NULL ends them */
	int64_t expires_wall_s;
};

/* What an agent does to the world. All are called with `data`. */
struct agent_host {
	/* The process, with `session` to go on with, or "": 0 or -errno. Its input is empty. */
	int (*start)(void *data, const char *session);
	void (*write)(void *data, const void *bytes, size_t len);
	void (*close_input)(void *data);
	/* To its process group; SIGKILL: to everything that came of it. */
	void (*kill)(void *data, int signal_number);
	/*
	 * The seq it got; 0: it could not be said; AGENT_SAY_LATER and a number: agent_asked tells
	 * the seq, if it is one of kind "ask".
	 */
	uint64_t (*say)(void *data, const struct agent_saying *saying);
	void (*partial)(void *data, unsigned room, struct text content);
	/* A word to one person alone. */
	void (*tell)(void *data, const char *user, enum proto_error code, const char *text);
	/* Its state, queue or sums are others. */
	void (*changed)(void *data);
	/* What has to outlive this process is another: see agent_done, produced, session. */
	void (*keep)(void *data);
};

enum agent_run { AGENT_RUN_OFF, AGENT_RUN_WAITING, AGENT_RUN_RUNNING, AGENT_RUN_STOPPING };
enum agent_stop { AGENT_STOP_NONE, AGENT_STOP_INPUT, AGENT_STOP_TERM, AGENT_STOP_KILL };

struct agent_turn {
	struct agent_turn *next;
	unsigned room;
	uint64_t seq;
	char sender[NAME_SIZE];
	char uuid[STREAM_UUID_SIZE];
	bool sent, produced;
	unsigned tries;
	uint64_t sent_ms;
	size_t len;
	char content[]; /* NUL-terminated */
};

struct agent_ask {
	char *request_id, *input; /* owned; NULL: free */
	unsigned room;
	uint64_t seq;
	uint64_t until_ms;
};

struct agent_sums {
	uint64_t turns, failures, restarts, busy_ms, cost_microusd, unknown_lines;
};

struct agent {
	const struct config_agent *config; /* borrowed */
	const struct agent_host *host;     /* borrowed */
	void *data;
	char rooms[AGENT_ROOMS_MAX][NAME_SIZE];
	unsigned room_count;

	enum agent_run run;
	enum agent_stop stop;
	bool start_again; /* STOPPING: it is to run again at once */
	bool closing;     /* the server stops: nothing is started any more */
	uint64_t due_ms;  /* WAITING: start; STOPPING: the next step */
	uint64_t born_ms;
	struct restart restart;

	/* Turns, oldest first: those that were sent stand in front. */
	struct agent_turn *first, *last;
	unsigned waiting; /* not sent yet */
	uint64_t heard[AGENT_ROOMS_MAX];
	/* A turn that had done something when this process's predecessor died, of each room. */
	uint64_t produced[AGENT_ROOMS_MAX];
	unsigned speaks_in; /* lines: the room of what it says of itself */

	/* The turn under way. */
	uint64_t word_ms;  /* the last thing it wrote in it */
	bool interrupted;  /* told to stop it */
	bool silenced;     /* because it was silent: silent again is a restart */
	struct buf text;   /* what is to be said at its end */
	struct buf part;   /* what is written just now */
	size_t turn_bytes; /* of text in this turn */
	bool cut;
	uint64_t partial_ms;
	bool partial_due;
	struct agent_ask asks[AGENT_ASKS_MAX];

	/* stream-json */
	char session[STREAM_ID_LEN_MAX + 1];
	bool resumed, init_seen; /* since it was started */
	uint64_t last_cost;
	uint64_t interrupts;

	struct buf line; /* of its output, unfinished */
	bool line_cut;
	char last_stderr[AGENT_STDERR_LINES][AGENT_STDERR_LEN];
	unsigned stderr_at, stderr_count;
	struct buf stderr_line;

	struct agent_sums sums;
	uint64_t busy_since_ms; /* 0: it isn't */
};

/* `room` of the list; all of them are this agent's. Strings are copied. */
void agent_init(struct agent *agent, const struct config_agent *config, const char *rooms,
		const struct agent_host *host, void *data);
/* Says nothing, kills nothing. */
void agent_finish(struct agent *agent);

/* Runs it from now on. */
void agent_start(struct agent *agent, uint64_t now_ms);
/* The server stops: the stop sequence, and nothing after it. */
void agent_close(struct agent *agent, uint64_t now_ms);
bool agent_is_over(const struct agent *agent); /* no process is left */

/* A stored message of a room; lines of other types: NULL content. In order, each once. */
struct agent_message {
	unsigned room;
	uint64_t seq;
	const char *sender;
	bool is_op, is_agent;
	const char *kind; /* NULL: an ordinary one */
	struct text content;
};
void agent_hear(struct agent *agent, const struct agent_message *message, uint64_t now_ms);
/* What `say` returned for a question has become this seq, 0: it could not be said. */
void agent_asked(struct agent *agent, uint64_t later, uint64_t seq);
void agent_answered(struct agent *agent, unsigned room, uint64_t target, const char *option,
		    const char *sender, bool is_op, uint64_t now_ms);
/* AGENT_RESTART, AGENT_STOP and AGENT_INTERRUPT of proto/message.h, as their words. */
enum agent_wish { AGENT_WISH_RESTART, AGENT_WISH_STOP, AGENT_WISH_INTERRUPT };
void agent_order(struct agent *agent, enum agent_wish wish, const char *by, uint64_t now_ms);

/* Bytes of its standard output and error, in pieces of any size. */
void agent_output(struct agent *agent, const char *bytes, size_t len, uint64_t now_ms);
void agent_errors(struct agent *agent, const char *bytes, size_t len);
/* The process and all that came of it are gone. `status` as of waitpid. */
void agent_exited(struct agent *agent, int status, uint64_t now_ms);

void agent_tick(struct agent *agent, uint64_t now_ms);
/* UINT64_MAX: never. */
uint64_t agent_due(const struct agent *agent);

/* Everything in the room up to here is finished: a successor begins behind it. */
uint64_t agent_done(const struct agent *agent, unsigned room);
/* The turn of the room that has done something and isn't finished; 0: none. */
uint64_t agent_produced(const struct agent *agent, unsigned room);
enum agent_state agent_state(const struct agent *agent);

#endif
