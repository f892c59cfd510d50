/*
 * A session with a person and a server that the test plays. What the session tells is written
 * down as words, what it sends as lines; both are taken with the verbs below.
 */
#ifndef TESTS_SESSION_FIXTURE_H
#define TESTS_SESSION_FIXTURE_H

#include "client/session.h"

#include <stdbool.h>

struct played {
	struct session *session;
	struct buf told; /* "ready; message lobby 5 live; " */
	int64_t now_ms;
	bool quiet; /* do not write events down */
};

#define WELCOME(rooms, limits)                                                                     \
	"{\"type\":\"welcome\",\"version\":1,\"user\":\"alice\",\"session\":\"s\",\"last_id\":"    \
	"\"\","                                                                                    \
	"\"rooms\":[" rooms "],\"limits\":{" limits "}}"
#define LOBBY "{\"room\":\"lobby\",\"epoch\":\"e1\",\"first\":1,\"head\":0,\"members\":1}"
#define NO_RATE "\"rate\":[0,0],\"dedupe\":64"

/* One room wanted, or none; a window of lines; only: as pipes do. */
void played_create(struct played *played, const char *room, unsigned window, bool only);
/* One room, with what was said since that time (ms). */
void played_create_since(struct played *played, const char *room, int64_t since);
void played_destroy(struct played *played);
/* Connects and logs in up to and with this `welcome`. */
void played_log_in(struct played *played, const char *welcome);
/* Connects up to the `login` line. */
void played_connect(struct played *played);
/* A frame from the server. */
void played_receive(struct played *played, const char *frame);
void played_receivef(struct played *played, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Time goes by. */
void played_wait(struct played *played, int64_t ms);
/* The person says something to a room. */
int played_say(struct played *played, const char *room, const char *content);

/* What was told since the last time, and nothing else. */
void played_told(struct played *played, const char *expected);
/* What was sent since the last time, and nothing else. */
void played_sent(struct played *played, const char *expected);
/* The same, without looking. */
void played_forget(struct played *played);

#endif
