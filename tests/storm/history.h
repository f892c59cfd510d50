/*
 * What happened in a storm, as the programs saw it: every line sent, every answer, every
 * line received, in the order in which one observer met them. The checker reads nothing else.
 *
 * Logs are numbered: rooms first, then the inboxes of the users. Lines are numbered over
 * all programs in the order in which they were first sent, so of two lines of one program
 * the one with the lower number was sent first.
 */
#ifndef TESTS_STORM_HISTORY_H
#define TESTS_STORM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_LINE UINT32_MAX

enum event_kind {
	EVENT_SEND,    /* line, log: the room, or the recipient's inbox */
	EVENT_OK,      /* line, log, seq: where the server says it lies; flag DUPLICATE */
	EVENT_ERROR,   /* line; flag FINAL: it is not sent again */
	EVENT_ROOM,    /* log, epoch: lines follow behind `prev`; seq is the head */
	EVENT_RECEIVE, /* log, seq, prev: the seq before, line (NO_LINE: not one of ours), digest,
			  ref */
	EVENT_GAP,     /* log: lines above prev and below seq are gone, and it was said */
	EVENT_RESET,   /* log, epoch */
	EVENT_END      /* log: the program has asked for all there is; seq is the head */
};

enum event_flag { EVENT_DUPLICATE = 1, EVENT_FINAL = 2, EVENT_AGAIN = 4 };

struct event {
	uint8_t kind; /* enum event_kind */
	uint8_t flags;
	uint16_t program;
	uint16_t log;
	uint32_t line;
	uint64_t seq, prev;
	uint64_t digest; /* of the bytes of a line; of the epoch in ROOM and RESET */
	uint64_t ref;    /* of a direct message: the same in both copies */
};

struct history {
	struct event *event; /* owned */
	size_t count, cap;
	unsigned programs, rooms, logs; /* logs from `rooms` on are inboxes */
	uint32_t lines;
	const uint16_t *inbox_of; /* of each program: its user's inbox; borrowed */
};

/* Aborts when memory is full: a history with holes proves nothing. */
void history_add(struct history *history, const struct event *event);
/* Puts one between others: it becomes number `at`. */
void history_insert(struct history *history, size_t at, const struct event *event);
void history_remove(struct history *history, size_t at);
void history_copy(const struct history *from, struct history *ret_history);
void history_finish(struct history *history);

/* FNV-1a. */
uint64_t digest_of(const void *bytes, size_t len);

#endif
