#include "remote/options.h"

#include "client/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENT_ARGS_MAX (2 * (int)AGENT_ROOMS_MAX + 16)

/* What is for the client is given to its own reader. */
struct reader {
	struct buf *problem;
	const char *name, *server;
	struct buf rooms, command;
	char *client_argv[CLIENT_ARGS_MAX];
	int client_argc;
};

static int complain(struct reader *reader, const char *what, const char *which)
{
	buf_printf(reader->problem, "%s%s", which, what);
	return -EINVAL;
}

static int pass_on(struct reader *reader, char *flag, char *value)
{
	if (reader->client_argc + 3 >= CLIENT_ARGS_MAX)
		return complain(reader, "too many rooms", "");
	reader->client_argv[reader->client_argc++] = flag;
	if (value != NULL)
		reader->client_argv[reader->client_argc++] = value;
	return 0;
}

/* For a shell: 'it'\''s'. */
static void quote(struct buf *out, const char *argument)
{
	buf_append_char(out, '\'');
	for (; *argument != '\0'; argument++) {
		if (*argument == '\'')
			buf_append_str(out, "'\\''");
		else
			buf_append_char(out, *argument);
	}
	buf_append_char(out, '\'');
}

static int read_command(struct reader *reader, char **argv)
{
	/* One argument may be a whole command line; several are a program and its arguments. */
	if (argv[0] != NULL && argv[1] == NULL)
		buf_append_str(&reader->command, argv[0]);
	for (char **at = argv; argv[0] != NULL && argv[1] != NULL && *at != NULL; at++) {
		if (at != argv)
			buf_append_char(&reader->command, ' ');
		quote(&reader->command, *at);
	}
	return reader->command.failed ? -ENOMEM : 0;
}

static bool is_own(const char *flag)
{
	static const char *const own[] = {"--name", "--server", "--room",       "--key",
					  "--port", "--device", "--fingerprint"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(flag, own[i]) == 0)
			return true;
	return false;
}

/* One of ours, or 1: an agent's. */
static int read_own(struct reader *reader, char *flag, char *value)
{
	if (strcmp(flag, "--name") == 0) {
		reader->name = value;
		return 0;
	}
	if (strcmp(flag, "--server") == 0) {
		reader->server = value;
		return 0;
	}
	if (strcmp(flag, "--room") == 0) {
		buf_printf(&reader->rooms, "%s%s", reader->rooms.len > 0 ? " " : "", value);
		return pass_on(reader, flag, value);
	}
	if (strcmp(flag, "--key") == 0 || strcmp(flag, "--port") == 0 ||
	    strcmp(flag, "--device") == 0 || strcmp(flag, "--fingerprint") == 0)
		return pass_on(reader, flag, value);
	return 1;
}

/* Flags with a value, once the name is known: agent options go into its section. */
static int read_flags(struct reader *reader, char **argv, struct config_agent *agent)
{
	for (char **at = argv + 1; *at != NULL && strcmp(*at, "--") != 0; at++) {
		struct buf why = BUF_INIT;
		int err = 1;

		if (strcmp(*at, "--insecure") == 0 || strcmp(*at, "--tls") == 0) {
			if (agent == NULL && pass_on(reader, *at, NULL) < 0)
				return -EINVAL;
			continue;
		}
		if (strncmp(*at, "--", 2) != 0)
			return complain(reader,
					": options begin with --, the command stands behind "
					"-- alone",
					*at);
		if (at[1] == NULL || strcmp(at[1], "--") == 0)
			return complain(reader, ": a value must follow", *at);
		if (agent == NULL)
			err = read_own(reader, at[0], at[1]);
		else if (!is_own(at[0]))
			err = config_agent_set(agent, at[0] + 2, at[1], 1, "", &why);
		if (err == -EINVAL && why.len > 0)
			buf_printf(reader->problem, "%s: %s", at[0], why.data);
		buf_finish(&why);
		if (err < 0)
			return err;
		at++;
	}
	return 0;
}

