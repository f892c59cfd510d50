#include "base/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 16

static char file_path[] = "/tmp/roomkey-config-XXXXXX";
static struct buf errors;
static struct config config;

/* Space-separated lists; "" for none. */
static void split(char *text, char **list)
{
	unsigned count = 0;

	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		list[count++] = word;
	list[count] = NULL;
}

static int load(const char *args, const char *env)
{
	char args_text[1000], env_text[1000];
	char *argv[ARGS_MAX], *envp[ARGS_MAX];
	int argc = 0;

	snprintf(args_text, sizeof(args_text), "chat-master %s", args);
	snprintf(env_text, sizeof(env_text), "HOME=/home/alice %s", env);
	split(args_text, argv);
	split(env_text, envp);
	while (argv[argc] != NULL)
		argc++;
	return config_load(&config, argc, argv, envp, &errors);
}

static void write_file(const char *text, size_t len)
{
	FILE *file = fopen(file_path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

static int load_file(const char *text, const char *args, const char *env)
{
	char all[500];

	write_file(text, strlen(text));
	snprintf(all, sizeof(all), "--config %s %s", file_path, args);
	return load(all, env);
}

/* What is wrong with a file, without its path. */
static const char *file_error(const char *text)
{
	cr_assert_eq(load_file(text, "", ""), -EINVAL);
	cr_assert_eq(strncmp(errors.data, file_path, strlen(file_path)), 0, "%s", errors.data);
	return errors.data + strlen(file_path);
}

static const char *flag_error(const char *args)
{
	cr_assert_eq(load(args, ""), -EINVAL);
	return errors.data;
}

static void setup(void)
{
	int fd = mkstemp(file_path);

	cr_assert_geq(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(file_path);
	config_finish(&config);
	buf_finish(&errors);
}

TestSuite(config, .init = setup, .fini = teardown);

Test(config, the_defaults_are_those_of_the_protocol)
{
	cr_assert_eq(load("", ""), 0);
	cr_assert_eq(config.port, 8080);
	cr_assert_str_eq(config.host, "*");
	cr_assert_str_eq(config.port_file, "");
	cr_assert_str_eq(config.instance, "");
	cr_assert_str_eq(config.authorized_keys, "/home/alice/.ssh/authorized_keys");
	cr_assert_eq(config.server_names.count, 0);
	cr_assert_eq(config.max_users, 4096);
	cr_assert_eq(config.max_devices, 8192);
	cr_assert_eq(config.max_connections, 16384);
	cr_assert_eq(config.max_rooms, 1024);
	cr_assert_eq(config.room_bytes, 262144);
	cr_assert_eq(config.room_lines, 2048);
	cr_assert_eq(config.rate, 10);
	cr_assert_eq(config.burst, 30);
	cr_assert_eq(config.max_connections_per_user, 16);
	cr_assert_eq(config.max_pending_logins, 10);
	cr_assert_eq(config.max_penalties, 65536);
	cr_assert_eq(config.max_startups, 16384);
	cr_assert_eq(config.penalty_after, 10);
	cr_assert_eq(config.penalty_auth_failed, 5);
	cr_assert_eq(config.penalty_auth_timeout, 10);
	cr_assert_eq(config.penalty_max, 600);
	cr_assert_eq(config.slow_timeout, 60);
	cr_assert_eq(config.max_rooms_per_user, 64);
	cr_assert_eq(config.presence_limit, 100);
	cr_assert_eq(config.login_timeout, 20);
	cr_assert_eq(config.idle_timeout, 0);
	cr_assert_eq(config.ping_interval, 25);
	cr_assert_eq(config.names_per_key, 1);
	cr_assert_eq(config.log_level, LOG_LEVEL_INFO);
	cr_assert_geq(config.workers, 1);
	cr_assert_leq(config.workers, 48);
	cr_assert_not(config.help || config.version || config.check_config || config.print_config);
}

Test(config, a_flag_is_written_with_a_blank_or_with_an_equals_sign)
{
	cr_assert_eq(load("--port 9000 --workers=3 --log-format text --log-level=debug", ""), 0);
	cr_assert_eq(config.port, 9000);
	cr_assert_eq(config.workers, 3);
	cr_assert_eq(config.log_format, LOG_FORMAT_TEXT);
	cr_assert_eq(config.log_level, LOG_LEVEL_DEBUG);
}

Test(config, the_last_of_two_equal_flags_counts)
{
	cr_assert_eq(load("--port 9000 --port 9001", ""), 0);
	cr_assert_eq(config.port, 9001);
}

Test(config, flags_win_over_environment_over_file_over_defaults)
{
	cr_assert_eq(
		load_file("port = 1\nrate = 1\nburst = 1\n", "--port 3", "CHAT_PORT=2 CHAT_RATE=2"),
		0);
	cr_assert_eq(config.port, 3);
	cr_assert_eq(config.rate, 2);
	cr_assert_eq(config.burst, 1);
	cr_assert_eq(config.ping_interval, 25);
}

Test(config, every_long_option_has_its_variable)
{
	cr_assert_eq(load("", "CHAT_MAX_CONNECTIONS_PER_ADDRESS=5 CHAT_STATE_DIR=/s "
			      "CHAT_CHECK_CONFIG=yes CHAT_NOBODYS_BUSINESS=1"),
		     0);
	cr_assert_eq(config.max_connections_per_address, 5);
	cr_assert_str_eq(config.state_dir, "/s");
	cr_assert(config.check_config);
}

Test(config, an_empty_variable_is_not_set)
{
	cr_assert_eq(load("", "CHAT_PORT= CHAT_LOG_LEVEL="), 0);
	cr_assert_eq(config.port, 8080);
}

Test(config, the_file_may_be_named_by_the_environment)
{
	char env[100];

	write_file("port = 7\n", 9);
	snprintf(env, sizeof(env), "CHAT_CONFIG=%s", file_path);
	cr_assert_eq(load("", env), 0);
	cr_assert_eq(config.port, 7);
	config_finish(&config);
	snprintf(env, sizeof(env), "CHAT_CONFIG=/nowhere");
	cr_assert_eq(load_file("port = 8\n", "", env), 0);
	cr_assert_eq(config.port, 8);
}

Test(config, a_file_has_comments_headings_quotes_and_blanks)
{
	cr_assert_eq(load_file("# all of it\n"
			       "\n"
			       "[listen] # a heading\n"
			       "  port=7\t# behind white space\r\n"
			       "port-file = /a#b # c\n"
			       "state-dir = \" /x # \\\"y\\\\\" # quoted\n"
			       "instance = last-line",
			       "", ""),
		     0);
	cr_assert_eq(config.port, 7);
	cr_assert_str_eq(config.port_file, "/a#b");
	cr_assert_str_eq(config.state_dir, " /x # \"y\\");
	cr_assert_str_eq(config.instance, "last-line");
}

Test(config, a_list_grows_within_a_source_and_is_replaced_by_the_next)
{
	cr_assert_eq(load_file("server-name = a\nserver-name = b:1, [::1]:22\n", "", ""), 0);
	cr_assert_eq(config.server_names.count, 3);
	cr_assert_str_eq(config.server_names.name[2], "[::1]:22");
	config_finish(&config);
	cr_assert_eq(load_file("server-name = a\n", "--server-name c --server-name d", ""), 0);
	cr_assert_eq(config.server_names.count, 2);
	cr_assert_str_eq(config.server_names.name[0], "c");
}

Test(config, server_names_are_hosts_with_a_port_or_without)
{
	static const char *const good[] = {
		"a", "a.b:1", "a:65535", "10.0.0.1", "[fe80::1%eth0]:9", "::1", "[::1]"};
	static const char *const bad[] = {":1",   "a:",     "a:0", "a:65536", "a:x",
					  "[]:1", "[::1]x", "a/b", "a:123456"};
	char args[100];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(args, sizeof(args), "--server-name=%s", good[i]);
		cr_assert_eq(load(args, ""), 0, "%s", good[i]);
		cr_assert_str_eq(config.server_names.name[0], good[i]);
		config_finish(&config);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(args, sizeof(args), "--server-name=%s", bad[i]);
		cr_assert_eq(load(args, ""), -EINVAL, "%s", bad[i]);
	}
	cr_assert_str_eq(
		strrchr(errors.data, '\n') + 1,
		"--server-name: \"a:123456\" is not HOST or HOST:PORT, with IPv6 addresses "
		"in brackets");
}

Test(config, too_many_server_names_are_told)
{
	char args[300] = "--server-name=a";

	for (unsigned i = 1; i < SERVER_NAMES_MAX + 1; i++)
		strcat(args, ",a");
	cr_assert_str_eq(flag_error(args), "--server-name: there are more than 32 names");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--server-name=,"),
			 "--server-name: \",\" is not HOST or HOST:PORT");
}

Test(config, paths_may_begin_at_home)
{
	cr_assert_eq(
		load_file("authorized-keys = ~/keys\nstate-dir = ~\n", "--port-file ~bob/x", ""),
		0);
	cr_assert_str_eq(config.authorized_keys, "/home/alice/keys");
	cr_assert_str_eq(config.state_dir, "/home/alice");
	cr_assert_str_eq(config.port_file, "~bob/x");
}

Test(config, an_empty_text_stands_for_the_default)
{
	cr_assert_eq(load_file("authorized-keys = /k\nport-file = /p\ninstance = i\nhost = h\n",
			       "--authorized-keys= --port-file= --instance= --host=", ""),
		     0);
	cr_assert_str_eq(config.authorized_keys, "/home/alice/.ssh/authorized_keys");
	cr_assert_str_eq(config.port_file, "");
	cr_assert_str_eq(config.instance, "");
	cr_assert_str_eq(config.host, "*");
}

Test(config, state_lies_where_xdg_says_unless_root_runs_it)
{
	cr_assert_eq(load("", "XDG_STATE_HOME=/xdg"), 0);
	cr_assert_str_eq(config.state_dir, geteuid() == 0 ? "/var/lib/chat" : "/xdg/chat");
	config_finish(&config);
	if (geteuid() != 0)
		return;
	cr_assert_eq(seteuid(65534), 0);
	cr_assert_eq(load("", "XDG_STATE_HOME=/xdg"), 0);
	cr_assert_str_eq(config.state_dir, "/xdg/chat");
	config_finish(&config);
	cr_assert_eq(load("", "XDG_STATE_HOME=relative"), 0);
	cr_assert_str_eq(config.state_dir, "/home/alice/.local/state/chat");
	cr_assert_eq(seteuid(0), 0);
}

Test(config, sizes_may_have_a_letter)
{
	cr_assert_eq(load("--room-bytes 64k", ""), 0);
	cr_assert_eq(config.room_bytes, 65536);
	config_finish(&config);
	cr_assert_eq(load("--room-bytes 1G", ""), 0);
	cr_assert_eq(config.room_bytes, 1073741824);
	config_finish(&config);
	cr_assert_eq(load("--room-bytes 2M", ""), 0);
	cr_assert_eq(config.room_bytes, 2097152);
}

Test(config, help_and_version_ask_for_nothing_else)
{
	cr_assert_eq(load("--help --nonsense", ""), 0);
	cr_assert(config.help);
	config_finish(&config);
	cr_assert_eq(load("--port x -V", ""), 0);
	cr_assert(config.version);
	config_finish(&config);
	cr_assert_eq(load("-h", ""), 0);
	cr_assert(config.help);
}

Test(config, an_option_that_takes_a_value_does_not_take_the_next_option)
{
	cr_assert_str_eq(flag_error("--port --workers 2"), "--port: a value must follow: --port N");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--state-dir"),
			 "--state-dir: a value must follow: --state-dir DIR");
}

