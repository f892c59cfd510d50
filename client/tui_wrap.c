#include "client/tui_wrap.h"

#include "client/canvas.h"
#include "client/utf8.h"

#include <stdint.h>

/* The whole of a character with what combines with it: such pieces are never parted. */
static size_t piece(const char *text, size_t len)
{
	uint32_t character;
	size_t at = utf8_decode(text, len, &character);

	while (at < len && text[at] != '\n' && text[at] != ' ') {
		size_t step = utf8_decode(text + at, len - at, &character);

		/* measured together, so that a skin tone stays with its emoji */
		if (canvas_columns(text, at + step) != canvas_columns(text, at))
			break;
		at += step;
	}
	return at;
}

bool tui_wrap_next(const char *text, size_t len, size_t width, size_t *at,
		   struct tui_wrap_row *ret_row)
{
	size_t from = *at, end = from, used = 0;
	size_t blank = 0; /* where the row could end, and the next one begin behind */

	/* one behind the end: the last row was taken */
	if (from > len || (from == len && len > 0 && text[len - 1] != '\n'))
		return false;
	while (end < len && text[end] != '\n') {
		size_t step = piece(text + end, len - end);
		size_t columns = canvas_columns(text + end, step);

		if (text[end] == ' ' && end > from)
			blank = end;
		if (used + columns > width && end > from)
			break;
		used += columns;
		end += step;
	}
	*ret_row = (struct tui_wrap_row){.from = from, .len = end - from};
	if (end == len) {
		*at = len + 1;
		return true;
	}
	if (text[end] == '\n') {
		*at = end + 1;
		return true;
	}
	if (blank > from) {
		ret_row->len = blank - from;
		while (ret_row->len > 1 && text[from + ret_row->len - 1] == ' ')
			ret_row->len--;
		end = blank;
		while (end < len && text[end] == ' ')
			end++;
		*at = end == len ? len + 1 : end + (text[end] == '\n');
		return true;
	}
	*at = end;
	return true;
}

size_t tui_wrap_count(const char *text, size_t len, size_t width)
{
	struct tui_wrap_row row;
	size_t at = 0, count = 0;

	while (tui_wrap_next(text, len, width, &at, &row))
		count++;
	return count > 0 ? count : 1;
}