static int make_agent(struct reader *reader, char **argv, struct remote_options *options)
{
	struct config_agent *agent = NULL;
	struct buf why = BUF_INIT;
	int err = config_agent_begin(&options->agents, options->client.user, 1, &agent, &why);

	if (err == 0)
		err = config_agent_set(agent, "rooms", reader->rooms.data, 1, "", &why);
	if (err == 0)
		err = config_agent_set(agent, "command",
				       reader->command.data != NULL ? reader->command.data : "", 1,
				       "", &why);
	if (err == 0)
		err = read_flags(reader, argv, agent);
	/* The server's agents run in "/"; this one where it was started. */
	if (err == 0 && agent->directory[0] == '\0' &&
	    getcwd(agent->directory, sizeof(agent->directory)) == NULL)
		agent->directory[0] = '\0';
	if (err == 0)
		err = config_agent_check(agent, &why);
	if (err == -EINVAL && why.len > 0)
		buf_append(reader->problem, why.data, why.len);
	buf_finish(&why);
	return err;
}

static int read_client(struct reader *reader, struct remote_options *options)
{
	static struct settings settings;
	struct buf who = BUF_INIT;
	int err;

	buf_printf(&who, "%s@%s", reader->name, reader->server);
	if (who.failed)
		return -ENOMEM;
	reader->client_argv[reader->client_argc] = who.data;
	settings_init(&settings);
	err = options_parse(reader->client_argc + 1, reader->client_argv, NULL, &settings,
			    reader->problem, &options->client);
	settings_finish(&settings);
	buf_finish(&who);
	return err;
}

int remote_options_parse(int argc, char **argv, struct buf *problem,
			 struct remote_options *ret_options)
{
	static char program[] = "chat-agent";
	struct reader reader = {.problem = problem,
				.server = "localhost",
				.client_argv = {program},
				.client_argc = 1};
	int err = 0, at = 1;

	*ret_options = (struct remote_options){0};
	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	for (int i = 1; i < at; i++) {
		ret_options->help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
		ret_options->version |= strcmp(argv[i], "--version") == 0;
	}
	if (ret_options->help || ret_options->version)
		return 0;
	err = read_flags(&reader, argv, NULL);
	if (err == 0 && at < argc)
		err = read_command(&reader, argv + at + 1);
	if (err == 0 && reader.name == NULL)
		err = complain(&reader, "--name is missing", "");
	if (err == 0 && reader.rooms.len == 0)
		err = complain(&reader, "--room is missing", "");
	if (err == 0 && reader.command.len == 0)
		err = complain(&reader, "the command is missing: -- COMMAND", "");
	if (err == 0)
		err = read_client(&reader, ret_options);
	if (err == 0)
		err = make_agent(&reader, argv, ret_options);
	buf_finish(&reader.rooms);
	buf_finish(&reader.command);
	if (err < 0)
		remote_options_finish(ret_options);
	return err;
}

void remote_options_finish(struct remote_options *options)
{
	free(options->agents.agent);
	options->agents = (struct config_agents){0};
}

void remote_options_help(struct buf *out)
{
	buf_append_str(
		out, "Usage: chat-agent --name NAME --room ROOM [OPTION]... -- COMMAND...\n"
		     "A program as a member of rooms, from any machine.\n"
		     "\n"
		     "  --name NAME        who it is; its key's line should say CHAT_ROLE=agent\n"
		     "  --room ROOM        a room it is in; repeatable\n"
		     "  --key FILE         its key (default: those that chat-client would use)\n"
		     "  --server HOST[:PORT], --port N\n"
		     "                     where (default: localhost:8080)\n"
		     "  --tls, --fingerprint SHA256:..., --insecure\n"
		     "                     as for chat-client; here is nobody to be asked, so the\n"
		     "                     server's key is known already, or named\n"
		     "\n"
		     "and what an [agent.NAME] section may say:\n");
#define AGENT_OPTION(name, field, kind, value, low, high, words, help)                             \
	if (strcmp(name, "command") != 0 && strcmp(name, "rooms") != 0)                            \
		buf_printf(out, "  --%-16s %s%s%s%s\n", name, help, words[0] != '\0' ? " (" : "",  \
			   words, words[0] != '\0' ? ")" : "");
#include "base/agent_options.def"
#undef AGENT_OPTION
}