Test(config, an_unknown_flag_is_told_with_the_nearest)
{
	cr_assert_str_eq(flag_error("--prot 3"), "--prot: there is no such option (did you mean "
						 "--port?); --help lists them all");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("-port=3"), "-port=3: there is no such option (did you mean "
						"--port?); --help lists them all");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--max-connections-per-add 1"),
			 "--max-connections-per-add: there is no such option (did you mean "
			 "--max-connections-per-address?); --help lists them all");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--completely-different"),
			 "--completely-different: there is no such option; --help lists them all");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("stray"),
			 "stray: options begin with --, and there is nothing else");
}

Test(config, a_number_out_of_range_is_told_with_the_range)
{
	cr_assert_str_eq(flag_error("--port 65536"),
			 "--port: \"65536\" is not a number from 0 to 65535");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--workers 0"),
			 "--workers: \"0\" is not a number from 1 to 48");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--room-bytes 2G"),
			 "--room-bytes: \"2G\" is not a size from 1 to "
			 "1073741824 (k, M or G may follow)");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--max-rooms 99999999999999999999"),
			 "--max-rooms: \"99999999999999999999\" is not a number from 1 to 100000");
}

Test(config, what_is_no_number_is_refused)
{
	static const char *const bad[] = {"-1", "+1", "1.0", "1e3", "0x10", "8k", "x", "1x"};
	char args[100];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(args, sizeof(args), "--port=%s", bad[i]);
		cr_assert_eq(load(args, ""), -EINVAL, "%s", bad[i]);
	}
	cr_assert_eq(load("--port=", ""), -EINVAL);
	cr_assert_eq(load("--room-bytes=1kk", ""), -EINVAL);
	cr_assert_eq(load("--room-bytes=k", ""), -EINVAL);
	cr_assert_eq(load("--room-bytes=1T", ""), -EINVAL);
}

