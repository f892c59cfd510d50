#include "client/options.h"

#include "client/nearest.h"
#include "proto/name.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT 8080u
#define ID_PREFIX_MAX 40u
#define HELP_COLUMN 24

enum option {
#define OPTION(field, name, letter, argument, help) OPTION_##field,
#include "client/options.def"
#undef OPTION
	OPTIONS
};

static const struct {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
} table[OPTIONS] = {
#define OPTION(field, name, letter, argument, help) {name, letter, argument, help},
#include "client/options.def"
#undef OPTION
};

static const char *const names[OPTIONS] = {
#define OPTION(field, name, letter, argument, help) name,
#include "client/options.def"
#undef OPTION
};

/* The arguments as they stand, before anything is checked. */
struct arguments {
	int argc;
	char **argv;
	int at;
	const char *destination;
	const char *port;
};

static int fail(struct buf *problem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct buf *problem, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_append_str(problem, text);
	return -EINVAL;
}

static int add_room(struct options *options, const char *name, struct buf *problem)
{
	if (options->room_count == OPTION_ROOMS_MAX)
		return fail(problem, "--room: at most %u rooms", OPTION_ROOMS_MAX);
	if (room_name_fold(name, strlen(name), options->room[options->room_count]) < 0)
		return fail(problem,
			    "--room %s: a room's name has up to 32 of a-z 0-9 _ . - and begins "
			    "with a letter or digit",
			    name);
	options->room_count++;
	return 0;
}

static int set_notify(struct options *options, const char *value, struct buf *problem)
{
	struct settings scratch;
	struct buf why = BUF_INIT;
	int rc;

	settings_init(&scratch);
	rc = settings_set(&scratch, "notify", value, &why);
	if (rc < 0)
		fail(problem, "--notify: %s", why.data ? why.data : strerror(-rc));
	options->notify = value;
	buf_finish(&why);
	settings_finish(&scratch);
	return rc;
}

static int set(struct options *options, struct arguments *arguments, enum option option,
	       const char *value, struct buf *problem)
{
	switch (option) {
	case OPTION_key:
		options->key = value;
		break;
	case OPTION_port:
		arguments->port = value;
		break;
	case OPTION_room:
		return add_room(options, value, problem);
	case OPTION_send:
		options->send = true;
		break;
	case OPTION_follow:
		options->follow = true;
		break;
	case OPTION_once:
		options->once = true;
		break;
	case OPTION_json:
		options->json = true;
		break;
	case OPTION_plain:
		options->plain = true;
		break;
	case OPTION_insecure:
		options->insecure = true;
		break;
	case OPTION_device:
		if (!device_name_is_valid(value, strlen(value)))
			return fail(problem, "--device %s: up to 32 of A-Z a-z 0-9 _ . -", value);
		options->device = value;
		break;
	case OPTION_id_prefix:
		if (value[0] == '\0' || strlen(value) > ID_PREFIX_MAX ||
		    !device_name_is_valid(value, strlen(value) < 32 ? strlen(value) : 32))
			return fail(problem, "--id-prefix %s: up to %u of A-Z a-z 0-9 _ . -", value,
				    ID_PREFIX_MAX);
		options->id_prefix = value;
		break;
	case OPTION_notify:
		return set_notify(options, value, problem);
	case OPTION_notify_command:
		options->notify_command = value;
		break;
	case OPTION_version:
		options->version = true;
		break;
	case OPTION_help:
		options->help = true;
		break;
	case OPTIONS:
		break;
	}
	return 0;
}

static int unknown(const char *name, size_t len, struct buf *problem)
{
	char word[40];
	const char *near;

	snprintf(word, sizeof(word), "%.*s", (int)(len < 39 ? len : 39), name);
	near = nearest_word(word, names, OPTIONS);
	if (near)
		return fail(problem, "unknown option %s; did you mean %s?", word, near);
	return fail(problem, "unknown option %s; --help lists them", word);
}

/* --name, --name=value, --name value */
static int parse_long(struct options *options, struct arguments *arguments, struct buf *problem)
{
	const char *word = arguments->argv[arguments->at++];
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	for (int i = 0; i < OPTIONS; i++) {
		const char *value = equals ? equals + 1 : NULL;

		if (strlen(table[i].name) != len || strncmp(table[i].name, word, len) != 0)
			continue;
		if (!table[i].argument && value)
			return fail(problem, "%s takes no value", table[i].name);
		if (table[i].argument && !value) {
			if (arguments->at >= arguments->argc)
				return fail(problem, "%s needs a value", table[i].name);
			value = arguments->argv[arguments->at++];
		}
		return set(options, arguments, (enum option)i, value, problem);
	}
	return unknown(word, len, problem);
}

/* -f, -fj, -p 80, -p80 */
static int parse_short(struct options *options, struct arguments *arguments, struct buf *problem)
{
	const char *word = arguments->argv[arguments->at++];

	for (const char *letter = word + 1; *letter; letter++) {
		const char *value = NULL;
		int i = 0, rc;

		while (i < OPTIONS && table[i].letter != *letter)
			i++;
		if (i == OPTIONS)
			return fail(problem, "unknown option -%c; --help lists them", *letter);
		if (table[i].argument) {
			if (letter[1])
				value = letter + 1;
			else if (arguments->at < arguments->argc)
				value = arguments->argv[arguments->at++];
			else
				return fail(problem, "-%c needs a value", *letter);
		}
		rc = set(options, arguments, (enum option)i, value, problem);
		if (rc < 0 || value)
			return rc;
	}
	return 0;
}

