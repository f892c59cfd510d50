#include "tests/unit/client/tui_fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tui *tui;
struct canvas tui_canvas;
struct rooms tui_session_rooms;
struct settings tui_settings;

static struct buf told, told_before, picture;
static struct {
	char room[ROOM_SIZE];
	int64_t seq;
} reads[8];

/* ---- what the screen tells */

static void on_line(void *owner, const char *line)
{
	(void)owner;
	buf_printf(&told, "line %s; ", line);
}

static void on_end(void *owner)
{
	(void)owner;
	buf_append_str(&told, "end; ");
}

static void on_go(void *owner, const char *target)
{
	(void)owner;
	buf_printf(&told, "go %s; ", target);
	tui_target(tui, "alice", target);
}

static void on_ask(void *owner, const struct request_ask *ask)
{
	(void)owner;
	if (ask->kind == REQUEST_HISTORY)
		buf_printf(&told, "history %s before %" PRId64 "; ", ask->target, ask->before);
	else if (ask->kind == REQUEST_USERS)
		buf_printf(&told, "users %s; ", ask->target);
	cr_assert(ask->own);
}

static void on_read(void *owner, const char *room, int64_t seq)
{
	size_t i = 0;

	(void)owner;
	while (reads[i].room[0] && strcmp(reads[i].room, room) != 0)
		i++;
	cr_assert_lt(i, 8);
	snprintf(reads[i].room, sizeof(reads[i].room), "%s", room);
	reads[i].seq = seq;
}

static void on_typing(void *owner, const char *room)
{
	(void)owner;
	buf_printf(&told, "typing %s; ", room);
}

static void on_measure(void *owner)
{
	(void)owner;
	buf_append_str(&told, "measure; ");
}

const char *tui_told(void)
{
	struct buf empty = BUF_INIT;

	buf_finish(&told_before);
	told_before = told;
	told = empty;
	return told_before.data ? told_before.data : "";
}

int64_t tui_read_of(const char *room)
{
	for (size_t i = 0; i < 8; i++) {
		if (strcmp(reads[i].room, room) == 0)
			return reads[i].seq;
	}
	return 0;
}

/* ---- what it hears */

static void hear(enum session_event_type type, enum session_freshness freshness,
		 const struct request *request, const char *fmt, va_list args)
{
	struct session_event event = {.type = type, .freshness = freshness, .request = request};
	struct server_line line;
	char text[4096];

	vsnprintf(text, sizeof(text), fmt, args);
	for (char *at = text; *at; at++) {
		if (*at == '\'')
			*at = '"';
	}
	cr_assert_eq(server_line_parse(text, strlen(text), &line), 0, "%s", text);
	event.line = &line;
	tui_show(tui, &event);
	server_line_finish(&line);
}

#define HEAR(type, freshness, request)                                                             \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		hear(type, freshness, request, fmt, args);                                         \
		va_end(args);                                                                      \
	} while (0)

void tui_hear(const char *fmt, ...)
{
	HEAR(SESSION_EVENT_LINE, SESSION_LIVE, NULL);
}

void tui_hear_replayed(const char *fmt, ...)
{
	HEAR(SESSION_EVENT_LINE, SESSION_REPLAY, NULL);
}

void tui_hear_history(const char *fmt, ...)
{
	HEAR(SESSION_EVENT_LINE, SESSION_HISTORY, NULL);
}

void tui_hear_answer(enum request_kind kind, const char *fmt, ...)
{
	struct request request = {.kind = kind, .own = true};

	HEAR(SESSION_EVENT_LINE, SESSION_LIVE, &request);
}

void tui_hear_answer_to(const struct request *request, const char *fmt, ...)
{
	HEAR(SESSION_EVENT_LINE, SESSION_LIVE, request);
}

static void hear_ready(const char *fmt, ...)
{
	HEAR(SESSION_EVENT_READY, SESSION_LIVE, NULL);
}

void tui_hear_bob(const char *room, int64_t seq, const char *content)
{
	tui_hear("{'type':'message','room':'%s','seq':%" PRId64
		 ",'timestamp':'2026-11-20T12:%02d:00.000Z','sender':'bob','content':'%s'%s}",
		 room, seq, (int)(seq % 60), content, room[0] == '@' ? ",'recipient':'alice'" : "");
}

void tui_keys(const char *bytes)
{
	tui_type(tui, bytes, strlen(bytes));
}

/* ---- what is seen */

void tui_size(size_t rows, size_t columns)
{
	cr_assert_eq(canvas_resize(&tui_canvas, rows, columns), 0);
}

const char *tui_picture(void)
{
	tui_draw(tui, &tui_canvas);
	buf_reset(&picture);
	for (size_t row = 0; row < tui_canvas.rows; row++) {
		struct buf text = BUF_INIT;

		canvas_row_text(&tui_canvas, row, &text);
		buf_append_str(&picture, text.data ? text.data : "");
		buf_append_char(&picture, '\n');
		buf_finish(&text);
	}
	return picture.data;
}

void tui_check(const char *text)
{
	cr_assert(strstr(tui_picture(), text) != NULL, "no \"%s\" in\n%s", text, picture.data);
}

void tui_check_not(const char *text)
{
	cr_assert(strstr(tui_picture(), text) == NULL, "\"%s\" in\n%s", text, picture.data);
}

void tui_setup(void)
{
	struct tui_config config = {
		.person = {.user = "alice", .rooms = &tui_session_rooms, .settings = &tui_settings},
		.input = {.line = on_line,
			  .end = on_end,
			  .go = on_go,
			  .ask = on_ask,
			  .read = on_read,
			  .typing = on_typing,
			  .measure = on_measure},
	};

	settings_init(&tui_settings);
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "UTC", 1);
	cr_assert_not_null(rooms_add(&tui_session_rooms, "lobby"));
	cr_assert_not_null(rooms_add(&tui_session_rooms, "dev"));
	cr_assert_not_null(rooms_add(&tui_session_rooms, "@alice"));
	cr_assert_eq(tui_create(&config, &tui), 0);
	tui->now = 1000;
	tui_size(20, 100);
	tui_target(tui, "alice", "lobby");
	hear_ready(
		"{'type':'welcome','user':'alice','timestamp':'2026-11-20T12:00:00.000Z','rooms':["
		"{'room':'lobby','epoch':'e','first':1,'head':0,'read':0},"
		"{'room':'dev','epoch':'e','first':1,'head':0,'read':0}]}");
	tui_connection(tui, "");
	tui_picture();
	tui_told();
}

void tui_teardown(void)
{
	tui_destroy(tui);
	tui = NULL;
	canvas_finish(&tui_canvas);
	rooms_finish(&tui_session_rooms);
	buf_finish(&told);
	buf_finish(&told_before);
	buf_finish(&picture);
	settings_finish(&tui_settings);
	memset(reads, 0, sizeof(reads));
}
