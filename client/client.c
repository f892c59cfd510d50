#include "client/client_private.h"

#include "base/clock.h"
#include "proto/name.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGES_MAX 20u     /* of a long list that is asked for */
#define HELD_TELL_MS 1000 /* shorter waits are nobody's business */

int64_t client_now(void)
{
	return (int64_t)clock_mono_ms();
}

/* ---- telling and ending */

void client_say(struct client *client, enum note_tone tone, const char *fmt, ...)
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
		session_leave(client->session, client_now());
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

void client_show_target(struct client *client)
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

void client_settle(struct client *client)
{
	const struct view_ops *ops = client->view ? client->view->ops : NULL;
	int64_t at, delay;

	if (ops && ops->is_broken(client->view))
		client_end_written(client, ops->trouble ? ops->trouble(client->view) : 0);
	if (client->commands.quit)
		client_end(client, EXIT_STATUS_OK, NULL);
	if (client->sending && !client->following)
		sending_settle(client, client_now());
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
	delay = at < 0 ? -1 : at - client_now();
	loop_set_timer(client->loop, at < 0 ? -1 : delay > 0 ? delay : 0);
}

/* ---- events of the session */

static void ask_next_page(struct client *client, const struct session_event *event)
{
	struct request_ask ask = {.kind = event->request->kind,
				  .target = event->request->target,
				  .cursor = event->line->cursor};

	if (event->request->own)
		return; /* whoever asked goes on by himself */

	if (client->pages < PAGES_MAX && session_send(client->session, &ask, client_now()) == 0)
		client->pages++;
	else
		client_say(client, NOTE_QUIET, "the list goes on; ask for less of it");
}

static void on_error(struct client *client, const struct session_event *event)
{
	const struct request *request = event->request;

	if (!request || request->kind != REQUEST_JOIN || !request->target)
		return;
	if (client->typing) {
		commands_join_refused(&client->commands, request->target);
		client_show_target(client);
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
		session_mark_read(client->session, line->room, line->seq, client_now());
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
		client_show_target(client);
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
		login_challenged(client, event->line);
		break;
	case SESSION_EVENT_LOGIN_REFUSED:
		client->view->ops->show(client->view, event);
		login_turned_down(client, event->line);
		break;
	case SESSION_EVENT_READY:
		login_done(client, event);
		break;
	case SESSION_EVENT_LINE:
		on_line(client, event);
		break;
	case SESSION_EVENT_MISSING:
		client_say(client, NOTE_QUIET, "#%s is not your room any more", event->room);
		commands_room_gone(&client->commands, event->room);
		break;
	case SESSION_EVENT_HELD:
		client->view->ops->show(client->view, event);
		if (client->typing && event->delay_ms >= HELD_TELL_MS)
			client_say(client, NOTE_QUIET,
				   "the server asks for patience; sent again in %" PRId64 " s",
				   (event->delay_ms + 999) / 1000);
		break;
	case SESSION_EVENT_SILENT:
		on_silent(client);
		break;
	}
}

/* ---- events of the loop */

static void on_timer(void *owner)
{
	struct client *client = owner;

	session_tick(client->session, client_now());
	if (client->sending)
		pipe_tick(&client->pipe, client_now());
	if (client->reconnect_at >= 0 && client_now() >= client->reconnect_at)
		connection_begin(client);
	else if (client->countdown_at >= 0 && client_now() >= client->countdown_at)
		connection_countdown(client);
	client_settle(client);
}

static void on_input(void *owner)
{
	struct client *client = owner;

	client->view->ops->read(client->view);
	client_settle(client);
}

static void on_output_gone(void *owner)
{
	struct client *client = owner;

	client_end(client, EXIT_STATUS_OK, NULL); /* as for EPIPE: that is no error */
	client_settle(client);
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
	client_settle(client);
}

/* ---- what is typed */

static void on_typed(void *owner, const char *text)
{
	struct client *client = owner;

	if (client->sending) {
		sending_line(client, text, client_now());
		return;
	}
	if (text)
		commands_run(&client->commands, text, client_now());
	if (session_state(client->session) != SESSION_READY &&
	    session_unanswered(client->session) > 0)
		client_say(client, NOTE_QUIET,
			   "not connected; it goes out when the connection is back");
	client_show_target(client);
}

static void on_input_end(void *owner)
{
	struct client *client = owner;

	if (client->sending)
		pipe_end(&client->pipe, client_now());
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
	client_show_target(client);
}

static void on_ask(void *owner, const struct request_ask *ask)
{
	struct client *client = owner;

	/* out of memory: the screen shows what it has */
	(void)session_send(client->session, ask, client_now());
}

static void on_read(void *owner, const char *room, int64_t seq)
{
	struct client *client = owner;

	session_mark_read(client->session, room, seq, client_now());
}

static void on_typing(void *owner, const char *room)
{
	struct client *client = owner;

	session_typing(client->session, room);
}

static void on_measure(void *owner)
{
	struct client *client = owner;

	session_measure(client->session, client_now());
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
