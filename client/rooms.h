/*
 * The rooms a client follows, each with its cursor: the client's half of "rooms are logs"
 * (docs/protocol.md). Pure bookkeeping.
 *
 *	seq <= after            seen already: drop
 *	prev (or seq-1) = after the next line: take, after = seq
 *	anything else           lines are missing and no `gap` said so: join again
 */
#ifndef CLIENT_ROOMS_H
#define CLIENT_ROOMS_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct room {
	char name[ROOM_SIZE];
	char epoch[EPOCH_LEN_MAX + 1]; /* "" until a `room` line told it */
	int64_t after;                 /* the last line taken; -1: no cursor yet */
	int64_t oldest;                /* the oldest line seen, history included; 0: none */
	int64_t members;               /* -1: not told */
	char *topic;                   /* owned, never NULL */
	int64_t ask;                   /* the newest question here; 0: none */
	bool ask_open;                 /* nobody has answered it yet */
	bool after_gap;                /* a `gap` came: the next line is taken whatever its prev */
	bool rejoining;                /* a join is under way to fetch missing lines */
	/* what was said since some time is fetched first (session_since.c) */
	bool catching; /* it is being fetched; other lines come again after it */
	bool caught_up;
	bool since_joining;  /* the join behind it is under way */
	int64_t caught;      /* the last line of it that came; -1: none */
	int64_t since_last;  /* where that join goes on from */
	int64_t read_wanted; /* printed up to here ... */
	int64_t read_sent;   /* ... and the server was told so */
};

struct rooms {
	struct room **items; /* owned; sorted by nothing: in the order they came */
	size_t count;
};

enum room_verdict { ROOM_TAKE, ROOM_DROP, ROOM_REJOIN };

void rooms_finish(struct rooms *rooms);
/* NULL where there is none. */
struct room *rooms_find(const struct rooms *rooms, const char *name);
/* Finds or adds; NULL where the name is too long or memory is out. Pointers stay valid. */
struct room *rooms_add(struct rooms *rooms, const char *name);
void rooms_remove(struct rooms *rooms, const char *name);

/* What to do with a live line; `prev` is -1 where the line has none. Moves the cursor on TAKE. */
enum room_verdict room_take(struct room *room, int64_t seq, int64_t prev);
/* This line was seen, live or as history: the next /history goes on before it. */
void room_saw(struct room *room, int64_t seq);
/* A question was asked, or answered: /allow and /deny mean the newest one. */
void room_asked(struct room *room, int64_t seq);
void room_answered(struct room *room, int64_t target);
/* A `room` line: this epoch, and lines continue from `after`. */
void room_announce(struct room *room, const char *epoch, int64_t after);
/* A `gap` line: what lies between the cursor and `next` is gone from memory. */
void room_gap(struct room *room, int64_t next);
/* A `reset` line: numbers start afresh. */
void room_reset(struct room *room, const char *epoch);
/* 0 or -ENOMEM. NULL counts as "". */
int room_set_topic(struct room *room, const char *topic);

#endif
