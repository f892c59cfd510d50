#include "client/client_private.h"

#include "base/clock.h"
#include "client/ask.h"
#include "client/clean.h"
#include "client/trouble.h"
#include "proto/name.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SIGN_SLOW_MS 15000 /* a passphrase took so long that the server is about to hang up */
#define FIRST_TRIES 5u     /* connections that end before the first welcome */
#define PAGES_MAX 20u      /* of a long list that is asked for */
#define HELD_TELL_MS 1000  /* shorter waits are nobody's business */

static int64_t now(void)
{
	return (int64_t)clock_mono_ms();
}

static void connect_now(struct client *client);

/* ---- telling and ending */

static void say(struct client *client, enum note_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct client *client, enum note_tone tone, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (client->view)
		client->view->ops->note(client->view, tone, text);
}

void client_end(struct client *client, int status, const char *text)
{
	if (client->ending)
		return;
	client->ending = true;
	client->status = status;
	if (text && text[0])
		buf_append_str(&client->last_words, text);
	if (session_state(client->session) == SESSION_READY) {
		session_leave(client->session, now());
		transport_send(client->transport, session_output(client->session));
		return; /* the server closes, or the session gets tired of waiting */
	}
	loop_stop(client->loop);
}

void client_end_written(struct client *client, int rc)
{
	bool failed = rc < 0 && rc != -EPIPE;
	struct buf text = BUF_INIT;

	if (failed)
		buf_printf(&text, "what is said cannot be written: %s", strerror(-rc));
	client_end(client, failed ? EXIT_STATUS_REFUSED : EXIT_STATUS_OK, text.data);
	buf_finish(&text);
}

static void show_target(struct client *client)
{
	if (client->view && client->typing)
		client->view->ops->target(client->view, session_user(client->session),
					  client->commands.target);
}

static void pause_view(void *owner)
{
	struct client *client = owner;

	if (client->view)
		client->view->ops->pause(client->view);
}

static void resume_view(void *owner)
{
	struct client *client = owner;

	if (client->view)
		client->view->ops->resume(client->view);
}

struct login_terminal client_terminal(struct client *client)
{
	return (struct login_terminal){.pause = pause_view, .resume = resume_view, .owner = client};
}

/* ---- what follows from what happened: sent, timed, ended */

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

static void settle(struct client *client)
{
	const struct view_ops *ops = client->view ? client->view->ops : NULL;
	int64_t at, delay;

	if (ops && ops->is_broken(client->view))
		client_end_written(client, ops->trouble ? ops->trouble(client->view) : 0);
	if (client->commands.quit)
		client_end(client, EXIT_STATUS_OK, NULL);
	if (client->sending && !client->following)
		sending_settle(client, now());
	if (client->view)
		client->view->ops->refresh(client->view);
	transport_send(client->transport, session_output(client->session)); /* what it saw, too */
	loop_want_input(
		client->loop,
		!client->ending && client->view &&
			(client->typing || (client->sending && pipe_wants_input(&client->pipe))));
	at = earlier(session_deadline(client->session), client->reconnect_at);
	at = earlier(at, client->countdown_at);
	at = earlier(at, client->reply_at);
	if (client->sending)
		at = earlier(at, pipe_deadline(&client->pipe));
	if (client->view && client->view->ops->deadline)
		at = earlier(at, client->view->ops->deadline(client->view));
	delay = at < 0 ? -1 : at - now();
	loop_set_timer(client->loop, at < 0 ? -1 : delay > 0 ? delay : 0);
}

/* ---- logging in */

static void no_key_left(struct client *client)
{
	struct buf text = BUF_INIT;

	login_explain(&client->login, client->options->user, client->options->server, &text);
	client_end(client, EXIT_STATUS_LOGIN, text.data);
	buf_finish(&text);
}

/* What the login line says of a binding: the server computes the rest for itself. */
static const char *binding_kind(const char *binding)
{
	return strcmp(binding, BINDING_NONE) == 0 ? BINDING_NONE : BINDING_TLS_EXPORTER;
}