Test(config, a_word_that_is_none_of_the_choices_is_told_with_them)
{
	cr_assert_str_eq(flag_error("--log-format xml"),
			 "--log-format: \"xml\" is not one of: text, json");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--log-level=loud"),
			 "--log-level: \"loud\" is not one of: error, warn, info, debug");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--check-config=perhaps"),
			 "--check-config: \"perhaps\" is not one of: no, yes");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--instance a/b"),
			 "--instance: \"a/b\" is not 1 to 32 of A-Z a-z 0-9 _ . -, a letter or a "
			 "digit first");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--host a/b"),
			 "--host: \"a/b\" is not an IP address, a host name, or *");
	buf_reset(&errors);
	cr_assert_str_eq(flag_error("--state-dir=a\tb"),
			 "--state-dir: the value holds control characters");
}

Test(config, a_mistake_in_the_environment_names_the_variable)
{
	cr_assert_eq(load("", "CHAT_PORT=high"), -EINVAL);
	cr_assert_str_eq(errors.data, "CHAT_PORT: \"high\" is not a number from 0 to 65535");
}

Test(config, a_mistake_in_the_file_names_file_and_line)
{
	cr_assert_str_eq(file_error("\nport = high\n"),
			 ":2:8: port: \"high\" is not a number from 0 to 65535");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("port 8\n"), ":1:1: a line is written name = value");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("= 8\n"), ":1:1: a line is written name = value");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("[listen\n"), ":1:1: a section is written [name]");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("[listen] x\n"), ":1:1: a section is written [name]");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("state-dir = \"/x\n"),
			 ":1:13: the quoted value has no closing quote");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("state-dir = \"/x\" y\n"),
			 ":1:13: only a # comment may stand behind a quoted value");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("port = 1\n\nport = 2\n"),
			 ":3:1: port stands on line 1 already");
	buf_reset(&errors);
	cr_assert_str_eq(file_error("help = yes\n"), ":1:1: help is for the command line only");
}

