/*
 * The inside of a client, for the files that make it: start.c (what the command line wants, and the
 * parts for it), client.c (what happens, and what follows from it), client_connection.c,
 * client_login.c and sending.c (the same for connections, for log-ins, for the lines of a pipe).
 */
#ifndef CLIENT_CLIENT_PRIVATE_H
#define CLIENT_CLIENT_PRIVATE_H

#include "client/client.h"
#include "client/commands.h"
#include "client/login.h"
#include "client/loop.h"
#include "client/pipe.h"
#include "client/reply.h"
#include "client/session.h"
#include "client/state.h"
#include "client/transport.h"
#include "client/trust.h"
#include "client/view.h"

struct client {
	const struct options *options;
	struct settings *settings; /* borrowed */
	bool typing;               /* a person types, commands are understood */
	bool sending;              /* the lines of standard input are sent */
	bool following;            /* what is said is printed */
	bool over_tls;             /* all connections are encrypted */

	struct loop *loop;
	struct transport *transport;
	struct session *session;
	struct view *view; /* NULL before the first key is ready */
	struct login login;
	struct trust trust;
	struct state state;
	struct commands commands;
	struct notify notify;
	struct pipe_sender pipe;
	struct journal journal;
	struct reply reply;
	int64_t reply_at; /* when we stop waiting for an answer; -1: not waiting yet */
	char id_prefix[64];
	const char *rooms[OPTION_ROOMS_MAX];
	size_t room_count;
	unsigned pages;

	bool connected_once;
	unsigned tries;        /* connections before the first welcome */
	int64_t challenged_at; /* when the challenge came that is being signed */
	int64_t reconnect_at;  /* -1: no reconnect is due */
	int64_t countdown_at;  /* when the seconds on the screen change; -1: never */
	bool told_lost;

	bool ending; /* the status is decided */
	int status;
	struct buf last_words; /* for stderr, once the terminal is itself again */
};

/* The callbacks of the parts; `owner` is the client. */
extern const struct loop_events client_loop_events;
extern const struct transport_events client_transport_events;
extern const struct view_input client_view_input;
void client_on_session(void *owner, const struct session_event *event);
void client_on_note(void *owner, enum note_tone tone, const char *text);

/*
 * Ends with this status; the first reason counts. The text goes to stderr at the very end; NULL:
 * nothing to tell.
 */
void client_end(struct client *client, int status, const char *text);

/* The output ended like this (0, or -errno): no error where only its reader went away. */
void client_end_written(struct client *client, int rc);

/* What happened was told to all parts: sends, draws, sets the timer for what is next. */
void client_settle(struct client *client);
/* Tells the person. */
void client_say(struct client *client, enum note_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void client_show_target(struct client *client);
/* ms of the clock that everything here goes by */
int64_t client_now(void);

/* ---- client_connection.c */
void connection_begin(struct client *client);
/* Shows how long it is until the next one. */
void connection_countdown(struct client *client);

/* ---- client_login.c: events of the session */
void login_challenged(struct client *client, const struct server_line *line);
void login_turned_down(struct client *client, const struct server_line *line);
void login_done(struct client *client, const struct session_event *event);

/* ---- sending.c */
/* A line of standard input (NULL: one that could not be read). */
void sending_line(struct client *client, const char *line, int64_t now_ms);
/* Is it over? Ends the client then; waits for an answer first where one is wanted. */
void sending_settle(struct client *client, int64_t now_ms);
/* A signal came before everything was sent. */
void sending_interrupted(struct client *client, int number);

/* What login needs of the terminal. */
struct login_terminal client_terminal(struct client *client);
/* Begins to connect, and sets the loop up for what comes. */
void client_connect(struct client *client);

#endif
