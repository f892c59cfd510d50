#include "remote/remote_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_OK 0
#define EXIT_REFUSED 1
#define EXIT_LOGIN 3
#define EXIT_NETWORK 4
#define TURN_MS 1000 /* looked at its program so often at least */

static int64_t now(void)
{
	return (int64_t)clock_mono_ms();
}

static void end(struct remote *remote, int status, const char *why)
{
	if (remote->ending)
		return;
	remote->ending = true;
	remote->status = status;
	if (why != NULL)
		log_error("ending", "why=%s", why);
	agent_close(&remote->agent, clock_mono_ms());
}

static void connect_now(struct remote *remote)
{
	const struct options *options = &remote->options->client;
	int rc;

	remote->reconnect_at = -1;
	rc = transport_connect(remote->transport, options->host, options->port, options->server,
			       !options->insecure && !options_mean_tls(options));
	if (rc < 0)
		remote->reconnect_at = now() + 1000;
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

/* After everything that happens: what follows from it, and when to look again. */
static void settle(struct remote *remote)
{
	int64_t at = now() + TURN_MS;

	remote_agent_turn(remote);
	/* Its program is given up, and here is nobody who could order it to be started again. */
	if (!remote->ending && remote->agent.run == AGENT_RUN_OFF && remote->agent.born_ms > 0)
		end(remote, EXIT_REFUSED, "the program has ended for good");
	if (remote->ending && agent_is_over(&remote->agent)) {
		if (session_state(remote->session) == SESSION_READY &&
		    session_unanswered(remote->session) == 0)
			session_leave(remote->session, now());
		else if (session_state(remote->session) != SESSION_READY &&
			 session_state(remote->session) != SESSION_LEAVING)
			loop_stop(remote->loop);
	}
	transport_send(remote->transport, session_output(remote->session));
	at = earlier(at, session_deadline(remote->session));
	at = earlier(at, remote->reconnect_at);
	at = earlier(at, remote_agent_deadline(remote));
	loop_set_timer(remote->loop, at > now() ? at - now() : 0);
}

/* ---- the connection ------------------------------------------------------------------ */

static void on_challenge(struct remote *remote, const struct server_line *line)
{
	const struct options *options = &remote->options->client;
	struct buf problem = BUF_INIT, base64 = BUF_INIT;
	struct login_fields fields = {
		.server = options->server,
		.user = options->user,
		.nonce = session_nonce(remote->session),
		.expires = session_expires(remote->session),
		.binding = trust_binding(&remote->trust, line->binding_none, line->binding_exporter,
					 &problem),
	};
	static const struct login_terminal nobody;
	const char *kind = BINDING_TLS_EXPORTER;

	if (fields.binding != NULL && strcmp(fields.binding, BINDING_NONE) == 0)
		kind = BINDING_NONE;
	if (fields.binding == NULL)
		end(remote, EXIT_LOGIN, problem.data);
	else if (login_sign(&remote->login, &fields, &nobody, &base64) < 0)
		end(remote, EXIT_LOGIN, "no key is left to try");
	else if (session_login(remote->session, kind, base64.data, now()) < 0)
		transport_close(remote->transport);
	buf_finish(&base64);
	buf_finish(&problem);
}

static void on_refused(struct remote *remote, const struct server_line *line)
{
	const char *code = line->code != NULL ? line->code : "";
	bool taken = strcmp(code, "name_taken") == 0, failed = strcmp(code, "auth_failed") == 0;

	log_warn("login refused", "code=%s message=%s", code,
		 line->message != NULL ? line->message : "");
	if (taken || failed) {
		if (login_refused(&remote->login, line->message, taken) < 0)
			end(remote, EXIT_LOGIN, "the server takes none of the keys");
	} else if (!line->fatal) {
		transport_close(remote->transport);
	}
}

static void on_session(void *owner, const struct session_event *event)
{
	struct remote *remote = owner;

	switch (event->type) {
	case SESSION_EVENT_CHALLENGE:
		on_challenge(remote, event->line);
		break;
	case SESSION_EVENT_LOGIN_REFUSED:
		on_refused(remote, event->line);
		break;
	case SESSION_EVENT_READY:
		log_info("logged in", "user=%s server=%s", session_user(remote->session),
			 remote->options->client.server);
		(void)login_accepted(&remote->login);
		if (remote->agent.born_ms == 0)
			remote_agent_start(remote);
		break;
	case SESSION_EVENT_LINE:
		remote_agent_event(remote, event);
		break;
	case SESSION_EVENT_SILENT:
		transport_close(remote->transport);
		break;
	case SESSION_EVENT_MISSING:
	case SESSION_EVENT_HELD:
		break;
	}
}

/* Here is no person: known_hosts knows the server, or --fingerprint names its key. */
static int nobody_to_ask(void *owner, const char *question)
{
	(void)owner;
	(void)question;
	return -ENOTTY;
}

static void on_open(void *owner, const struct tls_peer *peer)
{
	struct remote *remote = owner;
	struct buf problem = BUF_INIT;

	remote->connected_once = true;
	if (trust_judge(&remote->trust, peer, nobody_to_ask, remote, &problem) < 0) {
		end(remote, EXIT_LOGIN, problem.data);
		transport_close(remote->transport);
	} else {
		login_connected(&remote->login);
		session_connected(remote->session, now());
	}
	buf_finish(&problem);
	settle(remote);
}

static void on_message(void *owner, const char *data, size_t len)
{
	struct remote *remote = owner;

	session_receive(remote->session, data, len, now());
	settle(remote);
}

static void on_closed(void *owner, const struct transport_end *closed)
{
	struct remote *remote = owner;
	struct session_loss loss = session_lost(remote->session, closed->close_code, now());

	if (remote->ending && agent_is_over(&remote->agent)) {
		loop_stop(remote->loop);
		return;
	}
	log_warn("connection lost", "code=%u reason=%s again_in_ms=%" PRId64, closed->close_code,
		 closed->reason, loss.delay_ms);
	if (loss.verdict == SESSION_GIVE_UP)
		end(remote, loss.in_login ? EXIT_LOGIN : EXIT_REFUSED, loss.message);
	else
		remote->reconnect_at = now() + loss.delay_ms;
	settle(remote);
}

/* ---- the loop --------------------------------------------------------------------------- */

static void on_input(void *owner)
{
	settle(owner);
}

static void on_timer(void *owner)
{
	struct remote *remote = owner;

	session_tick(remote->session, now());
	if (remote->reconnect_at >= 0 && now() >= remote->reconnect_at)
		connect_now(remote);
	settle(remote);
}

static void on_signal(void *owner, int number)
{
	struct remote *remote = owner;

	if (number != SIGINT && number != SIGTERM && number != SIGHUP)
		return;
	if (remote->ending)
		loop_stop(remote->loop); /* asked twice: its guard sees to the program */
	end(remote, EXIT_OK, NULL);
	settle(remote);
}

static void on_output_gone(void *owner)
{
	(void)owner;
}

/* ---- its parts ------------------------------------------------------------------------------ */

static int open_parts(struct remote *remote)
{
	const struct options *options = &remote->options->client;
	const struct loop_events loop_events = {.input = on_input,
						.timer = on_timer,
						.output_gone = on_output_gone,
						.signal = on_signal,
						.owner = remote};
	const struct transport_events events = {
		.open = on_open, .message = on_message, .closed = on_closed, .owner = remote};
	const char *rooms[AGENT_ROOMS_MAX];
	struct session_config config = {.user = options->user,
					.server = options->server,
					.device = remote->state.device,
					.id_prefix = remote->id_prefix,
					.rooms = rooms,
					.only = true,
					.no_backlog = true,
					.window = 1};
	int rc = remote_agent_open(remote);

	for (unsigned i = 0; i < remote->agent.room_count; i++)
		rooms[config.room_count++] = remote->agent.rooms[i];
	snprintf(remote->id_prefix, sizeof(remote->id_prefix), "%08" PRIx64,
		 random_u64() & 0xffffffff);
	if (rc < 0 || (rc = session_create(&config, on_session, remote, &remote->session)) < 0 ||
	    (rc = loop_create(&loop_events, &remote->loop)) < 0 ||
	    (rc = transport_create(loop_handle(remote->loop), options_mean_tls(options), &events,
				   &remote->transport)) < 0)
		return rc;
	rc = loop_set_input(remote->loop, remote->epoll_fd);
	loop_want_input(remote->loop, true);
	return rc;
}

static bool find_key(struct remote *remote)
{
	static const struct login_terminal nobody;
	struct buf problem = BUF_INIT;
	bool found = login_begin(&remote->login, remote->options->client.key, remote->state.key,
				 &problem) == 0;

	if (!found)
		log_error("no key", "why=%s", problem.data != NULL ? problem.data : "-");
	else
		found = login_unlock(&remote->login, &nobody) == 0;
	buf_finish(&problem);
	return found;
}

static void close_parts(struct remote *remote)
{
	if (remote->loop != NULL)
		loop_close(remote->loop);
	transport_destroy(remote->transport);
	loop_destroy(remote->loop);
	session_destroy(remote->session);
	login_finish(&remote->login);
	trust_finish(&remote->trust);
	state_close(&remote->state);
	remote_agent_close(remote);
}

int remote_run(const struct remote_options *options)
{
	static struct remote remote;
	const struct options *client = &options->client;
	char *folder = state_folder();
	int rc;

	remote = (struct remote){.options = options,
				 .reconnect_at = -1,
				 .epoll_fd = -1,
				 .state = {.lock = -1},
				 .status = EXIT_OK};
	signal(SIGPIPE, SIG_IGN);
	child_init(&remote.child);
	trust_init(&remote.trust, client->server, client->fingerprint);
	state_open(folder, client->user, client->server, &remote.state);
	if (!find_key(&remote)) {
		remote.status = EXIT_LOGIN;
		goto out;
	}
	rc = open_parts(&remote);
	if (rc < 0) {
		log_error("cannot start", "error=%s", strerror(-rc));
		remote.status = EXIT_NETWORK;
		goto out;
	}
	connect_now(&remote);
	settle(&remote);
	loop_run(remote.loop);
out:
	close_parts(&remote);
	free(folder);
	return remote.status;
}
