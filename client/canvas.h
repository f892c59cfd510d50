/*
 * A picture of the screen in memory: rows of cells, each one character with what combines with it,
 * and a style. Pure: the full screen is drawn here, tests read it, and only screen.c brings it to
 * a terminal.
 *
 *	next = canvas_put(canvas, row, column, limit, style, text, len);
 *
 * A wide character takes two cells, the second of width 0. Text that comes in must be clean
 * (client/clean.h). What a terminal and we might measure differently is left out: joiners and
 * variation selectors, so an emoji made of several stands as its parts, and a skin tone behind an
 * emoji.
 */
#ifndef CLIENT_CANVAS_H
#define CLIENT_CANVAS_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define CELL_CHARACTERS 4u /* the character itself and three that combine with it */

/* The low four bits: 0 the terminal's own colour, 1 to 15 as terminals number them. */
#define STYLE_COLOR 0x0fu
#define STYLE_BOLD 0x10u
#define STYLE_DIM 0x20u
#define STYLE_REVERSE 0x40u
#define STYLE_UNDERLINE 0x80u

struct cell {
	uint32_t characters[CELL_CHARACTERS]; /* ends at the first 0 */
	uint8_t width;                        /* 1, 2; 0: the right half of a wide one */
	uint8_t style;
};

struct canvas {
	size_t rows, columns;
	struct cell *cells; /* owned */
	size_t cursor_row, cursor_column;
};

/* An empty canvas of that size. 0 or -ENOMEM (then it is as before). */
int canvas_resize(struct canvas *canvas, size_t rows, size_t columns);
void canvas_finish(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);

/*
 * Writes text from `column` on, up to but not into `limit`; what does not fit is left out. Returns
 * the column behind it. Outside of the canvas nothing is written.
 */
size_t canvas_put(struct canvas *canvas, size_t row, size_t column, size_t limit, unsigned style,
		  const char *text, size_t len);
size_t canvas_put_str(struct canvas *canvas, size_t row, size_t column, size_t limit,
		      unsigned style, const char *text);
/* One character again and again, up to `limit`. */
void canvas_fill(struct canvas *canvas, size_t row, size_t column, size_t limit, unsigned style,
		 const char *character);
/* Adds `style` to what stands in these cells. */
void canvas_style(struct canvas *canvas, size_t row, size_t column, size_t limit, unsigned style);
/* How many columns canvas_put takes for it. */
size_t canvas_columns(const char *text, size_t len);
/* The characters of a row, without the blanks at its end: for tests. */
void canvas_row_text(const struct canvas *canvas, size_t row, struct buf *out);

#endif
