/*
 * A full screen without terminal and server: alice's, 100 columns by 20 rows unless said
 * otherwise. What she types goes in as bytes, what the server says as JSON with single quotes.
 *
 *	tui_hear("{'type':'message','room':'dev','seq':1,'sender':'bob','content':'hi'}");
 *	tui_keys("hello\r");
 *	tui_check(" bob      hi");        somewhere on the screen
 *	cr_assert_str_eq(tui_told(), "line hello; ");
 */
#ifndef TESTS_UNIT_CLIENT_TUI_FIXTURE_H
#define TESTS_UNIT_CLIENT_TUI_FIXTURE_H

#include "client/tui.h"

extern struct tui *tui;
extern struct canvas tui_canvas;
extern struct rooms tui_session_rooms;
extern struct settings tui_settings;

/* In the lobby and dev, with the welcome heard. */
void tui_setup(void);
void tui_teardown(void);

void tui_hear(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As a line that was missed, or that was asked for as `history`. */
void tui_hear_replayed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tui_hear_history(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The answer to what the screen asked for itself. */
void tui_hear_answer(enum request_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The answer to a line of the person's. */
void tui_hear_answer_to(const struct request *request, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* bob says it in the room. */
void tui_hear_bob(const char *room, int64_t seq, const char *content);
void tui_keys(const char *bytes);
void tui_size(size_t rows, size_t columns);

/* Draws; the whole screen as text. It lives until the next call. */
const char *tui_picture(void);
void tui_check(const char *text);
void tui_check_not(const char *text);
/* What the screen told its owner since the last call, but for how far is read. */
const char *tui_told(void);
/* How far that room was told to be read; 0: never. */
int64_t tui_read_of(const char *room);

#endif
