#include "client/commands.h"
#include "tests/unit/client/session_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static struct played played;
static struct commands commands;
static struct buf noted;
static struct settings settings;

static void on_note(void *owner, enum note_tone tone, const char *text)
{
	(void)owner;
	buf_append_str(&noted, tone == NOTE_ERROR ? "error: " : "");
	buf_append_str(&noted, text);
}

static void setup(void)
{
	played_create(&played, NULL, 8, false);
	played_log_in(&played, WELCOME(LOBBY, NO_RATE));
	played_receive(&played,
		       "{\"type\":\"room\",\"room\":\"lobby\",\"epoch\":\"e1\",\"first\":1,"
		       "\"head\":9,\"after\":9,\"count\":0,\"members\":1,"
		       "\"topic\":\"Friday\"}");
	played_forget(&played);
	commands_init(&commands, played.session, "lobby", on_note, NULL);
	settings_init(&settings);
	commands.settings = &settings;
}

static void teardown(void)
{
	played_destroy(&played);
	buf_finish(&noted);
}

TestSuite(commands, .init = setup, .fini = teardown);

static void type(const char *line)
{
	buf_reset(&noted);
	commands_run(&commands, line, played.now_ms);
}

/* What was typed sends exactly this. */
static void check(const char *line, const char *sent)
{
	type(line);
	played_sent(&played, sent);
}

static void check_noted(const char *line, const char *part)
{
	check(line, "");
	cr_assert(noted.data && strstr(noted.data, part), "%s: %s", line, noted.data);
}

Test(commands, text_goes_to_the_current_room)
{
	check("hello", "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"lobby\","
		       "\"content\":\"hello\"}\n");
	check("a / b", "{\"type\":\"message\",\"id\":\"k-2\",\"room\":\"lobby\","
		       "\"content\":\"a / b\"}\n");
	check("@bob look", "{\"type\":\"message\",\"id\":\"k-3\",\"room\":\"lobby\","
			   "\"content\":\"@bob look\"}\n");
}

Test(commands, two_slashes_say_one)
{
	check("//etc/passwd", "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"lobby\","
			      "\"content\":\"/etc/passwd\"}\n");
}

Test(commands, nothing_and_blanks_say_nothing)
{
	check("", "");
	check("   ", "");
	check("\t", "");
}

Test(commands, controls_are_taken_out_before_they_are_sent)
{
	check("a\x1b[31mb", "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"lobby\","
			    "\"content\":\"a[31mb\"}\n");
}

Test(commands, an_unknown_command_is_an_error_with_the_nearest_name)
{
	check_noted("/jion dev", "error: There is no /jion. Did you mean /join?");
	check_noted("/histroy", "Did you mean /history?");
	check_noted("/xyzzy", "/help lists the commands");
	cr_assert_null(strstr(noted.data, "Did you mean"));
}

Test(commands, join_enters_a_room_and_talks_there_at_once)
{
	check("/join #Dev", "{\"type\":\"join\",\"id\":\"q-1\",\"room\":\"dev\"}\n");
	check("hi", "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"dev\",\"content\":\"hi\"}\n");
	check_noted("/join", "Usage: /join ROOM");
	check_noted("/join no spaces", "cannot be a room's name");
	cr_assert_str_eq(commands.target, "dev");
}

Test(commands, a_refused_join_goes_back)
{
	type("/join secret");
	cr_assert_str_eq(commands.target, "secret");
	commands_join_refused(&commands, "secret");
	cr_assert_str_eq(commands.target, "lobby");
}

Test(commands, a_refused_join_of_a_room_one_is_in_changes_nothing)
{
	type("/join lobby");
	commands_join_refused(&commands, "lobby");
	cr_assert_str_eq(commands.target, "lobby");
}

Test(commands, leave_leaves_this_room_or_the_one_named)
{
	check("/leave", "{\"type\":\"leave\",\"id\":\"q-1\",\"room\":\"lobby\"}\n");
	check("/part #ops", "{\"type\":\"leave\",\"id\":\"q-2\",\"room\":\"ops\"}\n");
}

