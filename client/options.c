#include "client/options.h"

#include "auth/pubkey.h"
#include "base/clock.h"
#include "client/duration.h"
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
#define BATCH_MAX_MS 60000

enum option {
#define GROUP(title)
#define OPTION(field, name, letter, argument, help) OPTION_##field,
#include "client/options.def"
#undef OPTION
#undef GROUP
	OPTIONS
};

static const struct {
	const char *name;
	char letter;
	const char *argument;
} table[OPTIONS] = {
#define GROUP(title)
#define OPTION(field, name, letter, argument, help) {name, letter, argument},
#include "client/options.def"
#undef OPTION
#undef GROUP
};

static const char *const names[OPTIONS] = {
#define GROUP(title)
#define OPTION(field, name, letter, argument, help) name,
#include "client/options.def"
#undef OPTION
#undef GROUP
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

static int set_batch(struct options *options, const char *value, struct buf *problem)
{
	if (duration_parse(value, &options->batch_ms) < 0 || options->batch_ms == 0 ||
	    options->batch_ms > BATCH_MAX_MS)
		return fail(problem, "--batch %s: a time up to a minute, like 200ms or 2s", value);
	return 0;
}

static int set_as(struct options *options, const char *value, struct buf *problem)
{
	static const char *const kinds[] = {"message", "notice", "alert", "me"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(value, kinds[i]) == 0) {
			options->as = kinds[i];
			return 0;
		}
	}
	return fail(problem, "--as %s: message, notice, alert or me", value);
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
	uint8_t hash[KEY_HASH_BYTES];

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
	case OPTION_fingerprint:
		if (fingerprint_parse(value, hash) < 0)
			return fail(problem,
				    "--fingerprint %s: SHA256: and 43 characters of base64, as "
				    "chat-master --fingerprint prints it",
				    value);
		options->fingerprint = value;
		break;
	case OPTION_tls:
		options->tls = true;
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
	case OPTION_batch:
		return set_batch(options, value, problem);
	case OPTION_code:
		options->code = true;
		break;
	case OPTION_as:
		return set_as(options, value, problem);
	case OPTION_wait_reply:
		if (duration_parse(value, &options->wait_reply_ms) < 0 ||
		    options->wait_reply_ms == 0)
			return fail(problem, "--wait-reply %s: how many seconds?", value);
		break;
	case OPTION_since:
		if (duration_parse_since(value, clock_wall_ms(), &options->since) < 0)
			return fail(problem,
				    "--since %s: a time like 2h, 30m, 7d, or 2026-11-20T17:00:00Z",
				    value);
		break;
	case OPTION_ping:
		options->ping = true;
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
	if (options->insecure && (options->tls || options->fingerprint))
		return fail(problem, "--insecure means no TLS; %s means TLS",
			    options->tls ? "--tls" : "--fingerprint");
	if (arguments->port && options->port != port)
		return fail(problem, "both --port %u and port %u are named", port, options->port);
	return 0;
}

/* Those that would undo each other. */
static int check_together(const struct options *options, struct buf *problem)
{
	if (options->code && options->batch_ms > 0)
		return fail(problem, "--code gathers everything already: leave --batch out");
	if (options->wait_reply_ms > 0 && options->follow)
		return fail(problem, "--follow prints all answers: leave --wait-reply out");
	if (options->since > 0 && options->send && !options->follow)
		return fail(problem, "--since is for what is printed: add --follow");
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
	rc = check_together(ret_options, problem);
	if (rc < 0)
		return rc;
	if (!arguments.destination)
		return fail(problem,
			    "which server? chat-client [USER@]HOST[:PORT]; --help says more");
	return parse_destination(ret_options, &arguments, login_name, settings, problem);
}

bool options_mean_tls(const struct options *options)
{
	return !options->insecure &&
	       (options->tls || options->fingerprint || !server_name_is_loopback(options->server));
}
