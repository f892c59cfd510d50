#include "client/client_private.h"

#include "base/random.h"
#include "client/terminal.h"
#include "client/trouble.h"
#include "client/view_line.h"
#include "client/view_pipe.h"
#include "client/view_tui.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A person may have several lines in flight; a pipe has one, for its order. */
#define WINDOW_TYPED 16u

/* What a pipe is for, where nobody said: to be read, if there is something to read. */
static bool has_input(void)
{
	struct stat stat;

	return fstat(STDIN_FILENO, &stat) == 0 &&
	       (S_ISFIFO(stat.st_mode) || S_ISREG(stat.st_mode) || S_ISSOCK(stat.st_mode));
}

static void choose_mode(struct client *client)
{
	const struct options *options = client->options;

	client->following = options->follow;
	/* what only makes sense with lines to send */
	client->sending = options->send || options->batch_ms > 0 || options->code || options->as ||
			  options->wait_reply_ms > 0 || options->id_prefix;
	if (client->sending || client->following)
		return;
	if (isatty(STDIN_FILENO))
		client->typing = true;
	else if (has_input() && options->since == 0)
		client->sending = true;
	else
		client->following = true;
}

static int create_view(struct client *client)
{
	struct view_input input = client_view_input;
	struct view_pipe_config config = {
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.print = client->typing || client->following,
		.json = client->options->json && client->options->wait_reply_ms == 0,
		.everything = client->typing,
		.user = client->options->user,
	};

	struct view_person person = {
		.user = session_user(client->session),
		.rooms = session_rooms(client->session),
		.settings = client->settings,
		.notify = &client->notify,
	};

	input.owner = client;
	notify_init(&client->notify, client->settings, client->options->user);
	if (client->typing && isatty(STDOUT_FILENO) && !terminal_is_dumb() &&
	    !client->options->json) {
		int rc = -ENOTSUP;

		if (!client->options->plain)
			rc = view_tui_create(STDIN_FILENO, STDOUT_FILENO, &person, &input,
					     &client->view);
		if (rc != -ENOTSUP)
			return rc;
		return view_line_create(STDIN_FILENO, STDOUT_FILENO, &person, &input,
					&client->view);
	}
	return view_pipe_create(&config, &input, &client->view);
}

static int create_session(struct client *client)
{
	const struct options *options = client->options;
	struct session_config config = {
		.user = options->user,
		.server = options->server,
		.device = options->device ? options->device : client->state.device,
		.id_prefix = client->id_prefix,
		.rooms = client->rooms,
		.only = !client->typing,
		.no_backlog = (!client->typing && !client->following) || options->since > 0,
		.since = client->sending && !client->following ? 0 : options->since,
		.window = client->typing ? WINDOW_TYPED : 1,
	};

	for (size_t i = 0; i < options->room_count; i++)
		client->rooms[client->room_count++] = options->room[i];
	config.room_count = client->room_count;
	if (client->room_count == 0 && !client->typing) {
		client->rooms[client->room_count++] = ROOM_LOBBY;
		config.room_count = 1;
	}
	if (options->id_prefix)
		snprintf(client->id_prefix, sizeof(client->id_prefix), "%s", options->id_prefix);
	else
		snprintf(client->id_prefix, sizeof(client->id_prefix), "%08" PRIx64,
			 random_u64() & 0xffffffff);
	return session_create(&config, client_on_session, client, &client->session);
}

static void create_pipe(struct client *client)
{
	const struct options *options = client->options;
	struct pipe_config config = {
		.session = client->session,
		.rooms = client->rooms,
		.room_count = client->room_count,
		.id_prefix = client->id_prefix,
		.kind = options->as,
		.gather_ms = options->code ? PIPE_GATHER_ALL : options->batch_ms,
		.code = options->code,
	};

	if (options->id_prefix && config.gather_ms != 0) {
		/* without it a run that is killed in one unlucky moment could double a message */
		(void)journal_open(&client->journal, client->state.base,
				   options->device ? options->device : client->state.device,
				   options->id_prefix);
		config.journal = &client->journal;
	}

	pipe_init(&client->pipe, &config);
	reply_init(&client->reply, session_user(client->session), client->id_prefix, client->rooms,
		   client->room_count, options->json);
}

static int create_parts(struct client *client)
{
	struct loop_events loop_events = client_loop_events;
	struct transport_events transport_events = client_transport_events;
	int rc;

	loop_events.owner = client;
	transport_events.owner = client;
	if ((rc = create_session(client)) < 0 ||
	    (rc = loop_create(&loop_events, &client->loop)) < 0 ||
	    (rc = transport_create(loop_handle(client->loop), client->over_tls, &transport_events,
				   &client->transport)) < 0)
		return rc;
	if (client->typing || client->sending)
		rc = loop_set_input(client->loop, STDIN_FILENO);
	if (client->following)
		loop_watch_output(client->loop, STDOUT_FILENO);
	commands_init(&client->commands, client->session,
		      client->room_count > 0 ? client->rooms[0] : ROOM_LOBBY, client_on_note,
		      client);
	client->commands.settings = client->settings;
	create_pipe(client);
	return rc;
}

/* Before any connection: may it be made, and with which key? */
static bool prepare(struct client *client)
{
	const struct options *options = client->options;
	struct login_terminal terminal = client_terminal(client);
	struct buf problem = BUF_INIT;
	char *folder;
	bool ready = false;

	client->over_tls = options_mean_tls(options);
	trust_init(&client->trust, options->server, options->fingerprint);
	folder = state_folder();
	state_open(folder, options->user, options->server, &client->state);
	free(folder);
	client->status = EXIT_STATUS_LOGIN;
	if (login_begin(&client->login, options->key, client->state.key, &problem) < 0) {
		buf_append(&client->last_words, problem.data, problem.len);
	} else if (login_unlock(&client->login, &terminal) < 0) {
		login_explain(&client->login, options->user, options->server, &client->last_words);
	} else {
		client->status = EXIT_STATUS_OK;
		ready = true;
	}
	buf_finish(&problem);
	return ready;
}

static void destroy(struct client *client)
{
	if (client->loop)
		loop_close(client->loop);
	transport_destroy(client->transport);
	loop_destroy(client->loop);
	if (client->view)
		client->view->ops->destroy(client->view);
	notify_finish(&client->notify);
	pipe_finish(&client->pipe);
	journal_close(&client->journal);
	reply_finish(&client->reply);
	session_destroy(client->session);
	login_finish(&client->login);
	trust_finish(&client->trust);
	state_close(&client->state);
}

int client_run(const struct options *options, struct settings *settings)
{
	struct client client = {
		.options = options,
		.settings = settings,
		.reconnect_at = -1,
		.countdown_at = -1,
		.reply_at = -1,
		.journal = {.fd = -1},
		.state = {.lock = -1},
	};
	int rc;

	signal(SIGPIPE, SIG_IGN);
	choose_mode(&client);
	if (!prepare(&client))
		goto out;
	if ((rc = create_parts(&client)) < 0 || (rc = create_view(&client)) < 0) {
		buf_printf(&client.last_words, "cannot start: %s", strerror(-rc));
		client.status = EXIT_STATUS_NETWORK;
		goto out;
	}
	client_connect(&client);
	if (!client.ending)
		loop_run(client.loop);
out:
	destroy(&client);
	if (client.last_words.len > 0)
		fprintf(stderr, "chat-client: %s\n", client.last_words.data);
	buf_finish(&client.last_words);
	return client.status;
}
