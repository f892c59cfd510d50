/*
 * What a server may send a client, line by line: a session takes it, and what is printed of it for
 * people drives no terminal. The first byte says how the session was set up, the rest is frames,
 * one after each NUL.
 */
#include "client/format.h"
#include "client/notify.h"
#include "client/session.h"
#include "client/utf8.h"
#include "proto/text.h"

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 2000u /* a frame of many lines is not what we look for */

struct player {
	struct session *session;
	struct settings settings;
	struct notify notify;
	struct format format;
	unsigned events;
};

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* Only what we wrote ourselves may drive the terminal, and we write no color here. */
static void check_text(const struct buf *text)
{
	check(text->len == 0 || text_is_utf8(text->data, text->len), "UTF-8");
	for (size_t at = 0; at < text->len;) {
		uint32_t c;

		at += utf8_decode(text->data + at, text->len - at, &c);
		check(c == '\n' || c == '\t' ||
			      (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)),
		      "no control");
		check(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069),
		      "no bidi control");
		check(!(c >= 0xe0000 && c <= 0xe0fff), "no tag");
	}
}

/* A notification's sequence holds no other one. */
static void check_screen(const struct buf *screen)
{
	unsigned escapes = 0;

	for (size_t i = 0; i < screen->len; i++)
		escapes += screen->data[i] == '\x1b';
	check(escapes == 0 || (escapes == 2 && screen->data[0] == '\x1b' &&
			       memcmp(screen->data + screen->len - 2, "\x1b\\", 2) == 0),
	      "one sequence");
	check(memchr(screen->data ? screen->data : "", '\a', screen->len) == NULL, "no bell");
}

static void on_event(void *owner, const struct session_event *event)
{
	struct player *player = owner;
	struct buf text = BUF_INIT;

	check(event->type != SESSION_EVENT_LINE || event->line, "a line event has its line");
	if (event->line && player->events++ < EVENTS_MAX) {
		format_event(&player->format, event, &text);
		check_text(&text);
		buf_reset(&text);
		notify_event(&player->notify, event, (int64_t)player->events * NOTIFY_EVERY_MS,
			     &text);
		check_screen(&text);
	}
	if (event->type == SESSION_EVENT_CHALLENGE)
		session_login(player->session, "none", "signature", 1000);
	buf_finish(&text);
}

static void ask(struct session *session, enum request_kind kind, const char *target)
{
	struct request_ask question = {
		.kind = kind, .target = target, .content = "text", .before = 5, .limit = 10};

	(void)session_send(session, &question, 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char room[] = "ops";
	const char *rooms[] = {room};
	struct player player = {.format = {.user = "alice"}};
	struct session_config config = {
		.user = "alice",
		.server = "localhost:8080",
		.device = "d",
		.id_prefix = "k",
		.rooms = rooms,
		.room_count = 1,
		.only = size > 0 && (data[0] & 1),
		.since = size > 0 && (data[0] & 2) ? 1000 : 0,
		.window = 4,
	};

	if (size == 0)
		return 0;
	setlocale(LC_CTYPE, "C.UTF-8");
	settings_init(&player.settings);
	player.settings.notify = NOTIFY_OSC9;
	notify_init(&player.notify, &player.settings, "alice");
	check(session_create(&config, on_event, &player, &player.session) == 0, "memory");
	session_connected(player.session, 1000);
	ask(player.session, REQUEST_MESSAGE, room);
	ask(player.session, REQUEST_HISTORY, room);
	ask(player.session, REQUEST_WHO, "bob");
	ask(player.session, REQUEST_LEAVE, "dev");
	for (const char *at = (const char *)data + 1, *end = (const char *)data + size; at < end;) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));
		size_t len = (size_t)((nul ? nul : end) - at);

		if (len == 1 && *at == '!') { /* the connection is lost */
			session_lost(player.session, 1006, 1000);
			session_connected(player.session, 1000);
		} else {
			session_receive(player.session, at, len, 1000);
		}
		buf_reset(session_output(player.session));
		at += len + 1;
	}
	session_destroy(player.session);
	notify_finish(&player.notify);
	settings_finish(&player.settings);
	return 0;
}
