#include "client/options.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 24

/* A row without a name is a group's title. */
static const struct {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
} rows[] = {
#define GROUP(title) {NULL, 0, NULL, title},
#define OPTION(field, name, letter, argument, help) {name, letter, argument, help},
#include "client/options.def"
#undef OPTION
#undef GROUP
};

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
		       "Talks with the people of a chat server; you log in with your SSH key.\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *argument = rows[i].argument ? rows[i].argument : "";
		char head[64];
		int len;
		char letter[8] = "   ";

		if (!rows[i].name) {
			buf_printf(out, "\n%s:\n", rows[i].help);
			continue;
		}
		if (rows[i].letter)
			snprintf(letter, sizeof(letter), "-%c,", rows[i].letter);
		len = snprintf(head, sizeof(head), "  %s %s %.*s", letter, rows[i].name,
			       (int)strcspn(argument, "."), argument);
		buf_printf(out, "%-*s", HELP_COLUMN, head);
		if (len >= HELP_COLUMN)
			buf_printf(out, "\n%*s", HELP_COLUMN, "");
		wrap_help(out, rows[i].help);
	}
	buf_append_str(
		out,
		"\nWith no terminal on standard input it sends each line of it (as --send), or,\n"
		"where there is nothing to read, follows. A line that begins with / is a command\n"
		"on a terminal (/help lists them) and plain text in a pipe.\n"
		"Exit status: 0 ok, 1 refused by the server, 2 usage, 3 login, 4 network,\n"
		"5 timeout.\n");
}
