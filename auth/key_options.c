#include "auth/key_options.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TUNNEL_MAX 2147483645 /* sshd's SSH_TUNID_MAX */
#define HOST_MAX 1025u        /* NI_MAXHOST */

void key_options_init(struct key_options *options)
{
	*options = (struct key_options){0};
}

void key_options_finish(struct key_options *options)
{
	buf_finish(&options->from);
	buf_finish(&options->principals);
	buf_finish(&options->user);
	buf_finish(&options->role);
}

const char *key_options_end(const char *text)
{
	bool quoted = false;

	for (; *text != '\0' && (quoted || (*text != ' ' && *text != '\t')); text++) {
		if (text[0] == '\\' && text[1] == '"')
			text++;
		else if (*text == '"')
			quoted = !quoted;
	}
	return quoted ? NULL : text;
}

/* A flag, perhaps with "no-" before it: moves *at behind it and tells which. */
static bool take_flag(const char **at, const char *name, bool may_negate, bool *ret_on)
{
	const char *text = *at;
	bool on = true;

	if (may_negate && strncasecmp(text, "no-", 3) == 0) {
		text += 3;
		on = false;
	}
	if (strncasecmp(text, name, strlen(name)) != 0)
		return false;
	*at = text + strlen(name);
	*ret_on = on;
	return true;
}

/* name=: moves *at behind the '='. */
static bool take_name(const char **at, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(*at, name, len) != 0 || (*at)[len] != '=')
		return false;
	*at += len + 1;
	return true;
}

static const char *take_value(const char **at, struct buf *ret_value)
{
	const char *text = *at;

	if (*text != '"')
		return "a value must stand in double quotes";
	text++;
	buf_reset(ret_value);
	buf_append(ret_value, "", 0);
	while (*text != '\0' && *text != '"') {
		if (text[0] == '\\' && text[1] == '"')
			text++;
		buf_append_char(ret_value, *text++);
	}
	if (*text == '\0')
		return "a quote is never closed";
	*at = text + 1;
	return ret_value->failed ? "out of memory" : NULL;
}

/* A whole number as BSD's strtonum takes it; -1 if it isn't one in 0..max. */
static long long number_from(const char *text, long long max)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || value < 0 || value > max)
		return -1;
	return value;
}

static bool port_is_valid(const char *text)
{
	struct servent entry, *found = NULL;
	char memory[1024];
	long long port = number_from(text, 65535);

	if (port >= 0)
		return port > 0;
	return getservbyname_r(text, "tcp", &entry, memory, sizeof(memory), &found) == 0 &&
	       found != NULL;
}

/* host:port of permitopen, or [host:]port of permitlisten. */
static const char *check_permit(const char *value, bool may_lack_host)
{
	const char *host_end, *port;

	if (may_lack_host && strchr(value, ':') == NULL) {
		port = value;
	} else {
		host_end = value;
		if (*value == '[') {
			host_end = strchr(value, ']');
			if (host_end == NULL)
				return "permitopen and permitlisten need a host";
			host_end++;
			if (*host_end != '\0' && *host_end != ':' && *host_end != '/')
				return "permitopen and permitlisten need a host";
		} else {
			host_end += strcspn(value, ":/");
		}
		if ((size_t)(host_end - value) >= HOST_MAX)
			return "permitopen and permitlisten need a host";
		if (*host_end == '\0')
			return "permitopen and permitlisten need a port";
		port = host_end + 1;
	}
	if (strcmp(port, "*") != 0 && !port_is_valid(port))
		return "permitopen and permitlisten need a port";
	return NULL;
}

/* YYYYMMDD[HHMM[SS]], local time unless it ends in Z or UTC. 0 if it isn't one. */
static int64_t time_from(const char *text)
{
	size_t len = strlen(text);
	struct tm tm = {0};
	bool is_utc = false;
	char spaced[32];
	const char *format, *end;
	time_t at;

	if (len > 1 && strcasecmp(text + len - 1, "Z") == 0) {
		is_utc = true;
		len -= 1;
	} else if (len > 3 && strcasecmp(text + len - 3, "UTC") == 0) {
		is_utc = true;
		len -= 3;
	}
	/* strptime wants something between its conversions; it normalises 0230 as sshd does */
	if (len == 8) {
		format = "%Y-%m-%d";
		(void)snprintf(spaced, sizeof(spaced), "%.4s-%.2s-%.2s", text, text + 4, text + 6);
	} else if (len == 12) {
		format = "%Y-%m-%dT%H:%M";
		(void)snprintf(spaced, sizeof(spaced), "%.4s-%.2s-%.2sT%.2s:%.2s", text, text + 4,
			       text + 6, text + 8, text + 10);
	} else if (len == 14) {
		format = "%Y-%m-%dT%H:%M:%S";
		(void)snprintf(spaced, sizeof(spaced), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s", text,
			       text + 4, text + 6, text + 8, text + 10, text + 12);
	} else {
		return 0;
	}
	end = strptime(spaced, format, &tm);
	if (end == NULL || *end != '\0')
		return 0;
	at = is_utc ? timegm(&tm) : mktime(&tm);
	return at < 0 ? 0 : (int64_t)at;
}