Test(config, an_unknown_key_is_told_with_the_nearest_and_with_all)
{
	const char *error = file_error("prot = 1\n");

	cr_assert_eq(strncmp(error,
			     ":1:1: there is no option \"prot\" (did you mean port?); the options "
			     "are: host, port, port-file, ",
			     90),
		     0, "%s", error);
	cr_assert_not_null(strstr(error, ", ping-interval"));
	cr_assert_null(strstr(error, "check-config"));
}

Test(config, a_file_that_cannot_be_read_is_told)
{
	cr_assert_str_eq(flag_error("--config /nowhere/at/all"),
			 "/nowhere/at/all: No such file or directory");
	buf_reset(&errors);
	write_file("port = 1\0\n", 10);
	{
		char args[100];

		snprintf(args, sizeof(args), "--config=%s", file_path);
		cr_assert_eq(load(args, ""), -EINVAL);
	}
	cr_assert_not_null(strstr(errors.data, ": this is no text: it holds NUL"));
}

Test(config, a_file_that_is_far_too_long_is_refused)
{
	size_t len = 1024 * 1024 + 1;
	char *text = malloc(len + 1);

	cr_assert_not_null(text);
	memset(text, '\n', len);
	text[len] = '\0';
	cr_assert_str_eq(file_error(text), ": the file is longer than 1 MiB");
	free(text);
}

