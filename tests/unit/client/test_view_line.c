#include "client/terminal.h"
#include "client/view_line.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct view *view;
static struct rooms rooms;
static struct settings settings;
static struct notify notify;
static int master = -1, slave = -1;
static struct buf screen; /* all that was written to the terminal */
static struct buf heard;  /* what the view told its owner */

static void on_line(void *owner, const char *line)
{
	(void)owner;
	buf_printf(&heard, "line %s; ", line);
}

static void on_end(void *owner)
{
	(void)owner;
	buf_append_str(&heard, "end; ");
}

static void on_suspend(void *owner)
{
	(void)owner;
	buf_append_str(&heard, "suspend; ");
}

static void setup(void)
{
	struct winsize size = {.ws_row = 24, .ws_col = 60};
	struct view_input input = {.line = on_line, .end = on_end, .suspend = on_suspend};

	struct view_person person = {
		.user = "alice", .rooms = &rooms, .settings = &settings, .notify = &notify};

	setlocale(LC_CTYPE, "C.UTF-8");
	settings_init(&settings);
	notify_init(&notify, &settings, "alice");
	setenv("TZ", "UTC", 1);
	setenv("NO_COLOR", "1", 1);
	cr_assert_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
	cr_assert_not_null(rooms_add(&rooms, "dev"));
	cr_assert_eq(view_line_create(slave, slave, &person, &input, &view), 0);
	view->ops->target(view, "alice", "dev");
	view->ops->refresh(view);
}

static void teardown(void)
{
	if (view)
		view->ops->destroy(view);
	close(master);
	close(slave);
	rooms_finish(&rooms);
	buf_finish(&screen);
	buf_finish(&heard);
}

TestSuite(view_line, .init = setup, .fini = teardown);

/* Reads what is there. */
static void look(void)
{
	struct pollfd pollfd = {.fd = master, .events = POLLIN};

	while (poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLIN)) {
		char bytes[4096];
		ssize_t n = read(master, bytes, sizeof(bytes));

		cr_assert_gt(n, 0);
		buf_append(&screen, bytes, (size_t)n);
	}
}

static void type(const char *keys)
{
	struct pollfd pollfd = {.fd = slave, .events = POLLIN};

	cr_assert_eq(write(master, keys, strlen(keys)), (ssize_t)strlen(keys));
	while (poll(&pollfd, 1, 100) == 1) {
		view->ops->read(view);
		pollfd.revents = 0;
		if (poll(&pollfd, 1, 0) != 1)
			break;
	}
	view->ops->refresh(view);
}

static void show_as(const char *json, enum session_freshness freshness)
{
	struct server_line line;
	struct session_event event = {
		.type = SESSION_EVENT_LINE, .line = &line, .freshness = freshness};

	cr_assert_eq(server_line_parse(json, strlen(json), &line), 0);
	view->ops->show(view, &event);
	server_line_finish(&line);
}

static void show(const char *json)
{
	show_as(json, SESSION_LIVE);
}

/* The screen ends with this. */
static void check_end(const char *expected)
{
	look();
	cr_assert_geq(screen.len, strlen(expected));
	cr_assert_str_eq(screen.data + screen.len - strlen(expected), expected);
}

#define MESSAGE                                                                                    \
	"{\"type\":\"message\",\"room\":\"dev\",\"seq\":1,\"sender\":\"bob\",\"content\":\"hi\"}"

Test(view_line, the_prompt_says_who_and_where)
{
	check_end("\r\x1b[K\x1b[1malice #dev> \x1b[0m\r\x1b[12C");
	view->ops->target(view, "alice", "@bob");
	view->ops->refresh(view);
	check_end("\r\x1b[K\x1b[1malice @bob> \x1b[0m\r\x1b[12C");
}

Test(view_line, what_comes_stands_above_what_is_typed)
{
	type("half");
	show(MESSAGE);
	view->ops->refresh(view);
	check_end("\r\x1b[K--:-- #dev bob: hi\r\n"
		  "\r\x1b[K\x1b[1malice #dev> \x1b[0mhalf\r\x1b[16C");
}

Test(view_line, many_at_once_are_drawn_once)
{
	look();
	buf_reset(&screen);
	show(MESSAGE);
	show(MESSAGE);
	view->ops->note(view, NOTE_ERROR, "no\nsuch");
	view->ops->refresh(view);
	view->ops->refresh(view);
	look();
	cr_assert_str_eq(screen.data,
			 "\r\x1b[K--:-- #dev bob: hi\r\n--:-- #dev bob: hi\r\n"
			 "!! no\r\nsuch\r\n\r\x1b[K\x1b[1malice #dev> \x1b[0m\r\x1b[12C");
}

