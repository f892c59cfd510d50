/* chat-master's options: flags, environment, file, and what is said about mistakes. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <string.h>

TestSuite(options, .fini = owned_finish_all, .timeout = 60);

/* chat-master with these flags, which ends by itself. */
static struct outcome master(const char *const flags[], const char *const env[])
{
	const char *argv[24] = {program_path("chat-master")};

	for (size_t i = 0; flags[i] != NULL && i < 22; i++)
		argv[i + 1] = flags[i];
	return run_with(argv, NULL, env);
}

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The value of an option in what --print-config prints; "" if it is not there. */
static const char *printed(const char *config, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = config; line != NULL && *line != '\0';) {
		const char *at = line, *end = strchr(line, '\n');

		if (strncmp(at, name, len) == 0) {
			at += len;
			at += strspn(at, " ");
			if (*at == '=') {
				at++;
				at += strspn(at, " \"");
				return scratch_text("%.*s", (int)strcspn(at, "\"\n #"), at);
			}
		}
		line = end != NULL ? end + 1 : NULL;
	}
	return "";
}

OwnedTest(options, flags_win_over_environment_over_file_over_defaults)
{
	char *file = scratch_write("chat.conf", "# a comment\n[server]\nworkers = 3\nrate = 21\n"
						"burst = 22\nmax-rooms = 23\n");
	const char *const env[] = {"CHAT_BURST=32", "CHAT_MAX_ROOMS=33", NULL};
	struct outcome told =
		master(FLAGS("--config", file, "--max-rooms", "43", "--print-config"), env);

	must(told.status == 0, "exit %d: %s", told.status, told.err);
	must(strcmp(printed(told.out, "max-users"), "4096") == 0, "the default");
	must(strcmp(printed(told.out, "rate"), "21") == 0, "the file");
	must(strcmp(printed(told.out, "burst"), "32") == 0, "the environment");
	must(strcmp(printed(told.out, "max-rooms"), "43") == 0, "the flag");
	must(strcmp(printed(told.out, "port"), "8080") == 0, "the port");
}

OwnedTest(options, what_print_config_prints_is_a_config_file)
{
	struct outcome first = master(FLAGS("--print-config", "--rate", "7", "--server-name",
					    "a.example", "--server-name", "b.example:99"),
				      NULL);
	char *file = scratch_write("printed.conf", first.out);
	struct outcome second = master(FLAGS("--config", file, "--print-config"), NULL);

	must(first.status == 0 && second.status == 0, "%s%s", first.err, second.err);
	must(strstr(first.out, "a.example") != NULL && strstr(first.out, "b.example:99") != NULL,
	     "a list loses elements");
	must(strcmp(first.out, second.out) == 0, "it reads back as something else");
}

OwnedTest(options, a_value_may_stand_behind_an_equals_sign)
{
	struct outcome told = master(FLAGS("--rate=9", "--print-config"), NULL);

	must(told.status == 0 && strcmp(printed(told.out, "rate"), "9") == 0, "%s", told.err);
}

OwnedTest(options, a_good_config_is_good_and_starts_nothing)
{
	char *file = scratch_write("chat.conf", "port = 0\n");
	struct outcome told = master(FLAGS("--config", file, "--check-config"), NULL);

	must(told.status == 0, "exit %d: %s", told.status, told.err);
}

OwnedTest(options, mistakes_in_the_file_are_named_with_their_line)
{
	const char *const mistakes[][2] = {
		{"\n\ncolour = red\n", "colour"},     {"\n\nport = many\n", "many"},
		{"\n\nport = 65536\n", "65535"},      {"\n\nworkers = -1\n", "workers"},
		{"\n\nlog-format = xml\n", "json"},   {"\n\nlog-level = loud\n", "debug"},
		{"\n\nmax-rooms = 0\n", "max-rooms"}, {"\n\nno equals sign\n", "="},
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char *file = scratch_write("bad.conf", mistakes[i][0]);
		struct outcome told = master(FLAGS("--config", file, "--check-config"), NULL);

		must(told.status == 2, "case %zu: exit %d", i, told.status);
		must(strstr(told.err, "bad.conf") != NULL && strstr(told.err, "3") != NULL,
		     "case %zu: where? %s", i, told.err);
		must(strstr(told.err, mistakes[i][1]) != NULL, "case %zu: what? %s", i, told.err);
	}
}

