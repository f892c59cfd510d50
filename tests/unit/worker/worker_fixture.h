/*
 * Two workers in one process, on one segment, with a transport that only remembers: what a
 * client was sent, and whether its socket is full, is the test's to say. Logins are real ones,
 * names are granted by a master made of a dozen lines.
 */
#ifndef TESTS_WORKER_FIXTURE_H
#define TESTS_WORKER_FIXTURE_H

#include "worker/conn.h"
#include "worker/flow.h"
#include "worker/worker.h"

#include "base/config.h"
#include "worker/control.h"

#define FIXTURE_WORKERS 2u

/* A client as the transport sees it. */
struct ws {
	struct conn *conn; /* NULL once closed */
	struct buf out;    /* every frame's bytes */
	size_t read;       /* of `out`, by fixture_next */
	unsigned frames;
	size_t longest; /* frame */
	bool full;      /* the next write fills its socket */
	bool blocked;
	bool broken;    /* writes fail */
	bool known;     /* it has logged in */
	uint64_t taken; /* by its kernel */
	bool waiting;   /* bytes that it has not taken */
	bool gone;      /* it has closed its side */
	unsigned close_code;
	unsigned pings;
	void (*written)(void); /* what happens elsewhere while it is written to; NULL: nothing */
};

struct fixture {
	struct config config; /* numbers only; change them before fixture_start_workers */
	struct segment_sizes sizes;
	struct shm shm;
	int bells[SLOTS_MAX][2];
	struct keyring *master_keyring, *keyring;
	struct names *names;
	struct buf keys; /* the authorized_keys file */
	int control_fd[FIXTURE_WORKERS];
	struct control *control[FIXTURE_WORKERS];
	struct inherit inherit[FIXTURE_WORKERS];
	struct worker worker[FIXTURE_WORKERS];
	struct ws *clients[512];
	unsigned client_count;
	bool claims_wait; /* the master doesn't answer claims */
	char instance[64], state_dir[64];
};

extern struct fixture fixture;

/* Fills config and sizes with small defaults. */
void fixture_defaults(void);
void fixture_start(void);
void fixture_finish(void);

struct ws *fixture_connect(unsigned worker);
/* The peer is gone. */
void fixture_cut(struct ws *ws);
/* One frame. */
void fixture_send(struct ws *ws, const char *lines);
/* Turns of both loops until nobody has anything left to do. */
void fixture_turn(void);
/* A second later: the look. */
void fixture_look(void);
/* The next line sent to it, without '\n', or NULL. Until the next call. */
const char *fixture_next(struct ws *ws);
/* Forgets what was sent so far. */
void fixture_forget(struct ws *ws);
/* The next line must hold this text. */
void fixture_expect(struct ws *ws, const char *text);
void fixture_expect_nothing(struct ws *ws);
/* The number behind `"name":` in a line. */
unsigned long fixture_number(const char *line, const char *name);

/* A login line for the challenge that comes next; `more` is put in as it is: ",\"device\":\"x\"".
 */
const char *fixture_login_line(struct ws *ws, const char *user, const char *more);
/* The same with the key of somebody else. */
const char *fixture_login_line_by(struct ws *ws, const char *user, const char *key_owner,
				  const char *more);
/* Connects and logs in; nothing of it is left to read. */
struct ws *fixture_enter(unsigned worker, const char *user);
struct ws *fixture_enter_with(unsigned worker, const char *user, const char *more);
/* Takes a user's key out of the file, and publishes that. */
void fixture_revoke_all(void);

#endif
