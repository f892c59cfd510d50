#include "client/notify.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct settings settings;
static struct notify notify;
static struct server_line line;
static struct session_event event;
static struct buf screen;
static int64_t now_ms;

static void setup(void)
{
	settings_init(&settings);
	notify_init(&notify, &settings, "alice");
	line = (struct server_line){.type = SERVER_LINE_MESSAGE,
				    .room = "ops",
				    .sender = "bob",
				    .content = "@alice look"};
	event = (struct session_event){
		.type = SESSION_EVENT_LINE, .line = &line, .freshness = SESSION_LIVE};
}

static void teardown(void)
{
	notify_finish(&notify);
	settings_finish(&settings);
	buf_finish(&screen);
}

TestSuite(notify, .init = setup, .fini = teardown);

/* What the terminal gets for the event, after a while. */
static const char *told(void)
{
	buf_reset(&screen);
	now_ms += NOTIFY_EVERY_MS;
	notify_event(&notify, &event, now_ms, &screen);
	return screen.len > 0 ? screen.data : "";
}

Test(notify, a_mention_rings_the_bell)
{
	cr_assert_str_eq(told(), "\a");
}

Test(notify, a_direct_message_does_too)
{
	line.content = "hi";
	line.room = "@alice";
	line.recipient = "alice";
	cr_assert_str_eq(told(), "\a");
}

Test(notify, other_lines_are_silent)
{
	line.content = "hi";
	cr_assert_str_eq(told(), "");
	line.content = "@alice";
	line.type = SERVER_LINE_TOPIC;
	cr_assert_str_eq(told(), "");
}

Test(notify, what_is_replayed_is_silent)
{
	event.freshness = SESSION_REPLAY;
	cr_assert_str_eq(told(), "");
	event.freshness = SESSION_HISTORY;
	cr_assert_str_eq(told(), "");
}

Test(notify, ones_own_lines_and_those_of_the_ignored_are_silent)
{
	line.sender = "alice";
	cr_assert_str_eq(told(), "");
	line.sender = "bob";
	cr_assert_eq(settings_set(&settings, "ignore", "bob", &screen), 0);
	cr_assert_str_eq(told(), "");
}

Test(notify, a_flood_rings_once)
{
	now_ms += NOTIFY_EVERY_MS;
	for (unsigned i = 0; i < 100; i++)
		notify_event(&notify, &event, now_ms + i, &screen);
	cr_assert_str_eq(screen.data, "\a");
	notify_event(&notify, &event, now_ms + NOTIFY_EVERY_MS, &screen);
	cr_assert_str_eq(screen.data, "\a\a");
}

Test(notify, the_bell_can_be_off)
{
	settings.bell = false;
	cr_assert_str_eq(told(), "");
	settings.bell = true;
	settings.notify = NOTIFY_OFF;
	cr_assert_str_eq(told(), "");
}

Test(notify, a_sequence_holds_nothing_that_could_end_it)
{
	settings.notify = NOTIFY_OSC9;
	line.content = "@alice 4;2;\x1b\\ \a\x9d \xc2\x9c\u202e\nnext";
	cr_assert_str_eq(told(), "\x1b]9;bob in #ops: @alice 4,2,\\ \ufffd  next\x1b\\");
	settings.notify = NOTIFY_OSC777;
	line.sender = "b;b";
	cr_assert_str_eq(told(), "\x1b]777;notify;b,b in #ops;@alice 4,2,\\ \ufffd  next\x1b\\");
}

Test(notify, a_long_text_is_cut_between_two_characters)
{
	char content[1000] = "@alice ";

	for (size_t at = 7; at + 3 < sizeof(content); at += 3)
		memcpy(content + at, "\u20ac", 3);
	content[sizeof(content) - 1] = '\0';
	line.content = content;
	settings.notify = NOTIFY_OSC9;
	cr_assert_lt(strlen(told()), 260);
	cr_assert_null(strstr(screen.data, "\ufffd"));
	cr_assert_str_eq(screen.data + screen.len - 5, "\u20ac\x1b\\");
}

Test(notify, a_command_gets_the_text_on_its_standard_input)
{
	char path[] = "/tmp/notify-XXXXXX", command[128];
	int fd = mkstemp(path), status;
	struct buf text = BUF_INIT;

	cr_assert_geq(fd, 0);
	snprintf(command, sizeof(command), "cat >%s; echo $# >>%s", path, path);
	settings.notify = NOTIFY_COMMAND;
	cr_assert_eq(settings_set(&settings, "notify-command", command, &text), 0);
	line.content = "@alice $(id) `id`\n;rm -rf \x1b[2J";
	cr_assert_str_eq(told(), "");
	cr_assert_gt(notify.commands[0], 0);
	cr_assert_eq(waitpid(notify.commands[0], &status, 0), notify.commands[0]);
	cr_assert_eq(buf_read_file(&text, path, 4096), 0);
	cr_assert_str_eq(text.data, "bob in #ops\n@alice $(id) `id`\n;rm -rf [2J\n0\n");
	buf_finish(&text);
	close(fd);
	unlink(path);
}

Test(notify, commands_that_never_end_are_not_piled_up)
{
	struct buf why = BUF_INIT;

	settings.notify = NOTIFY_COMMAND;
	cr_assert_eq(settings_set(&settings, "notify-command", "exec sleep 1000", &why), 0);
	for (unsigned i = 0; i < NOTIFY_COMMANDS_MAX + 3; i++)
		told();
	for (unsigned i = 0; i < NOTIFY_COMMANDS_MAX; i++) {
		cr_assert_gt(notify.commands[i], 0);
		kill(notify.commands[i], SIGKILL);
		cr_assert_eq(waitpid(notify.commands[i], NULL, 0), notify.commands[i]);
	}
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1); /* there was no fifth */
}
