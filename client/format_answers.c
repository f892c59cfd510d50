/* What was asked for, as text: lists of rooms, people and agents. */
#include "client/format_private.h"

#include <inttypes.h>
#include <string.h>

void format_room_list(const struct server_line *line, struct buf *out)
{
	if (line->room_count == 0)
		buf_append_str(out, "  no such rooms");
	for (size_t i = 0; i < line->room_count; i++) {
		const struct server_room *room = &line->rooms[i];
		struct buf name = BUF_INIT;

		format_put_room(&name, room->room);
		buf_printf(out, "%s  %-20s %4" PRId64 "  ", i > 0 ? "\n" : "",
			   name.data ? name.data : "", room->members >= 0 ? room->members : 0);
		format_put(out, room->topic);
		buf_finish(&name);
	}
}

void format_user_list(const struct server_line *line, struct buf *out)
{
	buf_append_str(out, "  ");
	format_put_room(out, line->room);
	buf_append_str(out, ": ");
	if (line->user_count == 0)
		buf_append_str(out, "nobody");
	for (size_t i = 0; i < line->user_count; i++) {
		const struct server_user *user = &line->users[i];

		buf_append_str(out, i > 0 ? ", " : "");
		format_put(out, user->user);
		if (user->role && user->role[0] && strcmp(user->role, "member") != 0) {
			buf_append_str(out, " (");
			format_put(out, user->role);
			if (user->state) {
				buf_append_str(out, ", ");
				format_put(out, user->state);
			}
			buf_append_char(out, ')');
		}
		if (user->away) {
			buf_append_str(out, " (away");
			if (user->away_text && user->away_text[0]) {
				buf_append_str(out, ": ");
				format_put(out, user->away_text);
			}
			buf_append_char(out, ')');
		}
	}
}

void format_agent_list(const struct server_line *line, struct buf *out)
{
	if (line->agent_count == 0)
		buf_append_str(out, "  There are no agents here.");
	for (size_t i = 0; i < line->agent_count; i++) {
		const struct server_agent *agent = &line->agents[i];

		buf_append_str(out, i > 0 ? "\n  " : "  ");
		format_put(out, agent->agent);
		buf_append_str(out, ": ");
		format_put(out, agent->state ? agent->state : "?");
		buf_append_str(out, ", in ");
		format_put(out, agent->rooms ? agent->rooms : "?");
		buf_printf(out,
			   "; %" PRId64 " wait, %" PRId64 " turns in %" PRId64 " s, %" PRId64
			   " failed, %" PRId64 " restarts",
			   agent->queue, agent->turns, agent->busy_s, agent->failures,
			   agent->restarts);
		if (agent->cost_microusd > 0)
			buf_printf(out, ", $%" PRId64 ".%04" PRId64, agent->cost_microusd / 1000000,
				   agent->cost_microusd % 1000000 / 100);
	}
}

static void put_idle(int64_t seconds, struct buf *out)
{
	if (seconds < 120)
		buf_printf(out, ", active %" PRId64 " s ago", seconds);
	else if (seconds < 7200)
		buf_printf(out, ", active %" PRId64 " min ago", seconds / 60);
	else
		buf_printf(out, ", active %" PRId64 " h ago", seconds / 3600);
}

void format_who(const struct server_line *line, struct buf *out)
{
	buf_append_str(out, "  ");
	format_put(out, line->user);
	if (line->connections > 0)
		buf_printf(out, ": here, %" PRId64 " %s", line->connections,
			   line->connections == 1 ? "connection" : "connections");
	else
		buf_append_str(out, ": not here now");
	if (line->connections > 0 && line->idle_s >= 0)
		put_idle(line->idle_s, out);
	if (line->away) {
		buf_append_str(out, ", away");
		if (line->away_text && line->away_text[0]) {
			buf_append_str(out, ": ");
			format_put(out, line->away_text);
		}
	}
	for (size_t i = 0; i < line->keys_count; i++) {
		buf_append_str(out, "\n  key ");
		format_put(out, line->keys[i]);
	}
}
