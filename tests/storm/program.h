/*
 * One program of one user, as docs/protocol.md wants a client to be: it keeps a cursor for
 * each log, comes back with them after each loss, and sends again what was not answered,
 * with the same ids and in the same order.
 *
 *	away ──due──> connecting ──welcome──> live
 *	  └──────────── lost, cut, silent ───────┘
 *
 * Everything it meets goes into the world's history.
 */
#ifndef TESTS_STORM_PROGRAM_H
#define TESTS_STORM_PROGRAM_H

#include "tests/storm/link.h"
#include "tests/storm/login.h"
#include "tests/storm/world.h"

#define CONTENT_SIZE 256u
#define ROOMS_EACH 3u
#define UNANSWERED_MAX 16u /* fewer than limits.dedupe */
#define CURSORS_MAX (ROOMS_EACH + 1)

enum program_state { PROGRAM_AWAY, PROGRAM_CONNECTING, PROGRAM_LIVE };

struct cursor {
	uint16_t log;
	bool known;     /* epoch and after count */
	bool announced; /* on this connection */
	char epoch[65];
	uint64_t after, head;
};

struct unanswered {
	uint32_t line;
	uint16_t log;
	bool refused; /* for the moment: sent again when the others are answered */
	bool again;   /* it has been sent more than once */
	uint64_t sent_us;
};

struct program {
	struct world *world;
	unsigned number, user;
	char name[16], device[16], server[32];
	struct login_key key;
	unsigned room_count;
	uint16_t rooms[ROOMS_EACH]; /* member of these */
	bool subscribes;            /* reads them, too; its inbox it always reads */
	bool sends;
	unsigned users; /* in the storm: whom to write to */

	struct link link;
	enum program_state state;
	uint64_t due_us; /* away: when to try again. connecting: when to give up */
	uint64_t dialled_us;
	uint64_t lost_us;       /* since when it has been away; 0: on purpose */
	uint64_t not_before_us; /* retry_after_ms of a bye */
	enum outage cause;
	unsigned tries, joins_left;
	bool joined; /* once, at the beginning */
	bool ended;

	struct cursor cursor[CURSORS_MAX];
	unsigned cursor_count;
	struct unanswered unanswered[UNANSWERED_MAX];
	unsigned unanswered_count;
	unsigned answered, refusals, losses; /* counted for whoever sets them to 0 */
	uint64_t hold_until_us;              /* after a refusal for the moment */
	uint64_t next_send_us, heard_us, ping_us, read_us, read_seq;
};

void program_init(struct program *program, struct world *world, unsigned number, unsigned user);
void program_finish(struct program *program);
/* What time alone demands: dialling, giving up, pings, lines. */
void program_step(struct program *program);
/* An event of its socket. */
void program_event(struct program *program, uint32_t events);
/* Up to so many new lines at once, whatever the time: they are on their way when the blow falls. */
void program_burst(struct program *program, unsigned lines);
/* Its connection ends, and it stays away for a while. `on_purpose`: that is no outage. */
void program_cut(struct program *program, bool reset, unsigned away_ms, bool on_purpose);

/* ---- for reader.c ---- */

/* The text of a line is known from its number, so that a reader sees a torn one. */
void line_content(uint32_t line, char out[CONTENT_SIZE]);
/* The connection is over; the next one is due after a while. */
void program_lost(struct program *program, enum outage cause);
/* Sends all that is unanswered once more, in order. */
void program_resend(struct program *program);

#endif