Test(config, all_mistakes_are_told_at_once)
{
	cr_assert_eq(load_file("port = x\nnonsense\n", "--workers 99", "CHAT_RATE=y"), -EINVAL);
	cr_assert_not_null(strstr(errors.data, ":1:8: port: "));
	cr_assert_not_null(strstr(errors.data, "\n/tmp/"));
	cr_assert_not_null(strstr(errors.data, "\nCHAT_RATE: "));
	cr_assert_not_null(strstr(errors.data, "\n--workers: "));
}

Test(config, what_is_printed_reads_back_as_the_same)
{
	struct buf first = BUF_INIT, second = BUF_INIT;

	cr_assert_eq(
		load("--port 0 --server-name a,b:2 --port-file=/p#q --instance x --room-bytes 3k "
		     "--log-level warn --log-format text",
		     ""),
		0);
	config_print(&config, &first);
	config_finish(&config);
	cr_assert_eq(load_file(first.data, "", ""), 0, "%s", first.data);
	config_print(&config, &second);
	cr_assert_str_eq(first.data, second.data);
	cr_assert_not_null(strstr(first.data, "\nport = 0\n"));
	cr_assert_not_null(strstr(first.data, "\nserver-name = a\nserver-name = b:2\n"));
	cr_assert_not_null(strstr(first.data, "\nport-file = \"/p#q\"\n"));
	cr_assert_not_null(strstr(first.data, "\nlog-level = warn\n"));
	buf_finish(&first);
	buf_finish(&second);
}

Test(config, what_has_no_value_is_printed_as_a_comment)
{
	struct buf text = BUF_INIT;

	cr_assert_eq(load("", ""), 0);
	config_print(&config, &text);
	cr_assert_not_null(strstr(text.data, "\n# instance = (the port)\n"));
	cr_assert_not_null(strstr(text.data, "\n# server-name = (the host's own names)\n"));
	cr_assert_null(strstr(text.data, "print-config"));
	buf_finish(&text);
}