Test(commands, when_a_room_is_gone_text_goes_to_another)
{
	type("/join dev");
	commands_room_gone(&commands, "ops");
	cr_assert_str_eq(commands.target, "dev");
	commands_room_gone(&commands, "dev");
	cr_assert_str_eq(commands.target, "lobby");
	played_receive(&played, "{\"type\":\"left\",\"room\":\"lobby\"}\n"
				"{\"type\":\"room\",\"room\":\"ops\",\"epoch\":\"e\",\"after\":0}");
	commands_room_gone(&commands, "lobby");
	cr_assert_str_eq(commands.target, "ops");
}

Test(commands, room_switches_and_joins_where_it_must)
{
	type("/join dev");
	played_forget(&played);
	check("/room lobby", "");
	cr_assert_str_eq(commands.target, "lobby");
	check("/room ops", "{\"type\":\"join\",\"id\":\"q-2\",\"room\":\"ops\"}\n");
	check("/room @bob", "");
	check("hi", "{\"type\":\"message\",\"id\":\"k-1\",\"recipient\":\"bob\","
		    "\"content\":\"hi\"}\n");
}

Test(commands, msg_is_for_one_person)
{
	check("/msg Bob got a minute?",
	      "{\"type\":\"message\",\"id\":\"k-1\",\"recipient\":\"bob\","
	      "\"content\":\"got a minute?\"}\n");
	check("/dm @carol  hi", "{\"type\":\"message\",\"id\":\"k-2\",\"recipient\":\"carol\","
				"\"content\":\"hi\"}\n");
	cr_assert_str_eq(commands.target, "lobby");
	check("/msg bob", "");
	cr_assert_str_eq(commands.target, "@bob");
	check("/leave", "");
	cr_assert_str_eq(commands.target, "lobby");
	check_noted("/msg", "Usage: /msg NAME [TEXT]");
	check_noted("/msg b!b hi", "cannot be anyone's name");
}

Test(commands, me_topic_away_and_back)
{
	check("/me waves", "{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"lobby\","
			   "\"content\":\"waves\",\"kind\":\"me\"}\n");
	check("/topic Release", "{\"type\":\"topic\",\"id\":\"k-2\",\"room\":\"lobby\","
				"\"content\":\"Release\"}\n");
	check("/away lunch", "{\"type\":\"away\",\"id\":\"q-1\",\"content\":\"lunch\"}\n");
	check("/away", "{\"type\":\"away\",\"id\":\"q-2\",\"content\":\"away\"}\n");
	check("/back", "{\"type\":\"away\",\"id\":\"q-3\"}\n");
	check_noted("/topic", "#lobby: Friday");
	check_noted("/me", "Usage: /me TEXT");
}

Test(commands, questions_to_the_server)
{
	check("/rooms", "{\"type\":\"rooms\",\"id\":\"q-1\"}\n");
	check("/rooms de", "{\"type\":\"rooms\",\"id\":\"q-2\",\"match\":\"de\"}\n");
	check("/users", "{\"type\":\"users\",\"id\":\"q-3\",\"room\":\"lobby\"}\n");
	check("/users #ops", "{\"type\":\"users\",\"id\":\"q-4\",\"room\":\"ops\"}\n");
	check("/who Bob", "{\"type\":\"who\",\"id\":\"q-5\",\"user\":\"bob\"}\n");
	check_noted("/who", "Usage: /who NAME");
}

Test(commands, history_goes_back_from_the_oldest_line_seen)
{
	check("/history 5", "{\"type\":\"history\",\"id\":\"q-1\",\"room\":\"lobby\",\"before\":10,"
			    "\"limit\":5}\n");
	played_receive(&played,
		       "{\"type\":\"history\",\"id\":\"q-1\",\"room\":\"lobby\",\"first\":5,"
		       "\"last\":5,\"count\":1}\n"
		       "{\"type\":\"message\",\"room\":\"lobby\",\"seq\":5}");
	check("/history", "{\"type\":\"history\",\"id\":\"q-2\",\"room\":\"lobby\",\"before\":5,"
			  "\"limit\":20}\n");
	check_noted("/history 0", "from 1 to 200");
	check_noted("/history 201", "from 1 to 200");
	check_noted("/history x", "from 1 to 200");
}

