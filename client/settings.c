#include "client/settings.h"

#include "proto/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SETTING(field, name, values, help)                                                         \
	static int set_##field(struct settings *settings, const char *value, struct buf *why);     \
	static void get_##field(const struct settings *settings, struct buf *out);
#include "client/settings.def"
#undef SETTING

static const struct {
	const char *name;
	int (*set)(struct settings *settings, const char *value, struct buf *why);
	void (*get)(const struct settings *settings, struct buf *out);
} table[] = {
#define SETTING(field, name, values, help) {name, set_##field, get_##field},
#include "client/settings.def"
#undef SETTING
};

#define SETTINGS (sizeof(table) / sizeof(table[0]))

static const char *const ways[] = {
	[NOTIFY_OFF] = "off",       [NOTIFY_BELL] = "bell",       [NOTIFY_OSC9] = "osc9",
	[NOTIFY_OSC777] = "osc777", [NOTIFY_COMMAND] = "command", NULL};
static const char *const themes[] = {
	[THEME_DEFAULT] = "default", [THEME_LIGHT] = "light", [THEME_MONO] = "mono", NULL};

/* ---- values */

static int find_word(const char *value, const char *const *words, struct buf *why,
		     unsigned *ret_index)
{
	for (unsigned i = 0; words[i]; i++) {
		if (strcasecmp(words[i], value) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	buf_printf(why, "\"%s\" is not one of: ", value);
	for (unsigned i = 0; words[i]; i++)
		buf_printf(why, "%s%s", i > 0 ? ", " : "", words[i]);
	return -EINVAL;
}

static int set_notify(struct settings *settings, const char *value, struct buf *why)
{
	unsigned way;

	if (find_word(value, ways, why, &way) < 0)
		return -EINVAL;
	settings->notify = (enum notify_way)way;
	return 0;
}

static void get_notify(const struct settings *settings, struct buf *out)
{
	buf_append_str(out, ways[settings->notify]);
}

static int set_notify_command(struct settings *settings, const char *value, struct buf *why)
{
	char *copy = NULL;

	if (strchr(value, '\n')) {
		buf_append_str(why, "a command is one line");
		return -EINVAL;
	}
	if (value[0]) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(settings->notify_command);
	settings->notify_command = copy;
	return 0;
}

static void get_notify_command(const struct settings *settings, struct buf *out)
{
	buf_append_str(out, settings->notify_command ? settings->notify_command : "");
}

static int set_bell(struct settings *settings, const char *value, struct buf *why)
{
	static const char *const words[] = {"off", "on", "no", "yes", NULL};
	unsigned word;

	for (word = 0; words[word]; word++) {
		if (strcasecmp(words[word], value) == 0) {
			settings->bell = word % 2 == 1;
			return 0;
		}
	}
	buf_printf(why, "\"%s\" is not on or off", value);
	return -EINVAL;
}

static void get_bell(const struct settings *settings, struct buf *out)
{
	buf_append_str(out, settings->bell ? "on" : "off");
}

/* Names with blanks or commas between. Nothing changes where one of them is none. */
static int set_ignore(struct settings *settings, const char *value, struct buf *why)
{
	char names[IGNORED_MAX][NAME_SIZE];
	size_t count = 0;

	for (const char *at = value + strspn(value, " \t,"); *at;) {
		size_t len = strcspn(at, " \t,");

		if (count == IGNORED_MAX) {
			buf_printf(why, "there are more than %u names", IGNORED_MAX);
			return -EINVAL;
		}
		if (name_fold(at + (*at == '@'), len - (*at == '@'), names[count]) < 0) {
			buf_printf(why, "\"%.*s\" cannot be anyone's name", (int)len, at);
			return -EINVAL;
		}
		count++;
		at += len;
		at += strspn(at, " \t,");
	}
	memcpy(settings->ignored, names, count * sizeof(names[0]));
	settings->ignored_count = count;
	return 0;
}

static void get_ignore(const struct settings *settings, struct buf *out)
{
	for (size_t i = 0; i < settings->ignored_count; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", settings->ignored[i]);
}

static int set_theme(struct settings *settings, const char *value, struct buf *why)
{
	unsigned theme;

	if (find_word(value, themes, why, &theme) < 0)
		return -EINVAL;
	settings->theme = (enum theme)theme;
	return 0;
}

static void get_theme(const struct settings *settings, struct buf *out)
{
	buf_append_str(out, themes[settings->theme]);
}

/* The format is the person's own; the compiler cannot look at it. */
size_t settings_time(const char *format, const struct tm *tm, char *out, size_t size)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t len = strftime(out, size, format, tm);
#pragma GCC diagnostic pop

	if (len == 0)
		out[0] = '\0';
	return len;
}

/* "" is the default again. What strftime makes of it must fit before a line. */
static int set_timestamp(struct settings *settings, const char *value, struct buf *why)
{
	const char *format = value[0] ? value : TIMESTAMP_FORMAT_DEFAULT;
	struct tm tm = {.tm_year = 126, .tm_mon = 10, .tm_mday = 28, .tm_hour = 12};
	char text[40];

	if (strlen(format) >= sizeof(settings->timestamp) || mktime(&tm) == (time_t)-1 ||
	    settings_time(format, &tm, text, sizeof(text)) == 0) {
		buf_printf(why,
			   "\"%s\" does not make a short time, as \"%%H:%%M\" or \"%%d.%%m. "
			   "%%H:%%M:%%S\" do",
			   value);
		return -EINVAL;
	}
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f) {
			buf_append_str(why, "a time is one line without control characters");
			return -EINVAL;
		}
	}
	snprintf(settings->timestamp, sizeof(settings->timestamp), "%s", format);
	return 0;
}

static void get_timestamp(const struct settings *settings, struct buf *out)
{
	buf_append_str(out, settings->timestamp);
}

/* ---- by name */

int settings_set(struct settings *settings, const char *name, const char *value, struct buf *why)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(table[i].name, name) == 0)
			return table[i].set(settings, value, why);
	}
	return -ENOENT;
}

void settings_get(const struct settings *settings, const char *name, struct buf *out)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(table[i].name, name) == 0)
			table[i].get(settings, out);
	}
}

/* ---- the whole */

void settings_init(struct settings *ret_settings)
{
	*ret_settings = (struct settings){.notify = NOTIFY_BELL, .bell = true};
	snprintf(ret_settings->timestamp, sizeof(ret_settings->timestamp), "%s",
		 TIMESTAMP_FORMAT_DEFAULT);
}

void settings_finish(struct settings *settings)
{
	for (size_t i = 0; i < settings->host_count; i++) {
		free(settings->hosts[i].name);
		free(settings->hosts[i].address);
		free(settings->hosts[i].user);
		free(settings->hosts[i].key);
	}
	free(settings->hosts);
	free(settings->notify_command);
	free(settings->path);
	*settings = (struct settings){0};
}

bool settings_ignores(const struct settings *settings, const char *user)
{
	for (size_t i = 0; user && i < settings->ignored_count; i++) {
		if (strcmp(settings->ignored[i], user) == 0)
			return true;
	}
	return false;
}

const struct settings_host *settings_find_host(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->host_count; i++) {
		if (strcasecmp(settings->hosts[i].name, name) == 0)
			return &settings->hosts[i];
	}
	return NULL;
}

char *settings_path(void)
{
	const char *config_home = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (config_home && config_home[0] == '/')
		buf_printf(&path, "%s/chat/client.conf", config_home);
	else if (home && home[0] == '/')
		buf_printf(&path, "%s/.config/chat/client.conf", home);
	if (path.failed)
		buf_finish(&path);
	return path.data;
}