Test(config, help_names_every_option_and_fits_a_terminal)
{
	static const char *const some[] = {"  --host ADDR ", "  --server-name HOST[:PORT] ",
					   "  --help ", "(default: 8080)",
					   "(default: text on a terminal, else json)"};
	struct buf text = BUF_INIT;

	config_help(&text);
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		cr_assert_not_null(strstr(text.data, some[i]), "%s", some[i]);
	for (char *line = strtok(text.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
		cr_assert_leq(strlen(line), 100, "%s", line);
	buf_finish(&text);
}

Test(config, a_reload_takes_what_may_change)
{
	struct config fresh;
	struct buf notes = BUF_INIT;

	cr_assert_eq(load_file("rate = 10\nlog-level = info\n", "", ""), 0);
	write_file("rate = 20\nlog-level = debug\nserver-name = new\n", 46);
	cr_assert_eq(config_reload(&config, &fresh, &notes), 0);
	cr_assert_eq(fresh.rate, 20);
	cr_assert_eq(fresh.log_level, LOG_LEVEL_DEBUG);
	cr_assert_eq(fresh.server_names.count, 1);
	cr_assert_eq(notes.len, 0);
	config_finish(&fresh);
}

Test(config, a_reload_can_tell_what_changed)
{
	const char *text = "rate = 20\nport = 8\n[agent.e]\ncommand = a\nrooms = b\n";
	struct config fresh;
	struct buf notes = BUF_INIT, changes = BUF_INIT;

	cr_assert_eq(load_file("rate = 10\nserver-name = old\nport = 7\n", "", ""), 0);
	config_changes(&config, &config, &changes);
	cr_assert_eq(changes.len, 0);
	write_file(text, strlen(text));
	cr_assert_eq(config_reload(&config, &fresh, &notes), 0);
	config_changes(&config, &fresh, &changes);
	cr_assert_str_eq(changes.data, "server-name: \"\" was \"old\"\nrate: \"20\" was \"10\"\n"
				       "agents: their sections changed");
	config_finish(&fresh);
	buf_finish(&notes);
	buf_finish(&changes);
}

Test(config, the_environment_says_how_log_lines_look)
{
	cr_assert_eq(load("", "CHAT_LOG_FORMAT=text"), 0);
	cr_assert_eq(config.log_format, LOG_FORMAT_TEXT);
	config_finish(&config);
	cr_assert_eq(load("", "CHAT_LOG_FORMAT=json"), 0);
	cr_assert_eq(config.log_format, LOG_FORMAT_JSON);
	config_finish(&config);
	cr_assert_eq(load("--log-format=text", "CHAT_LOG_FORMAT=json"), 0);
	cr_assert_eq(config.log_format, LOG_FORMAT_TEXT);
}

Test(config, one_option_of_a_running_server_is_kept_by_its_name)
{
	struct buf notes = BUF_INIT;

	cr_assert_eq(load_file("port = 9\nrate = 5\nworkers = 2\n", "", ""), 0);
	cr_assert_eq(config_keep(&config, "port", "7", &notes), 0);
	cr_assert_eq(config_keep(&config, "workers", "2", &notes), 0);
	cr_assert_eq(config_keep(&config, "rate", "99", &notes), 0, "that one may change");
	cr_assert_eq(config_keep(&config, "of-another-version", "1", &notes), 0);
	cr_assert_eq(config.port, 7);
	cr_assert_eq(config.rate, 5);
	cr_assert_str_eq(notes.data, "port: \"7\" stays, \"9\" needs a restart");
	cr_assert_eq(config_keep(&config, "port", "70000", &notes), -EINVAL);
	buf_finish(&notes);
}

Test(config, a_reload_keeps_what_needs_a_restart_and_says_so)
{
	const char *text = "port = 9\nmax-rooms = 8\nstate-dir = /new\ninstance = i\nrate = 5\n";
	struct config fresh;
	struct buf notes = BUF_INIT;

	cr_assert_eq(load_file("port = 7\nstate-dir = /old\nport-file = /p\n", "", ""), 0);
	write_file(text, strlen(text));
	cr_assert_eq(config_reload(&config, &fresh, &notes), 0);
	cr_assert_eq(fresh.port, 7);
	cr_assert_eq(fresh.max_rooms, 1024);
	cr_assert_str_eq(fresh.state_dir, "/old");
	cr_assert_str_eq(fresh.port_file, "/p");
	cr_assert_str_eq(fresh.instance, "");
	cr_assert_eq(fresh.rate, 5);
	cr_assert_str_eq(notes.data, "port: \"7\" stays, \"9\" needs a restart\n"
				     "port-file: \"/p\" stays, \"\" needs a restart\n"
				     "state-dir: \"/old\" stays, \"/new\" needs a restart\n"
				     "instance: \"\" stays, \"i\" needs a restart\n"
				     "max-rooms: \"1024\" stays, \"8\" needs a restart");
	config_finish(&fresh);
	buf_finish(&notes);
}

Test(config, a_reload_that_fails_tells_why_and_changes_nothing)
{
	struct config fresh = {.port = 1};
	struct buf notes = BUF_INIT;

	cr_assert_eq(load_file("port = 7\n", "", ""), 0);
	write_file("port = x\n", 9);
	cr_assert_eq(config_reload(&config, &fresh, &notes), -EINVAL);
	cr_assert_eq(fresh.port, 1);
	cr_assert_not_null(strstr(notes.data, ":1:8: port: \"x\" is not"));
	buf_finish(&notes);
}

Test(config, a_reload_sees_the_call_of_the_start_whatever_became_of_it)
{
	char program[] = "chat-master", flag[] = "--port=77", variable[] = "CHAT_RATE=3";
	char home[] = "HOME=/h";
	char *argv[] = {program, flag, NULL}, *envp[] = {home, variable, NULL};
	struct config fresh;
	struct buf notes = BUF_INIT;

	cr_assert_eq(config_load(&config, 2, argv, envp, &errors), 0);
	memset(flag, 'x', strlen(flag));
	memset(variable, 'x', strlen(variable));
	cr_assert_eq(config_reload(&config, &fresh, &notes), 0);
	cr_assert_eq(fresh.port, 77);
	cr_assert_eq(fresh.rate, 3);
	config_finish(&fresh);
	config_finish(&fresh);
}

/* ---- agents ---- */

Test(config, an_agent_is_a_section_with_defaults)
{
	cr_assert_eq(
		load_file(
			"[agent.echo]\ncommand = cat\nrooms = \"#ops, dev\"\n[listen]\nport = 9\n",
			"", ""),
		0, "%s", errors.data);
	cr_assert_eq(config.agents.count, 1);
	cr_assert_str_eq(config.agents.agent[0].name, "echo");
	cr_assert_str_eq(config.agents.agent[0].command, "cat");
	cr_assert_str_eq(config.agents.agent[0].rooms, "ops dev");
	cr_assert_str_eq(config.agents.agent[0].talk, "everyone");
	cr_assert_str_eq(config.agents.agent[0].approve, "", "nobody unless named");
	cr_assert_eq(config.agents.agent[0].format, AGENT_LINES);
	cr_assert_eq(config.agents.agent[0].queue, 32);
	cr_assert_eq(config.agents.agent[0].silence, 600);
	cr_assert_eq(config.agents.agent[0].approve_wait, 300);
	cr_assert_eq(config.agents.agent[0].stop_wait, 5);
	cr_assert_eq(config.port, 9, "the next section is another one");
}

Test(config, what_is_wrong_with_an_agent_is_told_with_its_line)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"[agent.e]\ncommand = cat\nrooms = a\nport = 9\n",
		 ":4:1: port: an agent has no option \"port\"; the options are: command, rooms"},
		{"[agent.e]\ncommand = cat\n", ":1:1: e: rooms is missing"},
		{"[agent.e]\nrooms = a\n", ":1:1: e: command is missing"},
		{"[agent.e]\ncommand = cat\nrooms = A\n",
		 ":1:1: e: rooms: \"A\" is no name of a room"},
		{"[agent.E]\ncommand = cat\n", ":1:2: [agent.E]: a name is 1 to 32"},
		{"[agent.e]\ncommand=a\nrooms=a\n[agent.e]\n", ":4:2: [agent.e] stands on line 1"},
		{"[agent.e]\nformat = xml\n",
		 ":2:10: format: \"xml\" is none of: lines stream-json"},
		{"[agent.e]\nqueue = 0\n", ":2:9: queue: \"0\": a whole number from 1 to 1024"},
		{"[agent.e]\nmemory = 5G\n", ":2:10: memory: \"5G\": a whole number from 0 to"},
		{"[agent.e]\nmemory = 4294967296000G\n", ":2:10: memory: \"4294967296000G\""},
		{"[agent.e]\nqueue = 1\nqueue = 2\n",
		 ":3:9: queue: queue stands on line 2 already"},
		{"[agent.e]\ncommand=a\nrooms=a\napprove = everyone\n",
		 ":1:1: e: approve: \"everyone\""},
		{"[agent.e]\ncommand=a\nrooms=a\nformat=stream-json\ninput=json\n",
		 ":1:1: e: input is for programs that read lines"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *error = file_error(cases[i].text);

		cr_assert_eq(strncmp(error, cases[i].error, strlen(cases[i].error)), 0, "%s: %s",
			     cases[i].text, error);
		buf_reset(&errors);
	}
}

