#include "client/canvas.h"

#include "client/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank = {.characters = {' '}, .width = 1};

int canvas_resize(struct canvas *canvas, size_t rows, size_t columns)
{
	struct cell *cells = calloc(rows * columns + 1, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	free(canvas->cells);
	*canvas = (struct canvas){.rows = rows, .columns = columns, .cells = cells};
	canvas_clear(canvas);
	return 0;
}

void canvas_finish(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){0};
}

void canvas_clear(struct canvas *canvas)
{
	for (size_t i = 0; i < canvas->rows * canvas->columns; i++)
		canvas->cells[i] = blank;
}

static struct cell *cell_at(const struct canvas *canvas, size_t row, size_t column)
{
	return &canvas->cells[row * canvas->columns + column];
}

static bool is_left_out(uint32_t character, uint32_t previous)
{
	if (character == 0x200d || character == 0x200c ||
	    (character >= 0xfe00 && character <= 0xfe0f))
		return true;
	return character >= 0x1f3fb && character <= 0x1f3ff && previous >= 0x231a;
}

/* A half of a wide character that is being overwritten leaves a blank, not half a picture. */
static void free_cell(struct canvas *canvas, size_t row, size_t column)
{
	struct cell *cell = cell_at(canvas, row, column);

	if (cell->width == 0 && column > 0)
		*cell_at(canvas, row, column - 1) = blank;
	if (cell->width == 2 && column + 1 < canvas->columns)
		*cell_at(canvas, row, column + 1) = blank;
	*cell = blank;
}

static void combine(struct cell *cell, uint32_t character)
{
	for (size_t i = 1; i < CELL_CHARACTERS; i++) {
		if (cell->characters[i] == 0) {
			cell->characters[i] = character;
			return;
		}
	}
}

size_t canvas_put(struct canvas *canvas, size_t row, size_t column, size_t limit, unsigned style,
		  const char *text, size_t len)
{
	struct cell *last = NULL;
	uint32_t previous = 0;

	if (limit > canvas->columns)
		limit = canvas->columns;
	if (row >= canvas->rows)
		return column;
	for (size_t at = 0; at < len;) {
		uint32_t character;
		unsigned width;

		at += utf8_decode(text + at, len - at, &character);
		if (is_left_out(character, previous))
			continue;
		previous = character;
		if (character < 0x20)
			character = ' ';
		width = character == ' ' ? 1 : utf8_width(character);
		if (width == 0) {
			if (last)
				combine(last, character);
			continue;
		}
		if (column + width > limit)
			break;
		free_cell(canvas, row, column);
		last = cell_at(canvas, row, column);
		if (width == 2) {
			free_cell(canvas, row, column + 1);
			*cell_at(canvas, row, column + 1) =
				(struct cell){.width = 0, .style = (uint8_t)style};
		}
		*last = (struct cell){.characters = {character},
				      .width = (uint8_t)width,
				      .style = (uint8_t)style};
		column += width;
	}
	return column;
}

size_t canvas_put_str(struct canvas *canvas, size_t row, size_t column, size_t limit,
		      unsigned style, const char *text)
{
	return canvas_put(canvas, row, column, limit, style, text, strlen(text));
}

void canvas_fill(struct canvas *canvas, size_t row, size_t column, size_t limit, unsigned style,
		 const char *character)
{
	size_t len = strlen(character);

	if (limit > canvas->columns)
		limit = canvas->columns;
	while (column < limit) {
		size_t next = canvas_put(canvas, row, column, limit, style, character, len);

		if (next == column)
			return;
		column = next;
	}
}

void canvas_style(struct canvas *canvas, size_t row, size_t column, size_t limit, unsigned style)
{
	if (row >= canvas->rows)
		return;
	for (; column < limit && column < canvas->columns; column++)
		cell_at(canvas, row, column)->style |= (uint8_t)style;
}

size_t canvas_columns(const char *text, size_t len)
{
	uint32_t previous = 0;
	size_t columns = 0;

	for (size_t at = 0; at < len;) {
		uint32_t character;

		at += utf8_decode(text + at, len - at, &character);
		if (is_left_out(character, previous))
			continue;
		previous = character;
		columns += character <= 0x20 ? 1 : utf8_width(character);
	}
	return columns;
}

void canvas_row_text(const struct canvas *canvas, size_t row, struct buf *out)
{
	for (size_t column = 0; column < canvas->columns; column++) {
		const struct cell *cell = cell_at(canvas, row, column);

		for (size_t i = 0; cell->width > 0 && i < CELL_CHARACTERS && cell->characters[i];
		     i++) {
			char bytes[4];

			buf_append(out, bytes, utf8_encode(cell->characters[i], bytes));
		}
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}
