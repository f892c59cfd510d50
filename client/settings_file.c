#include "client/settings.h"

#include "base/config_file.h"
#include "base/fd.h"
#include "client/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)256 * 1024)
#define BLANKS " \t\r"

static const char *const names[] = {
#define SETTING(field, name, values, help) name,
#include "client/settings.def"
#undef SETTING
};
static const char *const host_names[] = {"address", "port", "user", "key"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- reading */

struct reader {
	struct settings *settings;
	struct settings_host *host; /* whose section this is; NULL: before the first */
	bool skipping;              /* in a section that was refused: once is enough */
	const char *path;
	unsigned line;
	struct buf *problem;
	bool failed;
};

static void complain(struct reader *reader, const char *what, const char *detail)
{
	buf_printf(reader->problem, "%s%s:%u: %s%s", reader->problem->len > 0 ? "\n" : "",
		   reader->path, reader->line, what, detail);
	reader->failed = true;
}

static int add_host(struct reader *reader, const char *name)
{
	struct settings *settings = reader->settings;
	struct settings_host *more;

	if (name[0] == '\0' || strpbrk(name, BLANKS "@:/[]")) {
		complain(reader, "a host's section is written [host NAME], NAME one word", "");
		reader->skipping = true;
		return 0;
	}
	if (settings_find_host(settings, name)) {
		complain(reader, "there is a section for this host already: ", name);
		reader->skipping = true;
		return 0;
	}
	more = realloc(settings->hosts, (settings->host_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	settings->hosts = more;
	reader->host = &more[settings->host_count];
	*reader->host = (struct settings_host){.name = strdup(name)};
	if (!reader->host->name)
		return -ENOMEM;
	settings->host_count++;
	return 0;
}

static int take_heading(struct reader *reader, const char *heading)
{
	reader->host = NULL;
	reader->skipping = false;
	if (strncmp(heading, "host", 4) == 0 && strchr(BLANKS, heading[4]))
		return add_host(reader, heading + 4 + strspn(heading + 4, BLANKS));
	complain(reader, "no such section; there is [host NAME]: ", heading);
	reader->skipping = true;
	return 0;
}

static int set_port(struct reader *reader, const char *value)
{
	char *end = NULL;
	unsigned long port = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || port == 0 || port > 65535)
		complain(reader, "port: from 1 to 65535, not ", value);
	else
		reader->host->port = (unsigned)port;
	return 0;
}

static int copy(char **field, const char *value)
{
	const char *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (strncmp(value, "~/", 2) == 0 && home)
		buf_append_str(&path, home);
	buf_append_str(&path, path.len > 0 ? value + 1 : value);
	if (path.failed)
		return -ENOMEM;
	free(*field);
	*field = path.data;
	return 0;
}

static void unknown(struct reader *reader, const char *name, const char *const *list, size_t count)
{
	const char *near = nearest_word(name, list, count);
	char hint[96];

	snprintf(hint, sizeof(hint), "%.40s%s%.40s%s", name, near ? "; did you mean " : "",
		 near ? near : "", near ? "?" : "");
	complain(reader, "unknown name ", hint);
}

static int take_host_line(struct reader *reader, const char *name, const char *value)
{
	if (strcmp(name, "port") == 0)
		return set_port(reader, value);
	if (value[0] == '\0') {
		complain(reader, name, ": a value is missing");
		return 0;
	}
	if (strcmp(name, "address") == 0)
		return copy(&reader->host->address, value);
	if (strcmp(name, "user") == 0)
		return copy(&reader->host->user, value);
	if (strcmp(name, "key") == 0)
		return copy(&reader->host->key, value);
	unknown(reader, name, host_names, COUNT(host_names));
	return 0;
}

static int take_setting(struct reader *reader, const char *name, const char *value)
{
	struct buf why = BUF_INIT;
	int rc = settings_set(reader->settings, name, value, &why);

	if (rc == -EINVAL) {
		struct buf what = BUF_INIT;

		buf_printf(&what, "%s: ", name);
		complain(reader, what.data ? what.data : "", why.data ? why.data : "");
		buf_finish(&what);
		rc = 0;
	} else if (rc == -ENOENT) {
		unknown(reader, name, names, COUNT(names));
		rc = 0;
	}
	buf_finish(&why);
	return rc;
}

static int take_line(struct reader *reader, char *line)
{
	char *name, *value;
	const char *why;

	switch (config_file_line(line, &name, &value, &why)) {
	case CONFIG_LINE_EMPTY:
		return 0;
	case CONFIG_LINE_SECTION:
		return take_heading(reader, name);
	case CONFIG_LINE_BAD:
		complain(reader, why, "");
		return 0;
	case CONFIG_LINE_SETTING:
		break;
	}
	if (reader->skipping)
		return 0;
	return reader->host ? take_host_line(reader, name, value)
			    : take_setting(reader, name, value);
}

int settings_load(const char *path, struct settings *ret_settings, struct buf *problem)
{
	struct reader reader = {.settings = ret_settings, .path = path, .problem = problem};
	struct buf text = BUF_INIT;
	char *rest;
	int rc;

	settings_init(ret_settings);
	if (!path)
		return 0;
	ret_settings->path = strdup(path);
	rc = ret_settings->path ? buf_read_file(&text, path, FILE_MAX) : -ENOMEM;
	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc < 0) {
		buf_printf(problem, "%s: %s", path, strerror(-rc));
		goto out;
	}
	rest = text.data;
	while (rc == 0 && rest && *rest) {
		char *line = strsep(&rest, "\n");

		reader.line++;
		rc = take_line(&reader, line);
	}
	if (rc == 0 && reader.failed)
		rc = -EINVAL;
	else if (rc < 0)
		buf_append_str(problem, strerror(-rc));
out:
	buf_finish(&text);
	if (rc < 0)
		settings_finish(ret_settings);
	return rc;
}

/* ---- writing */

/* Behind a quoted value: where its quote is closed, `end` where it isn't. */
static const char *skip_quoted(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at < end ? at + 1 : end;
}

/* The comment behind the value of this line, with the blanks before it; the line's end if none. */
static const char *comment_of(const char *line, size_t len)
{
	const char *end = line + len, *value = memchr(line, '=', len), *at;

	if (!value)
		return end;
	for (value++; value < end && strchr(BLANKS, *value);)
		value++;
	at = value;
	if (at < end && *at == '"') {
		at = skip_quoted(at, end);
		while (at < end && *at != '#')
			at++;
	} else {
		while (at < end && !(*at == '#' && (at == value || strchr(BLANKS, at[-1]))))
			at++;
	}
	while (at < end && at > line && strchr(BLANKS, at[-1]))
		at--;
	return at;
}

static bool names_setting(const char *line, size_t len, const char *name)
{
	struct buf copied = BUF_INIT;
	char *found, *value;
	const char *why;
	bool same;

	buf_append(&copied, line, len);
	same = copied.data && !copied.failed &&
	       config_file_line(copied.data, &found, &value, &why) == CONFIG_LINE_SETTING &&
	       strcmp(found, name) == 0;
	buf_finish(&copied);
	return same;
}

static void put_setting(struct buf *out, const char *name, const char *value, const char *comment,
			size_t comment_len)
{
	buf_printf(out, "%s = ", name);
	config_file_quote(value, out);
	if (comment_len > 0 && *comment == '#')
		buf_append_char(out, ' '); /* else it would be part of the value */
	buf_append(out, comment, comment_len);
	buf_append_char(out, '\n');
}

/*
 * The same text with this setting: in the place of its first line, else behind the last line of the
 * settings, else in front of everything (what stands first may belong to a section).
 */
static void rewrite(const char *text, const char *name, const char *value, struct buf *out)
{
	const char *last = NULL; /* the end of the last setting */
	bool placed = false, sections = false;
	size_t at = 0;

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		const char *next = line + len + (line[len] == '\n');
		const char *first = line + strspn(line, BLANKS);

		if (*first == '[')
			sections = true;
		if (!sections && names_setting(line, len, name)) {
			const char *comment = comment_of(line, len);

			if (!placed)
				put_setting(out, name, value, comment,
					    (size_t)(line + len - comment));
			placed = true;
		} else {
			buf_append(out, line, len);
			buf_append_char(out, '\n');
		}
		if (!sections && *first != '#' && *first != '\n' && *first != '\0') {
			last = next;
			at = out->len;
		}
		line = next;
	}
	if (!placed) {
		struct buf rest = BUF_INIT;

		if (!last && out->len > 0)
			buf_append_char(&rest, '\n');
		if (out->len > at)
			buf_append(&rest, out->data + at, out->len - at);
		out->len = at;
		put_setting(out, name, value, "", 0);
		if (rest.len > 0)
			buf_append(out, rest.data, rest.len);
		if (rest.failed)
			out->failed = true;
		buf_finish(&rest);
	}
}