OwnedTest(options, mistakes_in_flags_and_environment_are_named)
{
	struct outcome told = master(FLAGS("--prot", "8080"), NULL);

	must(told.status == 2 && strstr(told.err, "prot") != NULL, "%d %s", told.status, told.err);
	told = master(FLAGS("--port", "eighty"), NULL);
	must(told.status == 2 && strstr(told.err, "eighty") != NULL, "%d %s", told.status,
	     told.err);
	told = master(FLAGS("--port"), NULL);
	must(told.status == 2, "a flag without value: %d", told.status);
	told = master(FLAGS("--check-config"), (const char *const[]){"CHAT_PORT=eighty", NULL});
	must(told.status == 2 && strstr(told.err, "CHAT_PORT") != NULL, "%d %s", told.status,
	     told.err);
	told = master(FLAGS("--config", "/no/such/file", "--check-config"), NULL);
	must(told.status == 2 && strstr(told.err, "/no/such/file") != NULL, "%d %s", told.status,
	     told.err);
}

OwnedTest(options, every_option_is_in_the_help_and_the_printed_config)
{
	static const char *const names[] = {"host",
					    "port",
					    "port-file",
					    "workers",
					    "authorized-keys",
					    "state-dir",
					    "instance",
					    "server-name",
					    "log-format",
					    "log-level",
					    "max-users",
					    "max-devices",
					    "max-connections",
					    "max-rooms",
					    "room-bytes",
					    "room-lines",
					    "rate",
					    "burst",
					    "max-connections-per-user",
					    "max-connections-per-address",
					    "max-pending-logins",
					    "max-rooms-per-user",
					    "room-capacity",
					    "idle-timeout",
					    "presence-limit",
					    "login-timeout",
					    "ping-interval",
					    "names-per-key"};
	struct outcome help = master(FLAGS("--help"), NULL),
		       config = master(FLAGS("--print-config"), NULL);

	must(help.status == 0 && config.status == 0, "%s%s", help.err, config.err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		must(strstr(help.out, scratch_text("--%s", names[i])) != NULL, "--help lacks %s",
		     names[i]);
		must(strstr(config.out, scratch_text("%s =", names[i])) != NULL,
		     "--print-config lacks %s", names[i]);
	}
}

OwnedTest(options, the_version_is_told)
{
	struct outcome told = master(FLAGS("--version"), NULL);
	const char *digit = strpbrk(told.out, "0123456789");

	must(told.status == 0 && digit != NULL && digit[1] == '.', "%d %s", told.status, told.out);
}

OwnedTest(options, the_environment_configures_a_running_server)
{
	const char *const env[] = {"CHAT_MAX_ROOMS_PER_USER=5", "CHAT_RATE=3", NULL};
	struct server *s = server_with(.users = "alice", .env = env, .args = "--rate 4");

	must(json_has(chat_welcome(s, "alice", NULL)->welcome,
		      "{'limits':{'rooms':5,'rate':[4,30]}}"),
	     "other limits");
}

OwnedTest(options, every_address_is_listened_on_unless_one_is_named)
{
	struct outcome shown = master(FLAGS("--print-config"), NULL);
	struct server *s = server_with(.users = "alice", .args = "--host *");
	struct server *local = server_with(.users = "alice");
	struct outcome sockets = run("sh", "-c", "ss -Hltn");

	must(strstr(shown.out, "host = *") != NULL, "%s", shown.out);
	must(strstr(sockets.out, scratch_text("0.0.0.0:%u ", s->port)) != NULL, "%s", sockets.out);
	must(strstr(sockets.out, scratch_text("0.0.0.0:%u ", local->port)) == NULL, "%s",
	     sockets.out);
}

OwnedTest(options, a_reload_says_what_changed_and_what_needs_a_restart)
{
	char *config = scratch_write("chat.conf", "rate = 5\nmax-rooms = 100\n");
	struct server *s =
		server_with(.users = "alice", .args = scratch_text("--config %s", config));
	size_t offset = 0;

	file_write(config, "rate = 7\nmax-rooms = 200\n");
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "max-rooms", "\\\"100\\\" stays, \\\"200\\\" needs a restart");
	server_log_await(s, &offset, "\"configuration changed\"", "rate: \\\"7\\\" was \\\"5\\\"");
	server_log_await(s, &offset, "\"configuration loaded\"", config);
	must(json_has(chat_welcome(s, "alice", NULL)->welcome, "{'limits':{'rate':[7,30]}}"),
	     "another rate");
	file_write(config, "rate = 7\n  rate = 8\n");
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "\"configuration refused\"",
			 scratch_text("%s:2:3: rate stands on line 1 already", config));
}