Test(config, agents_are_printed_so_that_they_read_back_as_the_same)
{
	static const char text[] = "[agent.claude]\ncommand = \"claude -p # x\"\nrooms = ops dev\n"
				   "format = stream-json\nprocess = room\napprove = ops, alice\n"
				   "env = HOME\nenv = \"A=b c\"\ndirectory = ~/work\nmemory = 2G\n"
				   "restart = never\n";
	struct config first;
	struct buf out = BUF_INIT;

	cr_assert_eq(load_file(text, "", ""), 0, "%s", errors.data);
	cr_assert_str_eq(config.agents.agent[0].directory, "/home/alice/work");
	cr_assert_str_eq(config.agents.agent[0].env, "HOME\nA=b c");
	cr_assert_eq(config.agents.agent[0].memory, UINT32_C(2) << 30);
	cr_assert(agent_list_has(config.agents.agent[0].approve, "alice", false));
	cr_assert(agent_list_has(config.agents.agent[0].approve, "olga", true));
	cr_assert_not(agent_list_has(config.agents.agent[0].approve, "ops", false));
	first = config;
	config_print(&first, &out);
	cr_assert_eq(load_file(out.data, "", ""), 0, "%s", errors.data);
	cr_assert(config_agents_equal(&first.agents, &config.agents), "%s", out.data);
	config_finish(&first);
	buf_finish(&out);
}
