/* From the challenge to the welcome: which key signs, and what follows from the answer. */
#include "client/client_private.h"

#include "client/clean.h"
#include "proto/name.h"

#include <string.h>

#define SIGN_SLOW_MS 15000 /* a passphrase took so long that the server is about to hang up */

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

void login_challenged(struct client *client, const struct server_line *line)
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

	client->challenged_at = client_now();
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
	else if (client_now() - client->challenged_at > SIGN_SLOW_MS)
		transport_close(client->transport); /* too late; next time it is quick */
	else if (session_login(client->session, binding_kind(fields.binding), base64.data,
			       client_now()) < 0)
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

void login_turned_down(struct client *client, const struct server_line *line)
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
	client_say(client, NOTE_QUIET, "you are %s on %s%s; /help lists the commands",
		   session_user(client->session), client->options->server,
		   rooms.data ? rooms.data : "");
	buf_finish(&rooms);
}

void login_done(struct client *client, const struct session_event *event)
{
	const char *fingerprint = login_accepted(&client->login);
	bool first = !session_was_ready(client->session);

	/* a state folder that cannot be written costs a second guess next time, no more */
	if (fingerprint[0] && !client->options->key)
		(void)state_remember_key(&client->state, fingerprint);
	client->view->ops->show(client->view, event);
	client->view->ops->connection(client->view, "");
	if (client->told_lost && !client->view->shows_connection)
		client_say(client, NOTE_QUIET, "back");
	client->told_lost = false;
	if (first && client->options->id_prefix)
		pipe_resume(&client->pipe, event->line->last_id);
	if (client->typing) {
		/* for completion: a room that is not heard of is only typed in full */
		(void)session_send(client->session,
				   &(struct request_ask){.kind = REQUEST_ROOMS, .own = true},
				   client_now());
		if (first)
			greet(client, event->line);
		client_show_target(client);
	}
}
