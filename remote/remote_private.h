/* The rooms of chat-agent: remote.c (the connection and the loop), remote_agent.c (the agent). */
#ifndef REMOTE_REMOTE_PRIVATE_H
#define REMOTE_REMOTE_PRIVATE_H

#include "agents/agent.h"
#include "agents/child.h"
#include "agents/memory.h"
#include "client/login.h"
#include "client/loop.h"
#include "client/session.h"
#include "client/state.h"
#include "client/transport.h"
#include "client/trust.h"
#include "remote/people.h"
#include "remote/remote.h"

/* Messages of its own that the server has not answered: then its program has to wait. */
#define REMOTE_UNANSWERED_MAX 16u

/* A message that waits for the server's word on who said it. */
struct remote_heard {
	struct remote_heard *next;
	unsigned room;
	uint64_t seq, target;
	bool answer; /* `option` of `target`, else content */
	char sender[NAME_SIZE];
	char kind[16]; /* "": an ordinary one */
	size_t len;
	char text[]; /* content or option */
};

struct remote {
	const struct remote_options *options;
	const struct config_agent *config;
	int status;
	bool ending, connected_once;

	/* the connection */
	struct loop *loop;
	struct transport *transport;
	struct session *session;
	struct login login;
	struct trust trust;
	struct state state;
	int64_t reconnect_at; /* -1: none is due */
	char id_prefix[32];

	/* the agent */
	struct agent agent;
	struct child_process child;
	char mark[NAME_SIZE + SERVER_NAME_SIZE + 16];
	int epoll_fd;
	struct buf unread;
	char *memory_path; /* owned; NULL: nothing is kept */
	struct memory memory;
	uint64_t asks; /* numbers their ids */

	struct people people;
	struct remote_heard *first, *last;
	bool asking; /* `users` is under way */
};

/* The first verb of both: 0 or -errno. */
int remote_agent_open(struct remote *remote);
void remote_agent_close(struct remote *remote);
void remote_agent_start(struct remote *remote);
void remote_agent_event(struct remote *remote, const struct session_event *event);
/* Reads and writes its pipes, and what is due. */
void remote_agent_turn(struct remote *remote);
/* ms of the monotonic clock; -1: never. */
int64_t remote_agent_deadline(const struct remote *remote);

#endif
