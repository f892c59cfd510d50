#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_LEN_MAX 255

const struct option options[OPTIONS_MAX] = {
#define GROUP(of_section, of_title) {.section = (of_section), .title = (of_title)},
#define OPTION(long_name, field, of_kind, default_value, in_words, lowest, highest, when, meta,    \
	       about)                                                                              \
	{.name = (long_name),                                                                      \
	 .kind = OPTION_##of_kind,                                                                 \
	 .change = OPTION_##when,                                                                  \
	 .offset = offsetof(struct config, field),                                                 \
	 .value = (default_value),                                                                 \
	 .shown = (in_words),                                                                      \
	 .low = (lowest),                                                                          \
	 .high = (highest),                                                                        \
	 .metavar = (meta),                                                                        \
	 .help = (about)},
#include "base/options.def"
#undef GROUP
#undef OPTION
};

const unsigned option_count = 0
#define GROUP(section, title) +1
#define OPTION(name, field, kind, value, shown, low, high, change, metavar, help) +1
#include "base/options.def"
#undef GROUP
#undef OPTION
	;

static const char *const log_formats[] = {
	[LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json", NULL};
static const char *const log_levels[] = {[LOG_LEVEL_ERROR] = "error",
					 [LOG_LEVEL_WARN] = "warn",
					 [LOG_LEVEL_INFO] = "info",
					 [LOG_LEVEL_DEBUG] = "debug",
					 NULL};
static const char *const flag_words[] = {"no", "yes", "false", "true", "off", "on", "0", "1", NULL};

/* ---- the table ---- */

const struct option *option_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < option_count; i++) {
		if (options[i].name != NULL && strlen(options[i].name) == len &&
		    memcmp(options[i].name, name, len) == 0)
			return &options[i];
	}
	return NULL;
}

#define NEAR_LEN_MAX 40

/* Edit distance: insertions, deletions, replacements and swaps of neighbours. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[3][NEAR_LEN_MAX + 1];
	unsigned *before = row[0], *last = row[1], *now = row[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

const struct option *option_nearest(const char *name, size_t len)
{
	const struct option *nearest = NULL;
	unsigned least = len < 4 ? 2 : 3; /* farther away it is no slip of the finger */

	if (len > NEAR_LEN_MAX)
		return NULL;
	for (unsigned i = 0; i < option_count; i++) {
		const char *candidate = options[i].name;
		unsigned found;

		if (candidate == NULL)
			continue;
		found = distance(name, len, candidate, strlen(candidate));
		/* Only the beginning was written: --max-conn. */
		if (len >= 3 && found > 1 && strncmp(name, candidate, len) == 0)
			found = 1;
		if (found < least) {
			least = found;
			nearest = &options[i];
		}
	}
	return nearest;
}

void option_env_name(const struct option *option, struct buf *out)
{
	buf_append_str(out, "CHAT_");
	for (const char *at = option->name; *at != '\0'; at++)
		buf_append_char(out, *at == '-' ? '_' : (char)toupper((unsigned char)*at));
}

/* ---- fields ---- */

static void *field_of(const struct option *option, struct config *config)
{
	return (char *)config + option->offset;
}

static const void *const_field_of(const struct option *option, const struct config *config)
{
	return (const char *)config + option->offset;
}

static int refuse(struct buf *why, const char *value, const char *what)
{
	buf_printf(why, "\"%s\" is not %s", value, what);
	return -EINVAL;
}