Test(commands, quit_has_many_names)
{
	cr_assert_not(commands.quit);
	type("/q");
	cr_assert(commands.quit);
}

Test(commands, help_comes_from_the_table)
{
	type("/help");
	for (size_t i = 0; commands_name(i); i++)
		cr_assert_not_null(strstr(noted.data, commands_name(i)), "%s", commands_name(i));
	check_noted("/help join", "/join ROOM");
	check_noted("/? /dm", "also known as: dm query");
	check_noted("/help jion", "Did you mean /join?");
}

Test(commands, what_is_too_long_is_told)
{
	char line[4100];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	check_noted(line, "too long");
}

Test(commands, completion_knows_what_an_argument_is)
{
	cr_assert_eq(commands_completes("join", 4), COMPLETE_ROOM);
	cr_assert_eq(commands_completes("dm", 2), COMPLETE_USER);
	cr_assert_eq(commands_completes("help", 4), COMPLETE_COMMAND);
	cr_assert_eq(commands_completes("nonsense", 8), COMPLETE_NOTHING);
}

Test(commands, what_is_to_be_remembered_is_set_and_shown)
{
	check_noted("/notify", "notify is bell");
	check_noted("/notify osc9", "notify is osc9");
	cr_assert_eq(settings.notify, NOTIFY_OSC9);
	check_noted("/notify loud", "error: /notify: \"loud\" is not one of");
	check_noted("/notify command", "there is no command yet");
	check_noted("/notify bell", "notify is bell");
	check_noted("/bell off", "bell is off");
	check_noted("/notify bell", "/bell on");
	check_noted("/timestamp %H:%M:%S", "timestamp is %H:%M:%S");
	check_noted("/theme mono", "theme is mono");
	cr_assert_eq(settings.theme, THEME_MONO);
}

Test(commands, people_can_be_ignored_and_heard_again)
{
	check_noted("/ignore", "You ignore nobody.");
	check_noted("/ignore @Bob", "What bob says is not shown");
	check_noted("/ignore eve", "eve");
	check_noted("/ignore bob", "bob");
	check_noted("/ignore", "You ignore bob, eve.");
	check_noted("/ignore a/b", "error: \"a/b\" cannot be anyone's name");
	check_noted("/unignore bob", "What bob says is shown again.");
	check_noted("/unignore bob", "error: You do not ignore bob.");
	check_noted("/unignore", "Usage: /unignore NAME");
	cr_assert(settings_ignores(&settings, "eve"));
	cr_assert_not(settings_ignores(&settings, "bob"));
}

Test(commands, agents_are_asked_and_ordered)
{
	check("/agents", "{\"type\":\"agent\",\"id\":\"q-1\"}\n");
	check("/agent Echo",
	      "{\"type\":\"agent\",\"id\":\"q-2\",\"agent\":\"echo\",\"action\":\"status\"}\n");
	check("/agent echo restart",
	      "{\"type\":\"agent\",\"id\":\"q-3\",\"agent\":\"echo\",\"action\":\"restart\"}\n");
	check_noted("/agent", "Usage: /agent NAME");
	check_noted("/agent echo dance", "Usage: /agent NAME");
}

Test(commands, allow_and_deny_answer_the_newest_question)
{
	check_noted("/allow", "Nothing is asked");
	played_receive(&played,
		       "{\"type\":\"message\",\"room\":\"lobby\",\"seq\":10,\"kind\":\"ask\","
		       "\"options\":[\"allow\",\"deny\"]}");
	check("/allow", "{\"type\":\"answer\",\"id\":\"k-1\",\"room\":\"lobby\",\"target\":10,"
			"\"option\":\"allow\"}\n");
	played_receive(&played,
		       "{\"type\":\"answer\",\"room\":\"lobby\",\"seq\":11,\"target\":10}");
	check_noted("/deny", "Nothing is asked");
}
