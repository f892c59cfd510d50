#include "client/nearest.h"
#include "client/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct options options;
static struct settings settings;
static struct buf problem;

static int parse(const char *line)
{
	static char words[512];
	static char *argv[32];
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	argv[0] = words; /* stands for the program's name */
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	buf_reset(&problem);
	return options_parse(argc, argv, "Alice", &settings, &problem, &options);
}

static void check_refused(const char *line, const char *why)
{
	cr_assert_eq(parse(line), -EINVAL, "%s", line);
	cr_assert(problem.data && strstr(problem.data, why), "%s: %s", line, problem.data);
}

Test(options, a_host_is_enough)
{
	cr_assert_eq(parse("localhost"), 0);
	cr_assert_str_eq(options.user, "alice");
	cr_assert_str_eq(options.server, "localhost:8080");
	cr_assert_str_eq(options.host, "localhost");
	cr_assert_eq(options.port, 8080);
}

Test(options, user_host_and_port)
{
	cr_assert_eq(parse("Bob@Chat.Example.org:9000"), 0);
	cr_assert_str_eq(options.user, "bob");
	cr_assert_str_eq(options.server, "chat.example.org:9000");
	cr_assert_eq(options.port, 9000);
	cr_assert_eq(parse("bob@[::1]:9000"), 0);
	cr_assert_str_eq(options.host, "::1");
	cr_assert_str_eq(options.server, "[::1]:9000");
	cr_assert_eq(parse("[::1] --port 7"), 0);
	cr_assert_str_eq(options.server, "[::1]:7");
	cr_assert_eq(parse("--port=9000 localhost:9000"), 0);
}

Test(options, every_flag_is_understood)
{
	cr_assert_eq(parse("--key K --room Ops --room=#dev -r @bob -sf --once --json --plain"
			   " --insecure --device d --id-prefix p -p 81 localhost"),
		     0);
	cr_assert_str_eq(options.key, "K");
	cr_assert_eq(options.room_count, 3);
	cr_assert_str_eq(options.room[0], "ops");
	cr_assert_str_eq(options.room[1], "dev");
	cr_assert_str_eq(options.room[2], "@bob");
	cr_assert(options.send && options.follow && options.once && options.json);
	cr_assert(options.plain && options.insecure);
	cr_assert_str_eq(options.device, "d");
	cr_assert_str_eq(options.id_prefix, "p");
	cr_assert_eq(options.port, 81);
	cr_assert_eq(parse("-p81 -iK localhost"), 0);
	cr_assert_eq(options.port, 81);
}

Test(options, usage_errors_say_what_to_do)
{
	check_refused("", "which server?");
	check_refused("a b", "both a and b");
	check_refused("--prot 80 localhost", "did you mean --port?");
	check_refused("--xyzzy localhost", "--help lists them");
	check_refused("-x localhost", "unknown option -x");
	check_refused("--port", "--port needs a value");
	check_refused("-p", "-p needs a value");
	check_refused("--send=1 localhost", "--send takes no value");
	check_refused("--port 0 localhost", "from 1 to 65535");
	check_refused("--port 65536 localhost", "from 1 to 65535");
	check_refused("--port 8x localhost", "from 1 to 65535");
	check_refused("--port 80 localhost:81", "both --port 80 and port 81");
	check_refused("--room a/b localhost", "a room's name");
	check_refused("--device a/b localhost", "--device a/b");
	check_refused("--id-prefix a/b localhost", "--id-prefix a/b");
	check_refused("--batch 200 localhost", "up to a minute, like 200ms");
	check_refused("--batch 0 localhost", "up to a minute");
	check_refused("--as shout localhost", "message, notice, alert or me");
	check_refused("--wait-reply soon localhost", "how many seconds?");
	check_refused("--wait-reply 0 localhost", "how many seconds?");
	check_refused("--since yesterday localhost", "a time like 2h");
	check_refused("--code --batch 1s localhost", "leave --batch out");
	check_refused("--follow --wait-reply 1 localhost", "leave --wait-reply out");
	check_refused("--send --since 1h localhost", "add --follow");
	check_refused("--notify loud localhost", "--notify: \"loud\" is not one of: off, bell");
	check_refused("a!b@localhost", "cannot be a user's name");
	check_refused("@localhost", "cannot be a user's name");
	check_refused("alice@", "is no host");
	check_refused("alice@local_host!", "is no host");
	check_refused("localhost:99999", "is no host");
}

Test(options, pipes_have_their_own)
{
	cr_assert_eq(parse("--batch 200ms --as alert --wait-reply 30 --id-prefix p localhost"), 0);
	cr_assert_eq(options.batch_ms, 200);
	cr_assert_str_eq(options.as, "alert");
	cr_assert_eq(options.wait_reply_ms, 30000);
	cr_assert_eq(parse("--code --ping localhost"), 0);
	cr_assert(options.code && options.ping);
	cr_assert_eq(parse("--follow --since 2026-11-20T17:00:00Z localhost"), 0);
	cr_assert_eq(options.since, INT64_C(1795194000000));
}

Test(options, a_known_host_brings_its_address_user_and_key)
{
	char name[] = "work", address[] = "chat.example.org", user[] = "carol", key[] = "K";
	struct settings_host host = {
		.name = name, .address = address, .user = user, .key = key, .port = 9000};

	settings.hosts = &host;
	settings.host_count = 1;
	cr_assert_eq(parse("work"), 0);
	cr_assert_str_eq(options.server, "chat.example.org:9000");
	cr_assert_str_eq(options.user, "carol");
	cr_assert_str_eq(options.key, "K");
	cr_assert_eq(parse("bob@work --port 81 --key L"), 0);
	cr_assert_str_eq(options.server, "chat.example.org:81");
	cr_assert_str_eq(options.user, "bob");
	cr_assert_str_eq(options.key, "L");
	cr_assert_eq(parse("elsewhere"), 0);
	cr_assert_str_eq(options.server, "elsewhere:8080");
	settings = (struct settings){0};
}

Test(options, words_behind_two_dashes_are_no_options)
{
	cr_assert_eq(parse("-- --send"), 0);
	cr_assert_str_eq(options.host, "--send");
	cr_assert_not(options.send);
	cr_assert_eq(parse("--send -- localhost"), 0);
}

Test(options, help_and_version_need_nothing_else)
{
	struct buf text = BUF_INIT;

	cr_assert_eq(parse("--help"), 0);
	cr_assert(options.help);
	cr_assert_eq(parse("-V"), 0);
	cr_assert(options.version);
	options_help(&text);
	cr_assert_not_null(strstr(text.data, "--id-prefix"));
	cr_assert_not_null(strstr(text.data, "-i, --key FILE"));
	for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
		cr_assert_leq(strcspn(line, "\n"), 80);
	buf_finish(&text);
}

Test(nearest, finds_what_was_meant)
{
	static const char *const words[] = {"join", "leave", "topic", "who"};

	cr_assert_str_eq(nearest_word("jion", words, 4), "join");
	cr_assert_str_eq(nearest_word("topci", words, 4), "topic");
	cr_assert_str_eq(nearest_word("leav", words, 4), "leave");
	cr_assert_str_eq(nearest_word("whoo", words, 4), "who");
	cr_assert_null(nearest_word("xyz", words, 4));
	cr_assert_null(nearest_word("", words, 4));
	cr_assert_null(nearest_word("a-word-that-is-longer-than-any-command-could-be", words, 4));
}
