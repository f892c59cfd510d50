#include "client/ping.h"

#include "base/buf.h"
#include "client/client.h"
#include "client/loop.h"
#include "client/transport.h"
#include "client/trouble.h"
#include "proto/request.h"
#include "proto/server_line.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 10000

struct ping {
	const struct options *options;
	struct loop *loop;
	struct transport *transport;
	struct buf out;
	struct buf problem;
	bool asked;
	bool done; /* the status is decided */
	int status;
};

static void end(struct ping *ping, int status)
{
	if (ping->done)
		return;
	ping->done = true;
	ping->status = status;
	loop_stop(ping->loop);
}

/* The server speaks first. Nothing is told to it, so any certificate will do, unless one is named.
 */
static void on_open(void *owner, const struct tls_peer *peer)
{
	struct ping *ping = owner;
	const char *wanted = ping->options->fingerprint;

	if (!wanted || !peer || strcmp(wanted, peer->fingerprint) == 0)
		return;
	buf_printf(&ping->problem, "%s has another key than --fingerprint says: %s",
		   ping->options->server, peer->fingerprint);
	end(ping, EXIT_STATUS_LOGIN);
}

static void on_line(struct ping *ping, const struct server_line *line)
{
	if (line->type == SERVER_LINE_CHALLENGE && !ping->asked) {
		ping->asked = true;
		request_ping(&ping->out, "ping");
		transport_send(ping->transport, &ping->out);
	} else if (line->type == SERVER_LINE_PONG) {
		end(ping, EXIT_STATUS_OK);
	}
}

static void on_message(void *owner, const char *data, size_t len)
{
	struct ping *ping = owner;
	const char *stop = data + len;

	while (data < stop) {
		const char *lf = memchr(data, '\n', (size_t)(stop - data));
		size_t line_len = (size_t)((lf ? lf : stop) - data);
		struct server_line line;

		if (line_len > 0 && server_line_parse(data, line_len, &line) == 0) {
			on_line(ping, &line);
			server_line_finish(&line);
		}
		data += line_len + 1;
	}
}

static void on_closed(void *owner, const struct transport_end *why)
{
	struct ping *ping = owner;

	if (ping->done)
		return;
	if (why->was_open)
		buf_printf(&ping->problem, "%s hung up", ping->options->server);
	else
		trouble_connect(ping->options->host, ping->options->port, why, &ping->problem);
	end(ping, EXIT_STATUS_NETWORK);
}

static void on_timer(void *owner)
{
	struct ping *ping = owner;

	buf_printf(&ping->problem, "no answer from %s", ping->options->server);
	end(ping, EXIT_STATUS_TIMEOUT);
}

static void on_signal(void *owner, int number)
{
	if (number != SIGWINCH && number != SIGCONT)
		end(owner, 128 + number);
}

static void nothing(void *owner)
{
	(void)owner;
}

int ping_run(const struct options *options)
{
	struct ping ping = {.options = options, .status = EXIT_STATUS_NETWORK};
	struct loop_events loop_events = {.input = nothing,
					  .timer = on_timer,
					  .output_gone = nothing,
					  .signal = on_signal,
					  .owner = &ping};
	struct transport_events events = {
		.open = on_open, .message = on_message, .closed = on_closed, .owner = &ping};
	bool tls = options_mean_tls(options);
	int rc;

	signal(SIGPIPE, SIG_IGN);
	if ((rc = loop_create(&loop_events, &ping.loop)) < 0 ||
	    (rc = transport_create(loop_handle(ping.loop), tls, &events, &ping.transport)) < 0 ||
	    (rc = transport_connect(ping.transport, options->host, options->port, options->server,
				    !options->insecure && !tls)) < 0) {
		buf_append_str(&ping.problem, strerror(-rc));
	} else {
		loop_set_timer(ping.loop, PATIENCE_MS);
		if (!ping.done)
			loop_run(ping.loop);
	}
	if (ping.loop)
		loop_close(ping.loop);
	transport_destroy(ping.transport);
	loop_destroy(ping.loop);
	if (ping.problem.len > 0)
		fprintf(stderr, "chat-client: %s\n", ping.problem.data);
	buf_finish(&ping.problem);
	buf_finish(&ping.out);
	return ping.status;
}
