#include "base/config_file.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

static void cut_blanks(char *start, char *end)
{
	while (end > start && is_blank(end[-1]))
		end--;
	*end = '\0';
}

static bool is_rest(const char *at)
{
	return *at == '\0' || *at == '#';
}

/* Moves the quoted text to where its quote stood. */
static const char *unquote(char *value)
{
	char *from = value + 1, *to = value;

	for (; *from != '"'; from++) {
		if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		if (*from == '\0')
			return "the quoted value has no closing quote";
		*to++ = *from;
	}
	if (!is_rest(skip_blanks(from + 1)))
		return "only a # comment may stand behind a quoted value";
	*to = '\0';
	return NULL;
}

static void cut_comment(char *value)
{
	char *at = value;

	while (*at != '\0' && !(*at == '#' && (at == value || is_blank(at[-1]))))
		at++;
	cut_blanks(value, at);
}

static enum config_line heading(char *line, char **ret_name, const char **ret_why)
{
	char *end = strchr(line, ']');

	if (end != NULL && end > line + 1 && is_rest(skip_blanks(end + 1))) {
		*ret_name = skip_blanks(line + 1);
		cut_blanks(*ret_name, end);
		return CONFIG_LINE_SECTION;
	}
	*ret_name = line;
	*ret_why = "a section is written [name]";
	return CONFIG_LINE_BAD;
}

enum config_line config_file_line(char *line, char **ret_name, char **ret_value,
				  const char **ret_why)
{
	char *name = skip_blanks(line);
	char *equals, *value;
	const char *why = NULL;

	if (is_rest(name))
		return CONFIG_LINE_EMPTY;
	if (*name == '[')
		return heading(name, ret_name, ret_why);
	equals = strchr(name, '=');
	if (equals == NULL || equals == name) {
		*ret_name = name;
		*ret_why = "a line is written name = value";
		return CONFIG_LINE_BAD;
	}
	cut_blanks(name, equals);
	value = skip_blanks(equals + 1);
	if (*value == '"')
		why = unquote(value);
	else
		cut_comment(value);
	if (why != NULL) {
		*ret_name = value;
		*ret_why = why;
		return CONFIG_LINE_BAD;
	}
	*ret_name = name;
	*ret_value = value;
	return CONFIG_LINE_SETTING;
}

void config_file_quote(const char *value, struct buf *out)
{
	size_t len = strlen(value);

	if (strpbrk(value, "#\"\\") == NULL && len > 0 && !is_blank(value[0]) &&
	    !is_blank(value[len - 1])) {
		buf_append_str(out, value);
		return;
	}
	buf_append_char(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_append_char(out, '\\');
		buf_append_char(out, *value);
	}
	buf_append_char(out, '"');
}