static void on_challenge(struct client *client, const struct server_line *line)
{
	struct buf problem = BUF_INIT;
	struct login_fields fields = {
		.server = client->options->server,
		.user = client->options->user,
		.nonce = session_nonce(client->session),
		.expires = session_expires(client->session),
	};
	struct login_terminal terminal = client_terminal(client);
	struct buf base64 = BUF_INIT;
	int rc;

	client->challenged_at = now();
	fields.binding =
		trust_binding(&client->trust, line->binding_none, line->binding_exporter, &problem);
	if (!fields.binding) {
		client_end(client, EXIT_STATUS_LOGIN, problem.data);
		buf_finish(&problem);
		return;
	}
	rc = login_sign(&client->login, &fields, &terminal, &base64);
	if (rc < 0)
		no_key_left(client);
	else if (now() - client->challenged_at > SIGN_SLOW_MS)
		transport_close(client->transport); /* too late; next time it is quick */
	else if (session_login(client->session, binding_kind(fields.binding), base64.data, now()) <
		 0)
		client_end(client, EXIT_STATUS_LOGIN, "out of memory");
	buf_finish(&base64);
}

static bool is_code(const char *code, const char *one_of)
{
	size_t len = code ? strlen(code) : 0;

	for (const char *at = one_of; len > 0 && *at; at += strcspn(at, " "), at += *at == ' ') {
		if (strcspn(at, " ") == len && strncmp(at, code, len) == 0)
			return true;
	}
	return false;
}

static void on_login_refused(struct client *client, const struct server_line *line)
{
	const char *message = line->message && line->message[0] ? line->message : line->code;
	bool taken = is_code(line->code, "name_taken");
	struct buf text = BUF_INIT;

	if (taken || is_code(line->code, "auth_failed")) {
		if (login_refused(&client->login, message, taken) < 0)
			no_key_left(client);
		return;
	}
	if (line->fatal) /* the close frame says whether to come back */
		return;
	if (is_code(line->code, "unavailable busy rate_limited server_full internal")) {
		transport_close(client->transport);
		return;
	}
	buf_append_str(&text, "the server refuses the log-in: ");
	clean_append_str(&text, message, CLEAN_LINE);
	client_end(client, EXIT_STATUS_LOGIN, text.data);
	buf_finish(&text);
}

static void greet(struct client *client, const struct server_line *welcome)
{
	struct buf rooms = BUF_INIT;

	for (size_t i = 0; i < welcome->room_count; i++) {
		if (name_is_inbox(welcome->rooms[i].room))
			continue;
		buf_append_str(&rooms, rooms.len > 0 ? ", #" : "; you are in #");
		clean_append_str(&rooms, welcome->rooms[i].room, CLEAN_LINE);
	}
	say(client, NOTE_QUIET, "you are %s on %s%s; /help lists the commands",
	    session_user(client->session), client->options->server, rooms.data ? rooms.data : "");
	buf_finish(&rooms);
}

static void on_ready(struct client *client, const struct session_event *event)
{
	const char *fingerprint = login_accepted(&client->login);
	bool first = !session_was_ready(client->session);

	/* a state folder that cannot be written costs a second guess next time, no more */
	if (fingerprint[0] && !client->options->key)
		(void)state_remember_key(&client->state, fingerprint);
	client->view->ops->show(client->view, event);
	client->view->ops->connection(client->view, "");
	if (client->told_lost && !client->view->shows_connection)
		say(client, NOTE_QUIET, "back");
	client->told_lost = false;
	if (first && client->options->id_prefix)
		pipe_resume(&client->pipe, event->line->last_id);
	if (client->typing) {
		/* for completion: a room that is not heard of is only typed in full */
		(void)session_send(client->session,
				   &(struct request_ask){.kind = REQUEST_ROOMS, .own = true},
				   now());
		if (first)
			greet(client, event->line);
		show_target(client);
	}
}

/* ---- events of the session */

static void ask_next_page(struct client *client, const struct session_event *event)
{
	struct request_ask ask = {.kind = event->request->kind,
				  .target = event->request->target,
				  .cursor = event->line->cursor};

	if (event->request->own)
		return; /* whoever asked goes on by himself */

	if (client->pages < PAGES_MAX && session_send(client->session, &ask, now()) == 0)
		client->pages++;
	else
		say(client, NOTE_QUIET, "the list goes on; ask for less of it");
}

