#include "tests/unit/client/session_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void write_line_event(struct played *played, const struct session_event *event)
{
	static const char *const freshness[] = {"live", "replay", "history"};
	const struct server_line *line = event->line;

	buf_append_str(&played->told, line->type_name);
	if (line->room)
		buf_printf(&played->told, " %s", line->room);
	if (server_line_is_sequenced(line))
		buf_printf(&played->told, " %" PRId64 " %s", line->seq,
			   freshness[event->freshness]);
	if (line->code)
		buf_printf(&played->told, " %s", line->code);
	if (event->request)
		buf_printf(&played->told, " for %s", event->request->id);
}

static void on_event(void *owner, const struct session_event *event)
{
	struct played *played = owner;

	if (played->quiet)
		return;
	switch (event->type) {
	case SESSION_EVENT_CHALLENGE:
		buf_append_str(&played->told, "challenge");
		break;
	case SESSION_EVENT_LOGIN_REFUSED:
		buf_printf(&played->told, "login refused %s", event->line->code);
		break;
	case SESSION_EVENT_READY:
		buf_append_str(&played->told, "ready");
		break;
	case SESSION_EVENT_LINE:
		write_line_event(played, event);
		break;
	case SESSION_EVENT_MISSING:
		buf_printf(&played->told, "missing %s", event->room);
		break;
	case SESSION_EVENT_HELD:
		buf_printf(&played->told, "held %s %" PRId64, event->request->id, event->delay_ms);
		break;
	case SESSION_EVENT_SILENT:
		buf_append_str(&played->told, "silent");
		break;
	}
	buf_append_str(&played->told, "; ");
}

static void create(struct played *played, const char *room, unsigned window, bool only,
		   int64_t since)
{
	struct session_config config = {
		.since = since,
		.no_backlog = since > 0,
		.user = "alice",
		.server = "localhost:8080",
		.device = "laptop",
		.id_prefix = "k",
		.rooms = &room,
		.room_count = room ? 1 : 0,
		.only = only,
		.window = window,
	};

	*played = (struct played){.now_ms = 1000000};
	cr_assert_eq(session_create(&config, on_event, played, &played->session), 0);
}

void played_create(struct played *played, const char *room, unsigned window, bool only)
{
	create(played, room, window, only, 0);
}

void played_create_since(struct played *played, const char *room, int64_t since)
{
	create(played, room, 1, true, since);
}

void played_destroy(struct played *played)
{
	session_destroy(played->session);
	buf_finish(&played->told);
}

void played_receive(struct played *played, const char *frame)
{
	session_receive(played->session, frame, strlen(frame), played->now_ms);
}

void played_receivef(struct played *played, const char *fmt, ...)
{
	struct buf frame = BUF_INIT;
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_append_str(&frame, text);
	played_receive(played, frame.data);
	buf_finish(&frame);
}

void played_connect(struct played *played)
{
	session_connected(played->session, played->now_ms);
	played_receive(played, "{\"type\":\"challenge\",\"version\":1,\"nonce\":\"nnn\","
			       "\"expires\":1795197660,\"namespace\":\"login@chat-master\","
			       "\"bindings\":[\"none\"]}");
	cr_assert_eq(session_login(played->session, "none", "sig", played->now_ms), 0);
}

void played_log_in(struct played *played, const char *welcome)
{
	played_connect(played);
	played_forget(played);
	played_receive(played, welcome);
}

void played_wait(struct played *played, int64_t ms)
{
	played->now_ms += ms;
	session_tick(played->session, played->now_ms);
}

int played_say(struct played *played, const char *room, const char *content)
{
	struct request_ask ask = {.kind = REQUEST_MESSAGE, .target = room, .content = content};

	return session_send(played->session, &ask, played->now_ms);
}

void played_told(struct played *played, const char *expected)
{
	cr_assert_str_eq(played->told.data ? played->told.data : "", expected);
	buf_reset(&played->told);
}

void played_sent(struct played *played, const char *expected)
{
	struct buf *out = session_output(played->session);

	cr_assert_str_eq(out->data ? out->data : "", expected);
	buf_reset(out);
}

void played_forget(struct played *played)
{
	buf_reset(&played->told);
	buf_reset(session_output(played->session));
}