Test(view_line, older_lines_that_were_asked_for_are_marked)
{
	show_as("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1,\"sender\":\"bob\","
		"\"content\":\"one\\ntwo\"}",
		SESSION_HISTORY);
	show(MESSAGE);
	view->ops->refresh(view);
	check_end("\r\x1b[K| --:-- #dev bob: one\r\n|       two\r\n--:-- #dev bob: hi\r\n"
		  "\r\x1b[K\x1b[1malice #dev> \x1b[0m\r\x1b[12C");
}

Test(view_line, long_lines_go_on_below_their_text)
{
	show("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1,\"sender\":\"bob\","
	     "\"content\":\"a line that is longer than the sixty columns of this terminal\"}");
	view->ops->refresh(view);
	check_end("\r\x1b[K--:-- #dev bob: a line that is longer than the sixty columns\r\n"
		  "      of this terminal\r\n\r\x1b[K\x1b[1malice #dev> \x1b[0m\r\x1b[12C");
}

Test(view_line, enter_gives_the_line_away_and_clears_it)
{
	type("hello\r");
	cr_assert_str_eq(heard.data, "line hello; ");
	check_end("\r\x1b[K\x1b[1malice #dev> \x1b[0m\r\x1b[12C");
	type("\r");
	cr_assert_str_eq(heard.data, "line hello; ");
}

Test(view_line, control_d_ends_and_control_z_suspends)
{
	type("\x1a");
	cr_assert_str_eq(heard.data, "suspend; ");
	type("\x04");
	cr_assert_str_eq(heard.data, "suspend; end; ");
}

Test(view_line, the_connections_state_is_in_the_prompt)
{
	view->ops->connection(view, "reconnecting in 3 s");
	view->ops->refresh(view);
	check_end("\x1b[1malice #dev (reconnecting in 3 s)> \x1b[0m\r\x1b[34C");
	view->ops->connection(view, "");
	view->ops->refresh(view);
	check_end("\x1b[1malice #dev> \x1b[0m\r\x1b[12C");
}

Test(view_line, tab_completes_rooms_people_and_commands)
{
	show(MESSAGE);
	type("/jo\td\t");
	check_end("alice #dev> \x1b[0m/join dev \r\x1b[22C");
	type("\x15"
	     "b\t");
	check_end("alice #dev> \x1b[0mbob: \r\x1b[17C");
	type("\x15/h\t");
	look();
	cr_assert_not_null(strstr(screen.data, "help  history\r\n"));
}

Test(view_line, a_narrow_terminal_keeps_room_for_typing)
{
	struct winsize size = {.ws_row = 24, .ws_col = 25};

	cr_assert_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	view->ops->resize(view);
	view->ops->refresh(view);
	check_end("\r\x1b[K\x1b[1m> \x1b[0m\r\x1b[2C");
}

Test(view_line, the_terminal_is_given_back_for_a_question_and_at_the_end)
{
	struct termios mode;

	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cr_assert_not(mode.c_lflag & ECHO);
	look(); /* tcsetattr waits until what was written is read */
	view->ops->pause(view);
	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cr_assert(mode.c_lflag & ECHO);
	cr_assert(mode.c_lflag & ISIG);
	look();
	view->ops->resume(view);
	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cr_assert_not(mode.c_lflag & ECHO);
	look();
	view->ops->destroy(view);
	view = NULL;
	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cr_assert(mode.c_lflag & ECHO);
}

Test(view_line, a_new_day_is_a_line_of_its_own)
{
	show("{\"type\":\"message\",\"room\":\"dev\",\"seq\":1,\"sender\":\"bob\","
	     "\"timestamp\":\"2026-11-20T12:39:01.500Z\",\"content\":\"hi\"}");
	view->ops->refresh(view);
	look();
	cr_assert_not_null(strstr(screen.data, "-- Friday 20 November 2026\r\n12:39 #dev bob: hi"));
}

Test(view_line, a_terminal_that_is_gone_ends_it)
{
	close(master);
	master = -1;
	view->ops->read(view);
	cr_assert_str_eq(heard.data, "end; ");
	show(MESSAGE);
	view->ops->refresh(view);
	cr_assert(view->ops->is_broken(view));
}

Test(view_line, a_dumb_terminal_is_known)
{
	setenv("TERM", "dumb", 1);
	cr_assert(terminal_is_dumb());
	setenv("TERM", "", 1);
	cr_assert(terminal_is_dumb());
	setenv("TERM", "xterm", 1);
	cr_assert_not(terminal_is_dumb());
	cr_assert_eq(terminal_columns(-1), 80);
}