static void on_error(struct client *client, const struct session_event *event)
{
	const struct request *request = event->request;

	if (!request || request->kind != REQUEST_JOIN || !request->target)
		return;
	if (client->typing) {
		commands_join_refused(&client->commands, request->target);
		show_target(client);
	} else {
		/* without its room a pipe has nothing to do; the view has told why */
		client_end(client, EXIT_STATUS_REFUSED, NULL);
	}
}

/* Of someone whom the person does not want to hear? */
static bool is_ignored(const struct client *client, const struct server_line *line)
{
	return client->typing && server_line_is_sequenced(line) &&
	       line->type != SERVER_LINE_MODERATION && line->type != SERVER_LINE_TOPIC &&
	       settings_ignores(client->settings, line->sender);
}

static void on_line(struct client *client, const struct session_event *event)
{
	const struct server_line *line = event->line;
	/* the last words before a close are told with what follows from it */
	bool last =
		line->type == SERVER_LINE_BYE || (line->type == SERVER_LINE_ERROR && line->fatal);
	bool shown;

	/* what is not shown is read with what stands around it: a screen knows best how far */
	if (is_ignored(client, line))
		shown = !client->view->tells_read;
	else
		shown = (!last || client->options->json) &&
			client->view->ops->show(client->view, event);

	if (shown && server_line_is_sequenced(line) && event->freshness != SESSION_HISTORY &&
	    (client->typing || name_is_inbox(line->room)))
		session_mark_read(client->session, line->room, line->seq, now());
	if (line->type == SERVER_LINE_PONG && client->view->ops->latency)
		client->view->ops->latency(client->view, session_latency(client->session));
	if (client->sending)
		pipe_event(&client->pipe, event);
	if (client->options->wait_reply_ms > 0)
		reply_event(&client->reply, event);
	if (line->type == SERVER_LINE_ERROR)
		on_error(client, event);
	if (line->type == SERVER_LINE_LEFT || (line->type == SERVER_LINE_OK && event->request &&
					       event->request->kind == REQUEST_LEAVE)) {
		const char *room = line->room ? line->room : event->request->target;

		if (room)
			commands_room_gone(&client->commands, room);
		show_target(client);
	}
	if ((line->type == SERVER_LINE_ROOMS || line->type == SERVER_LINE_USERS) &&
	    event->request && line->cursor)
		ask_next_page(client, event);
}

static void on_silent(struct client *client)
{
	struct buf text = BUF_INIT;

	if (client->ending || session_was_ready(client->session)) {
		transport_close(client->transport);
		return;
	}
	buf_printf(&text, "no answer from %s: the connection stands, but nothing is said",
		   client->options->server);
	client_end(client, EXIT_STATUS_TIMEOUT, text.data);
	buf_finish(&text);
}

void client_on_session(void *owner, const struct session_event *event)
{
	struct client *client = owner;

	switch (event->type) {
	case SESSION_EVENT_CHALLENGE:
		client->view->ops->show(client->view, event);
		on_challenge(client, event->line);
		break;
	case SESSION_EVENT_LOGIN_REFUSED:
		client->view->ops->show(client->view, event);
		on_login_refused(client, event->line);
		break;
	case SESSION_EVENT_READY:
		on_ready(client, event);
		break;
	case SESSION_EVENT_LINE:
		on_line(client, event);
		break;
	case SESSION_EVENT_MISSING:
		say(client, NOTE_QUIET, "#%s is not your room any more", event->room);
		commands_room_gone(&client->commands, event->room);
		break;
	case SESSION_EVENT_HELD:
		client->view->ops->show(client->view, event);
		if (client->typing && event->delay_ms >= HELD_TELL_MS)
			say(client, NOTE_QUIET,
			    "the server asks for patience; sent again in %" PRId64 " s",
			    (event->delay_ms + 999) / 1000);
		break;
	case SESSION_EVENT_SILENT:
		on_silent(client);
		break;
	}
}