static int write_setting(const char *path, const char *name, const char *value)
{
	struct buf text = BUF_INIT, changed = BUF_INIT, folder = BUF_INIT;
	struct stat stat = {.st_mode = 0600};
	/* a link, as people keep for their dot files, stays one */
	char *real = realpath(path, NULL);
	const char *target = real ? real : path;
	int rc = buf_read_file(&text, target, FILE_MAX);

	if (rc == 0 && lstat(target, &stat) < 0)
		rc = -errno;
	if (rc == -ENOENT || rc == -ENOTDIR) {
		buf_append(&folder, target, (size_t)(strrchr(target, '/') - target));
		rc = folder.failed ? -ENOMEM : fd_make_folders(folder.data, 0700);
	}
	if (rc == 0) {
		rewrite(text.data ? text.data : "", name, value, &changed);
		rc = changed.failed ? -ENOMEM
				    : fd_replace_file(target, changed.data, changed.len,
						      stat.st_mode & 0777);
	}
	free(real);
	buf_finish(&folder);
	buf_finish(&text);
	buf_finish(&changed);
	return rc;
}

int settings_change(struct settings *settings, const char *name, const char *value, struct buf *why)
{
	struct buf written = BUF_INIT;
	int rc = settings_set(settings, name, value, why);

	if (rc < 0 || !settings->path)
		return rc;
	settings_get(settings, name, &written);
	rc = written.failed ? -ENOMEM
			    : write_setting(settings->path, name, written.data ? written.data : "");
	buf_finish(&written);
	return rc;
}