/* NAME=VALUE. Of each name the first one counts, as in sshd. */
static const char *take_environment(struct key_options *options, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
		return "environment= needs \"NAME=VALUE\"";
	for (const char *at = text; at < equals; at++)
		if (!isalnum((unsigned char)*at) && *at != '_')
			return "environment= needs \"NAME=VALUE\"";
	if (!options->has_user && strncmp(text, "CHAT_USER=", 10) == 0) {
		options->has_user = true;
		buf_append_str(&options->user, equals + 1);
	} else if (!options->has_role && strncmp(text, "CHAT_ROLE=", 10) == 0) {
		options->has_role = true;
		buf_append_str(&options->role, equals + 1);
	}
	return NULL;
}

/* A once-only option with a value. */
static const char *take_once(const char **at, bool *has, struct buf *ret_value, const char *twice)
{
	if (*has)
		return twice;
	*has = true;
	return take_value(at, ret_value);
}

static const char *take_expiry(struct key_options *options, const char **at, struct buf *value)
{
	const char *wrong = take_value(at, value);
	int64_t expires_s;

	if (wrong != NULL)
		return wrong;
	expires_s = time_from(value->data);
	if (expires_s == 0)
		return "expiry-time= needs \"YYYYMMDD[HHMM[SS]][Z]\"";
	if (options->expires_s == 0 || expires_s < options->expires_s)
		options->expires_s = expires_s;
	return NULL;
}

static const char *take_tunnel(const char **at, struct buf *value)
{
	const char *wrong = take_value(at, value);

	if (wrong != NULL)
		return wrong;
	if (strcasecmp(value->data, "any") != 0 && number_from(value->data, TUNNEL_MAX) < 0)
		return "tunnel= needs a device number or \"any\"";
	return NULL;
}

/* The flags. False: *at is at none of them. */
static bool take_any_flag(struct key_options *options, const char **at)
{
	static const char *const shell_flags[] = {
		"port-forwarding", "agent-forwarding", "x11-forwarding", "pty", "user-rc",
	};
	bool on;

	if (take_flag(at, "restrict", false, &on))
		return true;
	if (take_flag(at, "cert-authority", false, &on)) {
		options->cert_authority = true;
		return true;
	}
	if (take_flag(at, "touch-required", true, &on)) {
		options->no_touch_required = !on;
		return true;
	}
	if (take_flag(at, "verify-required", true, &on)) {
		options->verify_required = on;
		return true;
	}
	for (size_t i = 0; i < sizeof(shell_flags) / sizeof(shell_flags[0]); i++)
		if (take_flag(at, shell_flags[i], true, &on))
			return true;
	return false;
}

/* One option. NULL, also where nothing was recognised: the caller sees what stands there then. */
static const char *take_option(struct key_options *options, const char **at, struct buf *value)
{
	const char *wrong;
	bool listen;

	if (take_any_flag(options, at))
		return NULL;
	if (take_name(at, "command"))
		return take_once(at, &options->has_command, value, "more than one command=");
	if (take_name(at, "principals"))
		return take_once(at, &options->has_principals, &options->principals,
				 "more than one principals=");
	if (take_name(at, "from"))
		return take_once(at, &options->has_from, &options->from, "more than one from=");
	if (take_name(at, "expiry-time"))
		return take_expiry(options, at, value);
	if (take_name(at, "environment")) {
		wrong = take_value(at, value);
		return wrong != NULL ? wrong : take_environment(options, value->data);
	}
	listen = take_name(at, "permitlisten");
	if (listen || take_name(at, "permitopen")) {
		wrong = take_value(at, value);
		return wrong != NULL ? wrong : check_permit(value->data, listen);
	}
	if (take_name(at, "tunnel"))
		return take_tunnel(at, value);
	return NULL;
}

const char *key_options_parse(struct key_options *options, const char *text)
{
	struct buf value = BUF_INIT;
	const char *wrong = NULL;

	while (*text != '\0' && *text != ' ' && *text != '\t') {
		wrong = take_option(options, &text, &value);
		if (wrong != NULL || *text == '\0' || *text == ' ' || *text == '\t')
			break;
		if (*text != ',') {
			wrong = "unknown option";
			break;
		}
		text++;
		if (*text == '\0')
			wrong = "the options end with a comma, and no key follows";
	}
	buf_finish(&value);
	return wrong;
}