/* ---- events of the transport */

static int ask_to_trust(void *owner, const char *question)
{
	struct client *client = owner;
	struct buf answer = BUF_INIT;
	int rc;

	pause_view(client);
	rc = ask_line(question, &answer);
	while (rc == 0 && strcasecmp(answer.data ? answer.data : "", "yes") != 0) {
		if (answer.len > 0 && strcasecmp(answer.data, "no") == 0)
			rc = -EPERM;
		buf_reset(&answer);
		if (rc == 0)
			rc = ask_line("Please type yes or no: ", &answer);
	}
	resume_view(client);
	buf_finish(&answer);
	return rc;
}

static void on_open(void *owner, const struct tls_peer *peer)
{
	struct client *client = owner;
	struct buf problem = BUF_INIT;
	int rc;

	client->connected_once = true;
	rc = trust_judge(&client->trust, peer, ask_to_trust, client, &problem);
	if (rc < 0)
		client_end(client, EXIT_STATUS_LOGIN, problem.data);
	buf_finish(&problem);
	if (rc < 0) {
		settle(client);
		return;
	}
	login_connected(&client->login);
	session_connected(client->session, now());
	settle(client);
}

static void on_message(void *owner, const char *data, size_t len)
{
	struct client *client = owner;

	client->pages = 0;
	session_receive(client->session, data, len, now());
	settle(client);
}

/* There was no connection at all: for a person the reason is what counts. */
static void on_first_failure(struct client *client, const struct transport_end *end)
{
	struct buf text = BUF_INIT;
	int status = trouble_connect(client->options->host, client->options->port, end, &text);

	client_end(client, status, text.data);
	buf_finish(&text);
}

static void countdown(struct client *client)
{
	int64_t left = client->reconnect_at - now();
	char text[64];

	snprintf(text, sizeof(text), "reconnecting in %" PRId64 " s", (left + 999) / 1000);
	client->view->ops->connection(client->view, left > 0 ? text : "reconnecting");
	client->countdown_at = left > 1000 ? now() + (left - 1) % 1000 + 1 : -1;
}

static void tell_lost(struct client *client, const struct session_loss *loss)
{
	const char *why = loss->message[0] ? loss->message : loss->code;
	char when[48] = "";

	if (client->view->shows_connection && !why[0])
		return;
	if (loss->delay_ms >= 1000)
		snprintf(when, sizeof(when), " in %" PRId64 " s", (loss->delay_ms + 999) / 1000);
	say(client, NOTE_QUIET, "connection lost%s%s; reconnecting%s", why[0] ? ": " : "", why,
	    when);
}

static void come_back(struct client *client, const struct session_loss *loss)
{
	/* once, however many attempts it takes */
	if (session_was_ready(client->session) && !client->told_lost) {
		client->told_lost = true;
		tell_lost(client, loss);
	}
	client->reconnect_at = now() + loss->delay_ms;
	countdown(client);
}

static void on_closed(void *owner, const struct transport_end *end)
{
	struct client *client = owner;
	struct session_loss loss = session_lost(client->session, end->close_code, now());
	bool first = !session_was_ready(client->session);
	struct buf text = BUF_INIT;

	if (client->ending) {
		loop_stop(client->loop);
	} else if (!client->connected_once &&
		   (!end->answered || client->options->once || ++client->tries >= FIRST_TRIES)) {
		on_first_failure(client, end);
	} else if (loss.verdict == SESSION_GIVE_UP) {
		trouble_give_up(&loss, end, &text);
		client_end(client, loss.in_login && first ? EXIT_STATUS_LOGIN : EXIT_STATUS_REFUSED,
			   text.data);
	} else if (client->options->once) {
		trouble_lost(&loss, end, &text);
		client_end(client, EXIT_STATUS_NETWORK, text.data);
	} else if (first && client->connected_once && ++client->tries >= FIRST_TRIES) {
		trouble_lost(&loss, end, &text);
		client_end(client, EXIT_STATUS_NETWORK, text.data);
	} else {
		come_back(client, &loss);
	}
	buf_finish(&text);
	settle(client);
}

