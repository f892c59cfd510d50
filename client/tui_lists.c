#include "client/tui_private.h"

#include "client/palette.h"

#include <stdio.h>
#include <string.h>

/* ---- the rooms */

size_t tui_longest_room(const struct tui *tui)
{
	size_t longest = strlen("\u2500\u2500 direct \u2500\u2500") - 8; /* columns */

	for (size_t i = 0; i < tui->rooms.count; i++) {
		size_t len = strlen(tui->rooms.items[i]->name);

		longest = len > longest ? len : longest;
	}
	return longest;
}

void tui_counter(const struct tui_room *room, char out[16])
{
	if (room->mentions > 0 && !tui_room_is_direct(room))
		snprintf(out, 16, "!%u", room->mentions > 999 ? 999 : room->mentions);
	else if (room->unread > 0)
		snprintf(out, 16, "%u", room->unread > 9999 ? 9999 : room->unread);
	else
		out[0] = '\0';
}

unsigned tui_counter_style(const struct tui *tui, const struct tui_room *room)
{
	return room->mentions > 0 ? STYLE_BOLD | palette_style(tui_theme(tui), PALETTE_HOT)
				  : palette_style(tui_theme(tui), PALETTE_NEW);
}

static void draw_room(const struct tui *tui, struct canvas *canvas, size_t row,
		      const struct tui_room *room)
{
	const struct tui_layout *layout = &tui->layout;
	size_t right = layout->rooms_width - 1;
	unsigned style = room->unread > 0 ? STYLE_BOLD : 0;
	char number[16];

	if (room == tui->current) {
		style = STYLE_REVERSE;
		canvas_fill(canvas, row, 0, layout->rooms_width, style, " ");
	}
	tui_counter(room, number);
	canvas_put_str(canvas, row, 1, right - strlen(number), style, room->name);
	canvas_put_str(canvas, row, right - strlen(number), right,
		       (room == tui->current ? STYLE_REVERSE : 0) | tui_counter_style(tui, room),
		       number);
}

/* Rows the list takes, the rule above the people included. */
void tui_draw_rooms(const struct tui *tui, struct canvas *canvas)
{
	const struct tui_layout *layout = &tui->layout;
	size_t current = tui_rooms_index(&tui->rooms, tui->current), first_direct = 0, skip = 0;
	size_t row = 0;

	for (size_t i = 0; i < layout->height; i++)
		canvas_put_str(canvas, layout->top + i, layout->rooms_width, canvas->columns,
			       STYLE_DIM, TUI_BAR);
	while (first_direct < tui->rooms.count &&
	       !tui_room_is_direct(tui->rooms.items[first_direct]))
		first_direct++;
	/* more than fit: the current one is among them */
	current += current >= first_direct;
	if (current >= layout->height)
		skip = current + 1 - layout->height;
	for (size_t i = 0; i < tui->rooms.count; i++, row++) {
		if (i == first_direct) {
			if (row >= skip && row - skip < layout->height)
				canvas_put_str(canvas, layout->top + row - skip, 1,
					       layout->rooms_width, STYLE_DIM,
					       TUI_RULE TUI_RULE " direct " TUI_RULE TUI_RULE);
			row++;
		}
		if (row >= skip && row - skip < layout->height)
			draw_room(tui, canvas, layout->top + row - skip, tui->rooms.items[i]);
	}
}

/* ---- the members */

size_t tui_longest_member(const struct tui *tui)
{
	size_t longest = 0;

	for (size_t i = 0; i < tui->current->member_count; i++) {
		size_t len = strlen(tui->current->members[i].name);

		longest = len > longest ? len : longest;
	}
	return longest;
}

static unsigned agent_style(const struct tui *tui, enum tui_agent agent)
{
	switch (agent) {
	case TUI_AGENT_BUSY:
		return STYLE_BOLD | palette_style(tui_theme(tui), PALETTE_HOT);
	case TUI_AGENT_DOWN:
		return STYLE_DIM;
	case TUI_NO_AGENT:
	case TUI_AGENT_IDLE:
		break;
	}
	return 0;
}

static void draw_member(const struct tui *tui, struct canvas *canvas, size_t row,
			const struct tui_member *member)
{
	size_t from = tui->layout.members_from, sign = canvas->columns - 2;
	unsigned style = member->away ? STYLE_DIM : palette_name(tui_theme(tui), member->name);

	canvas_put_str(canvas, row, from, sign - 1, style, member->name);
	if (member->agent != TUI_NO_AGENT)
		canvas_put_str(canvas, row, sign, canvas->columns, agent_style(tui, member->agent),
			       member->agent == TUI_AGENT_DOWN ? "\u25cb" : "\u2699");
	else
		canvas_put_str(canvas, row, sign, canvas->columns,
			       member->away ? STYLE_DIM
					    : palette_style(tui_theme(tui), PALETTE_GOOD),
			       member->away ? "\u25cb" : "\u25cf");
}

void tui_draw_members(const struct tui *tui, struct canvas *canvas)
{
	const struct tui_layout *layout = &tui->layout;
	const struct tui_room *room = tui->current;
	size_t row = layout->top, end = layout->top + layout->height, agents = 0, drawn = 0;

	for (size_t i = 0; i < layout->height; i++)
		canvas_put_str(canvas, layout->top + i, layout->members_from - 2, canvas->columns,
			       STYLE_DIM, TUI_BAR);
	for (size_t i = 0; i < room->member_count; i++)
		agents += room->members[i].agent != TUI_NO_AGENT;
	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 1 && agents > 0 && row + 1 < end) {
			row += drawn > 0;
			canvas_put_str(canvas, row++, layout->members_from, canvas->columns,
				       STYLE_DIM, TUI_RULE TUI_RULE " agents");
		}
		for (size_t i = 0; i < room->member_count && row < end; i++) {
			if ((room->members[i].agent != TUI_NO_AGENT) != (pass == 1))
				continue;
			drawn++;
			if (row + 1 == end && drawn < room->member_count) {
				char more[32];

				snprintf(more, sizeof(more), "+ %zu more",
					 room->member_count - drawn + 1);
				canvas_put_str(canvas, row++, layout->members_from, canvas->columns,
					       STYLE_DIM, more);
				break;
			}
			draw_member(tui, canvas, row++, &room->members[i]);
		}
	}
}
