/*
 * Lines that may be lost (typing, read marks, partial text), and orders from process to process:
 * one datagram of the doorbells each. Lines travel ready, as they go on the wire.
 */
#ifndef SHM_NEWS_H
#define SHM_NEWS_H

#include "shm/doorbell.h"
#include "shm/room.h"

enum news_kind {
	NEWS_LIST = 1, /* this user's list of rooms has changed */
	NEWS_USER,     /* a line for all connections of a user */
	NEWS_ROOM,     /* a line for all subscribers of a room */
	NEWS_ORDER,    /* for the supervisor of the agents: the line is the agent's name */
	NEWS_TYPING    /* a line for all subscribers of a room; it may come behind newer lines */
};

struct news {
	uint8_t kind;   /* enum news_kind; first, never 0: a plain ring begins with 0 */
	uint8_t action; /* NEWS_ORDER: enum agent_action */
	uint8_t zero[2];
	uint32_t index;  /* a user, or a log */
	uint64_t epoch;  /* of his inbox, or of the log: an index may mean another one by now */
	uint32_t except; /* user, or SHM_NONE; NEWS_ORDER: who gave it */
	uint32_t len;
	char line[DOORBELL_DATAGRAM_MAX - 24];
};
_Static_assert(sizeof(struct news) == DOORBELL_DATAGRAM_MAX, "no padding");

/* `bytes` NULL: none. False: too long for a datagram. */
bool news_fill(struct news *news, enum news_kind kind, uint32_t index, uint64_t epoch,
	       const void *bytes, size_t len);
/* False: not sent. */
bool news_send(struct shm *shm, unsigned to_slot, const struct news *news);
/* To all others that have members in the log. */
void news_send_to_readers(struct shm *shm, uint32_t log, const struct news *news);
/* A datagram as it came: false where it is none of these. */
bool news_read(const void *bytes, size_t len, struct news *ret_news);

#endif