static void connect_now(struct client *client)
{
	const struct options *options = client->options;
	int rc;

	client->reconnect_at = -1;
	client->countdown_at = -1;
	rc = transport_connect(client->transport, options->host, options->port, options->server,
			       !options->insecure && !client->over_tls);
	if (rc < 0)
		client_end(client, EXIT_STATUS_NETWORK, strerror(-rc));
}

/* ---- events of the loop */

static void on_timer(void *owner)
{
	struct client *client = owner;

	session_tick(client->session, now());
	if (client->sending)
		pipe_tick(&client->pipe, now());
	if (client->reconnect_at >= 0 && now() >= client->reconnect_at)
		connect_now(client);
	else if (client->countdown_at >= 0 && now() >= client->countdown_at)
		countdown(client);
	settle(client);
}

static void on_input(void *owner)
{
	struct client *client = owner;

	client->view->ops->read(client->view);
	settle(client);
}

static void on_output_gone(void *owner)
{
	struct client *client = owner;

	client_end(client, EXIT_STATUS_OK, NULL); /* as for EPIPE: that is no error */
	settle(client);
}

static void on_signal(void *owner, int number)
{
	struct client *client = owner;
	bool unfinished = client->sending && !pipe_is_done(&client->pipe);

	if (number == SIGWINCH)
		client->view->ops->resize(client->view);
	else if (number == SIGCONT)
		client->view->ops->resume(client->view);
	else if (client->ending)
		loop_stop(client->loop); /* asked twice */
	else if (unfinished)
		sending_interrupted(client, number);
	else
		client_end(client, EXIT_STATUS_OK, NULL);
	settle(client);
}

/* ---- what is typed */

static void on_typed(void *owner, const char *text)
{
	struct client *client = owner;

	if (client->sending) {
		sending_line(client, text, now());
		return;
	}
	if (text)
		commands_run(&client->commands, text, now());
	if (session_state(client->session) != SESSION_READY &&
	    session_unanswered(client->session) > 0)
		say(client, NOTE_QUIET, "not connected; it goes out when the connection is back");
	show_target(client);
}

static void on_input_end(void *owner)
{
	struct client *client = owner;

	if (client->sending)
		pipe_end(&client->pipe, now());
	else
		client->commands.quit = true;
}

static void on_suspend(void *owner)
{
	struct client *client = owner;

	client->view->ops->pause(client->view);
	kill(getpid(), SIGTSTP); /* on SIGCONT the view comes back */
}

/* ---- what a screen of one room at a time asks for */

static void on_go(void *owner, const char *target)
{
	struct client *client = owner;

	commands_go(&client->commands, target);
	show_target(client);
}

static void on_ask(void *owner, const struct request_ask *ask)
{
	struct client *client = owner;

	/* out of memory: the screen shows what it has */
	(void)session_send(client->session, ask, now());
}

static void on_read(void *owner, const char *room, int64_t seq)
{
	struct client *client = owner;

	session_mark_read(client->session, room, seq, now());
}

static void on_typing(void *owner, const char *room)
{
	struct client *client = owner;

	session_typing(client->session, room);
}

static void on_measure(void *owner)
{
	struct client *client = owner;

	session_measure(client->session, now());
}

void client_on_note(void *owner, enum note_tone tone, const char *text)
{
	struct client *client = owner;

	if (client->view)
		client->view->ops->note(client->view, tone, text);
}

/* ---- the callbacks, as the parts want them */

const struct loop_events client_loop_events = {
	.input = on_input,
	.timer = on_timer,
	.output_gone = on_output_gone,
	.signal = on_signal,
};

const struct transport_events client_transport_events = {
	.open = on_open,
	.message = on_message,
	.closed = on_closed,
};

const struct view_input client_view_input = {
	.line = on_typed,
	.end = on_input_end,
	.suspend = on_suspend,
	.go = on_go,
	.ask = on_ask,
	.read = on_read,
	.typing = on_typing,
	.measure = on_measure,
};

void client_connect(struct client *client)
{
	show_target(client);
	connect_now(client);
	settle(client);
}
