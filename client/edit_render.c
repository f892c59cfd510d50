#include "client/edit.h"

#include "client/utf8.h"

#define NEWLINE_SIGN 0x23ceu

/* The character as it is shown: a newline as its sign, a tab as a space. */
static uint32_t shown(uint32_t character)
{
	if (character == '\n')
		return NEWLINE_SIGN;
	return character == '\t' ? ' ' : character;
}

void edit_render(const struct edit *edit, size_t columns, struct buf *out,
		 size_t *ret_cursor_column)
{
	const char *text = edit->text.data ? edit->text.data : "";
	size_t from = edit->cursor, used = 0, room = columns > 2 ? columns - 1 : 1;
	uint32_t character;

	/* as much as fits to the left of the cursor ... */
	while (from > 0) {
		size_t step = utf8_before(text, from);

		utf8_decode(text + from - step, step, &character);
		if (used + utf8_width(shown(character)) > room)
			break;
		used += utf8_width(shown(character));
		from -= step;
	}
	*ret_cursor_column = used;
	/* ... and then what fits to the right of it */
	used = 0;
	for (size_t at = from; at < edit->text.len;) {
		size_t step = utf8_decode(text + at, edit->text.len - at, &character);
		char bytes[4];

		if (used + utf8_width(shown(character)) > room)
			break;
		used += utf8_width(shown(character));
		buf_append(out, bytes, utf8_encode(shown(character), bytes));
		at += step;
	}
}