static int parse_words(struct options *options, struct arguments *arguments, struct buf *problem)
{
	bool only_words = false;
	int rc = 0;

	while (rc == 0 && arguments->at < arguments->argc) {
		const char *word = arguments->argv[arguments->at];

		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
			arguments->at++;
		} else if (!only_words && strncmp(word, "--", 2) == 0) {
			rc = parse_long(options, arguments, problem);
		} else if (!only_words && word[0] == '-' && word[1]) {
			rc = parse_short(options, arguments, problem);
		} else if (arguments->destination) {
			rc = fail(problem, "one server, please: both %s and %s are named",
				  arguments->destination, word);
		} else {
			arguments->destination = word;
			arguments->at++;
		}
	}
	return rc;
}

static int parse_port(const char *text, unsigned *ret_port, struct buf *problem)
{
	char *end = NULL;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || port == 0 || port > 65535)
		return fail(problem, "--port %s: a port is a number from 1 to 65535", text);
	*ret_port = (unsigned)port;
	return 0;
}

/* [USER@]HOST[:PORT], or [USER@]NAME of a host of the settings; the command line wins. */
static int parse_destination(struct options *options, const struct arguments *arguments,
			     const char *login_name, const struct settings *settings,
			     struct buf *problem)
{
	const char *destination = arguments->destination;
	const char *at = strrchr(destination, '@');
	const char *host = at ? at + 1 : destination;
	const struct settings_host *known = settings_find_host(settings, host);
	unsigned port = known && known->port ? known->port : PORT_DEFAULT;
	char user[256];

	if (known && known->address)
		host = known->address;
	if (known && known->user)
		login_name = known->user;
	if (known && !options->key)
		options->key = known->key;

	if (arguments->port && parse_port(arguments->port, &port, problem) < 0)
		return -EINVAL;
	if (at)
		snprintf(user, sizeof(user), "%.*s", (int)(at - destination), destination);
	else
		snprintf(user, sizeof(user), "%s", login_name ? login_name : "");
	if (name_fold(user, strlen(user), options->user) < 0)
		return fail(problem,
			    "\"%s\" cannot be a user's name: up to 32 of a-z 0-9 _ . - are, the "
			    "first a letter or digit; say who you are: chat-client NAME@%s",
			    user, host);
	if (server_name_canonical(host, port, options->server) < 0)
		return fail(problem, "\"%s\" is no host: HOST, HOST:PORT, [IPV6] or [IPV6]:PORT",
			    host);
	server_name_split(options->server, options->host, &options->port);
	if (arguments->port && options->port != port)
		return fail(problem, "both --port %u and port %u are named", port, options->port);
	return 0;
}

int options_parse(int argc, char **argv, const char *login_name, const struct settings *settings,
		  struct buf *problem, struct options *ret_options)
{
	struct arguments arguments = {.argc = argc, .argv = argv, .at = 1};
	int rc;

	*ret_options = (struct options){0};
	rc = parse_words(ret_options, &arguments, problem);
	if (rc < 0 || ret_options->help || ret_options->version)
		return rc;
	if (!arguments.destination)
		return fail(problem,
			    "which server? chat-client [USER@]HOST[:PORT]; --help says more");
	return parse_destination(ret_options, &arguments, login_name, settings, problem);
}

/* Help texts are wrapped here, so that the table stays a table. */
static void wrap_help(struct buf *out, const char *text)
{
	size_t column = HELP_COLUMN;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column + word > 78) {
			buf_printf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			buf_append_char(out, ' ');
			column++;
		}
		buf_append(out, text, word);
		column += word;
		text += word + (text[word] == ' ');
	}
	buf_append_char(out, '\n');
}

void options_help(struct buf *out)
{
	buf_append_str(out,
		       "Usage: chat-client [OPTION]... [USER@]HOST[:PORT]\n"
		       "Talks with the people of a chat server; you log in with your SSH key.\n\n");
	for (int i = 0; i < OPTIONS; i++) {
		const char *argument = table[i].argument ? table[i].argument : "";
		char head[64];
		int len;

		char letter[8] = "   ";

		if (table[i].letter)
			snprintf(letter, sizeof(letter), "-%c,", table[i].letter);
		len = snprintf(head, sizeof(head), "  %s %s %.*s", letter, table[i].name,
			       (int)strcspn(argument, "."), argument);
		buf_printf(out, "%-*s", HELP_COLUMN, head);
		if (len >= HELP_COLUMN)
			buf_printf(out, "\n%*s", HELP_COLUMN, "");
		wrap_help(out, table[i].help);
	}
	buf_append_str(
		out,
		"\nWith no terminal on standard input it sends each line of it (as --send), or,\n"
		"where there is nothing to read, follows. A line that begins with / is a command\n"
		"on a terminal (/help lists them) and plain text in a pipe.\n"
		"Exit status: 0 ok, 1 refused by the server, 2 usage, 3 login, 4 network,\n"
		"5 timeout.\n");
}
