/* Connections: how they begin and end, and whether there is a next one. */
#include "client/client_private.h"

#include "client/ask.h"
#include "client/trouble.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIRST_TRIES 5u /* connections that end before the first welcome */

static int ask_to_trust(void *owner, const char *question)
{
	struct client *client = owner;
	struct buf answer = BUF_INIT;
	int rc;

	client_terminal(client).pause(client);
	rc = ask_line(question, &answer);
	while (rc == 0 && strcasecmp(answer.data ? answer.data : "", "yes") != 0) {
		if (answer.len > 0 && strcasecmp(answer.data, "no") == 0)
			rc = -EPERM;
		buf_reset(&answer);
		if (rc == 0)
			rc = ask_line("Please type yes or no: ", &answer);
	}
	client_terminal(client).resume(client);
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
		client_settle(client);
		return;
	}
	login_connected(&client->login);
	session_connected(client->session, client_now());
	client_settle(client);
}

static void on_message(void *owner, const char *data, size_t len)
{
	struct client *client = owner;

	client->pages = 0;
	session_receive(client->session, data, len, client_now());
	client_settle(client);
}

/* There was no connection at all: for a person the reason is what counts. */
static void on_first_failure(struct client *client, const struct transport_end *end)
{
	struct buf text = BUF_INIT;
	int status = trouble_connect(client->options->host, client->options->port, end, &text);

	client_end(client, status, text.data);
	buf_finish(&text);
}

void connection_countdown(struct client *client)
{
	int64_t left = client->reconnect_at - client_now();
	char text[64];

	snprintf(text, sizeof(text), "reconnecting in %" PRId64 " s", (left + 999) / 1000);
	client->view->ops->connection(client->view, left > 0 ? text : "reconnecting");
	client->countdown_at = left > 1000 ? client_now() + (left - 1) % 1000 + 1 : -1;
}

static void tell_lost(struct client *client, const struct session_loss *loss)
{
	const char *why = loss->message[0] ? loss->message : loss->code;
	char when[48] = "";

	if (client->view->shows_connection && !why[0])
		return;
	if (loss->delay_ms >= 1000)
		snprintf(when, sizeof(when), " in %" PRId64 " s", (loss->delay_ms + 999) / 1000);
	client_say(client, NOTE_QUIET, "connection lost%s%s; reconnecting%s", why[0] ? ": " : "",
		   why, when);
}

static void come_back(struct client *client, const struct session_loss *loss)
{
	/* once, however many attempts it takes */
	if (session_was_ready(client->session) && !client->told_lost) {
		client->told_lost = true;
		tell_lost(client, loss);
	}
	client->reconnect_at = client_now() + loss->delay_ms;
	connection_countdown(client);
}

static void on_closed(void *owner, const struct transport_end *end)
{
	struct client *client = owner;
	struct session_loss loss = session_lost(client->session, end->close_code, client_now());
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
	client_settle(client);
}

void connection_begin(struct client *client)
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

const struct transport_events client_transport_events = {
	.open = on_open,
	.message = on_message,
	.closed = on_closed,
};

void client_connect(struct client *client)
{
	client_show_target(client);
	connection_begin(client);
	client_settle(client);
}
