#include "client/wrap.h"

#include "client/utf8.h"

#include <string.h>

#define LEAST_COLUMNS 20u /* for the text beside the indent */
#define TAB_COLUMNS 8u

/* Bytes of the SGR sequence at text, 0 where there is none. */
static size_t sgr_at(const char *text, size_t len)
{
	size_t at = 2;

	if (len < 3 || text[0] != '\x1b' || text[1] != '[')
		return 0;
	while (at < len && ((text[at] >= '0' && text[at] <= '9') || text[at] == ';'))
		at++;
	return at < len && text[at] == 'm' ? at + 1 : 0;
}

/* The character at text: its bytes, and how far the column goes with it. */
static size_t step(const char *text, size_t len, size_t column, size_t *ret_width)
{
	size_t sgr = sgr_at(text, len);
	uint32_t character;
	size_t bytes;

	*ret_width = 0;
	if (sgr > 0)
		return sgr;
	bytes = utf8_decode(text, len, &character);
	*ret_width = character == '\t' ? TAB_COLUMNS - column % TAB_COLUMNS : utf8_width(character);
	return bytes;
}

static size_t columns_of(const char *text, size_t len, size_t column)
{
	size_t width;

	for (size_t at = 0; at < len; column += width)
		at += step(text + at, len - at, column, &width);
	return column;
}

/* Puts text[from..at) without the blanks at its end, and begins the next line. */
static void break_line(const char *text, size_t from, size_t at, size_t hang, struct buf *out)
{
	while (at > from && text[at - 1] == ' ')
		at--;
	buf_append(out, text + from, at - from);
	buf_append_char(out, '\n');
	for (size_t i = 0; i < hang; i++)
		buf_append_char(out, ' ');
}

/* Where a list's second column begins; 0 where the line is not of a list. */
static size_t second_column(const char *text, size_t len)
{
	size_t at = 2;

	if (len < 3 || strncmp(text, "  ", 2) != 0 || text[2] == ' ')
		return 0;
	while (at + 1 < len && strncmp(text + at, "  ", 2) != 0)
		at++;
	while (at < len && text[at] == ' ')
		at++;
	return at < len && text[at - 1] == ' ' && text[at - 2] == ' ' ? columns_of(text, at, 0) : 0;
}

static void wrap_line(const char *text, size_t len, size_t columns, size_t hang, struct buf *out)
{
	size_t blanks = 0, from = 0, may_break = 0, column = 0, width;

	while (blanks < len && text[blanks] == ' ')
		blanks++;
	if (hang < blanks)
		hang = blanks;
	if (hang < second_column(text, len) && columns >= second_column(text, len) + LEAST_COLUMNS)
		hang = second_column(text, len);
	if (columns < hang + LEAST_COLUMNS) {
		buf_append(out, text, len);
		return;
	}
	for (size_t at = 0; at < len;) {
		size_t bytes = step(text + at, len - at, column, &width);

		if (width > 1 && text[at] != '\t' && at > blanks)
			may_break = at;
		if (column + width > columns && may_break > from && text[at] != ' ') {
			break_line(text, from, may_break, hang, out);
			from = may_break;
			column = columns_of(text + from, at - from, hang);
			if (width > 1 && may_break < at)
				may_break = at;
		}
		at += bytes;
		column += width;
		if (text[at - 1] == ' ' && at > blanks)
			may_break = at;
	}
	buf_append(out, text + from, len - from);
}

void wrap_append(const char *text, size_t columns, size_t hang, struct buf *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		wrap_line(text, len, columns, hang, out);
		text += len;
		if (*text == '\n') {
			buf_append_char(out, '\n');
			text++;
		}
	}
}