static int find_word(const char *value, const char *const *words, unsigned shown, struct buf *why,
		     unsigned *ret_index)
{
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (strcmp(value, words[i]) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	refuse(why, value, "one of: ");
	for (unsigned i = 0; i < shown && words[i] != NULL; i++)
		buf_printf(why, "%s%s", i > 0 ? ", " : "", words[i]);
	return -EINVAL;
}

static int64_t scale_of(const char *suffix)
{
	switch (suffix[0] != '\0' && suffix[1] == '\0' ? suffix[0] : '\0') {
	case 'k':
	case 'K':
		return 1024;
	case 'm':
	case 'M':
		return 1024 * 1024;
	case 'g':
	case 'G':
		return 1024 * 1024 * 1024;
	default:
		return 0;
	}
}

static int set_number(const struct option *option, uint32_t *field, const char *value,
		      struct buf *why)
{
	size_t digits = strspn(value, "0123456789");
	int64_t scale = 1, number = 0;
	bool good = digits > 0 && digits <= 10;

	if (value[digits] != '\0') {
		scale = option->kind == OPTION_BYTES ? scale_of(value + digits) : 0;
		good = good && scale > 0;
	}
	for (size_t i = 0; good && i < digits; i++)
		number = number * 10 + (value[i] - '0');
	if (!good || number * scale < option->low || number * scale > option->high) {
		buf_printf(why, "\"%s\" is not a %s from %lld to %lld%s", value,
			   option->kind == OPTION_BYTES ? "size" : "number", (long long)option->low,
			   (long long)option->high,
			   option->kind == OPTION_BYTES ? " (k, M or G may follow)" : "");
		return -EINVAL;
	}
	*field = (uint32_t)(number * scale);
	return 0;
}

static int set_string(char **field, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int set_path(char **field, const char *value, const char *home)
{
	struct buf path = BUF_INIT;
	int err;

	if (strcmp(value, "~") != 0 && strncmp(value, "~/", 2) != 0)
		return set_string(field, value);
	buf_printf(&path, "%s%s", home, value + 1);
	err = path.failed ? -ENOMEM : set_string(field, path.data);
	buf_finish(&path);
	return err;
}

static bool is_token(const char *value)
{
	static const char marks[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(value);

	return len <= 32 && strspn(value, marks) == len &&
	       (len == 0 || isalnum((unsigned char)value[0]));
}

/* What useradd(8) takes, and numbers. */
static bool is_account(const char *value)
{
	static const char marks[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(value);

	return len <= 32 && strspn(value, marks) == len && value[0] != '-' && value[0] != '.';
}

static bool is_address(const char *value, size_t len)
{
	if (len == 0 || len > ADDRESS_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)value[i]) && strchr(".:-_%[]", value[i]) == NULL)
			return false;
	}
	return true;
}

/* Of 1 to 5 digits. */
static bool is_port(const char *from, const char *end, int lowest)
{
	int port = 0;

	if (from == end || end - from > 5)
		return false;
	for (const char *at = from; at < end; at++) {
		if (!isdigit((unsigned char)*at))
			return false;
		port = port * 10 + (*at - '0');
	}
	return port >= lowest && port <= 65535;
}

/* HOST:PORT or [IPv6]:PORT; port 0 takes a free one. */
static bool is_listen(const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t len = colon != NULL ? (size_t)(colon - value) : 0;

	if (!is_address(value, len) || !is_port(colon + 1, colon + strlen(colon), 0))
		return false;
	if (value[0] == '[')
		return len > 2 && value[len - 1] == ']';
	return memchr(value, ':', len) == NULL;
}

/* HOST, HOST:PORT, [IPv6], [IPv6]:PORT or a bare IPv6 address. */
static bool is_server_name(const char *value, size_t len)
{
	const char *colon = memchr(value, ':', len);
	const char *end = value + len;
	const char *bracket = len > 0 && value[0] == '[' ? memchr(value, ']', len) : NULL;

	if (!is_address(value, len))
		return false;
	if (bracket != NULL) {
		colon = bracket + 1 < end ? bracket + 1 : NULL;
		if (bracket == value + 1 || (colon != NULL && *colon != ':'))
			return false;
	} else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL) {
		return true;
	}
	if (colon == NULL)
		return true;
	return colon != value && is_port(colon + 1, end, 1);
}

/* NETWORK=WORD; auth looks at both closely. */
static bool is_proxy(const char *value, size_t len)
{
	const char *equals = memchr(value, '=', len);

	return equals != NULL && equals > value && equals + 1 < value + len;
}

static int add_name(struct config_names *names, const char *value, size_t len, bool proxies,
		    struct buf *why)
{
	char *copy = strndup(value, len);
	int err = 0;

	if (copy == NULL)
		return -ENOMEM;
	if (proxies && !is_proxy(value, len)) {
		err = refuse(why, copy, "NETWORK=proxy2 or NETWORK=xff");
	} else if (!proxies && !is_server_name(value, len)) {
		err = refuse(why, copy, "HOST or HOST:PORT, with IPv6 addresses in brackets");
	} else if (names->count == SERVER_NAMES_MAX) {
		buf_printf(why, "there are more than %u names", SERVER_NAMES_MAX);
		err = -EINVAL;
	} else {
		names->name[names->count++] = copy;
		copy = NULL;
	}
	free(copy);
	return err;
}

static int add_names(struct config_names *names, const char *value, bool proxies, struct buf *why)
{
	static const char separators[] = ", \t";
	int err = 0;

	if (value[strspn(value, separators)] == '\0')
		return refuse(why, value, proxies ? "NETWORK=proxy2 or NETWORK=xff" : "HOST or HOST:PORT");
	while (err == 0 && *(value += strspn(value, separators)) != '\0') {
		size_t len = strcspn(value, separators);

		err = add_name(names, value, len, proxies, why);
		value += len;
	}
	return err;
}

