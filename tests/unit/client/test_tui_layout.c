#include "client/tui_layout.h"

#include <criterion/criterion.h>

Test(tui_layout, lists_go_when_the_screen_gets_narrow)
{
	struct tui_layout layout = tui_layout_of(24, 100, 6, 6);

	cr_assert_gt(layout.rooms_width, 0);
	cr_assert_gt(layout.members_from, layout.body_to);
	layout = tui_layout_of(24, 89, 6, 6);
	cr_assert_gt(layout.rooms_width, 0);
	cr_assert_eq(layout.members_from, 0);
	cr_assert_eq(layout.body_to, 89);
	layout = tui_layout_of(24, 59, 6, 6);
	cr_assert_eq(layout.rooms_width, 0);
	cr_assert_eq(layout.body_from, 0);
	cr_assert_eq(layout.body_to, 59);
}

Test(tui_layout, nothing_overlaps_at_any_size)
{
	for (size_t rows = 1; rows < 60; rows++) {
		for (size_t columns = 1; columns < 200; columns++) {
			struct tui_layout l = tui_layout_of(rows, columns, 32, 32);

			cr_assert_leq(l.body_from, l.body_to);
			cr_assert_leq(l.body_to, columns);
			cr_assert_leq(l.rooms_width, l.body_from);
			cr_assert_lt(l.input_row, rows);
			cr_assert_leq(l.top + l.height, l.status_row);
			if (columns >= TUI_ROOMS_FROM)
				cr_assert_geq(l.body_to - l.body_from, 30);
			if (l.has_status)
				cr_assert_lt(l.status_row, l.input_row);
		}
	}
}

Test(tui_layout, names_get_a_column_where_there_is_room)
{
	struct tui_columns columns = tui_columns_of(80, 6);

	cr_assert_gt(columns.name, 0);
	cr_assert_eq(columns.indent, 6 + columns.name);
	columns = tui_columns_of(40, 6);
	cr_assert_eq(columns.name, 0);
	cr_assert_eq(columns.indent, 6);
	columns = tui_columns_of(10, 6);
	cr_assert_eq(columns.time, 0);
}
