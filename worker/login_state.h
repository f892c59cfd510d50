/* What a connection needs until its login is done; given back then. */
#ifndef WORKER_LOGIN_STATE_H
#define WORKER_LOGIN_STATE_H

#include "worker/conn.h"

#include "auth/login.h"
#include "proto/message.h"

#include <sys/socket.h>

/* The fields of a login line that outlive it, while the master decides about a name. */
struct login_wish {
	char id[ID_SIZE];
	char device[DEVICE_SIZE];
	struct resume_entry *resume; /* owned; its rooms point into `names` */
	size_t resume_count;
	bool has_only;
	char (*only)[ROOM_SIZE]; /* owned */
	size_t only_count;
	char (*names)[ROOM_SIZE]; /* owned */
};

struct conn_login {
	uint64_t by_ms;         /* when it has to be done; 0: whenever */
	uint64_t verdict_at_ms; /* JUDGING: when a refusal is told, or a claim is tried again */
	uint64_t bucket;        /* for lines before the login */
	unsigned failed;        /* attempts */
	bool proxied;           /* the peer's address is what a proxy says */
	char exporter[BINDING_SIZE]; /* what binds a login to this connection; "": nothing does */
	char nonce[NONCE_SIZE];
	int64_t expires_s;
	uint64_t received_ms; /* the login line that is judged */
	struct login_wish wish;
	/* A refusal that waits for its time: the same for every reason. */
	enum proto_error refusal; /* PROTO_OK: a claim is under way */
	char refusal_text[LOGIN_MESSAGE_SIZE];
	/* A good login whose name the master has to grant first. */
	struct login_result result;
	uint64_t claim;  /* control.h's number; 0: none, or it is to be tried again */
	struct buf held; /* lines that came meanwhile */
};

/* NULL: out of memory. */
struct conn_login *login_state_create(const struct ws_peer *peer);
/* Cancels a claim; accepts NULL. */
void login_state_destroy(struct worker *worker, struct conn_login *login);
/* Copies what is needed of a login line: 0 or -ENOMEM. */
int login_wish_take(struct login_wish *wish, const struct message *message);
void login_wish_finish(struct login_wish *wish);

/* Sends a fresh challenge; the connection is CHALLENGED. */
void login_challenge(struct conn *conn);
/* JUDGING: the time has come to tell a refusal, or to try a claim again. */
void login_verdict_due(struct conn *conn);
/* The 20 s are over. */
void login_timed_out(struct conn *conn);

#endif