static bool has_controls(const char *value)
{
	for (; *value != '\0'; value++) {
		if (iscntrl((unsigned char)*value))
			return true;
	}
	return false;
}

int option_set(const struct option *option, struct config *config, const char *value,
	       const char *home, struct buf *why)
{
	void *field = field_of(option, config);
	unsigned index = 0;
	int err;

	if (has_controls(value)) {
		buf_append_str(why, "the value holds control characters");
		return -EINVAL;
	}
	switch (option->kind) {
	case OPTION_NUMBER:
	case OPTION_BYTES:
		return set_number(option, field, value, why);
	case OPTION_PATH:
		return set_path(field, value[0] != '\0' ? value : option->value, home);
	case OPTION_TOKEN:
		if (!is_token(value))
			return refuse(why, value,
				      "1 to 32 of A-Z a-z 0-9 _ . -, a letter or a digit first");
		return set_string(field, value[0] != '\0' ? value : option->value);
	case OPTION_LISTEN:
		if (value[0] != '\0' && !is_listen(value))
			return refuse(
				why, value,
				"ADDR:PORT, with IPv6 addresses in brackets (127.0.0.1:9100)");
		return set_string(field, value[0] != '\0' ? value : option->value);
	case OPTION_ACCOUNT:
		if (!is_account(value))
			return refuse(why, value, "the name or the number of an account");
		return set_string(field, value[0] != '\0' ? value : option->value);
	case OPTION_ADDRESS:
		if (value[0] != '\0' && strcmp(value, "*") != 0 &&
		    !is_address(value, strlen(value)))
			return refuse(why, value, "an IP address, a host name, or *");
		return set_string(field, value[0] != '\0' ? value : option->value);
	case OPTION_NAMES:
	case OPTION_PROXIES:
		return add_names(field, value, option->kind == OPTION_PROXIES, why);
	case OPTION_LOG_FORMAT:
		err = find_word(value, log_formats, UINT32_MAX, why, &index);
		if (err == 0)
			*(enum log_format *)field = (enum log_format)index;
		return err;
	case OPTION_LOG_LEVEL:
		err = find_word(value, log_levels, UINT32_MAX, why, &index);
		if (err == 0)
			*(enum log_level *)field = (enum log_level)index;
		return err;
	case OPTION_FLAG:
		err = find_word(value, flag_words, 2, why, &index);
		if (err == 0)
			*(bool *)field = index % 2 == 1;
		return err;
	}
	return -EINVAL;
}

bool option_is_list(const struct option *option)
{
	return option->kind == OPTION_NAMES || option->kind == OPTION_PROXIES;
}

void option_clear(const struct option *option, struct config *config)
{
	struct config_names *names = field_of(option, config);

	if (!option_is_list(option))
		return;
	while (names->count > 0)
		free(names->name[--names->count]);
}

void option_format(const struct option *option, const struct config *config, struct buf *out)
{
	const void *field = const_field_of(option, config);
	const struct config_names *names = field;

	switch (option->kind) {
	case OPTION_NUMBER:
	case OPTION_BYTES:
		buf_append_u64(out, *(const uint32_t *)field);
		break;
	case OPTION_PATH:
	case OPTION_TOKEN:
	case OPTION_ADDRESS:
	case OPTION_LISTEN:
	case OPTION_ACCOUNT:
		buf_append_str(out, *(char *const *)field);
		break;
	case OPTION_NAMES:
	case OPTION_PROXIES:
		for (unsigned i = 0; i < names->count; i++)
			buf_printf(out, "%s%s", i > 0 ? ", " : "", names->name[i]);
		break;
	case OPTION_LOG_FORMAT:
		buf_append_str(out, log_formats[*(const enum log_format *)field]);
		break;
	case OPTION_LOG_LEVEL:
		buf_append_str(out, log_levels[*(const enum log_level *)field]);
		break;
	case OPTION_FLAG:
		buf_append_str(out, flag_words[*(const bool *)field]);
		break;
	}
}

void option_finish(const struct option *option, struct config *config)
{
	char **field = field_of(option, config);

	switch (option->kind) {
	case OPTION_PATH:
	case OPTION_TOKEN:
	case OPTION_ADDRESS:
	case OPTION_LISTEN:
	case OPTION_ACCOUNT:
		free(*field);
		*field = NULL;
		break;
	case OPTION_NAMES:
	case OPTION_PROXIES:
		option_clear(option, config);
		break;
	case OPTION_NUMBER:
	case OPTION_BYTES:
	case OPTION_LOG_FORMAT:
	case OPTION_LOG_LEVEL:
	case OPTION_FLAG:
		break;
	}
}
