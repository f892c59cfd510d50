#include "client/tui_layout.h"

#define ROOMS_LEAST 9u /* the name's columns */
#define ROOMS_MOST 20u
#define COUNTER 5u /* " !99 " behind it */
#define MEMBERS_LEAST 9u
#define MEMBERS_MOST 20u
#define NAME_COLUMNS 9u
#define NAMES_FROM 46u /* a body that is narrower keeps no column for names */

static size_t between(size_t n, size_t least, size_t most)
{
	if (n < least)
		return least;
	return n > most ? most : n;
}

struct tui_layout tui_layout_of(size_t rows, size_t columns, size_t room_name, size_t member_name)
{
	struct tui_layout layout = {.rows = rows, .columns = columns};
	size_t above, below;

	layout.has_title = rows >= 5;
	layout.has_status = rows >= 4;
	above = layout.has_title ? 1 : 0;
	below = layout.has_status ? 2 : 1;
	layout.top = above;
	layout.height = rows > above + below ? rows - above - below : 0;
	layout.input_row = rows > 0 ? rows - 1 : 0;
	layout.status_row = layout.has_status ? rows - 2 : layout.input_row;
	layout.body_to = columns;
	if (columns >= TUI_ROOMS_FROM) {
		layout.rooms_width = 1 + between(room_name, ROOMS_LEAST, ROOMS_MOST) + COUNTER;
		layout.body_from = layout.rooms_width + 2; /* the rule and a blank */
	}
	if (columns >= TUI_MEMBERS_FROM) {
		layout.members_from =
			columns - between(member_name, MEMBERS_LEAST, MEMBERS_MOST) - 3;
		layout.body_to = layout.members_from - 3; /* a blank, the rule, a blank */
	}
	return layout;
}

struct tui_columns tui_columns_of(size_t width, size_t time)
{
	struct tui_columns columns = {.width = width, .time = time};

	if (width < time + 12)
		columns.time = 0; /* a sliver: only what is said */
	if (width >= NAMES_FROM)
		columns.name = NAME_COLUMNS;
	columns.indent = columns.time + columns.name;
	if (columns.indent == 0)
		columns.indent = width > 8 ? 2 : 0;
	return columns;
}
