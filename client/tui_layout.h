/*
 * Where things stand on the screen: a title, what is said between the rooms and the members, a
 * line of what is going on elsewhere, and the line being typed. Pure arithmetic.
 *
 *	 title
 *	 rooms │ body … │ members
 *	 status
 *	 input
 *
 * Rooms go below 60 columns, members below 90, the title and the status where there are few rows.
 */
#ifndef CLIENT_TUI_LAYOUT_H
#define CLIENT_TUI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#define TUI_ROOMS_FROM 60u
#define TUI_MEMBERS_FROM 90u

struct tui_layout {
	size_t rows, columns;
	bool has_title, has_status;
	size_t top, height;        /* of the body, and of the lists beside it */
	size_t rooms_width;        /* 0: not shown; the rule stands at this column */
	size_t body_from, body_to; /* columns; body_to is the first one not in it */
	size_t members_from;       /* 0: not shown; the rule stands one before */
	size_t status_row, input_row;
};

/* `room_name` and `member_name`: columns of the longest name. */
struct tui_layout tui_layout_of(size_t rows, size_t columns, size_t room_name, size_t member_name);

/* How a line of the body is divided: "12:39 bob      build is green". */
struct tui_columns {
	size_t width;
	size_t time;   /* columns of the time and the blank behind it; 0: none */
	size_t name;   /* columns kept for a name; 0: it stands in front of the text */
	size_t indent; /* where the text of the other rows begins */
};

struct tui_columns tui_columns_of(size_t width, size_t time);

#endif
